//! `PUT /api/v1/admin/webhooks/{webhook}`.

use std::error::Error;

use axum::{Json, extract::State};
use http::StatusCode;
use http_server::{
    Problem,
    extract::{JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::EventName;
use vacancy_api::{
    AdminErrors, BodyErrors, InvalidName, PutWebhookBody, Unavailable, Webhook, WebhookParam,
};
use webhooks::{Endpoint, Secret};

use super::{endpoint, ends, problem, shown};
use crate::api::state::{Admin, AppState};

/// Create a receiver of the ledger, or set its settings
///
/// A new receiver gets the records that are written from now on; a replay delivers earlier ones.
/// Only the response that creates it shows its secret. A PUT without `secret` keeps it, and one of
/// a paused receiver resumes deliveries. Messages follow Standard Webhooks: the body is the
/// CloudEvent of the record, in the order of each event, at least once.
#[utoipa::path(
    put,
    path = "/api/v1/admin/webhooks/{webhook}",
    tag = "webhooks",
    security(("admin" = [])),
    request_body = PutWebhookBody,
    params(WebhookParam),
    responses(
        (status = OK, body = Webhook),
        (status = CREATED, body = Webhook),
        (
            status = BAD_REQUEST,
            description = "The body is not JSON",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        AdminErrors,
        InvalidName,
        (
            status = CONFLICT,
            description = "There are MAX_WEBHOOKS receivers",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = UNPROCESSABLE_ENTITY,
            description = "A member is invalid, or the URL is not allowed",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        BodyErrors,
        Unavailable,
    )
)]
pub async fn put_webhook(
    _: Admin,
    State(app): State<AppState>,
    PathParams(name): PathParams<EventName>,
    JsonBody(body): JsonBody<PutWebhookBody>,
) -> Result<(StatusCode, Json<Webhook>), Problem> {
    let webhooks = app.webhooks();
    let known = webhooks.list().await.map_err(problem)?;
    let before = known.iter().find(|webhook| webhook.name == name.as_str());
    let most = webhooks.settings().max_webhooks;
    if before.is_none() && known.len() >= most {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "too_many_webhooks",
            "Too many webhooks",
            format!("There are {most} webhooks, which is the maximum."),
        ));
    }
    let secret = match (&body.secret, before) {
        (Some(secret), _) => Secret::parse(secret).map_err(invalid)?.reveal(),
        (None, Some(before)) => endpoint(before)?.secret,
        (None, None) => Secret::from_bytes(rand::random()).reveal(),
    };
    let endpoint = Endpoint {
        url: body.url,
        event: body.event,
        types: body.types.unwrap_or_default(),
        secret,
    };
    endpoint.check(webhooks.settings()).map_err(invalid)?;
    let ends = ends(&app).await?;
    let created = webhooks.put(name.to_string(), &endpoint, ends.clone()).await.map_err(problem)?;
    let known = webhooks.list().await.map_err(problem)?;
    let webhook = known.iter().find(|webhook| webhook.name == name.as_str());
    let webhook = webhook.ok_or_else(super::missing)?;
    let shown = shown(webhook, &endpoint, &ends);
    Ok(if created {
        (StatusCode::CREATED, Json(Webhook { secret: Some(endpoint.secret), ..shown }))
    } else {
        (StatusCode::OK, Json(shown))
    })
}

fn invalid(error: impl Error) -> Problem {
    Problem::validation(format!("{error}."))
}
