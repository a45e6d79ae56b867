//! Availability and selling at once, as the original system has them.

use http_server::{Problem, problem::ProblemDetails};
use inventory::{CustomerId, EventName, IdempotencyKey, Outcome, RefusalKind, decide::BatchReply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::{Failure, unexpected};

/// What is available of the default stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Available {
    /// How many can be sold now.
    #[schema(example = 1000)]
    pub qty: u64,
    /// Present and true when the store cannot be asked: it was so `Age` seconds ago.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// A wish to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReserveBody {
    /// How many, from 1 to MAX_QTY.
    #[schema(minimum = 1, example = 2)]
    pub qty: u64,
    /// Whose; needed where the event has a limit per customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub customer: Option<CustomerId>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReserveAnswer {
    /// Whether the tickets are sold.
    pub success: bool,
    /// How many were left when it was decided.
    pub remaining: u64,
    /// In words.
    #[schema(example = "Reserved 2 tickets")]
    pub message: String,
    /// The reservation, to be named in a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub reservation_id: Option<String>,
    /// The place in the event's ledger at which it was decided.
    pub seq: u64,
}

/// One reservation of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchItem {
    /// How many, from 1 to MAX_QTY.
    #[schema(minimum = 1, example = 2)]
    pub qty: u64,
    /// The key that makes it safe to repeat.
    #[schema(value_type = String, min_length = 1, max_length = 255, pattern = r"^[ -~]+$")]
    pub key: IdempotencyKey,
    /// Of which event; `default` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    pub event: Option<EventName>,
    /// Whose; needed where the event has a limit per customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub customer: Option<CustomerId>,
    /// How long its caller waits, milliseconds from the call's arrival: what is not decided by
    /// then is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// The answer to one of them: the same object that a call of its own would have got.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchSlot {
    /// Decided.
    Answer(ReserveAnswer),
    /// Refused or failed.
    #[schema(value_type = ProblemDetails)]
    Problem(SlotProblem),
}

/// A problem as it stands in an answer: with the id that the edge gives to one that is an answer.
#[derive(Debug, Serialize)]
pub struct SlotProblem {
    /// The problem.
    #[serde(flatten)]
    pub problem: Problem,
    /// The id of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The wording of a sale: each service has its own message, as in the original system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// "Reserved n tickets".
    Reserve,
    /// "Purchase successful!".
    Purchase,
}

/// The response to a sale. Sold out is a response; every other refusal is a failure.
///
/// # Errors
/// [`Failure`] with the reason.
pub fn reserved(reply: BatchReply, wording: Wording) -> Result<ReserveAnswer, Failure> {
    let seq = reply.seq;
    match reply.result {
        Ok(Outcome::Sold { id, items, left }) => {
            let message = match wording {
                Wording::Reserve => format!("Reserved {} tickets", items.total()),
                Wording::Purchase => "Purchase successful!".to_owned(),
            };
            let remaining = left.first().map_or(0, |(_, left)| *left);
            Ok(ReserveAnswer {
                success: true,
                remaining,
                message,
                reservation_id: Some(id.to_string()),
                seq,
            })
        }
        Ok(other) => Err(unexpected(&other).into()),
        Err(refusal) => match &refusal.kind {
            RefusalKind::SoldOut { available } => {
                let remaining = available.first().map_or(0, |(_, left)| *left);
                let message = refusal.kind.to_string();
                Ok(ReserveAnswer { success: false, remaining, message, reservation_id: None, seq })
            }
            _ => Err(refusal.into()),
        },
    }
}
