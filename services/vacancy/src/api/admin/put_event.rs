//! `PUT /api/v1/admin/events/{event}`.

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, EventName, Outcome, Refusal, RefusalKind};
use vacancy_api::{
    AdminErrors, BodyErrors, EVENT_SEQ, Event, Failure, PutEventBody, Unavailable, unexpected,
};
use vacancy_service::problem_of_engine;

use super::if_match::IfMatch;
use crate::api::{
    events::etag,
    state::{Admin, AppState},
};

/// Create an event, or set its capacities and settings
///
/// An omitted stock is removed and an omitted setting is reset. With `If-Match`, the call fails if
/// the event changed in the meantime.
#[utoipa::path(
    put,
    path = "/api/v1/admin/events/{event}",
    tag = "admin",
    security(("admin" = [])),
    request_body = PutEventBody,
    params(
        (
            "event" = String,
            Path,
            description = "The event",
            min_length = 1,
            max_length = 64,
            pattern = r"^[a-z0-9][a-z0-9_.-]*$",
        ),
        ("If-Match" = Option<String>, Header, description = "The ETag of the version to change"),
    ),
    responses(
        (
            status = OK,
            body = Event,
            headers(
                ("ETag" = String, description = "The version of the settings and capacities"),
                ("Event-Seq" = u64, description = "The `seq` of the response"),
            ),
        ),
        (
            status = CREATED,
            body = Event,
            headers(
                ("ETag" = String, description = "The version of the settings and capacities"),
                ("Event-Seq" = u64, description = "The `seq` of the response"),
            ),
        ),
        (
            status = BAD_REQUEST,
            description = "The body is not JSON, or If-Match is malformed",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        AdminErrors,
        (
            status = NOT_FOUND,
            description = "The name is not valid for an event",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = CONFLICT,
            description = "A capacity is below the quantity held and sold",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = PRECONDITION_FAILED,
            description = "The event changed in the meantime",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        (
            status = UNPROCESSABLE_ENTITY,
            description = "A field is invalid",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn put_event(
    _: Admin,
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<PutEventBody>,
) -> Result<Response, Failure> {
    let settings = body
        .settings(app.engine().limits())
        .map_err(|error| Problem::validation(format!("{error}.")))?;
    let if_settings_seq = match IfMatch::from_headers(&headers)? {
        None => None,
        Some(wanted) => Some(version(&app, &event, &wanted).await?),
    };
    let kind = CommandKind::PutEvent {
        event: event.clone(),
        capacities: body.stocks,
        settings,
        if_settings_seq,
        only_create: false,
    };
    let reply = app.submit(kind, IdempotencyKey(None), CallerDeadline::default()).await?;
    let (created, settings_seq) = match reply.result? {
        Outcome::EventPut { created, settings_seq } => (created, settings_seq),
        other => return Err(unexpected(&other).into()),
    };
    let view = app.engine().event(&event).await.map_err(|error| problem_of_engine(&error))?;
    let view = view.ok_or_else(|| Problem::internal("The event is not there."))?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let headers = [(header::ETAG, etag(settings_seq)), (EVENT_SEQ, HeaderValue::from(reply.seq))];
    Ok((status, headers, Json(Event::of(&view.view, view.stale.is_some()))).into_response())
}

/// The version that must still be current when the engine decides.
async fn version(app: &AppState, event: &EventName, wanted: &IfMatch) -> Result<u64, Failure> {
    let view = app.engine().event_now(event).await.map_err(|error| problem_of_engine(&error))?;
    let current = view.as_ref().map(|view| view.event.settings_seq);
    let matching = current.filter(|current| match wanted {
        IfMatch::Any => true,
        IfMatch::Versions(versions) => versions.contains(current),
    });
    matching.ok_or_else(|| {
        Refusal { seq: view.map(|view| view.event.seq), kind: RefusalKind::PreconditionFailed }
            .into()
    })
}
