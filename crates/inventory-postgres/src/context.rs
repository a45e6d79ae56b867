//! The state that writers, readers and the monitor share.

use std::sync::Arc;

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
            clock: Arc::new(ClockOffset::new()),
            options,
        }
    }
}
