//! The embedded store: fjall, a log-structured store in Rust, fsynced before every response.
//!
//! One process owns the data directory. Counts of events and the expiry times of live holds are
//! cached in memory. Holds, keys, customers and the ledger stay on disk, so memory does not grow
//! with history.

mod commit;
mod contents;
mod data_dir;
mod errors;
mod journal;
mod journal_preallocator;
mod keys;
mod ledger_source;
mod live;
mod load;
mod lookup;
mod lookup_builder;
mod migrate;
mod open;
mod options;
mod presence;
mod reader;
pub mod rows;
mod staged;
mod store;
pub mod tables;
mod waiting;
mod watermark;
mod webhooks;

pub use data_dir::{
    DataDir, DataDirError, FORMAT, FORMAT_BASE, StoreDir, check_format, read_watermark,
};
pub use ledger_source::LedgerSource;
pub use options::EmbeddedOptions;
pub use staged::StagedRestore;
pub use store::EmbeddedStore;
pub use tables::Tables;
pub use webhooks::EmbeddedWebhooks;
