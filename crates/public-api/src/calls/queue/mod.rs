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
use signing::SigningKeys;
use vacancy_api::{QueueReading, queue_not_found, signing_keys_missing};

use super::events::find;
use crate::{at_least::AtLeast, state::PublicState};

/// The waiting room of an event.
async fn find_queue(app: &PublicState, event: &EventName) -> Result<QueueReading, Problem> {
    let reading = find(app, event, AtLeast(None)).await?;
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

/// The keys that sign places and passes.
fn keys(app: &PublicState) -> Result<SigningKeys, Problem> {
    app.signing_keys().ok_or_else(|| {
        signing_keys_missing("The service has no signing keys: SIGNING_KEYS_FILE is not set.")
    })
}
