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
use vacancy_api::{
    BodyErrors, Failure, KeyErrors, ReserveAnswer, ReserveBody, SaleRefusals, WriteResponse,
    key_from, quoted,
};

use super::Shop;
use crate::client::{IDEMPOTENCY_KEY, Order, Trace};

/// Buy tickets
///
/// Of stock `general` of event `default`. Sold out is an answer, not an error. With an
/// `Idempotency-Key`, repeating the call buys nothing more and gives the same answer.
#[utoipa::path(
    post,
    path = "/api/v1/purchase",
    tag = "sale",
    request_body = ReserveBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat")),
    responses(
        (status = OK, body = ReserveAnswer, headers(("Event-Seq" = u64, description = "The answer's seq"), ("Idempotency-Key" = String, description = "The key that was used, when the request had none"))),
        KeyErrors,
        SaleRefusals,
        BodyErrors,
        (status = TOO_MANY_REQUESTS, description = "Vacancy takes no more for now", body = ProblemDetails, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Vacancy cannot be reached, or has too much to do", body = ProblemDetails, content_type = "application/problem+json", headers(("Idempotency-Key" = String, description = "The key that was used, when the request had none"))),
    )
)]
pub async fn purchase(
    State(shop): State<Shop>,
    headers: HeaderMap,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<ReserveBody>,
) -> Result<Response, Problem> {
    if body.qty == 0 || body.qty > shop.qty_max {
        return Err(Problem::validation(format!("qty must be between 1 and {}.", shop.qty_max)));
    }
    let key = key_from(key)?;
    let made = if key.is_none() { shop.client.make_key() } else { None };
    let order = Order {
        qty: body.qty,
        customer: body.customer,
        key: key.or_else(|| made.clone()),
        trace: Trace::of(&headers),
    };
    let mut response = match shop.client.purchase(order).await {
        Ok(answer) => WriteResponse::ok(answer.seq, answer).into_response(),
        Err(error) => {
            let (problem, seq) = error.into_problem();
            Failure::new(problem, seq).into_response()
        }
    };
    // With it the buyer can ask again, and learn whether a purchase without an answer took place.
    if let Some(key) = made.and_then(|key| HeaderValue::try_from(quoted(&key)).ok()) {
        response.headers_mut().insert(IDEMPOTENCY_KEY, key);
    }
    Ok(response)
}
