//! The loop that moves waiting rooms on.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use admission::{Health, Pace, slots};
use beacon::{Beacon, BeaconSource, Chain};
use draw::{Order, Threshold};
use inventory::{
    CommandKind, EventName, TimeMs,
    domain::{Draw, Event, Queue},
    ledger::Record,
};
use inventory_engine::{Engine, EngineError, Request};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{counts::slots_of, draws, health::HealthMeter, metrics::QueueMetrics, queues::Queues};

/// The time between two looks at all waiting rooms.
const TICK: Duration = Duration::from_millis(500);
/// The time between two looks while there is no waiting room.
const IDLE_TICK: Duration = Duration::from_secs(5);

/// Moves the waiting rooms of an engine on until it is told to stop.
pub struct Controller {
    engine: Engine,
    queues: Queues,
    metrics: QueueMetrics,
    meter: HealthMeter,
    rooms: HashMap<EventName, Room>,
    ticked_at: Instant,
}

/// What the controller keeps of a waiting room. All of it can be made again.
struct Room {
    queue: u64,
    pace: Pace,
    /// When this process last called somebody, or began to look.
    called_at: Instant,
    order: Option<Arc<Order>>,
    /// The call for its beacon, which must not keep other rooms waiting.
    fetch: Option<AbortOnDropHandle<Result<Beacon, String>>>,
    /// Whether the log has said that its draw cannot go on.
    is_blocked: bool,
    /// Whether the log has said that it cannot move on.
    is_failing: bool,
}

impl Controller {
    /// A controller for the waiting rooms of `engine`.
    #[must_use]
    pub fn new(engine: Engine, queues: Queues, metrics: QueueMetrics) -> Self {
        let meter = HealthMeter::new(engine.clone());
        let (rooms, ticked_at) = (HashMap::new(), Instant::now());
        Self { engine, queues, metrics, meter, rooms, ticked_at }
    }

    /// Runs until `stop` is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = self.engine.changes();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.tick() => {}
            }
            let idle = tokio::time::sleep(IDLE_TICK);
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick(), if !self.rooms.is_empty() => {}
                // An event may have got a waiting room.
                changed = changes.changed(), if self.rooms.is_empty() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(TICK).await;
                }
                () = idle => {}
            }
        }
    }

    /// Looks at all waiting rooms once.
    pub async fn tick(&mut self) {
        let (mut events, mut names) = (Vec::new(), HashSet::new());
        let visited = self.engine.visit_events(|seen| {
            if seen.view.event.queue.is_none() {
                return;
            }
            names.insert(seen.view.event.name.clone());
            // What is stale is not acted on, and not forgotten either.
            if seen.stale.is_none() {
                events.push(seen.view.event.clone());
            }
        });
        if let Err(error) = visited.await {
            tracing::debug!(%error, "waiting rooms cannot be read");
            return;
        }
        self.rooms.retain(|name, _| {
            let is_there = names.contains(name);
            if !is_there {
                self.metrics.forget(name);
            }
            is_there
        });
        if events.is_empty() {
            return;
        }
        let health = self.meter.look();
        let elapsed_ms = u64::try_from(self.ticked_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.ticked_at = Instant::now();
        for event in &events {
            let failed = self.advance(event, elapsed_ms, health).await.err();
            let Some(room) = self.rooms.get_mut(&event.name) else { continue };
            if let Some(error) = failed.as_ref().filter(|_| !room.is_failing) {
                tracing::warn!(event = %event.name, %error, "waiting room cannot move on");
            }
            room.is_failing = failed.is_some();
        }
    }

    async fn advance(
        &mut self,
        event: &Event,
        elapsed_ms: u64,
        health: Health,
    ) -> Result<(), EngineError> {
        let Some(queue) = &event.queue else { return Ok(()) };
        let at_ms = event.ledger_time(self.engine.now_ms());
        let pace = self.queues.settings().pace;
        let room = self.rooms.entry(event.name.clone()).or_insert_with(|| Room::new(queue, pace));
        if room.queue != queue.id {
            *room = Room::new(queue, pace);
            self.metrics.forget(&event.name);
        }
        self.metrics.set_places(&event.name, queue, at_ms);
        if let Some(draw) = &queue.draw {
            if draw.frozen.is_none() {
                return Ok(());
            }
            // Another process may have revealed it.
            if draw.revealed.is_some() && room.is_blocked {
                room.is_blocked = false;
                self.metrics.set_blocked(&event.name, None);
            }
            let Some(revealed) = &draw.revealed else {
                return self.reveal(&event.name, queue, draw, at_ms).await;
            };
            if room.order.is_none() {
                let n = draw.tree.len();
                let order = draws::order(&self.engine, &event.name, queue.id, n, &revealed.key);
                room.order = Some(order.await?);
            }
        }
        if !event.settings.is_open_at(at_ms) {
            self.metrics.forget_admission(&event.name);
            return Ok(());
        }
        let reason = room.pace.tick(elapsed_ms, health);
        self.metrics.set_pace(&event.name, room.pace.per_s(), reason);
        let pass_ttl_ms = event.settings.queue.as_ref().map_or(0, |queue| queue.pass_ttl_ms);
        // Another process may have called.
        let newest = queue.calls.last().map_or(0, |call| call.since_ms);
        let since_call_ms = u64::try_from(room.called_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let since_call_ms = since_call_ms.min(at_ms.saturating_sub(newest));
        let mut admission = slots(&slots_of(event, queue, at_ms))
            .kept_moving(since_call_ms, pass_ttl_ms)
            .paced(room.pace.allowance());
        if queue.paused {
            admission = admission.paused();
        }
        self.metrics.set_admission(&event.name, admission);
        if admission.call == 0 {
            return Ok(());
        }
        let serving = queue.called.serving + admission.call;
        let order = room.order.clone();
        let upto = order.filter(|order| !order.is_empty()).and_then(|order| order.upto(serving));
        if self.call(&event.name, queue, serving, upto).await?
            && let Some(room) = self.rooms.get_mut(&event.name)
        {
            room.pace.take(admission.call);
            room.called_at = Instant::now();
        }
        Ok(())
    }

    /// Calls the turns up to `serving`; false if another process did something first.
    async fn call(
        &self,
        event: &EventName,
        queue: &Queue,
        serving: u64,
        upto: Option<Threshold>,
    ) -> Result<bool, EngineError> {
        let kind = CommandKind::CallPlaces {
            event: event.clone(),
            queue: queue.id,
            from: queue.called.serving,
            serving,
            upto,
        };
        Ok(self.engine.submit(Request::new(kind)).await?.result.is_ok())
    }

    /// Reveals the seed of a draw that is frozen, with the round of its beacon if it has one.
    async fn reveal(
        &mut self,
        event: &EventName,
        queue: &Queue,
        draw: &Draw,
        at_ms: TimeMs,
    ) -> Result<(), EngineError> {
        let Some(seed) = self.queues.seed_of(&draw.commitment) else {
            self.block(
                event,
                "signing_key",
                "the signing key of the draw is not in SIGNING_KEYS_FILE",
            );
            return Ok(());
        };
        let beacon = match self.beacon(event, draw, at_ms).await? {
            Awaited::Nothing => None,
            Awaited::Round(beacon) => Some(beacon.signature),
            Awaited::Pending => return Ok(()),
            Awaited::Later(why) => {
                self.block(event, "beacon", &why);
                return Ok(());
            }
            Awaited::GivenUp(why) => {
                tracing::warn!(%event, error = why, "the draw goes on without its beacon: unwitnessed");
                None
            }
        };
        let kind = CommandKind::RevealDraw { event: event.clone(), queue: queue.id, seed, beacon };
        let reply = self.engine.submit(Request::new(kind)).await?;
        if reply.result.is_ok() {
            self.metrics.set_blocked(event, None);
            tracing::info!(%event, places = draw.tree.len(), "draw revealed");
        }
        Ok(())
    }

    async fn beacon(
        &mut self,
        event: &EventName,
        draw: &Draw,
        at_ms: TimeMs,
    ) -> Result<Awaited, EngineError> {
        let Some(committed) = &draw.commitment.beacon else { return Ok(Awaited::Nothing) };
        let settings = self.queues.settings();
        let chain = Chain::by_hash(&committed.chain);
        let wait_ms = u64::try_from(settings.beacon_wait.as_millis()).unwrap_or(u64::MAX);
        let published_ms = chain.map_or(0, |chain| chain.time_of_ms(committed.round));
        let why = match (chain, &settings.beacon) {
            (Some(chain), Some(source)) if at_ms >= published_ms => {
                if published_ms < self.frozen_at_ms(event, draw).await? {
                    // The order could have been known while people still joined.
                    let why = "its round was published before the draw was frozen";
                    return Ok(Awaited::GivenUp(why.to_owned()));
                }
                let source = source.clone();
                match self.fetched(event, source, chain, committed.round).await {
                    None => return Ok(Awaited::Pending),
                    Some(Ok(beacon)) => return Ok(Awaited::Round(beacon)),
                    Some(Err(why)) => why,
                }
            }
            (Some(_), Some(_)) => return Ok(Awaited::Pending),
            (None, _) => "the chain of the beacon is unknown".to_owned(),
            (_, None) => "QUEUE_BEACON_URLS is not set any more".to_owned(),
        };
        let given_up_ms = published_ms.saturating_add(wait_ms);
        Ok(if at_ms < given_up_ms { Awaited::Later(why) } else { Awaited::GivenUp(why) })
    }

    /// What came of the call for a beacon; none while it is under way.
    async fn fetched(
        &mut self,
        event: &EventName,
        source: Arc<dyn BeaconSource>,
        chain: Chain,
        round: u64,
    ) -> Option<Result<Beacon, String>> {
        let room = self.rooms.get_mut(event)?;
        match room.fetch.take() {
            Some(call) if call.is_finished() => {
                Some(call.await.unwrap_or_else(|error| Err(error.to_string())))
            }
            Some(call) => {
                room.fetch = Some(call);
                None
            }
            None => {
                let call = async move {
                    let fetched = source.fetch_verified(&chain, round).await;
                    fetched.map_err(|error| error.to_string())
                };
                room.fetch = Some(AbortOnDropHandle::new(tokio::spawn(call)));
                None
            }
        }
    }

    /// When the end of joining was recorded.
    async fn frozen_at_ms(&self, event: &EventName, draw: &Draw) -> Result<TimeMs, EngineError> {
        let seq = draw.frozen.map_or(0, |frozen| frozen.seq);
        let found = self.engine.records(event, seq.saturating_sub(1), 1).await?;
        let record = found.and_then(|found| Record::from_body(&found.first()?.body).ok());
        Ok(record.map_or(TimeMs::MAX, |record| record.at_ms))
    }

    fn block(&mut self, event: &EventName, reason: &'static str, why: &str) {
        self.metrics.set_blocked(event, Some(reason));
        if let Some(room) = self.rooms.get_mut(event).filter(|room| !room.is_blocked) {
            room.is_blocked = true;
            tracing::warn!(%event, reason, error = why, "draw waits");
        }
    }
}

/// What came of waiting for a beacon.
enum Awaited {
    /// The draw has none.
    Nothing,
    Round(Beacon),
    /// Its round is still to come, or the relays have not responded yet.
    Pending,
    Later(String),
    GivenUp(String),
}

impl Room {
    fn new(queue: &Queue, pace: admission::PaceSettings) -> Self {
        let (is_blocked, is_failing) = (false, false);
        let (order, fetch) = (None, None);
        let (pace, called_at) = (Pace::new(pace), Instant::now());
        Self { queue: queue.id, pace, called_at, order, fetch, is_blocked, is_failing }
    }
}
