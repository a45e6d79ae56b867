//! The state of a waiting room, the same for all.

use inventory::TimeMs;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{event::Event, frame::EventFrame, queue::QueueReading};

/// What a waiting room is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueuePhase {
    /// Before the sale: people join, nobody is called.
    Pre,
    /// The sale has opened, and the draw is not known yet.
    Drawing,
    /// Places are called.
    Open,
    /// Nothing is left, and nothing is held.
    SoldOut,
}

/// The state of a waiting room, the same for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueueFrame {
    /// What it is doing.
    pub phase: QueuePhase,
    /// The last turn that was called.
    pub serving: u64,
    /// How many places are not called yet.
    pub waiting: u64,
    /// How many tickets can be held or bought now.
    pub left: u64,
    /// Seconds until a place that joins now is called, at the speed of the last minute; null when
    /// that cannot be said.
    pub eta_s: Option<u64>,
    /// How many tickets are held: some of them may return.
    pub in_baskets: u64,
    /// Whether nobody is called for now.
    pub paused: bool,
}

impl QueueFrame {
    /// The frame of the waiting room of `of` at `now_ms`, if it has one.
    #[must_use]
    pub fn of(of: &EventFrame, now_ms: TimeMs) -> Option<Self> {
        let queue = of.queue.as_ref()?;
        let (left, in_baskets) = counts(&of.event);
        let waiting = queue.joined - queue.serving;
        Some(Self {
            phase: phase(queue, (left, in_baskets), now_ms),
            serving: queue.serving,
            waiting,
            left,
            eta_s: eta_s(queue, waiting),
            in_baskets,
            paused: queue.paused,
        })
    }
}

fn counts(event: &Event) -> (u64, u64) {
    let stocks = event.stocks.values();
    stocks.fold((0, 0), |(left, held), stock| (left + stock.available, held + stock.held))
}

fn phase(queue: &QueueReading, counts: (u64, u64), now_ms: TimeMs) -> QueuePhase {
    if counts == (0, 0) {
        return QueuePhase::SoldOut;
    }
    match &queue.draw {
        Some(draw) if draw.frozen.is_none() => QueuePhase::Pre,
        Some(draw) if draw.revealed.is_none() => QueuePhase::Drawing,
        Some(_) => QueuePhase::Open,
        None if queue.opens_at_ms.is_some_and(|opens_at_ms| now_ms < opens_at_ms) => {
            QueuePhase::Pre
        }
        None => QueuePhase::Open,
    }
}

fn eta_s(queue: &QueueReading, waiting: u64) -> Option<u64> {
    if waiting == 0 {
        return Some(0);
    }
    let calls_per_h = queue.calls_per_h.filter(|_| !queue.paused)?;
    Some(waiting.saturating_mul(3_600).div_ceil(calls_per_h))
}
