//! Events as they travel inside the system, from vacancy to ticket.

use inventory::TimeMs;
use inventory_store::EventView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{event::Event, queue::QueueReading};

/// An event, and what a cache of it needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventFrame {
    /// The event.
    pub event: Event,
    /// The `seq` of the record that last changed the settings or capacities: their version.
    pub settings_seq: u64,
    /// Milliseconds until the next hold expires. From then on the counts are out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// The waiting room, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueReading>,
    /// Present and true when the event was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl EventFrame {
    /// The event of `view` at `now_ms`; `stale` when the store was unavailable.
    #[must_use]
    pub fn of(view: &EventView, stale: bool, now_ms: TimeMs) -> Self {
        let now_ms = view.event.ledger_time(now_ms);
        Self {
            event: Event::of(view, stale),
            settings_seq: view.event.settings_seq,
            expires_in_ms: view.next_due_ms().map(|next_ms| next_ms.saturating_sub(now_ms)),
            queue: QueueReading::of(&view.event, now_ms),
            deleted: view.event.is_deleted(),
        }
    }
}

/// A line of the stream of events: one of these members, or none to show that vacancy is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamLine {
    /// An event that has changed, or that the stream begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<EventFrame>,
    /// Present and true once, after all events that the stream begins with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
}
