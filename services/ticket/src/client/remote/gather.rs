//! Orders gather while calls are under way: the next call takes all that have come meanwhile. There
//! is no timer; an order that finds room for a call goes at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::oneshot, time::Instant};
use vacancy_api::ReserveAnswer;

use super::super::{ClientError, Order};

/// What a buyer hears.
pub type Told = Result<ReserveAnswer, ClientError>;

/// How much is gathered, and how many calls there are at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatherSettings {
    /// Calls at once.
    pub calls_max: usize,
    /// Orders of one call.
    pub batch_max: usize,
    /// Bytes of one call's body.
    pub bytes_max: usize,
    /// Orders that wait for a call.
    pub queue_max: usize,
}

/// An order on its way.
pub struct Waiting {
    pub order: Order,
    /// Until when its buyer waits.
    pub deadline: Instant,
    /// Until when it is worth sending: what is left then has to be enough for the call.
    pub send_by: Instant,
    pub since: Instant,
    pub answer: oneshot::Sender<Told>,
}

impl Waiting {
    /// Tells its buyer, who may be gone.
    pub fn tell(self, told: Told) {
        let _ = self.answer.send(told);
    }
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    calls: usize,
}

/// The orders that wait, and the number of calls under way.
pub struct Gather {
    settings: GatherSettings,
    state: Mutex<State>,
}

impl Gather {
    pub fn new(settings: GatherSettings) -> Arc<Self> {
        Arc::new(Self { settings, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn len(&self) -> usize {
        self.state().waiting.len()
    }

    /// Adds an order; with a [`Slot`] comes the duty to make calls until it has no more orders.
    ///
    /// # Errors
    /// The order, when too many wait.
    pub fn add(self: &Arc<Self>, waiting: Waiting) -> Result<Option<Slot>, Box<Waiting>> {
        let mut state = self.state();
        if state.waiting.len() >= self.settings.queue_max {
            return Err(Box::new(waiting));
        }
        state.waiting.push_back(waiting);
        if state.calls >= self.settings.calls_max {
            return Ok(None);
        }
        state.calls += 1;
        Ok(Some(Slot { gather: self.clone(), ended: false }))
    }
}

/// The right to one call at a time.
pub struct Slot {
    gather: Arc<Gather>,
    ended: bool,
}

impl Slot {
    /// The next call's orders, as many as it may have; without any the slot ends.
    pub fn take(&mut self) -> Vec<Waiting> {
        let settings = &self.gather.settings;
        let mut state = self.gather.state();
        let (mut count, mut bytes) = (0, 0);
        for waiting in state.waiting.iter().take(settings.batch_max) {
            bytes += waiting.order.wire_bytes_max();
            if count > 0 && bytes > settings.bytes_max {
                break;
            }
            count += 1;
        }
        if count == 0 {
            // Under the lock: who adds an order next gets a slot of his own.
            state.calls -= 1;
            self.ended = true;
        }
        state.waiting.drain(..count).collect()
    }
}

impl Drop for Slot {
    /// Does something only when a call panicked: the other calls go on.
    fn drop(&mut self) {
        if !self.ended {
            self.gather.state().calls -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(key: &str) -> Waiting {
        let order = Order {
            qty: 1,
            customer: None,
            key: inventory::IdempotencyKey::new(key).ok(),
            trace: crate::client::Trace::default(),
        };
        let now = Instant::now();
        Waiting { order, deadline: now, send_by: now, since: now, answer: oneshot::channel().0 }
    }

    fn gather(
        calls_max: usize,
        batch_max: usize,
        bytes_max: usize,
        queue_max: usize,
    ) -> Arc<Gather> {
        Gather::new(GatherSettings { calls_max, batch_max, bytes_max, queue_max })
    }

    #[tokio::test]
    async fn the_first_goes_at_once_and_the_next_call_takes_all_that_came_meanwhile() {
        let gather = gather(1, 3, 10_000, 5);
        let mut slot = gather.add(order("a")).ok().flatten().expect("a slot");
        assert_eq!(slot.take().len(), 1);
        for key in ["b", "c", "d", "e", "f"] {
            assert!(gather.add(order(key)).ok().expect("room").is_none());
        }
        assert!(gather.add(order("g")).is_err(), "the queue is bounded");
        let keys = |batch: Vec<Waiting>| {
            batch
                .iter()
                .map(|w| w.order.key.clone().unwrap().as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(slot.take()), ["b", "c", "d"], "so is a batch, and the order is kept");
        assert_eq!(keys(slot.take()), ["e", "f"]);
        assert!(slot.take().is_empty());
        assert!(gather.add(order("h")).ok().flatten().is_some(), "the slot is free again");
    }

    #[tokio::test]
    async fn a_call_has_a_bounded_body_and_a_lost_slot_comes_back() {
        let gather = gather(2, 100, 1_000, 100);
        let long = "x".repeat(255);
        let mut slot = gather.add(order(&long)).ok().flatten().expect("a slot");
        drop(gather.add(order(&long)).ok().flatten().expect("another"));
        let _second = gather.add(order(&long)).ok().flatten().expect("it came back");
        assert_eq!(
            (slot.take().len(), slot.take().len(), slot.take().len(), gather.len()),
            (1, 1, 1, 0)
        );
    }
}
