//! The state that handlers share.

use std::sync::Arc;

use crate::client::VacancyClient;

/// The client for vacancy and the limit of a purchase.
#[derive(Clone)]
pub struct AppState {
    client: Arc<dyn VacancyClient>,
    qty_max: u64,
}

impl AppState {
    /// Sells through `client`, at most `qty_max` tickets per purchase.
    pub fn new(client: impl VacancyClient, qty_max: u64) -> Self {
        Self { client: Arc::new(client), qty_max }
    }

    /// Returns the client for vacancy.
    #[must_use]
    pub fn client(&self) -> &Arc<dyn VacancyClient> {
        &self.client
    }

    /// Returns the most tickets of one purchase.
    #[must_use]
    pub fn qty_max(&self) -> u64 {
        self.qty_max
    }
}
