//! Replies of the engine as answers.

use http_server::extract::Caller;
use inventory_engine::{EngineError, Reply};
use vacancy_api::{Answer, Failure, Wording};

use crate::problem::problem_of_engine;

/// The answer to a write of `caller`. `sale` is the wording if the write sells at once: sold out is
/// then an answer.
///
/// # Errors
/// [`Failure`] with the reason why nothing was decided, or of the refusal.
pub fn answer_of(
    reply: Result<Reply, EngineError>,
    sale: Option<Wording>,
    caller: Caller,
) -> Result<Answer, Failure> {
    let reply = reply.map_err(|error| problem_of_engine(&error))?;
    match sale {
        Some(wording) => Answer::to_sale(reply, wording, caller),
        None => Answer::of(reply, caller),
    }
}
