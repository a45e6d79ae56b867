//! The status after a reconciliation that failed as a whole, before anything was computed.

use super::{
    conditions::{
        ConditionState, DEGRADED, PROGRESSING, READY, RECONCILING, STALLED, find, set,
        set_while_true,
    },
    diagnosis::truncated,
};
use crate::api::{TicketSystem, TicketSystemStatus};

/// The reason of conditions and events.
pub const RECONCILE_FAILED: &str = "ReconcileFailed";

/// The last known status with the failure. The operator retries, so the system counts as
/// reconciling. Ready keeps its state: the pods may still serve.
pub fn failed_status(system: &TicketSystem, error: &str) -> TicketSystemStatus {
    let generation = system.metadata.generation;
    let mut status = system.status.clone().unwrap_or_default();
    status.observed_generation = generation;
    let conditions = &mut status.conditions;
    for condition in conditions.iter_mut() {
        condition.observed_generation = generation;
    }
    let message = truncated(error);
    let failed = ConditionState::yes(RECONCILE_FAILED, &message);
    if find(conditions, READY).is_none() {
        set(conditions, READY, ConditionState::no(RECONCILE_FAILED, message), generation);
    }
    set(conditions, DEGRADED, failed.clone(), generation);
    set(conditions, PROGRESSING, failed.clone(), generation);
    set_while_true(conditions, RECONCILING, Some(failed), generation);
    set_while_true(conditions, STALLED, None, generation);
    status
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn system(status: &serde_json::Value) -> TicketSystem {
        serde_json::from_value(json!({
            "apiVersion": "ticket-system.io/v1alpha1", "kind": "TicketSystem",
            "metadata": {"name": "shop", "generation": 2}, "spec": {}, "status": status,
        }))
        .expect("a system")
    }

    fn shown(status: &TicketSystemStatus, type_: &str) -> String {
        find(&status.conditions, type_).map_or_else(String::new, |condition| {
            assert_eq!(condition.observed_generation, Some(2), "{type_}");
            format!("{} {}", condition.status, condition.reason)
        })
    }

    #[test]
    fn first_failure_is_not_ready_and_a_later_one_keeps_ready() {
        let first = failed_status(&system(&json!(null)), "no rights");
        assert_eq!(first.observed_generation, Some(2));
        assert_eq!(shown(&first, READY), "False ReconcileFailed");
        assert_eq!(shown(&first, RECONCILING), "True ReconcileFailed");
        let condition = |type_: &str, reason: &str| {
            json!({"type": type_, "status": "True", "reason": reason, "message": "",
                "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let before = json!({"observedGeneration": 1, "conditions": [condition(READY, "Serving"), condition(STALLED, "x")]});
        let later = failed_status(&system(&before), "no rights");
        assert_eq!(shown(&later, READY), "True Serving");
        assert_eq!(shown(&later, DEGRADED), "True ReconcileFailed");
        assert_eq!(shown(&later, STALLED), "", "it is retried");
    }
}
