use k8s_controller::conditions::{self, ConditionStatus, DesiredCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// Whether something holds, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub holds: bool,
    pub reason: &'static str,
    pub message: String,
}

impl Finding {
    pub fn yes(reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: true, reason, message: message.into() }
    }

    pub fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: false, reason, message: message.into() }
    }
}

/// Sets a condition that is always there.
pub fn set(
    conditions: &mut Vec<Condition>,
    type_: &str,
    finding: Finding,
    generation: Option<i64>,
) {
    let status = ConditionStatus::from(finding.holds);
    // Whether it changed is seen by comparing the whole status.
    let _ = conditions::set(
        conditions,
        DesiredCondition::new(type_, status, finding.reason, finding.message)
            .observed_generation(generation),
    );
}

/// Sets a condition that is there only while it holds.
pub fn set_while_true(
    conditions: &mut Vec<Condition>,
    type_: &str,
    finding: Option<Finding>,
    generation: Option<i64>,
) {
    match finding {
        Some(finding) => set(conditions, type_, finding, generation),
        None => {
            conditions::remove(conditions, type_);
        }
    }
}

/// The condition of that type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions::find(conditions, type_)
}
