//! The outcome of one call.

use public_api::ClientError;
use vacancy_api::EventFrame;

use super::{breaker::Verdict, pending::Reply};

/// Whether vacancy may have received a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// It certainly has not.
    NotSent,
    /// It may have, and may have acted on it.
    MaybeDelivered,
}

/// The outcome of one call.
pub enum CallOutcome {
    /// A reply for each request, in the order of the requests, and the events they were about.
    Replies { replies: Vec<Reply>, events: Vec<EventFrame> },
    /// The same error for all requests. [`Verdict::Neutral`] means that vacancy declined.
    Failed(ClientError, Verdict),
    /// vacancy refused the batch for its content or its size, before it did anything. Smaller
    /// batches may succeed.
    BatchRefused,
    /// No response in time. Nobody knows whether vacancy was reached.
    TimedOut,
    /// The call broke off. Retrying it with the same keys is safe.
    Interrupted { delivery: Delivery },
}

impl CallOutcome {
    /// Returns the reason of a failure, for traces.
    pub fn failure(&self) -> Option<&'static str> {
        match self {
            Self::Replies { .. } => None,
            Self::Failed(_, Verdict::Neutral) | Self::BatchRefused => Some("refused"),
            Self::Failed(..) | Self::TimedOut => Some("no response"),
            Self::Interrupted { .. } => Some("interrupted"),
        }
    }

    /// Returns the verdict on vacancy. One decision proves that vacancy works.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Replies { replies, .. } => verdict_of(replies),
            Self::Failed(_, verdict) => *verdict,
            Self::BatchRefused => Verdict::Neutral,
            Self::TimedOut | Self::Interrupted { .. } => Verdict::Failure,
        }
    }
}

fn verdict_of(replies: &[Reply]) -> Verdict {
    use ClientError::{Overloaded, Unknown, Unreachable};
    if replies.iter().all(|reply| matches!(reply, Err(Unknown | Unreachable))) {
        Verdict::Failure
    } else if replies
        .iter()
        .all(|reply| matches!(reply, Err(Overloaded { .. } | Unknown | Unreachable)))
    {
        Verdict::Neutral
    } else {
        Verdict::Success
    }
}
