//! The result of the calls about waiting rooms, for the status.

use std::time::Duration;

use crate::api::QueueStatus;

/// Why `queue.paused` is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseFailure {
    /// The value to apply.
    pub paused: bool,
    /// The reason of conditions and events.
    pub reason: &'static str,
    pub message: String,
}

/// The result of this step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueReport {
    /// The value of `queue.paused` that is applied now.
    pub applied: Option<bool>,
    /// Why another value is not applied.
    pub failure: Option<PauseFailure>,
    /// The waiting rooms with the most waiting places, if they were read.
    pub queues: Option<Vec<QueueStatus>>,
    /// When there is something to do again.
    pub next: Option<Duration>,
}
