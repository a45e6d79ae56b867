//! Making calls for the orders that have gathered: dropping what is too late, trying again, giving
//! everyone his answer.

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use http::StatusCode;
use telemetry::ClientSpan;
use tokio::time::{Instant, sleep};
use tower::retry::budget::{Budget, TpsBudget};

use super::{
    super::ClientError,
    breaker::{Breaker, Permit, Verdict},
    call::{Caller, Ended},
    chance::Chance,
    gather::{Slot, Waiting},
    metrics::LinkMetrics,
    ready::ReadyProbe,
};

/// The longest pause before the first repetition; each further one may be twice as long. The pause
/// is anything up to that.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_LAST: Duration = Duration::from_millis(500);
/// A call that is let through to see whether vacancy is back is given up after this: the next one
/// may be luckier.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Orders that go together.
struct Load {
    orders: Vec<Waiting>,
    /// vacancy may have seen them already.
    sent: bool,
}

/// What all calls share.
pub struct Flights {
    pub caller: Caller,
    pub breaker: Arc<Breaker>,
    pub chance: Arc<Chance>,
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
            let mut loads = vec![Load { orders, sent: false }];
            while let Some(load) = loads.pop() {
                loads.extend(self.carry(load).await.into_iter().flatten());
            }
        }
    }

    /// Gives everyone in `load` his answer; or gives it back in two parts, because it cannot go as
    /// a whole.
    async fn carry(&self, load: Load) -> Option<[Load; 2]> {
        let Load { mut orders, mut sent } = load;
        drop_overdue(&mut orders, sent);
        let oldest = orders.first()?;
        self.metrics.batch(orders.len(), oldest.since.elapsed());
        self.budget.deposit();
        for attempt in 0.. {
            // The youngest waits longest; who waits less long has that in his item.
            let deadline = orders.iter().map(|waiting| waiting.deadline).max()?;
            let permit = match self.breaker.admit() {
                Ok(permit) => permit,
                Err(pause) => {
                    tell_all(orders, &ClientError::Shut { pause }, sent);
                    return None;
                }
            };
            let (ended, permit) = self.call(&orders, permit, deadline).await;
            let verdict = ended.verdict();
            permit.done(verdict);
            match ended {
                Ended::Answered(told) => {
                    if verdict == Verdict::Success {
                        self.probe.note_answer();
                    }
                    orders.into_iter().zip(told).for_each(|(waiting, told)| {
                        waiting.tell(told.map_err(|error| after(sent, error)))
                    });
                    return None;
                }
                Ended::All(error, _) => {
                    tell_all(orders, &error, sent);
                    return None;
                }
                Ended::NotTogether => {
                    static ONCE: Once = Once::new();
                    ONCE.call_once(|| tracing::warn!("vacancy takes less at once than VACANCY_BATCH_MAX: calls are made in parts"));
                    let half = orders.split_off(orders.len() / 2);
                    return Some([Load { orders: half, sent }, Load { orders, sent }]);
                }
                Ended::Broken { sent: now_sent } => {
                    sent |= now_sent;
                    if !self.pause(attempt, deadline).await {
                        tell_all(orders, &ClientError::Unreachable, sent);
                        return None;
                    }
                    drop_late(&mut orders, sent);
                    self.metrics.retried();
                }
            }
        }
        None
    }

    /// One call, with its span and its metrics.
    async fn call(&self, orders: &[Waiting], permit: Permit, deadline: Instant) -> (Ended, Permit) {
        let started = Instant::now();
        let deadline =
            if permit.is_probe() { deadline.min(started + PROBE_TIMEOUT) } else { deadline };
        let span = ClientSpan::start(
            "vacancy reserve",
            orders.iter().map(|waiting| waiting.order.trace.traceparent()),
        );
        let trace = orders
            .first()
            .map(|first| first.order.trace.within(span.as_ref().and_then(ClientSpan::traceparent)));
        let ended = self.caller.call(orders, trace.unwrap_or_default(), deadline).await;
        self.metrics.call(&ended, started.elapsed());
        if let Some(span) = span {
            span.end(orders.len(), ended.failure());
        }
        (ended, permit)
    }

    /// Waits before another attempt; false when there shall be none.
    async fn pause(&self, attempt: u32, deadline: Instant) -> bool {
        let most = PAUSE_FIRST.saturating_mul(1 << attempt.min(16)).min(PAUSE_LAST);
        let pause = most.mul_f64(self.chance.part());
        if attempt >= self.retries_max
            || Instant::now() + pause >= deadline
            || !self.budget.withdraw()
        {
            return false;
        }
        sleep(pause).await;
        true
    }
}

/// What `error` of a call means to orders that an earlier one may have brought to vacancy: that
/// nothing was done is true of this call only.
fn after(sent: bool, error: ClientError) -> ClientError {
    let undone = match &error {
        ClientError::Refused { problem, .. } => problem.status() == StatusCode::TOO_MANY_REQUESTS,
        ClientError::Unreachable | ClientError::Shut { .. } | ClientError::Overloaded { .. } => {
            true
        }
        ClientError::Unknown => false,
    };
    if sent && undone { ClientError::Unknown } else { error }
}

fn tell_all(orders: Vec<Waiting>, error: &ClientError, sent: bool) {
    for waiting in orders {
        waiting.tell(Err(after(sent, error.clone())));
    }
}

/// Before the first attempt: who has waited for too much of his time would not get his answer any
/// more, and a queue of those would leave none for anybody. Nor does vacancy hear of what nobody
/// waits for.
fn drop_overdue(orders: &mut Vec<Waiting>, sent: bool) {
    let now = Instant::now();
    let overdue =
        |waiting: &mut Waiting| now >= waiting.send_by || (!sent && waiting.answer.is_closed());
    for waiting in orders.extract_if(.., overdue) {
        waiting.tell(Err(after(sent, ClientError::Overloaded { retry_after_s: 1 })));
    }
}

/// Before another attempt: what is past its deadline need not be asked for any more.
fn drop_late(orders: &mut Vec<Waiting>, sent: bool) {
    let now = Instant::now();
    let late =
        |waiting: &mut Waiting| now >= waiting.deadline || (!sent && waiting.answer.is_closed());
    for waiting in orders.extract_if(.., late) {
        waiting.tell(Err(after(sent, ClientError::Unreachable)));
    }
}

#[cfg(test)]
mod tests {
    use http_server::Problem;

    use super::*;

    #[test]
    fn that_nothing_was_sold_is_said_only_when_it_is_known() {
        let known = || {
            [
                ClientError::Unreachable,
                ClientError::Overloaded { retry_after_s: 1 },
                ClientError::Shut { pause: Duration::ZERO },
            ]
        };
        let limited =
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "T", "Nothing was sold.");
        let limit = Problem::new(StatusCode::CONFLICT, "limit_exceeded", "T", "d");
        let refused = |problem: &Problem| ClientError::Refused {
            problem: Box::new(problem.clone()),
            seq: None,
        };
        for error in known().into_iter().chain([refused(&limited)]) {
            assert!(matches!(after(true, error), ClientError::Unknown));
        }
        for error in known() {
            assert!(!matches!(after(false, error), ClientError::Unknown));
        }
        assert!(
            matches!(after(true, refused(&limit)), ClientError::Refused { .. }),
            "a decision stays one"
        );
    }
}
