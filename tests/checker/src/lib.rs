//! Checks a history of requests and answers against its ledgers.
//!
//! - **I1** held and sold tickets are within capacity at every prefix of a ledger, and within the
//!   customer's limit;
//! - **I2** every acknowledged write is in its ledger, at the `seq` of its answer and with the same
//!   content;
//! - **I3** available + held + sold = capacity at every record, and the hash chain is whole;
//! - **I4** a key has one effect, written in the record of that effect, and every answer to it is
//!   that effect's;
//! - **I5** the state at its `seq` explains every answer, and a request that was answered before
//!   another one was sent comes before it.
//!
//! A request without an answer may take effect at any later time, or never.

mod check;
mod finding;
mod history;
mod http;
mod index;
mod realtime;

pub use check::{Checked, check};
pub use finding::{Finding, Invariant};
pub use history::{Answer, Ask, Call, History, Open};
pub use http::{answer, counts, ledger, reserve_kind};

/// The ledgers: every event with its record bodies, in order.
pub type Ledgers = Vec<(inventory::EventName, Vec<Vec<u8>>)>;
