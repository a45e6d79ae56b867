//! The calls about holds.

pub mod confirm;
pub mod create;
pub mod extend;
pub mod get;
pub mod payment;
pub mod release;

use http_server::Problem;
use vacancy_api::{Answer, Failure, HoldReceipt, WriteResponse, misplaced};

/// The hold in the answer to a write.
fn hold_of(answer: Answer) -> Result<HoldReceipt, Problem> {
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
