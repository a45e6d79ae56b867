//! A request that waits for its reply.

use std::time::Duration;

use public_api::ClientError;
use tokio::{sync::oneshot, time::Instant};
use vacancy_api::{Answer, EventFrame, Hold, LeavesPage, PlaceReading, ReservationList};

use super::request::LinkRequest;

/// The reply to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkReply {
    /// To a write.
    Decided(Answer),
    /// A hold that was read.
    Hold(Box<Hold>),
    /// An event that was read.
    Event(Box<EventFrame>),
    /// Reservations that were looked up.
    Reservations(ReservationList),
    /// A place that was read.
    Place(PlaceReading),
    /// Places that were read.
    Leaves(LeavesPage),
}

/// The result of a request.
pub type Reply = Result<LinkReply, ClientError>;

/// A request with its deadlines and the channel to its caller.
pub struct Pending {
    pub request: LinkRequest,
    /// The caller waits until then.
    pub deadline: Instant,
    /// The request is dropped if it has not been sent by then: too little time is left for the
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

    /// Sends `reply` to the caller, if the caller still waits.
    pub fn respond(self, reply: Reply) {
        let _ = self.reply_to.send(reply);
    }

    /// Checks whether the caller has stopped waiting.
    pub fn is_abandoned(&self) -> bool {
        self.reply_to.is_closed()
    }
}
