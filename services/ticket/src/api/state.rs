//! The state that handlers share.

use std::sync::Arc;

use http_server::extract::RoleTokens;

use crate::client::VacancyClient;

/// The client for vacancy, the limit of a purchase and the tokens.
#[derive(Clone)]
pub struct AppState {
    client: Arc<dyn VacancyClient>,
    qty_max: u64,
    tokens: RoleTokens,
}

impl AppState {
    /// Sells through `client`, at most `qty_max` tickets per purchase, and knows the seller by
    /// `tokens`.
    pub fn new(client: impl VacancyClient, qty_max: u64, tokens: RoleTokens) -> Self {
        Self { client: Arc::new(client), qty_max, tokens }
    }

    /// Returns the tokens of the roles.
    #[must_use]
    pub fn tokens(&self) -> &RoleTokens {
        &self.tokens
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
