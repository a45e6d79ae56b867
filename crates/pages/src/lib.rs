//! The pages that buyers see, rendered on the server. They work without scripts, but for the
//! waiting room; scripts keep counts and countdowns current.
//!
//! Every text that comes from a setting or a request is escaped by the template macro. The content
//! security policy allows nothing but the assets of this crate and calls to the service itself.
#![warn(missing_docs)]

mod assets;
mod calls;
mod event;
mod events;
mod form;
mod format;
mod lang;
mod layout;
mod queue;
mod refusal;
mod reservation;

use axum::{
    Router,
    routing::{get, post},
};
use public_api::PublicState;

/// The pages and their assets.
pub fn router(app: PublicState) -> Router {
    Router::new()
        .route("/e/", get(events::list))
        .route("/e", get(async || layout::see_other("/e/")))
        .route("/e/{event}", get(event::show).post(event::hold))
        .route("/r/{reservation}", get(reservation::show))
        .route("/r/{reservation}/buy", post(reservation::buy).get(reservation::back))
        .route("/r/{reservation}/release", post(reservation::release).get(reservation::back))
        .with_state(app)
        .route("/assets/{name}", get(assets::serve))
}
