//! Making calls for the orders that have gathered: dropping what is too late, trying again, giving everyone his answer.

use std::sync::Arc;
use std::time::Duration;

use serving::telemetry::ClientSpan;
use tokio::time::{Instant, sleep};
use tower::retry::budget::{Budget, TpsBudget};

use super::super::ClientError;
use super::breaker::{Breaker, Verdict};
use super::call::{Caller, Ended};
use super::gather::{Slot, Told, Waiting};
use super::metrics::LinkMetrics;
use super::ready::ReadyProbe;

/// The longest pause before the first repetition; each further one may be twice as long. The pause is anything up to that.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_LAST: Duration = Duration::from_millis(500);
/// A call that is let through to see whether vacancy is back is given up after this: the next one may be luckier.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// What all calls share.
pub struct Flights {
    pub caller: Caller,
    pub breaker: Arc<Breaker>,
    pub budget: TpsBudget,
    pub retries_max: u32,
    pub metrics: LinkMetrics,
    pub probe: Arc<ReadyProbe>,
}

impl Flights {
    /// Makes calls until no order waits.
    pub async fn fly(&self, mut slot: Slot) {
        loop {
            let orders = slot.take();
            if orders.is_empty() {
                return;
            }
            self.carry(orders).await;
        }
    }

    async fn carry(&self, mut orders: Vec<Waiting>) {
        drop_late(&mut orders, false);
        let Some(oldest) = orders.first() else { return };
        self.metrics.batch(orders.len(), oldest.since.elapsed());
        self.budget.deposit();
        let mut sent = false;
        for attempt in 0.. {
            // The youngest waits longest; who waits less long has that in his item.
            let Some(deadline) = orders.iter().map(|waiting| waiting.deadline).max() else { return };
            let permit = match self.breaker.admit() {
                Ok(permit) => permit,
                Err(pause) => return tell_all(orders, &if sent { ClientError::Unknown } else { ClientError::Shut { pause } }),
            };
            let probe_by = Instant::now() + PROBE_TIMEOUT;
            let started = Instant::now();
            let span = ClientSpan::start("vacancy reserve", orders.iter().map(|waiting| waiting.order.trace.traceparent()));
            let trace = orders.first().map(|first| first.order.trace.within(span.as_ref().and_then(ClientSpan::traceparent)));
            let deadline_of_call = if permit.is_probe() { deadline.min(probe_by) } else { deadline };
            let ended = self.caller.call(&orders, trace.unwrap_or_default(), deadline_of_call).await;
            self.metrics.call(&ended, started.elapsed());
            if let Some(span) = span {
                span.end(orders.len(), ended.failure());
            }
            match ended {
                Ended::Answered(told) => {
                    permit.done(Verdict::Success);
                    self.probe.note_answer();
                    return orders.into_iter().zip(told).for_each(|(waiting, told)| waiting.tell(told));
                }
                Ended::All(error, verdict) => {
                    permit.done(verdict);
                    return tell_all(orders, &if sent && verdict == Verdict::Neutral { ClientError::Unknown } else { error });
                }
                Ended::Broken { sent: now_sent } => {
                    permit.done(Verdict::Failure);
                    sent |= now_sent;
                    if !self.pause(attempt, deadline).await {
                        return tell_all(orders, &broken(sent));
                    }
                    drop_late(&mut orders, sent);
                    self.metrics.retried();
                }
            }
        }
    }

    /// Waits before another attempt; false when there shall be none.
    async fn pause(&self, attempt: u32, deadline: Instant) -> bool {
        let most = PAUSE_FIRST.saturating_mul(1 << attempt.min(16)).min(PAUSE_LAST);
        let pause = most.mul_f64(rand::random());
        if attempt >= self.retries_max || Instant::now() + pause >= deadline || !self.budget.withdraw() {
            return false;
        }
        sleep(pause).await;
        true
    }
}

fn broken(sent: bool) -> ClientError {
    if sent { ClientError::Unknown } else { ClientError::Unreachable }
}

fn tell_all(orders: Vec<Waiting>, error: &ClientError) {
    for waiting in orders {
        waiting.tell(Told::Err(error.clone()));
    }
}

/// What is past its deadline need not be asked for any more, nor what nobody waits for, if vacancy has not seen it.
fn drop_late(orders: &mut Vec<Waiting>, sent: bool) {
    let now = Instant::now();
    let late = |waiting: &mut Waiting| now >= waiting.deadline || (!sent && waiting.answer.is_closed());
    for waiting in orders.extract_if(.., late) {
        waiting.tell(Err(if sent { ClientError::Unknown } else { ClientError::Overloaded { retry_after_s: 1 } }));
    }
}
