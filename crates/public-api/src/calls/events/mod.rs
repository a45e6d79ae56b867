//! The calls that read events.

pub mod get;
pub mod list;
pub mod stream;

use http_server::Problem;
use inventory::EventName;
use vacancy_api::event_not_found;

use crate::{at_least::AtLeast, reading::EventReading, state::PublicState};

/// The event, unless it was deleted.
///
/// # Errors
/// A 404 problem, 422 when the record that it must include does not exist, or 503.
pub async fn find_event(
    app: &PublicState,
    event: &EventName,
    at_least: AtLeast,
) -> Result<EventReading, Problem> {
    let reading = app.client().event(event, at_least.0).await;
    let reading = reading.map_err(|error| error.into_problem().0)?;
    let reading = reading.filter(|reading| !reading.frame.deleted).ok_or_else(event_not_found)?;
    at_least.check(reading.frame.event.seq)?;
    Ok(reading)
}
