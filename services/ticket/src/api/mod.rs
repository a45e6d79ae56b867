//! The HTTP API of ticket.

mod purchase;
mod state;

pub use state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns all routes, with their documentation.
pub fn router(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(purchase::purchase)).with_state(state)
}
