//! Checks ledgers, independently of the rules that wrote them.
//!
//! [`Auditor`] takes the records of every event in order and keeps its own sums: it shares the
//! format of records with [`inventory::decide`], and none of its code. A [`Feed`] yields records in
//! order: a stopped store, a backup, a running service, a database. For a stopped store and for a
//! database, [`verify_data_dir`] and [`verify_database`] also compare every stored row with the
//! ledger. Memory is bounded: large tables of holds, keys and customers go to a scratch directory.

mod audit;
mod backup_feed;
mod balance;
mod database;
mod effects;
mod error;
mod event;
mod feed;
mod keys;
mod money;
mod offers;
mod options;
mod overtaken;
mod queue;
mod readonly;
mod report;
mod run;
mod spill;
mod state;
mod violation;
mod waitlist;

pub use audit::{Audited, Auditor};
pub use backup_feed::BackupFeed;
pub use balance::Counts;
pub use database::{DatabaseFeed, verify_database};
pub use error::{FeedError, VerifyError};
pub use event::EventAudit;
pub use feed::{Entry, Feed, ReaderFeed};
pub use options::VerifyOptions;
pub use readonly::ReadOnlyStore;
pub use report::Report;
pub use run::{audit, verify_backup, verify_data_dir};
pub use violation::{Position, Violation, ViolationKind};
