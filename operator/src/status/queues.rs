//! The part of the status about waiting rooms.

use super::{
    conditions::{ConditionState, set_while_true},
    input::StatusInput,
};
use crate::api::{QueueStatus, TicketSystemStatus};

/// Present while `queue.paused` is not applied because the system refuses the call or does not
/// respond.
pub const QUEUE_PAUSE_FAILED: &str = "QueuePauseFailed";

/// Sets the part of `status` about waiting rooms. Without a report it stays as it is.
pub(super) fn set(status: &mut TicketSystemStatus, input: &StatusInput<'_>) {
    let Some(report) = input.queues else { return };
    status.queues_paused = report.applied;
    if let Some(queues) = &report.queues {
        status.queue = queues.first().map(summary);
        status.queues.clone_from(queues);
    }
    let failure = report.failure.as_ref();
    let failure = failure.map(|failure| ConditionState::yes(failure.reason, &*failure.message));
    let generation = input.system.metadata.generation;
    set_while_true(&mut status.conditions, QUEUE_PAUSE_FAILED, failure, generation);
}

/// The state of a waiting room in a column.
fn summary(queue: &QueueStatus) -> String {
    if queue.paused { format!("{} (paused)", queue.phase) } else { queue.phase.clone() }
}
