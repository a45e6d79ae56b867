//! Requests that share a call.

use http::StatusCode;
use public_api::ClientError;
use tokio::time::Instant;

use super::{
    outage::Waited,
    outcome::Delivery,
    pending::{Pending, Reply},
};

/// Requests that share a call, and whether an earlier attempt may have reached vacancy.
pub struct Batch {
    requests: Vec<Pending>,
    delivery: Delivery,
}

impl Batch {
    /// Creates a batch that has not been sent.
    pub fn new(requests: Vec<Pending>) -> Self {
        Self { requests, delivery: Delivery::NotSent }
    }

    pub fn requests(&self) -> &[Pending] {
        &self.requests
    }

    /// Returns the latest deadline; the other requests carry their own in the body. `None` means
    /// that the batch is empty.
    pub fn deadline(&self) -> Option<Instant> {
        self.requests.iter().map(|pending| pending.deadline).max()
    }

    /// Moves the deadline of each request by the time, since it arrived, in which vacancy could
    /// not be reached.
    pub fn hold(&mut self, waited: Waited) {
        for pending in &mut self.requests {
            pending.hold(waited.since(pending.enqueued_at));
        }
    }

    /// Records the delivery of another attempt.
    pub fn attempted(&mut self, delivery: Delivery) {
        self.delivery = self.delivery.max(delivery);
    }

    /// Drops requests past half their deadline, before the first attempt: they would time out
    /// anyway, and a queue of them would leave no time for others. Also drops abandoned ones.
    pub fn drop_overdue(&mut self) {
        let now = Instant::now();
        let overdue = |pending: &Pending| now >= pending.send_by;
        self.drop_where(overdue, &ClientError::Overloaded { retry_after_s: 1 });
    }

    /// Drops requests past their deadline, and abandoned ones, before another attempt.
    pub fn drop_expired(&mut self) {
        let now = Instant::now();
        self.drop_where(|pending| now >= pending.deadline, &ClientError::Unreachable);
    }

    /// Drops requests that are `late`, and abandoned ones that vacancy has certainly not seen.
    fn drop_where(&mut self, late: impl Fn(&Pending) -> bool, error: &ClientError) {
        let delivery = self.delivery;
        let dropped = |pending: &mut Pending| {
            late(pending) || (delivery == Delivery::NotSent && pending.is_abandoned())
        };
        for pending in self.requests.extract_if(.., dropped) {
            pending.respond(Err(error_after(delivery, error.clone())));
        }
    }

    /// Gives each caller the reply of the same position.
    pub fn respond(self, replies: Vec<Reply>) {
        for (pending, reply) in self.requests.into_iter().zip(replies) {
            pending.respond(reply.map_err(|error| error_after(self.delivery, error)));
        }
    }

    /// Gives all callers the same error.
    pub fn fail(self, error: &ClientError) {
        for pending in self.requests {
            pending.respond(Err(error_after(self.delivery, error.clone())));
        }
    }

    /// Splits the batch in two, the first half first.
    pub fn split(mut self) -> [Self; 2] {
        let second = self.requests.split_off(self.requests.len() / 2);
        let delivery = self.delivery;
        [self, Self { requests: second, delivery }]
    }
}

/// Returns the error for requests that an earlier attempt may have delivered. An error that says
/// "nothing was done" is then true of the last attempt only, and becomes
/// [`ClientError::Unknown`].
fn error_after(delivery: Delivery, error: ClientError) -> ClientError {
    let nothing_done = match &error {
        ClientError::Refused { problem, .. } => problem.status() == StatusCode::TOO_MANY_REQUESTS,
        ClientError::Unreachable
        | ClientError::CircuitOpen { .. }
        | ClientError::Overloaded { .. } => true,
        ClientError::Unknown => false,
    };
    match delivery {
        Delivery::MaybeDelivered if nothing_done => ClientError::Unknown,
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_server::Problem;

    use super::*;

    #[test]
    fn no_effect_is_said_only_when_certain() {
        let certain = || {
            [
                ClientError::Unreachable,
                ClientError::Overloaded { retry_after_s: 1 },
                ClientError::CircuitOpen { retry_after: Duration::ZERO },
            ]
        };
        let limited = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "T", "d");
        let limit = Problem::new(StatusCode::CONFLICT, "limit_exceeded", "T", "d");
        let refused = |problem: &Problem| ClientError::Refused {
            problem: Box::new(problem.clone()),
            seq: None,
        };
        for error in certain().into_iter().chain([refused(&limited)]) {
            assert!(matches!(error_after(Delivery::MaybeDelivered, error), ClientError::Unknown));
        }
        for error in certain() {
            assert!(!matches!(error_after(Delivery::NotSent, error), ClientError::Unknown));
        }
        assert!(
            matches!(
                error_after(Delivery::MaybeDelivered, refused(&limit)),
                ClientError::Refused { .. }
            ),
            "a decision stays a decision"
        );
    }
}
