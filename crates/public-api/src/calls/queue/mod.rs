//! The calls of waiting rooms.

pub mod challenge;
pub mod draw;
pub mod join;
pub mod leaves;
pub mod pass;
pub mod place;
pub mod proof;
pub mod stream;

use http::StatusCode;
use http_server::Problem;
use inventory::EventName;
use vacancy_api::{QueueReading, queue_not_found};

use super::events::find_event;
use crate::{at_least::AtLeast, state::PublicState};

/// The waiting room of an event.
async fn find_queue(app: &PublicState, event: &EventName) -> Result<QueueReading, Problem> {
    let reading = find_event(app, event, AtLeast(None)).await?;
    reading.frame.queue.clone().ok_or_else(queue_not_found)
}

fn draw_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "draw_not_found",
        "Draw not found",
        "The waiting room has no draw, or people can still join it.",
    )
}
