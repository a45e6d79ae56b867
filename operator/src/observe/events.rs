//! Kubernetes events about changes of children and conditions.

use k8s_controller::events::{Event, EventRecorder, EventType, PublishError};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    api::{OperatorClaim, PREFERRED_OPERATOR, TicketSystem, TicketSystemStatus},
    apply::{Action, Change},
    kind::Kind,
    observe::is_namespace_terminating,
    status::{
        DEGRADED, PROGRESSING, QUEUE_PAUSE_FAILED, READY, STALLED, STOCK_CHANGE_IGNORED, condition,
        is_true,
    },
};

/// Publishes the changes of children: one event per action.
pub async fn changes(recorder: &EventRecorder, system: &TicketSystem, changes: &[Change]) {
    let mut reasons: Vec<&'static str> =
        changes.iter().map(|change| change.action.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let note = changes
            .iter()
            .filter(|change| change.action.as_str() == reason)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        publish(recorder, system, EventType::Normal, reason, note).await;
    }
}

/// Publishes warnings that no condition repeats, as reason and note.
pub async fn warnings(
    recorder: &EventRecorder,
    system: &TicketSystem,
    warnings: &[(&'static str, String)],
) {
    for (reason, note) in warnings {
        publish(recorder, system, EventType::Warning, reason, note.clone()).await;
    }
}

/// Publishes a warning if a system that was selling got a new, empty volume. This is expected only
/// after the annotation that allows it was set, or after its data was migrated from a database.
pub async fn recreated_volume(recorder: &EventRecorder, system: &TicketSystem, changes: &[Change]) {
    let status =
        system.status.as_ref().filter(|status| status.storage.as_deref() == Some("embedded"));
    let Some(stock) = status.and_then(|status| status.initial_stock) else { return };
    let created = changes.iter().find(|change| {
        change.kind == Kind::PersistentVolumeClaim && change.action == Action::Create
    });
    let Some(claim) = created else { return };
    let note = format!(
        "PersistentVolumeClaim {} was missing and has been recreated empty: the event starts over \
         with {stock} tickets and without past sales; restore a backup before selling",
        claim.name
    );
    publish(recorder, system, EventType::Warning, "VolumeRecreated", note).await;
}

/// Publishes that the operator `own` leaves the system to the holder of the claim.
pub async fn standing_back(
    recorder: &EventRecorder,
    system: &TicketSystem,
    own: &str,
    holder: &OperatorClaim,
) {
    let note = format!(
        "operator {} (version {}, namespaces {}) manages this system, so operator {own} changes \
         nothing: let only one of them watch the namespace, or set the annotation \
         {PREFERRED_OPERATOR}",
        holder.name, holder.version, holder.scope
    );
    publish(recorder, system, EventType::Warning, "ManagedByAnotherOperator", note).await;
}

/// Publishes changes of the conditions that users wait for.
pub async fn transitions(
    recorder: &EventRecorder,
    system: &TicketSystem,
    after: &TicketSystemStatus,
) {
    for (type_, condition) in
        changed_conditions(system.status.as_ref().unwrap_or(&TicketSystemStatus::default()), after)
    {
        let reason = if condition.type_ == READY && condition.status == "True" {
            "Ready"
        } else {
            &condition.reason
        };
        publish(recorder, system, type_, reason, condition.message.clone()).await;
    }
}

/// Publishes that `queue.paused` was applied, or why it is not.
pub async fn queues(recorder: &EventRecorder, system: &TicketSystem, after: &TicketSystemStatus) {
    let before = system.status.as_ref();
    if before.and_then(|status| status.queues_paused) != after.queues_paused {
        let (reason, note) = match after.queues_paused {
            Some(true) => ("QueuesPaused", "all waiting rooms are paused: nobody is called"),
            Some(false) => ("QueuesResumed", "all waiting rooms go on"),
            None => return,
        };
        publish(recorder, system, EventType::Normal, reason, note.to_owned()).await;
    }
    let failure = |status: &TicketSystemStatus| -> Option<Condition> {
        condition(&status.conditions, QUEUE_PAUSE_FAILED).cloned()
    };
    if let (Some(failure), None) = (failure(after), before.and_then(failure)) {
        publish(recorder, system, EventType::Warning, QUEUE_PAUSE_FAILED, failure.message).await;
    }
}

/// The conditions to publish, with the type of their event.
fn changed_conditions<'a>(
    before: &TicketSystemStatus,
    after: &'a TicketSystemStatus,
) -> Vec<(EventType, &'a Condition)> {
    let mut changed = Vec::new();
    for type_ in [READY, STALLED] {
        let (was, is) = (condition(&before.conditions, type_), condition(&after.conditions, type_));
        let Some(is) = is else { continue };
        if was.is_some_and(|was| {
            was.status == is.status && (was.reason == is.reason || is.status == "True")
        }) {
            continue;
        }
        let is_good = (type_ == READY) == (is.status == "True");
        // A start or a requested change takes some time and does not deserve a warning.
        let is_expected = type_ == READY
            && !matches!(
                is.reason.as_str(),
                "PodsFailing" | "NameConflict" | "ApplyFailed" | "ReconcileFailed"
            )
            && condition(&after.conditions, STALLED).is_none()
            && (was.is_none_or(|was| was.status == "False")
                || before.observed_generation != after.observed_generation
                || is_true(&before.conditions, PROGRESSING)
                || is.reason == "SwitchingMode");
        let event_type =
            if is_good || is_expected { EventType::Normal } else { EventType::Warning };
        changed.push((event_type, is));
    }
    let ignored = |status: &TicketSystemStatus| is_true(&status.conditions, STOCK_CHANGE_IGNORED);
    if ignored(after) && !ignored(before) {
        changed.extend(
            condition(&after.conditions, STOCK_CHANGE_IGNORED)
                .map(|ignored| (EventType::Warning, ignored)),
        );
    }
    changed
        .extend(hidden_degradation(before, after).map(|degraded| (EventType::Warning, degraded)));
    changed
}

/// A new Degraded condition that no change of Ready or Stalled reports: the system still serves, or
/// is not ready for another reason.
fn hidden_degradation<'a>(
    before: &TicketSystemStatus,
    after: &'a TicketSystemStatus,
) -> Option<&'a Condition> {
    let is = condition(&after.conditions, DEGRADED).filter(|degraded| degraded.status == "True")?;
    let known = condition(&before.conditions, DEGRADED)
        .is_some_and(|was| was.status == "True" && was.reason == is.reason);
    let reported =
        |type_| condition(&after.conditions, type_).is_some_and(|other| other.reason == is.reason);
    (!known && !reported(READY) && !reported(STALLED)).then_some(is)
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
    match recorder.publish(system, &event).await {
        Err(PublishError::Kube(error)) if is_namespace_terminating(&error) => {}
        Err(error) => tracing::warn!(%error, reason, "cannot publish an event"),
        Ok(_) => {}
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

    fn published(before: &TicketSystemStatus, after: &TicketSystemStatus) -> Vec<(bool, String)> {
        let warns = |type_: &EventType| matches!(type_, EventType::Warning);
        changed_conditions(before, after)
            .into_iter()
            .map(|(type_, condition)| (warns(&type_), condition.reason.clone()))
            .collect()
    }

    #[test]
    fn unexpected_changes_are_warnings() {
        let none = TicketSystemStatus::default();
        let ready = status(1, &[(READY, "True", "Serving")]);
        let waiting = status(1, &[(READY, "False", "WaitingForPods")]);
        let one = |warning: bool, reason: &str| vec![(warning, reason.to_owned())];
        assert_eq!(published(&none, &waiting), one(false, "WaitingForPods"), "a start");
        assert_eq!(
            published(&waiting, &status(1, &[(READY, "False", "ServiceNotReady")])),
            one(false, "ServiceNotReady")
        );
        assert_eq!(
            published(&waiting, &status(1, &[(READY, "False", "PodsFailing")])),
            one(true, "PodsFailing")
        );
        assert_eq!(published(&waiting, &ready), one(false, "Serving"));
        assert_eq!(published(&ready, &ready), []);
        assert_eq!(
            published(&ready, &waiting),
            one(true, "WaitingForPods"),
            "the pods stopped without a change"
        );
        assert_eq!(
            published(&ready, &status(2, &[(READY, "False", "WaitingForPods")])),
            one(false, "WaitingForPods"),
            "a change rolls them"
        );
        assert_eq!(
            published(&ready, &status(1, &[(READY, "False", "SwitchingMode")])),
            one(false, "SwitchingMode")
        );
        let rolling = status(1, &[(READY, "True", "Serving"), (PROGRESSING, "True", "RollingOut")]);
        assert_eq!(
            published(&rolling, &waiting),
            one(false, "WaitingForPods"),
            "a change rolls them, some time after it was observed"
        );
        let failing = status(1, &[(READY, "True", "Serving"), (DEGRADED, "True", "PodsFailing")]);
        assert_eq!(
            published(&rolling, &failing),
            one(true, "PodsFailing"),
            "the old pods still serve"
        );
        assert_eq!(published(&failing, &failing), []);
        let down = status(1, &[(READY, "False", "PodsFailing"), (DEGRADED, "True", "PodsFailing")]);
        assert_eq!(published(&waiting, &down), one(true, "PodsFailing"), "published once");
        let held = status(1, &[(READY, "False", "WaitingForVolume")]);
        assert_eq!(
            published(&ready, &held),
            one(true, "WaitingForVolume"),
            "the Deployment was deleted"
        );
        assert_eq!(
            published(&none, &held),
            one(false, "WaitingForVolume"),
            "recreated immediately"
        );
        let stalled = status(2, &[(READY, "True", "Serving"), (STALLED, "True", "SecretMissing")]);
        assert_eq!(published(&ready, &stalled), one(true, "SecretMissing"));
    }
}
