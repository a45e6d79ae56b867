//! The engine over either store.

use std::sync::Arc;

use inventory_engine::Engine;
use inventory_postgres::PostgresWatch;
use inventory_store::WebhookStore;
use vacancy_service::VacancySettings;

use super::{
    closing::Closing, embedded::EmbeddedBackend, error::OpenError, postgres::PostgresBackend,
};

/// The engine over the store that the settings name.
pub enum StockBackend {
    /// The stock is in DATA_DIR.
    Embedded(EmbeddedBackend),
    /// The stock is in the database at STORE_URL.
    Postgres(PostgresBackend),
}

impl StockBackend {
    /// Opens the store, and creates the default event if there has never been one. A database need
    /// not be there yet.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(settings: &VacancySettings) -> Result<Self, OpenError> {
        match &settings.postgres {
            None => EmbeddedBackend::open(settings).await.map(Self::Embedded),
            Some(options) => Ok(Self::Postgres(PostgresBackend::open(options, settings).await)),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        match self {
            Self::Embedded(backend) => &backend.engine,
            Self::Postgres(backend) => &backend.engine,
        }
    }

    /// The receivers of the ledger.
    #[must_use]
    pub fn webhooks(&self) -> Arc<dyn WebhookStore> {
        match self {
            Self::Embedded(backend) => Arc::new(backend.webhooks.clone()),
            Self::Postgres(backend) => Arc::new(backend.webhooks()),
        }
    }

    /// The counters of the database.
    #[must_use]
    pub fn watch(&self) -> Option<PostgresWatch> {
        match self {
            Self::Embedded(_) => None,
            Self::Postgres(backend) => Some(backend.watch()),
        }
    }

    /// Waits until the backend has to close by itself. For a restored store, the engine over the
    /// old store is stopped first.
    pub async fn closing(&self) -> Closing {
        match self {
            Self::Embedded(backend) => backend.closing().await,
            Self::Postgres(backend) => Closing::Failed(backend.engine.failed().await),
        }
    }

    /// Ends running copies, commits queued requests and closes the store.
    pub async fn close(self) {
        match self {
            Self::Embedded(backend) => backend.close().await,
            Self::Postgres(backend) => backend.close().await,
        }
    }
}
