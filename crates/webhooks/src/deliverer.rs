//! Delivers to one receiver: one message at a time, in the order of each event.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use inventory::EventName;
use inventory_engine::{Engine, EngineError};
use inventory_store::{Claim, StoreError, WebhookStore};
use rand::RngExt;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    endpoint::Endpoint,
    message::Message,
    metrics::WebhookMetrics,
    sender::{SendError, Sender},
    settings::WebhookSettings,
    state::DeliveryState,
};

/// How often the right to deliver is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How long the right lasts beyond the longest delivery.
const LEASE_MARGIN: Duration = Duration::from_secs(10);
/// Records of an event before the next event has its turn.
const TURN: usize = 100;
/// How often progress is written. What was delivered since is delivered again after a crash.
const PERSIST_EVERY: Duration = Duration::from_millis(250);
/// The longest time between two looks at the ledger: other processes may write it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// What all deliverers share.
#[derive(Clone)]
pub struct Shared {
    pub store: Arc<dyn WebhookStore>,
    pub engine: Engine,
    pub sender: Arc<Sender>,
    pub settings: WebhookSettings,
    pub metrics: WebhookMetrics,
}

/// Why a deliverer stops.
pub enum Stop {
    /// Another process delivers, or the receiver has changed.
    Lost,
    /// The store does not respond.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn unavailable(error: &EngineError) -> Stop {
    Stop::Store(StoreError::Unavailable(error.to_string().into()))
}

/// Delivers to one receiver while it has the right to.
pub struct Deliverer {
    pub shared: Shared,
    pub claim: Claim,
    pub endpoint: Endpoint,
    pub cursors: BTreeMap<EventName, u64>,
    pub state: DeliveryState,
    /// Events whose cursors are not written yet.
    dirty: BTreeMap<EventName, u64>,
    persisted_at: Instant,
    renewed_at: Instant,
}

impl Deliverer {
    pub fn new(
        shared: Shared,
        claim: Claim,
        endpoint: Endpoint,
        cursors: BTreeMap<EventName, u64>,
        state: DeliveryState,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            claim,
            endpoint,
            cursors,
            state,
            dirty: BTreeMap::new(),
            persisted_at: now,
            renewed_at: now,
        }
    }

    /// Delivers until it has lost the right to, or until the receiver is paused.
    pub async fn run(mut self) -> Stop {
        let ended = self.work().await;
        self.shared.metrics.forget_lag(&self.claim.name);
        ended.err().unwrap_or(Stop::Lost)
    }

    /// Returns when the receiver is paused.
    async fn work(&mut self) -> Result<(), Stop> {
        self.lease().await?;
        let mut changes = self.shared.engine.changes();
        let due_ms = self.state.next_attempt_ms.unwrap_or(0);
        self.rest(Duration::from_millis(due_ms.saturating_sub(self.now_ms()))).await?;
        loop {
            changes.mark_unchanged();
            let delivered = match self.pass().await? {
                Ok(delivered) => delivered,
                Err(error) => {
                    let pause = self.fail(&error);
                    self.persist().await?;
                    if self.state.paused {
                        tracing::warn!(webhook = %self.claim.name, %error, "webhook paused");
                        return Ok(());
                    }
                    self.rest(pause).await?;
                    continue;
                }
            };
            if delivered {
                continue;
            }
            if self.dirty.is_empty() {
                let _ = timeout(LOOK_EVERY, changes.changed()).await;
            } else {
                sleep(PERSIST_EVERY.saturating_sub(self.persisted_at.elapsed())).await;
            }
            self.persist_if_due().await?;
            self.renew_if_due().await?;
        }
    }

    /// Gives each event its turn. Returns whether anything was there, or why a delivery failed.
    async fn pass(&mut self) -> Result<Result<bool, SendError>, Stop> {
        let (mut any, mut lag) = (false, 0);
        for (event, head) in self.events().await? {
            let cursor = self.cursors.get(&event).copied().unwrap_or(0);
            if cursor > head {
                self.check_end(&event, cursor).await?;
            }
            if cursor >= head {
                continue;
            }
            any = true;
            let result = self.turn(&event, cursor, head).await?;
            let got = self.cursors.get(&event).copied().unwrap_or(0);
            lag += head.saturating_sub(got);
            if let Err(error) = result {
                self.shared.metrics.set_lag(&self.claim.name, lag);
                return Ok(Err(error));
            }
        }
        self.shared.metrics.set_lag(&self.claim.name, lag);
        Ok(Ok(any))
    }

    /// The events that the receiver wants to hear of, with the ends of their ledgers.
    async fn events(&self) -> Result<Vec<(EventName, u64)>, Stop> {
        let engine = &self.shared.engine;
        if let Some(event) = &self.endpoint.event {
            let seen = engine.event(event).await.map_err(|error| unavailable(&error))?;
            return Ok(seen.map(|seen| (event.clone(), seen.event.seq)).into_iter().collect());
        }
        let mut events = Vec::new();
        let visited =
            engine.visit_events(|seen| events.push((seen.event.name.clone(), seen.event.seq)));
        visited.await.map_err(|error| unavailable(&error))?;
        Ok(events)
    }

    /// A cursor behind the end of the ledger is of a ledger that was replaced by a shorter one:
    /// deliveries go on from its end. Or what this process knows of the event is old.
    async fn check_end(&mut self, event: &EventName, cursor: u64) -> Result<(), Stop> {
        let seen =
            self.shared.engine.event_now(event).await.map_err(|error| unavailable(&error))?;
        let end = seen.filter(|seen| seen.stale.is_none()).map(|seen| seen.event.seq);
        if let Some(end) = end.filter(|end| *end < cursor) {
            tracing::warn!(webhook = %self.claim.name, %event, cursor, end, "ledger is shorter than what was delivered; going on from its end");
            self.cursors.insert(event.clone(), end);
            self.dirty.insert(event.clone(), end);
        }
        Ok(())
    }

    /// Delivers the next records of `event` after `cursor`, up to `head`.
    async fn turn(
        &mut self,
        event: &EventName,
        cursor: u64,
        head: u64,
    ) -> Result<Result<(), SendError>, Stop> {
        let records = self.shared.engine.records(event, cursor, TURN).await;
        let records = records.map_err(|error| unavailable(&error))?.unwrap_or_default();
        for record in records.into_iter().filter(|record| record.seq <= head) {
            let message = match Message::of(event, &record) {
                Ok(message) => message,
                Err(error) => {
                    tracing::error!(%error, %event, seq = record.seq, "cannot read the ledger");
                    return Err(Stop::Store(StoreError::Unavailable(error.to_string().into())));
                }
            };
            if self.endpoint.wants(&message.kind) {
                self.renew_if_due().await?;
                let now_s = self.now_ms() / 1_000;
                if let Err(error) = self.shared.sender.send(&self.endpoint, &message, now_s).await {
                    return Ok(Err(error));
                }
                self.shared.metrics.delivered(&self.claim.name);
                self.state.succeed(self.now_ms());
            }
            self.cursors.insert(event.clone(), record.seq);
            self.dirty.insert(event.clone(), record.seq);
            self.persist_if_due().await?;
        }
        Ok(Ok(()))
    }

    /// Records a failure, and returns the pause before the next attempt.
    fn fail(&mut self, error: &SendError) -> Duration {
        self.shared.metrics.failed(&self.claim.name);
        let longest = Duration::from_secs(1 << self.state.failures.min(12)).min(PAUSE_MAX);
        let pause = longest.mul_f64(rand::rng().random_range(0.5..=1.0));
        let (pause, is_gone) = match error {
            SendError::Refused { retry_after: Some(wait), .. } => (pause.max(*wait), false),
            SendError::Gone => (pause, true),
            _ => (pause, false),
        };
        let pause_after = self.shared.settings.webhook_pause_after;
        self.state.fail(self.now_ms(), &error.to_string(), pause, is_gone, pause_after);
        tracing::debug!(webhook = %self.claim.name, %error, "delivery failed");
        pause
    }

    /// Sleeps, and keeps the right to deliver meanwhile.
    async fn rest(&mut self, time: Duration) -> Result<(), Stop> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            sleep(RENEW_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
            self.renew_if_due().await?;
        }
        Ok(())
    }

    async fn lease(&mut self) -> Result<(), Stop> {
        let time = self.shared.settings.webhook_timeout + LEASE_MARGIN;
        if self.shared.store.lease(self.claim.clone(), time).await? {
            self.renewed_at = Instant::now();
            Ok(())
        } else {
            Err(Stop::Lost)
        }
    }

    async fn renew_if_due(&mut self) -> Result<(), Stop> {
        if self.renewed_at.elapsed() >= RENEW_EVERY { self.lease().await } else { Ok(()) }
    }

    async fn persist_if_due(&mut self) -> Result<(), Stop> {
        if self.dirty.is_empty() || self.persisted_at.elapsed() < PERSIST_EVERY {
            return Ok(());
        }
        self.persist().await
    }

    /// Writes cursors and state.
    async fn persist(&mut self) -> Result<(), Stop> {
        let mut cursors: Vec<_> = std::mem::take(&mut self.dirty).into_iter().map(Some).collect();
        if cursors.is_empty() {
            cursors.push(None);
        }
        for cursor in cursors {
            let state = self.state.to_text();
            if !self.shared.store.advance(self.claim.clone(), cursor, state).await? {
                return Err(Stop::Lost);
            }
        }
        self.persisted_at = Instant::now();
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        self.shared.engine.now_ms()
    }
}
