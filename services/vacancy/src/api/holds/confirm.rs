//! `POST /api/v1/holds/{id}/confirm`.

use axum::extract::State;
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, OptionalJson, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};
use vacancy_api::{
    BodyErrors, ConfirmBody, Failure, HoldNotFound, HoldReceipt, KeyErrors, Unavailable,
    WriteResponse, unexpected,
};

use crate::api::state::AppState;

/// Confirm a hold
///
/// Sells the items of the hold. A repeated call returns the same response. An expired hold is
/// confirmed too while its items are still available.
#[utoipa::path(
    post,
    path = "/api/v1/holds/{id}/confirm",
    tag = "holds",
    request_body(content = Option<ConfirmBody>),
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe"),
        (
            "X-Request-Timeout-Ms" = Option<u64>,
            Header,
            description = "Milliseconds that the caller waits. The service drops the request after this time.",
        ),
    ),
    responses(
        (
            status = OK,
            body = HoldReceipt,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        KeyErrors,
        HoldNotFound,
        (
            status = CONFLICT,
            description = "Released, or the limit per customer is reached",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = GONE,
            description = "Expired, and its items are gone",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        Unavailable,
    )
)]
pub async fn confirm_hold(
    State(app): State<AppState>,
    PathParams(hold): PathParams<HoldId>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    OptionalJson(body): OptionalJson<ConfirmBody>,
) -> Result<WriteResponse<HoldReceipt>, Failure> {
    let reply = app
        .submit(CommandKind::Confirm { hold, payment_ref: body.payment_ref }, key, deadline)
        .await?;
    match reply.result? {
        Outcome::Confirmed { id, items, payment_ref } => Ok(WriteResponse::ok(
            reply.seq,
            HoldReceipt::confirmed(&id, &items, payment_ref.as_ref(), reply.seq),
        )),
        other => Err(unexpected(&other).into()),
    }
}
