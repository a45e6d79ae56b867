//! The stock room: the engine with its store open, and what is done with both from outside HTTP.

mod default_event;
mod embedded;
mod postgres;

use std::io;

use embedded::EmbeddedRoom;
pub use embedded::accept;
use inventory_embedded::{DataDirError, LedgerSource};
use inventory_engine::Engine;
use inventory_postgres::PostgresWatch;
use inventory_store::StoreError;
use postgres::PostgresRoom;
use thiserror::Error;

use crate::{api::DEFAULT_EVENT, control::Restored, settings::VacancySettings};

/// Why the stock room did not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store cannot be opened.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The store's files make no sense.
    #[error("the store cannot be opened, its files are damaged: {0}. Restore a backup")]
    Damaged(String),
    /// The committer cannot be started.
    #[error("the committer cannot be started: {0}")]
    Committer(io::Error),
    /// The default event cannot be created.
    #[error("event '{DEFAULT_EVENT}' cannot be created: {0}")]
    DefaultEvent(String),
}

/// Why an open stock room has to close.
pub enum Closing {
    /// The store failed: end the process, recovery decides.
    Failed(StoreError),
    /// A restored store is complete: close, accept it, and open again.
    Restored(Restored),
}

/// The engine over the store that the settings name.
pub enum StockRoom {
    /// The stock is in DATA_DIR.
    Embedded(EmbeddedRoom),
    /// The stock is in the database at STORE_URL.
    Postgres(PostgresRoom),
}

impl StockRoom {
    /// Opens the store, and creates the default event if there has never been one. A database need
    /// not be there yet.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(settings: &VacancySettings) -> Result<Self, OpenError> {
        match &settings.postgres {
            None => EmbeddedRoom::open(settings).await.map(Self::Embedded),
            Some(options) => Ok(Self::Postgres(PostgresRoom::open(options, settings).await)),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        match self {
            Self::Embedded(room) => &room.engine,
            Self::Postgres(room) => &room.engine,
        }
    }

    /// What is counted about a database.
    #[must_use]
    pub fn watch(&self) -> Option<PostgresWatch> {
        match self {
            Self::Embedded(_) => None,
            Self::Postgres(room) => Some(room.watch()),
        }
    }

    /// Waits until it has to close by itself. When that is for a restored store, nothing is sold
    /// from this one any more.
    pub async fn closing(&self) -> Closing {
        match self {
            Self::Embedded(room) => room.closing().await,
            Self::Postgres(room) => Closing::Failed(room.engine.failed().await),
        }
    }

    /// Ends what is under way, writes what is waiting and closes the store.
    pub async fn close(self) {
        match self {
            Self::Embedded(room) => room.close().await,
            Self::Postgres(room) => room.close().await,
        }
    }
}

/// Copies of a running store's ledger go through this handle.
pub(crate) type Source = LedgerSource;
