//! Collects requests into batches. While calls are in flight, the requests that arrive wait; the
//! next call takes all of them, up to its limits. There is no timer: a request that finds a free
//! call slot is sent at once.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use super::{super::link_settings::BatcherSettings, pending::Pending};

#[derive(Default)]
struct State {
    /// Requests that finish a hold; they are taken first.
    urgent: VecDeque<Pending>,
    others: VecDeque<Pending>,
    calls: usize,
}

/// The queue of requests and the number of calls in flight.
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

    /// Returns the number of requests that wait.
    pub fn len(&self) -> usize {
        let state = self.state();
        state.urgent.len() + state.others.len()
    }

    /// Adds a request to the queue. If a call slot is free, the caller gets it and must make calls
    /// until [`Slot::take`] returns no more requests. An eighth of the queue is reserved for
    /// requests that finish a hold: new ones must not keep them out.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub fn add(self: &Arc<Self>, pending: Pending) -> Result<Option<Slot>, QueueFull> {
        let mut state = self.state();
        let (len, max) = (state.urgent.len() + state.others.len(), self.settings.queue_max);
        let is_urgent = pending.request.entry.op.is_urgent();
        if len >= max || (!is_urgent && state.others.len() >= max - max / 8) {
            return Err(QueueFull);
        }
        if is_urgent {
            state.urgent.push_back(pending);
        } else {
            state.others.push_back(pending);
        }
        if state.calls >= self.settings.calls_max {
            return Ok(None);
        }
        state.calls += 1;
        Ok(Some(Slot { batcher: self.clone(), ended: false }))
    }
}

/// The queue is full; the request was not added.
#[derive(Debug)]
pub struct QueueFull;

/// The right to one call at a time.
pub struct Slot {
    batcher: Arc<Batcher>,
    ended: bool,
}

impl Slot {
    /// Takes the requests of the next call, up to its limits, urgent ones first. A quarter is
    /// reserved for the others, so that none starves. If the queue is empty, the slot ends.
    pub fn take(&mut self) -> Vec<Pending> {
        let settings = &self.batcher.settings;
        let mut state = self.batcher.state();
        let most = settings.batch_max;
        let urgent_max = most - state.others.len().min(most / 4);
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < most {
            let queue = if taken.len() < urgent_max && !state.urgent.is_empty() {
                &mut state.urgent
            } else {
                &mut state.others
            };
            let Some(next) = queue.front() else { break };
            bytes += next.request.wire_bytes_max();
            if !taken.is_empty() && bytes > settings.bytes_max {
                break;
            }
            taken.extend(queue.pop_front());
        }
        if taken.is_empty() {
            // Under the lock: the next request that is added gets a new slot.
            state.calls -= 1;
            self.ended = true;
        }
        taken
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
    use public_api::TraceHeaders;
    use tokio::{sync::oneshot, time::Instant};
    use vacancy_api::{BatchEntry, Operation};

    use super::{super::request::LinkRequest, *};

    fn pending(key: &str) -> Pending {
        pending_for(Operation::Reserve, key)
    }

    fn pending_for(op: Operation, key: &str) -> Pending {
        let key = inventory::IdempotencyKey::new(key).ok();
        let entry = BatchEntry { qty: Some(1), key, ..BatchEntry::new(op) };
        let request = LinkRequest::read(entry, TraceHeaders::default());
        let (now, reply_to) = (Instant::now(), oneshot::channel().0);
        let held = std::time::Duration::ZERO;
        Pending { request, deadline: now, send_by: now, enqueued_at: now, held, reply_to }
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
                .map(|pending| pending.request.entry.key.clone().unwrap().as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(slot.take()), ["b", "c", "d"], "a batch is bounded, and the order is kept");
        assert_eq!(keys(slot.take()), ["e", "f"]);
        assert!(slot.take().is_empty());
        assert!(batcher.add(pending("h")).ok().flatten().is_some(), "the slot is free again");
    }

    #[tokio::test]
    async fn requests_that_finish_a_hold_go_first_and_starve_nobody() {
        let batcher = batcher(1, 4, 10_000, 16);
        let mut slot = batcher.add(pending("first")).ok().flatten().expect("a slot");
        slot.take();
        for n in 0..14 {
            assert!(batcher.add(pending(&format!("sale-{n}"))).is_ok(), "{n}");
        }
        assert!(batcher.add(pending("one too many")).is_err(), "an eighth is reserved");
        for n in 0..2 {
            let confirm = pending_for(Operation::Confirm, &format!("confirm-{n}"));
            assert!(batcher.add(confirm).is_ok(), "{n}");
        }
        assert!(batcher.add(pending_for(Operation::Confirm, "full")).is_err());
        let ops = |batch: Vec<Pending>| -> Vec<_> {
            batch.iter().map(|pending| pending.request.entry.op).collect()
        };
        use Operation::{Confirm, Reserve};
        assert_eq!(ops(slot.take()), [Confirm, Confirm, Reserve, Reserve]);
        for n in 0..4 {
            assert!(batcher.add(pending_for(Confirm, &format!("more-{n}"))).is_ok());
        }
        assert_eq!(ops(slot.take()), [Confirm, Confirm, Confirm, Reserve]);
        assert_eq!(ops(slot.take()), [Confirm, Reserve, Reserve, Reserve]);
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
