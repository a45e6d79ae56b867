//! `POST /api/v1/admin/webhooks/{webhook}/replay`.

use axum::{Json, extract::State};
use http_server::{
    Problem,
    extract::{JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::EventName;
use vacancy_api::{
    AdminErrors, BodyErrors, ReplayBody, Unavailable, Webhook, WebhookNotFound, WebhookParam,
};

use super::{ends, find, missing, problem, shown};
use crate::api::state::{Admin, AppState};

/// Deliver records again
///
/// The receiver gets the records of `event` after `after`, in order. A paused receiver resumes.
#[utoipa::path(
    post,
    path = "/api/v1/admin/webhooks/{webhook}/replay",
    tag = "webhooks",
    security(("admin" = [])),
    request_body = ReplayBody,
    params(WebhookParam),
    responses(
        (status = OK, body = Webhook),
        (
            status = BAD_REQUEST,
            description = "The body is not JSON",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        AdminErrors,
        WebhookNotFound,
        (
            status = UNPROCESSABLE_ENTITY,
            description = "A member is invalid, or the ledger ends before `after`",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        BodyErrors,
        Unavailable,
    )
)]
pub async fn replay_webhook(
    _: Admin,
    State(app): State<AppState>,
    PathParams(name): PathParams<EventName>,
    JsonBody(body): JsonBody<ReplayBody>,
) -> Result<Json<Webhook>, Problem> {
    let ends = ends(&app).await?;
    let end = ends.get(&body.event).copied();
    let end = end.ok_or_else(|| {
        Problem::validation(format!("The event '{}' does not exist.", body.event))
    })?;
    if body.after > end {
        return Err(Problem::validation(format!(
            "after is {}, but the event's ledger ends at {end}.",
            body.after
        )));
    }
    if !app.webhooks().replay(name.to_string(), body.event, body.after).await.map_err(problem)? {
        return Err(missing());
    }
    let (webhook, endpoint) = find(&app, &name).await?;
    Ok(Json(shown(&webhook, &endpoint, &ends)))
}
