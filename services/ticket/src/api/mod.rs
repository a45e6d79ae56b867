//! The HTTP API of ticket: the sale at once, and the calls that vacancy serves too.

mod purchase;

use http::Method;
use public_api::PublicState;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the routes of ticket alone, with their documentation.
pub fn router(state: PublicState) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(purchase::purchase)).with_state(state)
}

/// Returns all public routes, with their documentation.
pub fn public_router(state: PublicState) -> OpenApiRouter {
    router(state.clone()).merge(public_api::router(state))
}

/// Whether a call finishes something begun earlier. Such calls go before new ones.
#[must_use]
pub fn is_urgent(method: &Method, route: &str) -> bool {
    public_api::is_urgent(method, route)
}
