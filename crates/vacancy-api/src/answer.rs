//! The answers to writes.

use std::fmt;

use http_server::{Problem, extract::Caller};
use inventory::{Outcome, decide::BatchReply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    failure::{Failure, unexpected},
    hold::{HoldReceipt, HoldState, RefundReceipt},
    queue::{JoinAnswer, PassAnswer},
    reserve::{ReserveAnswer, Wording, reserved},
};

/// The answer to a write: the body of the call that asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Answer {
    /// To a sale.
    Sale(ReserveAnswer),
    /// To a new hold, an extension, a payment or a confirmation.
    Hold(HoldReceipt),
    /// To a refund.
    Refund(RefundReceipt),
    /// To the release of a hold.
    Release(ReleaseReceipt),
    /// To places that join a waiting room.
    Joined(JoinAnswer),
    /// To the claim of a pass.
    Pass(PassAnswer),
}

/// A hold that was released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseReceipt {
    /// `released`.
    pub state: HoldState,
    /// The `seq` of the decision in the event's ledger.
    pub seq: u64,
}

impl Answer {
    /// The answer to the sale of `caller`. Sold out is an answer.
    ///
    /// # Errors
    /// [`Failure`] with the reason of a refusal.
    pub fn to_sale(reply: BatchReply, wording: Wording, caller: Caller) -> Result<Self, Failure> {
        reserved(reply, wording, caller).map(Self::Sale)
    }

    /// The answer to a write of `caller` that is no sale at once.
    ///
    /// # Errors
    /// [`Failure`] with the reason of a refusal.
    pub fn of(reply: BatchReply, caller: Caller) -> Result<Self, Failure> {
        let seq = reply.seq;
        Ok(match reply.result.map_err(|refusal| Failure::refused(refusal, caller))? {
            Outcome::Held { id, items, expires_at_ms, total } => {
                Self::Hold(HoldReceipt::held(&id, &items, expires_at_ms, seq).priced(total))
            }
            Outcome::Extended { id, items, expires_at_ms } => {
                Self::Hold(HoldReceipt::held(&id, &items, expires_at_ms, seq))
            }
            Outcome::PaymentStarted { id, items, expires_at_ms, payment_ref } => {
                let held = HoldReceipt::held(&id, &items, expires_at_ms, seq);
                Self::Hold(held.paid_by(&payment_ref))
            }
            Outcome::Confirmed { id, items, payment_ref } => {
                Self::Hold(HoldReceipt::confirmed(&id, &items, payment_ref.as_ref(), seq))
            }
            Outcome::Refunded { id, reservation, items } => {
                Self::Refund(RefundReceipt::new(&id, &reservation, &items, seq))
            }
            Outcome::Released => Self::Release(ReleaseReceipt { state: HoldState::Released, seq }),
            Outcome::Waiting { id, items } => Self::Hold(HoldReceipt::waiting(&id, &items, seq)),
            Outcome::Joined { places } => {
                let joined = places.iter().map(|place| place.map(|one| (one.index, one.turn)));
                Self::Joined(JoinAnswer { joined: joined.collect(), seq })
            }
            Outcome::PassClaimed { pass, expires_at_ms } => {
                Self::Pass(PassAnswer { pass, pass_expires_at_ms: expires_at_ms, seq })
            }
            other => return Err(unexpected(&other).into()),
        })
    }

    /// The `seq` of the decision.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Sale(sale) => sale.seq,
            Self::Hold(hold) => hold.seq,
            Self::Refund(refund) => refund.seq,
            Self::Release(release) => release.seq,
            Self::Joined(joined) => joined.seq,
            Self::Pass(pass) => pass.seq,
        }
    }
}

/// The problem when a client returned the answer to another write: a defect, which must not look
/// like a success.
#[must_use]
pub fn misplaced(answer: &impl fmt::Debug) -> Problem {
    tracing::error!(?answer, "BUG: answer does not belong to the call");
    Problem::internal("The request could not be handled.")
}
