//! Checks the draws of waiting rooms, independently of the code that makes them.
//!
//! It shares the formats of the ledger and of the public documents with the code that writes them,
//! and none of its code: it has its own Merkle tree, its own order of a draw and its own parsing.
//!
//! - [`LedgerVerifier`] takes the records of an event ([`read_bodies`] reads them from a backup or
//!   from a saved sales feed) and checks every place, draw, call, pass and purchase.
//! - [`PublicVerifier`] takes the documents that every visitor can read: the draw, the leaves and
//!   the proof of a place.
//!
//! Both collect up to [`FINDINGS_MAX`] findings. Neither does I/O; the caller supplies the check of
//! a beacon's signature ([`Beacons`]).
#![warn(missing_docs)]

mod beacon;
mod body;
mod canonical;
mod finding;
mod ledger;
mod merkle;
mod order;
mod places;
mod public;
mod reader;
mod report;
mod reveal;
mod text;

pub use beacon::{BeaconCheck, Beacons, ChainInfo};
pub use finding::{FINDINGS_MAX, Finding, FindingKind};
pub use ledger::LedgerVerifier;
pub use public::{PublicReport, PublicVerifier, VerifiedPlace};
pub use reader::{ReadError, read_bodies};
pub use report::{QueueReport, Report, Stage};
pub use text::{Hex, Leaf};
