//! A purchase that waits for its reply.

use std::time::Duration;

use tokio::{sync::oneshot, time::Instant};
use vacancy_api::ReserveAnswer;

use super::super::{error::ClientError, purchase_request::PurchaseRequest};

/// The result of a purchase.
pub type Reply = Result<ReserveAnswer, ClientError>;

/// A purchase with its deadlines and the channel to its buyer.
pub struct Pending {
    pub purchase: PurchaseRequest,
    /// The buyer waits until then.
    pub deadline: Instant,
    /// The purchase is dropped if it has not been sent by then: too little time is left for the
    /// call.
    pub send_by: Instant,
    pub enqueued_at: Instant,
    /// How far the deadlines have been moved because vacancy could not be reached.
    pub held: Duration,
    pub reply_to: oneshot::Sender<Reply>,
}

impl Pending {
    /// Moves the deadlines so that they leave out the time `held` in which vacancy could not be
    /// reached.
    pub fn hold(&mut self, held: Duration) {
        let more = held.saturating_sub(self.held);
        self.held += more;
        self.deadline += more;
        self.send_by += more;
    }

    /// Sends `reply` to the buyer, if the buyer still waits.
    pub fn respond(self, reply: Reply) {
        let _ = self.reply_to.send(reply);
    }

    /// Checks whether the buyer has stopped waiting.
    pub fn is_abandoned(&self) -> bool {
        self.reply_to.is_closed()
    }
}
