//! Applies `queue.paused` and reads the waiting rooms, as a step of a reconciliation. It never
//! fails: a system that does not respond only delays what is shown.

use std::time::Instant;

use kube::ResourceExt;

use super::{
    client::{CallError, Endpoint, SystemClient},
    memory::{QueueMemory, READ_INTERVAL},
    report::{PauseFailure, QueueReport},
};
use crate::{
    api::{QueueStatus, TicketSystem},
    dereference::Live,
    kind::Component,
    rollout::Rollout,
    validate::System,
};

/// Most waiting rooms in a status.
const SHOWN_MAX: usize = 5;

/// Calls the system if `queue.paused` is not applied, or if its waiting rooms were not read for
/// some time.
pub async fn sync(
    client: &dyn SystemClient,
    memory: &QueueMemory,
    system: &TicketSystem,
    valid: &System,
    live: &Live,
) -> QueueReport {
    let status = system.status.as_ref();
    let applied = status.and_then(|status| status.queues_paused);
    let mut report = QueueReport { applied, ..Default::default() };
    if !system.spec.paused && valid.spec.queue.paused.is_none() {
        // Set again, the same value is applied again.
        report.applied = None;
    }
    let Some(workload) = valid.serving(Component::Vacancy) else { return report };
    if !Rollout::of(live, &workload.name).is_some_and(|rollout| rollout.is_serving()) {
        return report;
    }
    let uid = system.uid().unwrap_or_default();
    let endpoint = Endpoint::of(valid, workload);
    if !system.spec.paused {
        apply(client, memory, (&uid, &endpoint), valid.spec.queue.paused, &mut report).await;
    }
    let Ok(endpoint) = endpoint else { return report };
    let now = Instant::now();
    if memory.is_read_due(&uid, now) {
        let read = client.queues(&endpoint).await;
        memory.read(&uid, now, read.is_ok());
        match read {
            Ok(queues) => report.queues = Some(busiest(queues)),
            Err(error) => tracing::debug!(system = valid.name, %error, "queues not read"),
        }
    }
    let shown = report.queues.as_ref().or_else(|| status.map(|status| &status.queues));
    if shown.is_some_and(|queues| !queues.is_empty()) {
        report.next = Some(report.next.unwrap_or(READ_INTERVAL).min(READ_INTERVAL));
    }
    report
}

async fn apply(
    client: &dyn SystemClient,
    memory: &QueueMemory,
    (uid, endpoint): (&str, &Result<Endpoint, CallError>),
    wanted: Option<bool>,
    report: &mut QueueReport,
) {
    let Some(paused) = wanted.filter(|_| wanted != report.applied) else {
        return memory.succeeded(uid);
    };
    if let Some((failure, rest)) = memory.waits(uid, paused, Instant::now()) {
        (report.failure, report.next) = (Some(failure), Some(rest));
        return;
    }
    let called = match endpoint {
        Ok(endpoint) => client.set_queues_paused(endpoint, paused).await,
        Err(unknown) => Err(unknown.clone()),
    };
    match called {
        Ok(()) => {
            memory.succeeded(uid);
            report.applied = Some(paused);
        }
        Err(error) => {
            let action = if paused { "paused" } else { "resumed" };
            let message = format!("the waiting rooms are not {action} yet: {error}");
            let failure = PauseFailure { paused, reason: error.reason(), message };
            report.next = Some(memory.failed(uid, failure.clone(), Instant::now()));
            report.failure = Some(failure);
        }
    }
}

/// The waiting rooms with the most waiting places.
fn busiest(mut queues: Vec<QueueStatus>) -> Vec<QueueStatus> {
    queues.sort_by(|one, other| {
        other.waiting.cmp(&one.waiting).then_with(|| one.event.cmp(&other.event))
    });
    queues.truncate(SHOWN_MAX);
    queues
}
