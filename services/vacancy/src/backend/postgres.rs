//! The stock in a database that other processes share.

use std::{sync::Arc, time::Duration};

use inventory_engine::{Engine, Environment};
use inventory_postgres::{Postgres, PostgresOptions, PostgresWatch, PostgresWebhooks};
use tokio::task::JoinHandle;
use vacancy_service::VacancySettings;

use super::default_event::{self, Creation};

/// Time that a start waits for the database before it serves without it.
const START_MAX: Duration = Duration::from_secs(5);
/// Pause between two tries to create the default event.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// The engine and the database behind it.
pub struct PostgresBackend {
    pub(super) engine: Engine,
    postgres: Postgres,
    creating: JoinHandle<()>,
}

impl PostgresBackend {
    pub(super) async fn open(options: &PostgresOptions, settings: &VacancySettings) -> Self {
        let postgres = Postgres::open(options.clone());
        let env = Environment::with_clock(Arc::new(postgres.clock()));
        let engine = Engine::start_shared(
            postgres.writers(),
            postgres.reader(),
            settings.cache_ttl,
            settings.limits.clone(),
            env,
        );
        tracing::info!(wait_s = START_MAX.as_secs(), "connecting to the database");
        let mut creating =
            tokio::spawn(create_default_event(engine.clone(), settings.initial_stock));
        if tokio::time::timeout(START_MAX, &mut creating).await.is_err() {
            tracing::warn!("database unavailable; serving as not ready");
        }
        Self { engine, postgres, creating }
    }

    pub(super) fn watch(&self) -> PostgresWatch {
        self.postgres.watch()
    }

    pub(super) fn webhooks(&self) -> PostgresWebhooks {
        self.postgres.webhooks()
    }

    pub(super) async fn close(self) {
        self.creating.abort();
        self.engine.stop().await;
        drop(self.postgres);
        tracing::info!("database connections closed");
    }
}

/// Tries until the event is there; whichever process comes first creates it.
async fn create_default_event(engine: Engine, initial_stock: u64) {
    loop {
        match default_event::create(&engine, initial_stock).await {
            Ok(Creation::Exists) => return,
            Ok(Creation::Retry(error)) => {
                tracing::debug!(%error, "cannot create the default event yet; retrying");
            }
            Err(error) => {
                tracing::error!(%error, "cannot create the default event; giving up");
                return;
            }
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}
