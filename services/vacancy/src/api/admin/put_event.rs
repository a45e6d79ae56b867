//! `PUT /api/v1/admin/events/{event}`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, JsonBody, PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::{CommandKind, EventName, Outcome, Refusal, RefusalKind};
use public_api::conditional::{etag, event_tag, is_version, unmet};
use vacancy_api::{
    AdminErrors, BodyErrors, EVENT_SEQ, Event, Failure, PutEventBody, Unavailable,
    signing_keys_missing, unexpected,
};
use vacancy_service::problem_of_engine;

use crate::api::state::{Admin, AppState};

/// Create an event, or set its capacities and settings
///
/// An omitted stock is removed and an omitted setting is reset. With `If-Match`, the call fails if
/// the settings or capacities changed in the meantime; sales do not count. With
/// `If-None-Match: *`, it only creates.
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
        ("If-None-Match" = Option<String>, Header, description = "`*`: only create the event"),
    ),
    responses(
        (
            status = OK,
            body = Event,
            headers(
                ("ETag" = String, description = "The version of the settings, and the `seq` of the counts"),
                ("Event-Seq" = u64, description = "The `seq` of the response"),
            ),
        ),
        (
            status = CREATED,
            body = Event,
            headers(
                ("ETag" = String, description = "The version of the settings, and the `seq` of the counts"),
                ("Event-Seq" = u64, description = "The `seq` of the response"),
            ),
        ),
        (
            status = BAD_REQUEST,
            description = "The body is not JSON, or a precondition is malformed",
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
            description = "A capacity is below the quantity held and sold, or people are in the waiting room that would change (`queue_in_use`)",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = PRECONDITION_FAILED,
            description = "The event changed in the meantime, or exists",
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
    conditions: Preconditions,
    JsonBody(body): JsonBody<PutEventBody>,
) -> Result<Response, Failure> {
    let settings = body
        .settings(app.engine().limits())
        .map_err(|error| Problem::validation(format!("{error}.")))?;
    let expected = if conditions.is_empty() {
        Expected::Any
    } else {
        expected(&app, &event, &conditions).await?
    };
    let draws = settings.queue.as_ref().is_some_and(|queue| queue.draw);
    let draw = settings.opens_at_ms.filter(|_| draws).map(|opens_at_ms| {
        let committed = app.queues().commitment(rand::random(), opens_at_ms, app.engine().now_ms());
        committed.map_err(|_| no_keys())
    });
    let draw = draw.transpose()?.map(Box::new);
    let kind = CommandKind::PutEvent {
        event: event.clone(),
        capacities: body.capacities(),
        settings,
        if_settings_seq: match expected {
            Expected::Version(settings_seq) => Some(settings_seq),
            Expected::Any | Expected::Nothing => None,
        },
        only_create: matches!(expected, Expected::Nothing),
        draw,
    };
    let reply = app.submit(kind, IdempotencyKey(None), CallerDeadline::default()).await?;
    let (created, settings_seq) = match reply.result {
        Ok(Outcome::EventPut { created, settings_seq }) => (created, settings_seq),
        Ok(other) => return Err(unexpected(&other).into()),
        // It was created in the meantime.
        Err(Refusal { seq, kind: RefusalKind::EventExists }) => {
            return Err(Refusal { seq, kind: RefusalKind::PreconditionFailed }.into());
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let view = app.engine().event(&event).await.map_err(|error| problem_of_engine(&error))?;
    let view = view.ok_or_else(|| Problem::internal("The event is not there."))?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let stale = view.stale.is_some();
    let tag = event_tag(settings_seq, view.view.event.seq, stale);
    let headers = [(header::ETAG, etag(&tag)), (EVENT_SEQ, HeaderValue::from(reply.seq))];
    Ok((status, headers, Json(Event::of(&view.view, stale))).into_response())
}

fn no_keys() -> Problem {
    signing_keys_missing(
        "A draw needs signing keys, and the service has none: SIGNING_KEYS_FILE is not set.",
    )
}

/// What must still be so when the engine decides.
pub(super) enum Expected {
    Any,
    /// No event.
    Nothing,
    /// This version of the settings.
    Version(u64),
}

/// What the preconditions held for.
pub(super) async fn expected(
    app: &AppState,
    event: &EventName,
    conditions: &Preconditions,
) -> Result<Expected, Failure> {
    let view = app.engine().event_now(event).await.map_err(|error| problem_of_engine(&error))?;
    let view = view.filter(|view| !view.event.is_deleted());
    let current = view.as_ref().map(|view| view.event.settings_seq);
    let is_current = |tag: &str| current.is_some_and(|current| is_version(tag, current));
    match conditions.check(current.is_some(), is_current) {
        Ok(()) => Ok(current.map_or(Expected::Nothing, Expected::Version)),
        Err(which) => {
            let problem = unmet(which);
            let seq = view.map(|view| view.event.seq);
            let problem = match seq {
                Some(seq) => problem.with("seq", seq),
                None => problem,
            };
            Err(Failure::new(problem, seq))
        }
    }
}
