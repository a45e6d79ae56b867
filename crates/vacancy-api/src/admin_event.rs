//! Events as administrators see them.

use inventory::TimeMs;
use inventory_store::EventView;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{event::Event, frame::EventFrame, queue_frame::QueueFrame};

/// An event as administrators see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AdminEvent {
    /// What everybody sees.
    #[serde(flatten)]
    pub event: Event,
    /// The `seq` of the record that last changed the settings or capacities: their version.
    pub settings_seq: u64,
    /// Holds that are held now.
    pub live_holds: u64,
    /// What the waiting room is doing, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_state: Option<QueueFrame>,
}

impl AdminEvent {
    /// The event of `view`; `stale` when the store was unavailable.
    #[must_use]
    pub fn of(view: &EventView, stale: bool, now_ms: TimeMs) -> Self {
        Self {
            queue_state: QueueFrame::of(&EventFrame::of(view, stale, now_ms), now_ms),
            event: Event::of(view, stale),
            settings_seq: view.event.settings_seq,
            live_holds: view.event.live_holds,
        }
    }
}
