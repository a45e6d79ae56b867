//! What the calls read.

use std::{borrow::Cow, sync::Arc, time::Duration};

use inventory::HoldState;
use vacancy_api::{Event, EventFrame, Hold};

/// An event as of now, or as of an earlier time.
#[derive(Debug, Clone)]
pub struct EventReading {
    /// The event.
    pub frame: Arc<EventFrame>,
    /// The age of the counts, when they could not be read again.
    pub stale: Option<Duration>,
}

impl EventReading {
    /// The event, marked as stale if it is.
    #[must_use]
    pub fn event(&self) -> Cow<'_, Event> {
        let event = &self.frame.event;
        if event.stale == self.stale.is_some() {
            Cow::Borrowed(event)
        } else {
            Cow::Owned(Event { stale: self.stale.is_some(), ..event.clone() })
        }
    }
}

/// A page of events.
#[derive(Debug, Clone)]
pub struct EventsPage {
    /// The events, by name.
    pub events: Vec<EventReading>,
    /// Whether there are more.
    pub more: bool,
}

/// A hold as of now.
#[derive(Debug, Clone)]
pub struct HoldReading(pub Hold);

impl HoldReading {
    /// Its state.
    #[must_use]
    pub fn state(&self) -> HoldState {
        self.0.state.into()
    }
}
