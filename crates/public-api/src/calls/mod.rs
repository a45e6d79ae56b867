//! The calls, one per file.

mod available;
mod events;
mod holds;
mod queue;
mod refund;
mod reservations;
mod tickets;
mod waitlist;

pub use events::find_event;
pub use holds::{find_hold, hold_of};
use http::Method;
pub use tickets::list::signed_tickets;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::PublicState;

/// Every call, with its documentation.
pub fn router(app: PublicState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(available::available))
        .routes(routes!(events::list::list_events))
        .routes(routes!(events::get::get_event))
        .routes(routes!(events::stream::stream_event))
        .routes(routes!(holds::create::create_hold))
        .routes(routes!(holds::get::get_hold, holds::release::release_hold))
        .routes(routes!(holds::extend::extend_hold))
        .routes(routes!(holds::confirm::confirm_hold))
        .routes(routes!(holds::payment::start_payment))
        .routes(routes!(queue::join::join_queue))
        .routes(routes!(queue::challenge::get_challenge))
        .routes(routes!(queue::stream::stream_queue))
        .routes(routes!(queue::place::read_place))
        .routes(routes!(queue::pass::claim_pass))
        .routes(routes!(queue::draw::read_draw))
        .routes(routes!(queue::leaves::list_leaves))
        .routes(routes!(queue::proof::prove_place))
        .routes(routes!(waitlist::join::join_waitlist))
        .routes(routes!(waitlist::leave::leave_waitlist))
        .routes(routes!(refund::refund_reservation))
        .routes(routes!(reservations::list_reservations))
        .routes(routes!(tickets::list::list_tickets))
        .routes(routes!(tickets::image::read_ticket_image))
        .routes(routes!(tickets::keys::read_ticket_keys))
        .with_state(app)
}

/// Whether a call, or the form of a page, finishes something begun earlier: it confirms, pays,
/// releases or extends a hold.
/// Such calls go before new ones.
#[must_use]
pub fn is_urgent(method: &Method, route: &str) -> bool {
    if matches!(route, "/r/{reservation}/buy" | "/r/{reservation}/release") {
        return *method == Method::POST;
    }
    match route.strip_prefix("/api/v1/holds/{id}") {
        Some("") => *method == Method::DELETE,
        Some(rest) => matches!(rest, "/confirm" | "/extend" | "/payment"),
        None => false,
    }
}
