//! What writers, readers and the keeper of a store have in common.

use std::sync::Arc;

use super::{
    gate::Gate,
    load::{begin, begin_batch},
    options::PostgresOptions,
    sql::Sql,
};

pub(super) struct Common {
    pub options: PostgresOptions,
    pub sql: Sql,
    /// Begins a batch.
    pub begin_batch: String,
    /// Begins any other transaction that writes.
    pub begin: String,
    pub gate: Arc<Gate>,
}

impl Common {
    pub fn new(options: PostgresOptions) -> Self {
        Self {
            sql: Sql::new(&options.schema),
            begin_batch: begin_batch(&options),
            begin: begin(&options),
            gate: Arc::new(Gate::new()),
            options,
        }
    }
}
