//! `verify` and `export`: reading ledgers from any location, without changing anything.

mod exit;
mod export;
mod formula;
mod http;
mod source;
mod verify;

pub use export::{ExportArgs, run_export};
pub use http::HttpFeed;
pub(crate) use source::options_for;
pub use source::{LedgerLocation, SourceArgs};
pub use verify::run_verify;
