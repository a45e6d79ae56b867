//! The calls that read events.

pub mod get;
pub mod list;

use http_server::Problem;
use inventory::{EventName, Refusal, RefusalKind};
use inventory_engine::EventSnapshot;
use vacancy_api::problem_of_refusal;
use vacancy_service::problem_of_engine;

use super::state::AppState;

/// The event, unless it was deleted.
pub(super) async fn find(app: &AppState, event: &EventName) -> Result<EventSnapshot, Problem> {
    let seen = app.engine().event(event).await.map_err(|error| problem_of_engine(&error))?;
    seen.filter(|seen| !seen.view.event.is_deleted())
        .ok_or_else(|| problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::EventNotFound }))
}
