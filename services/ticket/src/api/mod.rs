//! The HTTP API of ticket: the sale at once, and the calls that vacancy serves too.

mod purchase;

use public_api::PublicState;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the routes of ticket alone, with their documentation.
pub fn router(state: PublicState) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(purchase::purchase)).with_state(state)
}

/// Returns all public routes, with their documentation; the pages have none.
pub fn public_router(state: PublicState) -> OpenApiRouter {
    let pages = pages::router(state.clone());
    router(state.clone()).merge(public_api::router(state)).merge(pages.into())
}
