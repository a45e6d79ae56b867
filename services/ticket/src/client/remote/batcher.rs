//! Collects purchases into batches. While calls are in flight, the purchases that arrive wait; the
//! next call takes all of them, up to its limits. There is no timer: a purchase that finds a free
//! call slot is sent at once.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use super::{super::link_settings::BatcherSettings, pending::Pending};

#[derive(Default)]
struct State {
    queue: VecDeque<Pending>,
    calls: usize,
}

/// The queue of purchases and the number of calls in flight.
pub struct Batcher {
    settings: BatcherSettings,
    state: Mutex<State>,
}

impl Batcher {
    pub fn new(settings: BatcherSettings) -> Arc<Self> {
        Arc::new(Self { settings, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Returns the number of purchases that wait.
    pub fn len(&self) -> usize {
        self.state().queue.len()
    }

    /// Adds a purchase to the queue. If a call slot is free, the caller gets it and must make calls
    /// until [`Slot::take`] returns no more purchases.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub fn add(self: &Arc<Self>, pending: Pending) -> Result<Option<Slot>, QueueFull> {
        let mut state = self.state();
        if state.queue.len() >= self.settings.queue_max {
            return Err(QueueFull);
        }
        state.queue.push_back(pending);
        if state.calls >= self.settings.calls_max {
            return Ok(None);
        }
        state.calls += 1;
        Ok(Some(Slot { batcher: self.clone(), ended: false }))
    }
}

/// The queue is full; the purchase was not added.
#[derive(Debug)]
pub struct QueueFull;

/// The right to one call at a time.
pub struct Slot {
    batcher: Arc<Batcher>,
    ended: bool,
}

impl Slot {
    /// Takes the purchases of the next call, up to its limits. If the queue is empty, the slot
    /// ends.
    pub fn take(&mut self) -> Vec<Pending> {
        let settings = &self.batcher.settings;
        let mut state = self.batcher.state();
        let (mut count, mut bytes) = (0, 0);
        for pending in state.queue.iter().take(settings.batch_max) {
            bytes += pending.purchase.wire_bytes_max();
            if count > 0 && bytes > settings.bytes_max {
                break;
            }
            count += 1;
        }
        if count == 0 {
            // Under the lock: the next purchase that is added gets a new slot.
            state.calls -= 1;
            self.ended = true;
        }
        state.queue.drain(..count).collect()
    }
}

impl Drop for Slot {
    /// Frees the slot if a call panicked, so that other calls go on.
    fn drop(&mut self) {
        if !self.ended {
            self.batcher.state().calls -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::oneshot, time::Instant};

    use super::*;
    use crate::client::{PurchaseRequest, TraceHeaders};

    fn pending(key: &str) -> Pending {
        let purchase = PurchaseRequest {
            qty: 1,
            customer: None,
            caller: http_server::extract::Caller::Anonymous,
            key: inventory::IdempotencyKey::new(key).ok(),
            trace: TraceHeaders::default(),
        };
        let (now, reply_to) = (Instant::now(), oneshot::channel().0);
        let held = std::time::Duration::ZERO;
        Pending { purchase, deadline: now, send_by: now, enqueued_at: now, held, reply_to }
    }

    fn batcher(
        calls_max: usize,
        batch_max: usize,
        bytes_max: usize,
        queue_max: usize,
    ) -> Arc<Batcher> {
        Batcher::new(BatcherSettings { calls_max, batch_max, bytes_max, queue_max })
    }

    #[tokio::test]
    async fn first_is_sent_at_once_and_later_ones_share_the_next_call() {
        let batcher = batcher(1, 3, 10_000, 5);
        let mut slot = batcher.add(pending("a")).ok().flatten().expect("a slot");
        assert_eq!(slot.take().len(), 1);
        for key in ["b", "c", "d", "e", "f"] {
            assert!(batcher.add(pending(key)).expect("the queue has room").is_none());
        }
        assert!(batcher.add(pending("g")).is_err(), "the queue is bounded");
        let keys = |batch: Vec<Pending>| {
            batch
                .iter()
                .map(|pending| pending.purchase.key.clone().unwrap().as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(slot.take()), ["b", "c", "d"], "a batch is bounded, and the order is kept");
        assert_eq!(keys(slot.take()), ["e", "f"]);
        assert!(slot.take().is_empty());
        assert!(batcher.add(pending("h")).ok().flatten().is_some(), "the slot is free again");
    }

    #[tokio::test]
    async fn body_of_a_call_is_bounded_and_a_lost_slot_is_freed() {
        let batcher = batcher(2, 100, 1_000, 100);
        let long = "x".repeat(255);
        let mut slot = batcher.add(pending(&long)).ok().flatten().expect("a slot");
        drop(batcher.add(pending(&long)).ok().flatten().expect("a second slot"));
        let _second = batcher.add(pending(&long)).ok().flatten().expect("the freed slot");
        assert_eq!(
            (slot.take().len(), slot.take().len(), slot.take().len(), batcher.len()),
            (1, 1, 1, 0)
        );
    }
}
