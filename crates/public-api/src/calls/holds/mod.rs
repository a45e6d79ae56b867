//! The calls about holds.

pub mod confirm;
pub mod create;
pub mod extend;
pub mod get;
pub mod payment;
pub mod release;

use http::HeaderMap;
use http_server::Problem;
use inventory::HoldId;
use vacancy_api::{Answer, Failure, Hold, HoldReceipt, WriteResponse, hold_not_found, misplaced};

use crate::{client::TraceHeaders, state::PublicState};

/// The hold or reservation.
///
/// # Errors
/// A 404 problem, or 503.
pub async fn find_hold(
    app: &PublicState,
    id: HoldId,
    headers: &HeaderMap,
) -> Result<Hold, Problem> {
    let hold = app.client().hold(id, TraceHeaders::of(headers)).await;
    hold.map_err(|error| error.into_problem().0)?.ok_or_else(hold_not_found)
}

/// The hold in the answer to a write.
///
/// # Errors
/// A 500 problem: the answer is another one.
pub fn hold_of(answer: Answer) -> Result<HoldReceipt, Problem> {
    match answer {
        Answer::Hold(hold) => Ok(hold),
        other => Err(misplaced(&other)),
    }
}

/// 201 with the hold in the answer, and where it is read.
pub(super) fn created(answer: Answer) -> Result<WriteResponse<HoldReceipt>, Failure> {
    let hold = hold_of(answer)?;
    let at = format!("/api/v1/holds/{}", hold.id);
    Ok(WriteResponse::created(hold.seq, hold).at(at))
}

/// 200 with the hold in the answer.
fn respond(answer: Answer) -> Result<WriteResponse<HoldReceipt>, Failure> {
    let hold = hold_of(answer)?;
    Ok(WriteResponse::ok(hold.seq, hold))
}
