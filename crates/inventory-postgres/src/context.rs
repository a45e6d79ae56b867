//! The state that writers, readers and the monitor share.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{
    clock::ClockOffset,
    counts::Counts,
    health::DatabaseHealth,
    load::{begin, begin_batch},
    options::PostgresOptions,
    sql::Sql,
};

pub struct StoreContext {
    pub options: PostgresOptions,
    pub sql: Sql,
    /// Begins a batch.
    pub begin_batch: String,
    /// Begins any other transaction that writes.
    pub begin: String,
    pub health: DatabaseHealth,
    pub counts: Counts,
    /// An index of reservations is missing or cannot be used.
    pub index_missing: Notify,
    pub clock: Arc<ClockOffset>,
}

impl StoreContext {
    pub fn new(options: PostgresOptions) -> Self {
        Self {
            sql: Sql::new(&options.schema),
            begin_batch: begin_batch(&options),
            begin: begin(&options),
            health: DatabaseHealth::new(),
            counts: Counts::default(),
            index_missing: Notify::new(),
            clock: Arc::new(ClockOffset::new()),
            options,
        }
    }
}
