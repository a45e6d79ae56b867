//! Step five of a reconciliation: compute the status of a resource, and write it if it changed.

mod autoscaling;
mod compute;
mod conditions;
pub mod diagnosis;
mod failure;
mod field_conflict;
mod holds;
mod input;
mod queues;
mod write;

pub use autoscaling::AUTOSCALING;
pub use compute::compute_status;
pub use conditions::{
    ConditionState, DEGRADED, PAUSED, PROGRESSING, READY, RECONCILING, STALLED,
    STOCK_CHANGE_IGNORED, find as condition, is_true,
};
pub use failure::failed_status;
pub use field_conflict::FIELD_CONFLICT;
pub use holds::{HELD_BACK, PREFLIGHT_FAILED, ROLLED_BACK};
pub use input::StatusInput;
pub use queues::QUEUE_PAUSE_FAILED;
pub use write::write;
