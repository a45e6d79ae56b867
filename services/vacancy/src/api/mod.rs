//! The HTTP calls, one per file, grouped by caller: buyers, the ticket service, administrators.

mod admin;
mod age;
mod available;
mod conditional;
mod events;
mod holds;
mod reserve;
mod reserve_batch;
mod state;

use http::Method;
pub use state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Every call, with its documentation.
pub fn router(app: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(available::available))
        .routes(routes!(reserve::reserve))
        .routes(routes!(reserve_batch::reserve_batch))
        .routes(routes!(events::list::list_events))
        .routes(routes!(events::get::get_event))
        .routes(routes!(holds::create::create_hold))
        .routes(routes!(holds::get::get_hold, holds::release::release_hold))
        .routes(routes!(holds::extend::extend_hold))
        .routes(routes!(holds::confirm::confirm_hold))
        .routes(routes!(holds::payment::start_payment))
        .routes(routes!(
            admin::put_event::put_event,
            admin::get_event::get_admin_event,
            admin::delete_event::delete_event
        ))
        .routes(routes!(admin::reservations::list_reservations))
        .routes(routes!(admin::refund::refund_reservation))
        .routes(routes!(admin::sales::list_sales))
        .with_state(app)
}

/// Whether a call finishes something begun earlier: it confirms, pays, releases or extends a hold.
/// Such calls go before new ones.
#[must_use]
pub fn is_urgent(method: &Method, route: &str) -> bool {
    match route.strip_prefix("/api/v1/holds/{id}") {
        Some("") => *method == Method::DELETE,
        Some(rest) => matches!(rest, "/confirm" | "/extend" | "/payment"),
        None => false,
    }
}
