//! The PostgreSQL store: stock in a database that several processes share.
//!
//! A batch is one transaction of two round trips: `load` locks the rows of its events in the order
//! of their names and reads their data, and `commit` writes with one statement for each table and
//! commits. An event's row is held from load to commit, so its ledger stays ordered, chained and
//! gap-free with any number of writers. Nothing belongs to a session — no prepared statement, no
//! setting, no lock — so a pooler may hand every transaction to another connection.

mod clock;
mod commit;
mod connection;
mod context;
mod counts;
mod errors;
mod health;
mod load;
mod lookup_index;
mod migrate;
mod monitor;
mod options;
mod reader;
mod resolve;
mod rows;
mod snapshot;
mod sql;
mod tls;
mod url;
mod webhooks;
mod writer;

use std::{sync::Arc, time::Duration};

pub use clock::DatabaseClock;
use context::StoreContext;
pub use counts::Counts;
use inventory_store::StoreError;
pub use options::{PostgresOptions, TimeSource};
pub use reader::PostgresReader;
pub use snapshot::Snapshot;
pub use tls::TlsError;
use tokio::task::JoinHandle;
pub use url::{Target, UrlError};
pub use webhooks::PostgresWebhooks;
pub use writer::PostgresStore;

/// A database that is kept watch over. Connections are made when they are needed; dropping this
/// ends the watch.
pub struct Postgres {
    context: Arc<StoreContext>,
    reader: Arc<PostgresReader>,
    monitor: JoinHandle<()>,
    indexer: JoinHandle<()>,
}

impl Postgres {
    /// Begins to look for the database; it need not be there yet. To be called within a runtime.
    #[must_use]
    pub fn open(options: PostgresOptions) -> Self {
        let context = Arc::new(StoreContext::new(options));
        let monitor = tokio::spawn(monitor::run(context.clone()));
        let indexer = tokio::spawn(lookup_index::run(context.clone()));
        let reader = Arc::new(PostgresReader::new(context.clone()));
        Self { context, reader, monitor, indexer }
    }

    /// Waits until the database is available, at most `limit`; returns whether it is.
    pub async fn ready(&self, limit: Duration) -> bool {
        self.context.health.is_up_within(limit).await
    }

    /// Whether the database was available when last seen.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with a reason that may be shown to clients.
    pub fn check(&self) -> Result<(), StoreError> {
        self.context.health.check()
    }

    /// A writer with a connection of its own.
    #[must_use]
    pub fn writer(&self) -> PostgresStore {
        PostgresStore::new(self.context.clone(), self.reader.clone())
    }

    /// As many writers as the options say.
    #[must_use]
    pub fn writers(&self) -> Vec<PostgresStore> {
        (0..self.context.options.writers).map(|_| self.writer()).collect()
    }

    /// The reader.
    #[must_use]
    pub fn reader(&self) -> Arc<PostgresReader> {
        self.reader.clone()
    }

    /// The receivers of the ledger.
    #[must_use]
    pub fn webhooks(&self) -> PostgresWebhooks {
        PostgresWebhooks::new(self.reader.clone())
    }

    /// The database's clock.
    #[must_use]
    pub fn clock(&self) -> DatabaseClock {
        DatabaseClock(self.context.clock.clone())
    }

    /// A handle for the counters.
    #[must_use]
    pub fn watch(&self) -> PostgresWatch {
        PostgresWatch(self.context.clone())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.monitor.abort();
        self.indexer.abort();
        self.reader.close();
    }
}

/// The source of the store's metrics.
#[derive(Clone)]
pub struct PostgresWatch(Arc<StoreContext>);

impl PostgresWatch {
    /// Counters since the start.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Whether the database is available.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.0.health.check().is_ok()
    }
}
