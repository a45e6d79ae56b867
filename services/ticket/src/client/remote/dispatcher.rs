//! Sends batches to vacancy: drops requests that are late, retries calls that break off, and gives
//! every caller a reply.

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use public_api::ClientError;
use telemetry::ClientSpan;
use tokio::time::{Instant, sleep};

use super::{
    batch::Batch,
    batcher::Slot,
    breaker::{Breaker, BreakerState, Permit, Verdict},
    caller::Caller,
    metrics::LinkMetrics,
    outage::Outage,
    outcome::{CallOutcome, Delivery},
    pending::Pending,
    readings::Readings,
    ready_probe::ReadyProbe,
    retry::{Retries, RetryPolicy},
};

/// The timeout of a trial call of the half-open breaker. The next trial may reach another pod.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Everything that the calls share.
pub struct Dispatcher {
    pub caller: Caller,
    pub breaker: Arc<Breaker>,
    pub retry_policy: RetryPolicy,
    pub outage: Outage,
    pub metrics: LinkMetrics,
    pub probe: Arc<ReadyProbe>,
    pub readings: Arc<Readings>,
}

impl Dispatcher {
    /// Sends batches until no request waits.
    pub async fn run(&self, mut slot: Slot) {
        loop {
            let requests = slot.take();
            if requests.is_empty() {
                return;
            }
            let mut batches = vec![Batch::new(requests)];
            while let Some(batch) = batches.pop() {
                // The last one is the next one: the first half goes on top.
                batches.extend(self.send(batch).await.into_iter().flatten().rev());
            }
        }
    }

    /// Gives every request of `batch` a reply. Returns two halves instead if vacancy refuses the
    /// batch as a whole.
    async fn send(&self, mut batch: Batch) -> Option<[Batch; 2]> {
        batch.hold(self.outage.waited());
        batch.drop_overdue();
        let oldest = batch.requests().first()?;
        self.metrics.record_batch(batch.requests().len(), oldest.enqueued_at.elapsed());
        let mut retries = self.retry_policy.start();
        loop {
            let deadline = batch.deadline()?;
            let permit = match self.breaker.admit() {
                Ok(permit) => permit,
                Err(_) if self.wait_for_vacancy(&mut batch, &retries).await => continue,
                Err(retry_after) => {
                    batch.fail(&ClientError::CircuitOpen { retry_after });
                    return None;
                }
            };
            let (outcome, permit) = self.call(batch.requests(), permit, deadline).await;
            let verdict = outcome.verdict();
            permit.finish(verdict);
            match outcome {
                CallOutcome::Replies { replies, events } => {
                    // Before the replies: a caller must read what was written for it.
                    self.readings.learn(events);
                    if verdict == Verdict::Success {
                        self.probe.record_success();
                    }
                    batch.respond(replies);
                    return None;
                }
                CallOutcome::Failed(error, _) => {
                    batch.fail(&error);
                    return None;
                }
                CallOutcome::TimedOut => {
                    batch.fail(&ClientError::Unknown);
                    return None;
                }
                CallOutcome::BatchRefused => {
                    warn_of_refused_batch();
                    return Some(batch.split());
                }
                CallOutcome::Interrupted { delivery } => {
                    batch.attempted(delivery);
                    if let Some(pause) = retries.next_pause(deadline) {
                        sleep(pause).await;
                        batch.hold(self.outage.waited());
                        batch.drop_expired();
                    } else if !self.wait_for_vacancy(&mut batch, &retries).await {
                        batch.fail(&ClientError::Unreachable);
                        return None;
                    }
                    self.metrics.record_retry();
                }
            }
        }
    }

    /// Waits until vacancy may be tried again, while it cannot be reached at all. Returns false if
    /// that has lasted for too long, or for all requests.
    async fn wait_for_vacancy(&self, batch: &mut Batch, retries: &Retries<'_>) -> bool {
        while self.outage.is_waited_for()
            && let Some(pause) = retries.outage_pause()
        {
            sleep(pause).await;
            batch.hold(self.outage.waited());
            batch.drop_expired();
            if batch.requests().is_empty() {
                return false;
            }
            // A breaker that is open does not cost the budget anything.
            if self.breaker.state() == BreakerState::Open {
                continue;
            }
            if retries.withdraw() {
                return true;
            }
        }
        false
    }

    /// Makes one call, with its span and its metrics.
    async fn call(
        &self,
        requests: &[Pending],
        permit: Permit,
        deadline: Instant,
    ) -> (CallOutcome, Permit) {
        let started = Instant::now();
        let deadline =
            if permit.is_trial() { deadline.min(started + TRIAL_TIMEOUT) } else { deadline };
        let span = ClientSpan::start(
            "vacancy batch",
            requests.iter().map(|pending| pending.request.trace.traceparent()),
        );
        let trace = requests.first().map(|first| {
            first.request.trace.within(span.as_ref().and_then(ClientSpan::traceparent))
        });
        let outcome = self.caller.call(requests, &trace.unwrap_or_default(), deadline).await;
        self.metrics.record_call(&outcome, started.elapsed());
        match outcome {
            CallOutcome::Interrupted { delivery: Delivery::NotSent } => self.outage.begin(),
            // It shows neither: the address of a host that has vanished does not respond either.
            CallOutcome::TimedOut => {}
            _ => self.outage.end(),
        }
        if let Some(span) = span {
            span.end(requests.len(), outcome.failure());
        }
        (outcome, permit)
    }
}

/// Logs once that batches are split.
fn warn_of_refused_batch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "vacancy refused a batch as too large; splitting batches. Lower VACANCY_BATCH_MAX"
        );
    });
}
