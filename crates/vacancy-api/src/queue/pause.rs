//! Pausing waiting rooms.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A waiting room that was paused, or goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuePauseReceipt {
    /// The event.
    pub event: String,
    /// Whether nobody is called for now.
    pub paused: bool,
    /// The `seq` of the decision in the event's ledger.
    pub seq: u64,
}

/// The waiting rooms of all events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuePauseList {
    /// The waiting rooms, by event.
    pub queues: Vec<QueuePauseReceipt>,
}
