//! The condition Autoscaling: whether the autoscalers can do their work.

use k8s_openapi::{
    api::autoscaling::v2::HorizontalPodAutoscaler, apimachinery::pkg::apis::meta::v1::Condition,
};

use super::conditions::{remove, set_unchecked};
use crate::{
    dereference::Live,
    kind::Kind,
    validate::{Replicas, System},
};

/// The type of the condition.
pub const AUTOSCALING: &str = "Autoscaling";
/// Conditions of an autoscaler, the cause first.
const MIRRORED: [&str; 2] = ["AbleToScale", "ScalingActive"];

/// One state of one autoscaler.
struct State {
    status: &'static str,
    reason: String,
    message: String,
}

/// Sets the condition from the live autoscalers, or removes it if the system has none.
pub(super) fn set_autoscaling(
    conditions: &mut Vec<Condition>,
    system: &System,
    live: &Live,
    generation: Option<i64>,
) {
    let states: Vec<State> = system
        .workloads
        .iter()
        .filter(|workload| matches!(workload.replicas, Replicas::Autoscaled(_)))
        .map(|workload| state(&workload.name, live))
        .collect();
    let worst = states
        .iter()
        .find(|state| state.status == "False")
        .or_else(|| states.iter().find(|state| state.status == "Unknown"))
        .or(states.first());
    match worst {
        Some(State { status, reason, message }) => {
            set_unchecked(conditions, AUTOSCALING, status, reason, message, generation);
        }
        None => remove(conditions, AUTOSCALING),
    }
}

fn state(name: &str, live: &Live) -> State {
    let unknown =
        |message: String| State { status: "Unknown", reason: "NotReported".to_owned(), message };
    let autoscaler = live
        .get(Kind::HorizontalPodAutoscaler, name)
        .and_then(|object| object.as_ref().clone().try_parse::<HorizontalPodAutoscaler>().ok());
    let Some(autoscaler) = autoscaler else {
        return unknown(format!("{name}: there is no HorizontalPodAutoscaler yet"));
    };
    let conditions = autoscaler.status.and_then(|status| status.conditions).unwrap_or_default();
    let mut active = None;
    for type_ in MIRRORED {
        let Some(found) = conditions.iter().find(|condition| condition.type_ == type_) else {
            continue;
        };
        let reason = found.reason.clone().filter(|reason| !reason.is_empty());
        let state = State {
            status: if found.status == "True" { "True" } else { "False" },
            reason: reason.unwrap_or_else(|| type_.to_owned()),
            message: format!("{name}: {}", found.message.as_deref().unwrap_or("no message")),
        };
        if state.status == "False" {
            return state;
        }
        active = Some(state);
    }
    active.unwrap_or_else(|| unknown(format!("{name}: the autoscaler has not reported yet")))
}
