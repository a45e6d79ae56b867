//! The calls of ticket.

mod purchase;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::client::VacancyClient;

/// What the handlers share.
#[derive(Clone)]
pub struct Shop {
    client: Arc<dyn VacancyClient>,
    qty_max: u64,
}

impl Shop {
    /// Sells through `client`, at most `qty_max` at once.
    pub fn new(client: impl VacancyClient, qty_max: u64) -> Self {
        Self { client: Arc::new(client), qty_max }
    }

    /// The way to vacancy.
    #[must_use]
    pub fn client(&self) -> &Arc<dyn VacancyClient> {
        &self.client
    }
}

/// Every call, with its documentation.
pub fn router(shop: Shop) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(purchase::purchase)).with_state(shop)
}
