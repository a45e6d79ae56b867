//! `POST /api/v1/purchase`

use axum::{extract::State, response::Response};
use http_server::{Problem, extract::JsonBody, problem::ProblemDetails};
use inventory::{CommandKind, Items};
use public_api::{PublicState, QueuePass, WriteHead};
use vacancy_api::{
    Answer, BodyErrors, KeyErrors, KeyParam, PassParam, ReserveAnswer, ReserveBody, SaleRefusals,
    SellerErrors, TimeoutParam, WriteResponse, misplaced,
};

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
    params(KeyParam, TimeoutParam, PassParam),
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
    State(state): State<PublicState>,
    head: WriteHead,
    pass: QueuePass,
    JsonBody(body): JsonBody<ReserveBody>,
) -> Result<Response, Problem> {
    let qty_max = state.limits().qty_max;
    if body.qty == 0 || body.qty > qty_max {
        return Err(Problem::validation(format!("qty must be between 1 and {qty_max}.")));
    }
    let kind = CommandKind::Reserve {
        event: state.default_event().clone(),
        items: Items::one(state.default_stock().clone(), body.qty),
        customer: body.customer,
        by_seller: head.caller.may_sell(),
        pass: pass.of(state.default_event()),
    };
    state
        .write(head, kind, |answer| match answer {
            Answer::Sale(sale) => Ok(WriteResponse::ok(sale.seq, sale)),
            other => Err(misplaced(&other).into()),
        })
        .await
}
