//! The HTTP calls that ticket does not serve, one per file: for administrators, for the ticket
//! service, and the sale as the original system has it. The others are in [`public_api`].

mod admin;
mod batch;
mod batch_entry;
mod internal;
mod reserve;
mod reserve_batch;
mod state;

use http::Method;
pub use state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Every call, with its documentation.
pub fn router(app: AppState) -> OpenApiRouter {
    let public = public_api::router(app.public().clone());
    OpenApiRouter::new()
        .routes(routes!(reserve::reserve))
        .routes(routes!(reserve_batch::reserve_batch))
        .routes(routes!(internal::batch::submit_batch))
        .routes(routes!(internal::events::stream_events))
        .routes(routes!(
            admin::put_event::put_event,
            admin::get_event::get_admin_event,
            admin::delete_event::delete_event
        ))
        .routes(routes!(admin::queue::one::pause_queue))
        .routes(routes!(admin::queue::one::resume_queue))
        .routes(routes!(admin::queue::all::pause_queues))
        .routes(routes!(admin::queue::all::resume_queues))
        .routes(routes!(admin::sales::list_sales))
        .routes(routes!(admin::webhooks::list::list_webhooks))
        .routes(routes!(
            admin::webhooks::put::put_webhook,
            admin::webhooks::get::get_webhook,
            admin::webhooks::delete::delete_webhook
        ))
        .routes(routes!(admin::webhooks::replay::replay_webhook))
        .routes(routes!(admin::webhooks::test::test_webhook))
        .with_state(app)
        .merge(public)
}

/// Whether a call goes before new ones: it finishes something begun earlier, or ticket, which
/// bounds its calls, may ask for that in it.
#[must_use]
pub fn is_urgent(method: &Method, route: &str) -> bool {
    route == "/api/v1/internal/batch" || public_api::is_urgent(method, route)
}
