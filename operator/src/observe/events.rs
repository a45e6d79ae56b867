//! Events that say what changed.

use k8s_controller::events::{Event, EventRecorder, EventType};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    api::{TicketSystem, TicketSystemStatus},
    apply::{Change, Did},
    kind::Kind,
    status::{DEGRADED, PROGRESSING, READY, STALLED, STOCK_CHANGE_IGNORED, condition},
};

/// Says what a reconciliation did to children: one event per kind of action.
pub async fn changes(recorder: &EventRecorder, system: &TicketSystem, changes: &[Change]) {
    let mut reasons: Vec<&'static str> = changes.iter().map(|change| change.did.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let note = changes
            .iter()
            .filter(|change| change.did.as_str() == reason)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        publish(recorder, system, EventType::Normal, reason, note).await;
    }
}

/// Says when a system that had sold got an empty volume. Expected only where its data was brought
/// from a database.
pub async fn lost_volume(recorder: &EventRecorder, system: &TicketSystem, changes: &[Change]) {
    let status =
        system.status.as_ref().filter(|status| status.storage.as_deref() == Some("embedded"));
    let Some(stock) = status.and_then(|status| status.initial_stock) else { return };
    let made = changes
        .iter()
        .find(|change| change.kind == Kind::PersistentVolumeClaim && change.did == Did::Create);
    let Some(claim) = made else { return };
    let note = format!(
        "PersistentVolumeClaim {} was gone and has been made anew, empty: the event starts over with {stock} tickets, and what was sold is not on it; restore a backup before selling",
        claim.name
    );
    publish(recorder, system, EventType::Warning, "VolumeMadeAnew", note).await;
}

/// Says when a condition people wait for turned.
pub async fn transitions(
    recorder: &EventRecorder,
    system: &TicketSystem,
    after: &TicketSystemStatus,
) {
    for (type_, condition) in
        turned(system.status.as_ref().unwrap_or(&TicketSystemStatus::default()), after)
    {
        let reason = if condition.type_ == READY && condition.status == "True" {
            "Ready"
        } else {
            &condition.reason
        };
        publish(recorder, system, type_, reason, condition.message.clone()).await;
    }
}

/// The conditions to tell of, and how loudly.
fn turned<'a>(
    before: &TicketSystemStatus,
    after: &'a TicketSystemStatus,
) -> Vec<(EventType, &'a Condition)> {
    let mut turned = Vec::new();
    for type_ in [READY, STALLED] {
        let (was, is) = (condition(&before.conditions, type_), condition(&after.conditions, type_));
        let Some(is) = is else { continue };
        if was.is_some_and(|was| {
            was.status == is.status && (was.reason == is.reason || is.status == "True")
        }) {
            continue;
        }
        let good = (type_ == READY) == (is.status == "True");
        // A start, and a change somebody asked for, take their time: that is no reason for a
        // warning.
        let on_its_way = type_ == READY
            && !matches!(is.reason.as_str(), "PodsFailing" | "NameConflict")
            && condition(&after.conditions, STALLED).is_none()
            && (was.is_none_or(|was| was.status == "False")
                || before.observed_generation != after.observed_generation
                || condition(&before.conditions, PROGRESSING)
                    .is_some_and(|progressing| progressing.status == "True")
                || is.reason == "SwitchingMode");
        turned.push((if good || on_its_way { EventType::Normal } else { EventType::Warning }, is));
    }
    let ignored = |status: &'_ TicketSystemStatus| {
        condition(&status.conditions, STOCK_CHANGE_IGNORED)
            .is_some_and(|ignored| ignored.status == "True")
    };
    if ignored(after) && !ignored(before) {
        turned.extend(
            condition(&after.conditions, STOCK_CHANGE_IGNORED)
                .map(|ignored| (EventType::Warning, ignored)),
        );
    }
    turned.extend(hidden_trouble(before, after).map(|degraded| (EventType::Warning, degraded)));
    turned
}

/// What goes wrong behind a system that serves, or while it is not the reason that it does not.
fn hidden_trouble<'a>(
    before: &TicketSystemStatus,
    after: &'a TicketSystemStatus,
) -> Option<&'a Condition> {
    let is = condition(&after.conditions, DEGRADED).filter(|degraded| degraded.status == "True")?;
    let known = condition(&before.conditions, DEGRADED)
        .is_some_and(|was| was.status == "True" && was.reason == is.reason);
    let told =
        |type_| condition(&after.conditions, type_).is_some_and(|other| other.reason == is.reason);
    (!known && !told(READY) && !told(STALLED)).then_some(is)
}

async fn publish(
    recorder: &EventRecorder,
    system: &TicketSystem,
    type_: EventType,
    reason: &str,
    note: String,
) {
    let event = Event {
        type_,
        reason: reason.to_owned(),
        action: "Reconcile".to_owned(),
        note: Some(note),
        related: None,
    };
    if let Err(error) = recorder.publish(system, &event).await {
        tracing::warn!(%error, reason, "cannot publish an event");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(generation: i64, conditions: &[(&str, &str, &str)]) -> TicketSystemStatus {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|(type_, status, reason)| {
                json!({"type": type_, "status": status, "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"})
            })
            .collect();
        serde_json::from_value(json!({"observedGeneration": generation, "conditions": conditions}))
            .expect("a status")
    }

    fn told(before: &TicketSystemStatus, after: &TicketSystemStatus) -> Vec<(bool, String)> {
        let warns = |type_: &EventType| matches!(type_, EventType::Warning);
        turned(before, after)
            .into_iter()
            .map(|(type_, condition)| (warns(&type_), condition.reason.clone()))
            .collect()
    }

    #[test]
    fn warnings_are_for_what_nobody_asked_for() {
        let none = TicketSystemStatus::default();
        let ready = status(1, &[(READY, "True", "Serving")]);
        let waiting = status(1, &[(READY, "False", "WaitingForPods")]);
        let one = |warning: bool, reason: &str| vec![(warning, reason.to_owned())];
        assert_eq!(told(&none, &waiting), one(false, "WaitingForPods"), "a start");
        assert_eq!(
            told(&waiting, &status(1, &[(READY, "False", "ServiceNotReady")])),
            one(false, "ServiceNotReady")
        );
        assert_eq!(
            told(&waiting, &status(1, &[(READY, "False", "PodsFailing")])),
            one(true, "PodsFailing")
        );
        assert_eq!(told(&waiting, &ready), one(false, "Serving"));
        assert_eq!(told(&ready, &ready), []);
        assert_eq!(
            told(&ready, &waiting),
            one(true, "WaitingForPods"),
            "the pods went by themselves"
        );
        assert_eq!(
            told(&ready, &status(2, &[(READY, "False", "WaitingForPods")])),
            one(false, "WaitingForPods"),
            "a change rolls them"
        );
        assert_eq!(
            told(&ready, &status(1, &[(READY, "False", "SwitchingMode")])),
            one(false, "SwitchingMode")
        );
        let rolling = status(1, &[(READY, "True", "Serving"), (PROGRESSING, "True", "RollingOut")]);
        assert_eq!(
            told(&rolling, &waiting),
            one(false, "WaitingForPods"),
            "a change rolls them, some time after it was seen"
        );
        let failing = status(1, &[(READY, "True", "Serving"), (DEGRADED, "True", "PodsFailing")]);
        assert_eq!(
            told(&rolling, &failing),
            one(true, "PodsFailing"),
            "the old pods serve and hide it"
        );
        assert_eq!(told(&failing, &failing), []);
        let down = status(1, &[(READY, "False", "PodsFailing"), (DEGRADED, "True", "PodsFailing")]);
        assert_eq!(told(&waiting, &down), one(true, "PodsFailing"), "told once");
        let held = status(1, &[(READY, "False", "WaitingForVolume")]);
        assert_eq!(
            told(&ready, &held),
            one(true, "WaitingForVolume"),
            "somebody deleted the Deployment"
        );
        assert_eq!(told(&none, &held), one(false, "WaitingForVolume"), "made again at once");
        let stalled = status(2, &[(READY, "True", "Serving"), (STALLED, "True", "SecretMissing")]);
        assert_eq!(told(&ready, &stalled), one(true, "SecretMissing"));
    }
}
