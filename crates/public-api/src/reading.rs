//! What the calls read.

use std::{borrow::Cow, sync::Arc, time::Duration};

use vacancy_api::{Event, EventFrame};

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
