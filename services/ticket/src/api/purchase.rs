//! `POST /api/v1/purchase`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue};
use http_server::{
    Problem,
    extract::{IdempotencyKey, JsonBody},
    problem::ProblemDetails,
};
use vacancy::{
    api::{Answer, Failure, key_from},
    wire::{ReserveAnswer, ReserveBody},
};

use super::state::AppState;
use crate::client::{IDEMPOTENCY_KEY, PurchaseRequest, TraceHeaders, quoted};

/// Buy tickets
///
/// Buys from stock `general` of event `default`. If the tickets are sold out, the response is 200
/// with `success: false`. With an `Idempotency-Key`, a retry buys nothing more and gets the same
/// response.
#[utoipa::path(
    post,
    path = "/api/v1/purchase",
    tag = "sale",
    request_body = ReserveBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to retry")),
    responses(
        (status = OK, body = ReserveAnswer, headers(("Event-Seq" = u64, description = "Position of the decision in the ledger"), ("Idempotency-Key" = String, description = "The generated key, if the request had none"))),
        (status = BAD_REQUEST, description = "The body is not JSON, or the key is malformed", body = ProblemDetails, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "Event `default` or its stock `general` does not exist", body = ProblemDetails, content_type = "application/problem+json"),
        (status = CONFLICT, description = "The customer's limit is reached", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "Position of the decision in the ledger"))),
        (status = GONE, description = "The sale has closed", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "Position of the decision in the ledger"))),
        (status = REQUEST_TIMEOUT, description = "The body did not arrive in time", body = ProblemDetails, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, description = "The body is too large", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is not application/json", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is invalid, or the key was used for a different request", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 425, description = "The sale has not opened", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "Position of the decision in the ledger"))),
        (status = TOO_MANY_REQUESTS, description = "The rate limit of vacancy is exceeded", body = ProblemDetails, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Vacancy is unreachable or overloaded", body = ProblemDetails, content_type = "application/problem+json", headers(("Idempotency-Key" = String, description = "The generated key, if the request had none"))),
    )
)]
pub async fn purchase(
    State(state): State<AppState>,
    headers: HeaderMap,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<ReserveBody>,
) -> Result<Response, Problem> {
    if body.qty == 0 || body.qty > state.qty_max() {
        return Err(Problem::validation(format!("qty must be between 1 and {}.", state.qty_max())));
    }
    let key = key_from(key)?;
    let generated = if key.is_none() { state.client().make_key() } else { None };
    let purchase = PurchaseRequest {
        qty: body.qty,
        customer: body.customer,
        key: key.or_else(|| generated.clone()),
        trace: TraceHeaders::of(&headers),
    };
    let mut response = match state.client().purchase(purchase).await {
        Ok(answer) => Answer::ok(answer.seq, answer).into_response(),
        Err(error) => {
            let (problem, seq) = error.into_problem();
            Failure::new(problem, seq).into_response()
        }
    };
    // A buyer without a result can retry with the generated key, and learn whether the purchase
    // took effect.
    if let Some(key) = generated.and_then(|key| HeaderValue::try_from(quoted(&key)).ok()) {
        response.headers_mut().insert(IDEMPOTENCY_KEY, key);
    }
    Ok(response)
}
