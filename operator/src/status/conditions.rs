//! The condition types, and how a condition is set.

use k8s_controller::conditions::{self, ConditionStatus, DesiredCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

pub const READY: &str = "Ready";
pub const PROGRESSING: &str = "Progressing";
pub const DEGRADED: &str = "Degraded";
pub const PAUSED: &str = "ReconciliationPaused";
pub const STOCK_CHANGE_IGNORED: &str = "StockChangeIgnored";
/// Defined by kstatus: present only while true.
pub const RECONCILING: &str = "Reconciling";
/// Defined by kstatus: present only while true.
pub const STALLED: &str = "Stalled";

/// The status of a condition with its reason and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionState {
    pub is_true: bool,
    pub reason: &'static str,
    pub message: String,
}

impl ConditionState {
    /// A condition with the status `True`.
    pub fn yes(reason: &'static str, message: impl Into<String>) -> Self {
        Self { is_true: true, reason, message: message.into() }
    }

    /// A condition with the status `False`.
    pub fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self { is_true: false, reason, message: message.into() }
    }
}

/// Sets a condition that is always present.
pub fn set(
    conditions: &mut Vec<Condition>,
    type_: &str,
    state: ConditionState,
    generation: Option<i64>,
) {
    let status = ConditionStatus::from(state.is_true);
    // The result is unused: a change shows in the comparison of the whole status.
    let _ = conditions::set(
        conditions,
        DesiredCondition::new(type_, status, state.reason, state.message)
            .observed_generation(generation),
    );
}

/// Sets a condition with the reason of another controller.
pub fn set_unchecked(
    conditions: &mut Vec<Condition>,
    type_: &str,
    status: &str,
    reason: &str,
    message: &str,
    generation: Option<i64>,
) {
    let status = status.parse().unwrap_or(ConditionStatus::Unknown);
    let _ = conditions::set(
        conditions,
        DesiredCondition::new(type_, status, reason, message).observed_generation(generation),
    );
}

/// Removes a condition.
pub fn remove(conditions: &mut Vec<Condition>, type_: &str) {
    conditions::remove(conditions, type_);
}

/// Sets a condition that is present only while it is true.
pub fn set_while_true(
    conditions: &mut Vec<Condition>,
    type_: &str,
    state: Option<ConditionState>,
    generation: Option<i64>,
) {
    match state {
        Some(state) => set(conditions, type_, state, generation),
        None => {
            conditions::remove(conditions, type_);
        }
    }
}

/// The condition of this type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions::find(conditions, type_)
}

/// Whether the condition of this type exists and is true.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == "True")
}
