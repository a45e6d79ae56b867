//! The last step of the pipeline: diagnose unready components, write the status, publish events for
//! conditions that changed, and decide when to reconcile again.

use std::time::Duration;

use kube::{ResourceExt, runtime::controller::Action};

use super::{context::Context, reconcile_error::ReconcileError};
use crate::{
    api::{TicketSystem, TicketSystemStatus},
    apply::Applied,
    kind::Component,
    observe::events,
    rollout::Rollout,
    status::{
        self, DEGRADED, PROGRESSING, READY, StatusInput, compute_status,
        diagnosis::{Diagnosis, diagnose},
        is_true,
    },
    validate::{System, ValidationError},
};

/// Interval while a system is not settled, to keep the reason in its status current.
const UNSETTLED_INTERVAL: Duration = Duration::from_secs(5);
/// Interval while the next step waits for pods, which are not watched.
const PENDING_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after the resource changed while its status was being computed.
const CONFLICT_DELAY: Duration = Duration::from_millis(500);

/// Writes the status of `system` and returns when to reconcile it again.
pub(super) async fn update_status(
    system: &TicketSystem,
    validated: Result<&System, &ValidationError>,
    applied: &Applied,
    context: &Context,
) -> Result<Action, ReconcileError> {
    let diagnoses = match validated {
        Ok(valid) => diagnose_all(system, valid, applied, context).await,
        Err(_) => Vec::new(),
    };
    let status = compute_status(&StatusInput {
        system,
        validated,
        live: &applied.live,
        failures: &applied.failures,
        pending: applied.pending.as_ref(),
        diagnoses: &diagnoses,
    });
    match status::write(&context.client, system, &status).await {
        Ok(true) => events::transitions(&context.events, system, &status).await,
        Ok(false) => {}
        Err(kube::Error::Api(error)) if error.is_conflict() => {
            return Ok(Action::requeue(CONFLICT_DELAY));
        }
        // The resource was deleted during the reconciliation.
        Err(kube::Error::Api(error)) if error.is_not_found() => return Ok(Action::await_change()),
        Err(error) => return Err(error.into()),
    }
    if let Some(failure) = applied.failures.first() {
        return Err(ReconcileError::Rejected(failure.to_string()));
    }
    let resync = context.settings.resync();
    Ok(Action::requeue(if applied.pending.is_some() {
        resync.min(PENDING_INTERVAL)
    } else if is_settled(&status) {
        resync
    } else {
        resync.min(UNSETTLED_INTERVAL)
    }))
}

fn is_settled(status: &TicketSystemStatus) -> bool {
    let holds = |type_| is_true(&status.conditions, type_);
    holds(READY) && !holds(PROGRESSING) && !holds(DEGRADED)
}

/// Diagnoses every component with an incomplete rollout, even if it serves with other pods.
async fn diagnose_all(
    system: &TicketSystem,
    valid: &System,
    applied: &Applied,
    context: &Context,
) -> Vec<(Component, Diagnosis)> {
    let mut diagnoses = Vec::new();
    for workload in &valid.workloads {
        let Some(rollout) = Rollout::of(&applied.live, &workload.name) else { continue };
        if rollout.is_complete() || rollout.desired == 0 {
            continue;
        }
        let probe = (!rollout.is_serving()).then_some(context.probe.as_ref());
        let (namespace, name) = (&valid.namespace, &system.name_any());
        let found = diagnose(&context.client, probe, namespace, name, workload.component).await;
        diagnoses.extend(found.map(|diagnosis| (workload.component, diagnosis)));
    }
    diagnoses
}
