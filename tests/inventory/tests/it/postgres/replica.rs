//! A process that shares the database, and the ledger it leaves.

use std::{sync::Arc, time::Duration};

use inventory::{Hash, Limits, ledger::Record};
use inventory_engine::{Engine, Environment, Request};
use inventory_postgres::{Postgres, PostgresOptions};
use inventory_store::Reader;

use crate::support::{event, put};

/// A separate process, from the database's view.
pub struct Replica {
    pub postgres: Postgres,
    pub engine: Engine,
}

impl Replica {
    pub async fn start(options: &PostgresOptions) -> Self {
        let postgres = Postgres::open(options.clone());
        assert!(postgres.ready(Duration::from_secs(20)).await);
        let env = Environment::with_clock(Arc::new(postgres.clock()));
        let engine = Engine::start_shared(
            postgres.writers(),
            postgres.reader(),
            Duration::ZERO,
            Limits::default(),
            env,
        );
        Self { postgres, engine }
    }

    pub async fn created(&self, name: &str, capacity: u64) {
        self.engine
            .submit(Request::new(put(name, &[("general", capacity)])))
            .await
            .unwrap()
            .result
            .unwrap();
    }
}

/// The sold quantity by the ledger, which must be complete.
pub async fn sold_by_ledger(postgres: &Postgres, name: &str) -> (u64, Vec<Record>) {
    let records = postgres.reader().records(&event(name), 0, 1_000_000).await.unwrap();
    let (mut prev, mut all) = (Hash::ZERO, Vec::new());
    for (expected, stored) in (1..).zip(&records) {
        let record = Record::from_body(&stored.body).unwrap();
        assert_eq!((record.seq, record.prev), (expected, prev));
        prev = Hash::of(&stored.body);
        all.push(record);
    }
    let sold = all.iter().filter_map(|record| match &record.change {
        inventory::ledger::Change::Sold { items, .. } => Some(items.total()),
        _ => None,
    });
    (sold.sum(), all)
}
