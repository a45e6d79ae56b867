//! `POST /api/v1/purchase`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue};
use http_server::{
    Problem,
    extract::{Caller, IdempotencyKey, JsonBody},
    problem::ProblemDetails,
};
use vacancy_api::{
    BodyErrors, Failure, KeyErrors, KeyParam, ReserveAnswer, ReserveBody, SaleRefusals,
    SellerErrors, WriteResponse, key_from, quoted,
};

use super::state::AppState;
use crate::client::{PurchaseRequest, TraceHeaders};

/// Buy tickets
///
/// Buys from stock `general` of event `default`. If the event is sold by the seller alone, the call
/// needs the seller's token. If the tickets are sold out, the response is 200
/// with `success: false`. With an `Idempotency-Key`, a retry after a purchase buys nothing more and
/// gets the same response. A refusal is not stored, sold out neither: a retry is decided anew and
/// can win returned tickets.
#[utoipa::path(
    post,
    path = "/api/v1/purchase",
    tag = "sale",
    security((), ("seller" = [])),
    request_body = ReserveBody,
    params(KeyParam),
    responses(
        (
            status = OK,
            body = ReserveAnswer,
            headers(
                ("Event-Seq" = u64, description = "Position of the decision in the ledger"),
                (
                    "Idempotency-Key" = String,
                    description = "The generated key, if the request had none"
                ),
            ),
        ),
        KeyErrors,
        SellerErrors,
        SaleRefusals,
        BodyErrors,
        (
            status = TOO_MANY_REQUESTS,
            description = "The rate limit of vacancy is exceeded",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = SERVICE_UNAVAILABLE,
            description = "Vacancy is unreachable or overloaded",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers((
                "Idempotency-Key" = String,
                description = "The generated key, if the request had none"
            )),
        ),
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
        caller: Caller::of(&headers, state.tokens()),
        key: key.or_else(|| generated.clone()),
        trace: TraceHeaders::of(&headers),
    };
    let mut response = match state.client().purchase(purchase).await {
        Ok(answer) => WriteResponse::ok(answer.seq, answer).into_response(),
        Err(error) => {
            let (problem, seq) = error.into_problem();
            Failure::new(problem, seq).into_response()
        }
    };
    // A buyer without a result can retry with the generated key, and learn whether the purchase
    // took effect.
    if let Some(key) = generated.and_then(|key| HeaderValue::try_from(quoted(&key)).ok()) {
        response.headers_mut().insert(IdempotencyKey::HEADER, key);
    }
    Ok(response)
}
