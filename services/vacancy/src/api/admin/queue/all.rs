//! `POST /api/v1/admin/queues/pause` and `…/resume`.

use axum::{Json, extract::State};
use vacancy_api::{AdminErrors, Failure, QueuePauseList, Unavailable};
use vacancy_service::problem_of_engine;

use super::set_paused;
use crate::api::state::{Admin, AppState};

/// Stop calling places of all events
///
/// As for one event, for each that has a waiting room now.
#[utoipa::path(
    post,
    path = "/api/v1/admin/queues/pause",
    tag = "admin",
    security(("admin" = [])),
    responses(
        (status = OK, body = QueuePauseList),
        AdminErrors,
        Unavailable,
    )
)]
pub async fn pause_queues(
    _: Admin,
    State(app): State<AppState>,
) -> Result<Json<QueuePauseList>, Failure> {
    set_all_paused(&app, true).await
}

/// Go on calling places of all events
///
/// As for one event, for each that has a waiting room now.
#[utoipa::path(
    post,
    path = "/api/v1/admin/queues/resume",
    tag = "admin",
    security(("admin" = [])),
    responses(
        (status = OK, body = QueuePauseList),
        AdminErrors,
        Unavailable,
    )
)]
pub async fn resume_queues(
    _: Admin,
    State(app): State<AppState>,
) -> Result<Json<QueuePauseList>, Failure> {
    set_all_paused(&app, false).await
}

async fn set_all_paused(app: &AppState, paused: bool) -> Result<Json<QueuePauseList>, Failure> {
    let mut events = Vec::new();
    let visited = app.engine().visit_events(|seen| {
        if seen.view.event.queue.is_some() {
            events.push(seen.view.event.name.clone());
        }
    });
    visited.await.map_err(|error| problem_of_engine(&error))?;
    let mut queues = Vec::with_capacity(events.len());
    for event in events {
        queues.push(set_paused(app, event, paused).await?);
    }
    Ok(Json(QueuePauseList { queues }))
}
