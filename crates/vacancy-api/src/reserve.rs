//! Availability and selling at once, as the original system has them.

use http_server::{Problem, extract::Caller, problem::ProblemDetails};
use inventory::{CustomerId, EventName, IdempotencyKey, Outcome, RefusalKind, decide::BatchReply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    failure::{Failure, unexpected},
    money::Money,
    text,
};

/// The availability of the default stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Available {
    /// Tickets that can be sold now.
    #[schema(example = 1000)]
    pub qty: u64,
    /// Present and true when the store is unavailable. The counts are `Age` seconds old.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// A purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReserveBody {
    /// The quantity, from 1 to MAX_QTY.
    #[schema(minimum = 1, example = 2)]
    pub qty: u64,
    /// The customer; required when the event has a limit per customer. Spaces at the ends are
    /// removed, and the text is brought to Unicode's composed form (NFC).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::customer")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub customer: Option<CustomerId>,
}

/// The result of a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReserveAnswer {
    /// Whether the tickets are sold.
    pub success: bool,
    /// Tickets left after the decision.
    pub remaining: u64,
    /// The result in words.
    #[schema(example = "Reserved 2 tickets")]
    pub message: String,
    /// The id of the reservation; a refund names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub reservation_id: Option<String>,
    /// The price of the tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// The `seq` of the decision in the event's ledger.
    pub seq: u64,
}

/// One reservation of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchItem {
    /// The quantity, from 1 to MAX_QTY.
    #[schema(minimum = 1, example = 2)]
    pub qty: u64,
    /// The key that makes a retry safe.
    #[schema(value_type = String, min_length = 1, max_length = 255, pattern = r"^[ -~]+$")]
    pub key: IdempotencyKey,
    /// The event; `default` when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    pub event: Option<EventName>,
    /// The customer; required when the event has a limit per customer. Spaces at the ends are
    /// removed, and the text is brought to Unicode's composed form (NFC).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::customer")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub customer: Option<CustomerId>,
    /// The seller asks. The call needs the seller's token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seller: bool,
    /// Milliseconds from the arrival of the call that the caller waits. The service drops the
    /// reservation after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// The response to one reservation: the same object as from a call of its own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchSlot {
    /// Decided.
    Answer(ReserveAnswer),
    /// Refused or failed.
    #[schema(value_type = ProblemDetails)]
    Problem(SlotProblem),
}

/// A problem inside a batch. It has the request id that the middleware adds to other problems.
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

/// The response to the sale of `caller`. Sold out is a response; every other refusal is a failure.
///
/// # Errors
/// [`Failure`] with the reason.
pub fn reserved(
    reply: BatchReply,
    wording: Wording,
    caller: Caller,
) -> Result<ReserveAnswer, Failure> {
    let seq = reply.seq;
    match reply.result {
        Ok(Outcome::Sold { id, items, left, total }) => {
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
                total: total.map(Money::from),
                seq,
            })
        }
        Ok(other) => Err(unexpected(&other).into()),
        Err(refusal) => match &refusal.kind {
            RefusalKind::SoldOut { available } => {
                let remaining = available.first().map_or(0, |(_, left)| *left);
                let message = refusal.kind.to_string();
                Ok(ReserveAnswer {
                    success: false,
                    remaining,
                    message,
                    reservation_id: None,
                    total: None,
                    seq,
                })
            }
            _ => Err(Failure::refused(refusal, caller)),
        },
    }
}
