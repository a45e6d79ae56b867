//! The condition FieldConflict: another writer keeps changing fields of children.

use super::conditions::ConditionState;
use crate::apply::{FieldConflict, WHOLE_OBJECT};

/// Condition type and reason.
pub const FIELD_CONFLICT: &str = "FieldConflict";
/// Most fields and children that the message lists.
const LISTED_MAX: usize = 4;

/// The state of the condition. The message has no counters or times, which would change the status
/// at every reconciliation.
pub(super) fn field_conflict(conflicts: &[FieldConflict]) -> ConditionState {
    if conflicts.is_empty() {
        return ConditionState::no("NoConflict", "no other writer changes the children");
    }
    ConditionState::yes(FIELD_CONFLICT, message(conflicts))
}

/// A message that names the children, their fields and the other writers.
pub(super) fn message(conflicts: &[FieldConflict]) -> String {
    let mut children: Vec<String> = conflicts.iter().take(LISTED_MAX).map(describe).collect();
    if conflicts.len() > LISTED_MAX {
        children.push(format!("and {} more", conflicts.len() - LISTED_MAX));
    }
    format!(
        "{}: the operator corrects this less and less often; stop the other writer, or change the \
         spec",
        children.join("; ")
    )
}

fn describe(conflict: &FieldConflict) -> String {
    let FieldConflict { kind, name, fields, managers, .. } = conflict;
    let by = if managers.is_empty() {
        "an admission webhook or another version of the operator".to_owned()
    } else {
        managers.join(", ")
    };
    if fields.iter().any(|field| field == WHOLE_OBJECT) {
        return format!("{kind} {name} is deleted again and again");
    }
    let listed = fields.iter().take(LISTED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    format!("{by} keeps changing {listed} of {kind} {name}")
}
