//! Events that say what changed.

use k8s_controller::events::{Event, EventRecorder, EventType};

use crate::{
    api::{TicketSystem, TicketSystemStatus},
    apply::{Change, Did},
    kind::Kind,
    status::{READY, STALLED, condition},
};

/// Says what a reconciliation did to children: one event per kind of action.
pub async fn changes(recorder: &EventRecorder, system: &TicketSystem, changes: &[Change]) {
    let mut reasons: Vec<&'static str> = changes.iter().map(|change| change.did.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let note = changes.iter().filter(|change| change.did.as_str() == reason).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        publish(recorder, system, EventType::Normal, reason, note).await;
    }
}

/// Says when a system that had sold got an empty volume. Expected only where its data was brought from a database.
pub async fn lost_volume(recorder: &EventRecorder, system: &TicketSystem, changes: &[Change]) {
    let status = system.status.as_ref().filter(|status| status.storage.as_deref() == Some("embedded"));
    let Some(stock) = status.and_then(|status| status.initial_stock) else { return };
    let made = changes.iter().find(|change| change.kind == Kind::PersistentVolumeClaim && change.did == Did::Create);
    let Some(claim) = made else { return };
    let note = format!(
        "PersistentVolumeClaim {} was gone and has been made anew, empty: the event starts over with {stock} tickets, and what was sold is not on it; restore a backup before selling",
        claim.name
    );
    publish(recorder, system, EventType::Warning, "VolumeMadeAnew", note).await;
}

/// Says when a condition people wait for turned.
pub async fn transitions(recorder: &EventRecorder, system: &TicketSystem, after: &TicketSystemStatus) {
    let before = system.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    for type_ in [READY, STALLED] {
        let (was, is) = (condition(before, type_), condition(&after.conditions, type_));
        let Some(is) = is else { continue };
        if was.is_some_and(|was| was.status == is.status && (was.reason == is.reason || is.status == "True")) {
            continue;
        }
        let good = (type_ == READY) == (is.status == "True");
        let waiting = type_ == READY && was.is_none();
        let event_type = if good || waiting { EventType::Normal } else { EventType::Warning };
        let reason = match (type_, good) {
            (READY, true) => "Ready",
            _ => is.reason.as_str(),
        };
        publish(recorder, system, event_type, reason, is.message.clone()).await;
    }
}

async fn publish(recorder: &EventRecorder, system: &TicketSystem, type_: EventType, reason: &str, note: String) {
    let event = Event { type_, reason: reason.to_owned(), action: "Reconcile".to_owned(), note: Some(note), related: None };
    if let Err(error) = recorder.publish(system, &event).await {
        tracing::warn!(%error, reason, "cannot publish an event");
    }
}
