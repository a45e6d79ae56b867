//! State that requests share: of one router, and of one route.

use std::sync::Arc;

use telemetry::{Metrics, RouteCache};
use tokio::sync::Semaphore;

use super::{
    log_budget::LogBudget, negotiate::Negotiation, quota::Quotas, settings::RequestSettings,
};

/// Shared by all routes of one router.
pub struct SharedState {
    pub settings: RequestSettings,
    pub metrics: Metrics,
    pub negotiation: Negotiation,
    /// One permit for each body that may be slow at the same time.
    pub slow_bodies: Arc<Semaphore>,
    pub quotas: Option<Quotas>,
    pub warnings: LogBudget,
}

/// Shared by the requests of one route.
pub struct RouteState {
    pub shared: Arc<SharedState>,
    pub cache: RouteCache,
}
