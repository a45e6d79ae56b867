//! The stock in a database that other processes share.

use std::{sync::Arc, time::Duration};

use inventory_engine::{Engine, Environment};
use inventory_postgres::{Postgres, PostgresOptions, PostgresWatch};
use tokio::task::JoinHandle;

use super::default_event;
use crate::settings::VacancySettings;

/// How long a start waits for the database before it serves without one.
const START_MAX: Duration = Duration::from_secs(5);
/// How often the default event is tried to be created.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// The engine and the database behind it.
pub struct PostgresRoom {
    pub(super) engine: Engine,
    postgres: Postgres,
    creating: JoinHandle<()>,
}

impl PostgresRoom {
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
        tracing::info!(wait_s = START_MAX.as_secs(), "looking for the database");
        let mut creating =
            tokio::spawn(create_default_event(engine.clone(), settings.initial_stock));
        if tokio::time::timeout(START_MAX, &mut creating).await.is_err() {
            tracing::warn!("serving without the database: not ready until it can be used");
        }
        Self { engine, postgres, creating }
    }

    pub(super) fn watch(&self) -> PostgresWatch {
        self.postgres.watch()
    }

    pub(super) async fn close(self) {
        self.creating.abort();
        self.engine.stop().await;
        drop(self.postgres);
        tracing::info!("the connections to the database are closed");
    }
}

/// Tries until the event is there; whichever process comes first creates it.
async fn create_default_event(engine: Engine, initial_stock: u64) {
    loop {
        match default_event::create(&engine, initial_stock).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::debug!(%error, "the default event cannot be created yet"),
            Err(error) => {
                tracing::error!(%error, "it will not be tried again");
                return;
            }
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}
