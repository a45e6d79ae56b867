//! Counters that many threads update without contending for a cache line: each thread updates a
//! slot of its own, and readers add the slots up.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// Number of slots. More threads share slots.
const SLOTS: usize = 8;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SLOT: usize = THREADS.fetch_add(1, Relaxed) % SLOTS;
}

/// One `T` for each slot.
pub(crate) struct Sharded<T>(Box<[CachePadded<T>]>);

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| CachePadded::default()).collect())
    }
}

impl<T> Sharded<T> {
    /// The slot of this thread.
    pub fn mine(&self) -> &T {
        &self.0[SLOT.with(|slot| *slot)]
    }

    /// All slots.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|padded| &**padded)
    }
}

/// The number of requests in flight.
#[derive(Default)]
pub struct InFlight(Sharded<AtomicI64>);

/// The slot in which a request was counted.
#[derive(Debug, Clone, Copy)]
pub struct InFlightToken(usize);

impl InFlight {
    /// Counts one more. The caller must end the token exactly once.
    pub fn begin(&self) -> InFlightToken {
        let slot = SLOT.with(|slot| *slot);
        self.0.0[slot].fetch_add(1, Relaxed);
        InFlightToken(slot)
    }

    /// Counts one less, on any thread.
    pub fn end(&self, token: InFlightToken) {
        self.0.0[token.0].fetch_sub(1, Relaxed);
    }

    /// The number in flight.
    #[must_use]
    pub fn count(&self) -> usize {
        usize::try_from(self.0.iter().map(|slot| slot.load(Relaxed)).sum::<i64>()).unwrap_or(0)
    }

    /// Whether more than `max` are in flight, as seen by a caller that has begun one. It reads the
    /// slots of other threads only when the slot of this thread has its share, an eighth. So a
    /// thread with few requests may exceed the bound by that share.
    #[must_use]
    pub fn is_over(&self, max: usize) -> bool {
        let here = usize::try_from(self.0.mine().load(Relaxed)).unwrap_or(0);
        here > max / SLOTS && self.count() > max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_end_on_other_threads_add_up() {
        let in_flight = InFlight::default();
        let tokens: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20)
                .map(|_| scope.spawn(|| (0..100).map(|_| in_flight.begin()).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect()
        });
        assert_eq!(in_flight.count(), 2_000);
        for token in &tokens[..1_500] {
            in_flight.end(*token);
        }
        assert_eq!(in_flight.count(), 500);
    }

    #[test]
    fn a_thread_with_its_share_sees_the_bound() {
        let in_flight = InFlight::default();
        let max = 10 * SLOTS;
        for slot in &in_flight.0.0 {
            slot.store(10, Relaxed);
        }
        assert!(!in_flight.is_over(max));
        let token = in_flight.begin();
        assert!(in_flight.is_over(max));
        in_flight.end(token);
        in_flight.0.mine().store(1, Relaxed);
        assert!(!in_flight.is_over(max));
    }
}
