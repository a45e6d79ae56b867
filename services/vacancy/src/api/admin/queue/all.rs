//! `POST /api/v1/admin/queues/pause` and `…/resume`.

use axum::{Json, extract::State};
use http::StatusCode;
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
    let (mut queues, mut failed) = (Vec::with_capacity(events.len()), None);
    for event in events {
        match set_paused(app, event, paused).await {
            Ok(queue) => queues.push(queue),
            // Its waiting room is gone by now.
            Err(failure) if failure.status() == StatusCode::NOT_FOUND => {}
            // The others are not to wait for it. The call is repeated for the rest.
            Err(failure) => failed = Some(failure),
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(Json(QueuePauseList { queues })),
    }
}
