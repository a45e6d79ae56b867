//! The state that callers and committers share.

use std::sync::Arc;

use inventory::Limits;
use inventory_store::EventView;

use crate::{environment::Environment, in_flight::KeysInFlight, stats::Stats, views::Views};

/// The state that callers and committers share.
#[derive(Clone)]
pub struct Parts {
    pub views: Arc<Views>,
    pub env: Environment,
    pub limits: Arc<Limits>,
    pub stats: Arc<Stats>,
    pub keys: Arc<KeysInFlight>,
}

impl Parts {
    pub fn new(views: Vec<EventView>, limits: Limits, env: Environment) -> Self {
        Self {
            views: Arc::new(Views::new(views)),
            env,
            limits: Arc::new(limits),
            stats: Arc::default(),
            keys: Arc::default(),
        }
    }
}
