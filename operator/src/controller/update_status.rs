//! The last step of the pipeline: diagnose unready components, write the status, publish events for
//! conditions that changed, and decide when to reconcile again.

use std::time::Duration;

use kube::{ResourceExt, runtime::controller::Action};

use super::{context::Context, reconcile_error::ReconcileError};
use crate::{
    api::{TicketSystem, TicketSystemStatus},
    apply::Applied,
    kind::Component,
    observe::{error_message, events},
    queues::QueueReport,
    rollout::Rollout,
    status::{
        self, DEGRADED, PROGRESSING, READY, StatusInput, compute_status,
        diagnosis::{Diagnosis, diagnose, diagnose_serving, not_created},
        failed_status, is_true,
    },
    validate::{System, ValidationError},
};

/// Interval while a system is not settled, to keep the reason in its status current.
const UNSETTLED_INTERVAL: Duration = Duration::from_secs(5);
/// Interval while the next step waits for pods, which are not watched.
const PENDING_INTERVAL: Duration = Duration::from_secs(1);
/// Longest duration of the write that reports a failure.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// Delay after the resource changed while its status was being computed.
const CONFLICT_DELAY: Duration = Duration::from_millis(500);

/// Writes the status of `system` and returns when to reconcile it again.
pub(super) async fn update_status(
    system: &TicketSystem,
    validated: Result<&System, &ValidationError>,
    applied: &Applied,
    queues: Option<&QueueReport>,
    context: &Context,
) -> Result<Action, ReconcileError> {
    let (diagnoses, not_serving) = match validated {
        Ok(valid) => (
            diagnose_all(system, valid, applied, context).await,
            diagnose_databases(valid, applied, context).await,
        ),
        Err(_) => (Vec::new(), Vec::new()),
    };
    let status = compute_status(&StatusInput {
        system,
        validated,
        live: &applied.live,
        failures: &applied.failures,
        conflicts: &applied.conflicts,
        drift: &applied.drift,
        holds: &applied.holds,
        pending: applied.pending.as_ref(),
        queues,
        diagnoses: &diagnoses,
        not_serving: &not_serving,
    });
    match status::write(&context.client, system, &status).await {
        Ok(true) => {
            events::transitions(&context.events, system, &status).await;
            events::queues(&context.events, system, &status).await;
        }
        Ok(false) => {}
        Err(kube::Error::Api(error)) if error.is_conflict() => {
            return Ok(Action::requeue(CONFLICT_DELAY));
        }
        // The resource was deleted during the reconciliation.
        Err(kube::Error::Api(error)) if error.is_not_found() => return Ok(Action::await_change()),
        Err(error) => {
            write_failed(system, &error, context);
            return Err(error.into());
        }
    }
    if let Some(failure) = applied.failures.first() {
        return Err(ReconcileError::Rejected(failure.to_string()));
    }
    let resync = context.settings.resync();
    let correction = applied
        .conflicts
        .iter()
        .map(|conflict| conflict.retry_after.max(CONFLICT_DELAY))
        .min()
        .unwrap_or(resync);
    let resync = resync.min(correction);
    let calls = queues.and_then(|queues| queues.next).unwrap_or(resync).max(CONFLICT_DELAY);
    let resync = resync.min(calls);
    let uses_database = |valid: &System| valid.workloads.iter().any(|part| part.uses_database);
    let resync =
        if validated.is_ok_and(uses_database) { resync.min(UNSETTLED_INTERVAL) } else { resync };
    Ok(Action::requeue(if applied.pending.is_some() {
        resync.min(PENDING_INTERVAL)
    } else if is_settled(&status) {
        resync
    } else {
        resync.min(UNSETTLED_INTERVAL)
    }))
}

/// Shows a reconciliation that failed as a whole in the status of `system`.
pub(super) async fn report_failure(
    system: &TicketSystem,
    error: &ReconcileError,
    context: &Context,
) {
    let status = failed_status(system, &error.to_string());
    let write = status::write(&context.client, system, &status);
    match tokio::time::timeout(REPORT_TIMEOUT, write).await {
        Ok(Ok(true)) => events::transitions(&context.events, system, &status).await,
        Ok(Ok(false)) => {}
        // The next attempt reports it.
        Ok(Err(kube::Error::Api(error))) if error.is_conflict() || error.is_not_found() => {}
        Ok(Err(error)) => write_failed(system, &error, context),
        Err(_) => context.metrics.status_write_error(),
    }
}

fn write_failed(system: &TicketSystem, error: &kube::Error, context: &Context) {
    context.metrics.status_write_error();
    tracing::warn!(
        system = system.name_any(),
        namespace = system.namespace(),
        error = error_message(error),
        "cannot write the status"
    );
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
        if let Some(message) = &rollout.replica_failure {
            diagnoses.push((workload.component, not_created(message)));
            continue;
        }
        let probe = (!rollout.is_serving()).then_some(context.probe.as_ref());
        let (namespace, name) = (&valid.namespace, &system.name_any());
        let found = diagnose(&context.client, probe, namespace, name, workload.component).await;
        diagnoses.extend(found.map(|diagnosis| (workload.component, diagnosis)));
    }
    diagnoses
}

/// Diagnoses the components that connect to a database and whose pods count as ready: the database
/// may be gone.
async fn diagnose_databases(
    valid: &System,
    applied: &Applied,
    context: &Context,
) -> Vec<(Component, Diagnosis)> {
    let mut diagnoses = Vec::new();
    for workload in valid.workloads.iter().filter(|workload| workload.uses_database) {
        if !Rollout::of(&applied.live, &workload.name).is_some_and(|rollout| rollout.is_serving()) {
            continue;
        }
        let (probe, namespace, name) = (context.probe.as_ref(), &valid.namespace, &valid.name);
        let found =
            diagnose_serving(&context.client, probe, namespace, name, workload.component).await;
        diagnoses.extend(found.map(|diagnosis| (workload.component, diagnosis)));
    }
    diagnoses
}
