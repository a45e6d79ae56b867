//! Step five of a reconciliation: compute the status of a resource, and write it if it changed.

mod compute;
mod conditions;
pub mod diagnosis;
mod write;

pub use compute::{StatusInput, compute_status};
pub use conditions::{
    ConditionState, DEGRADED, PAUSED, PROGRESSING, READY, RECONCILING, STALLED,
    STOCK_CHANGE_IGNORED, find as condition, is_true,
};
pub use write::write;
