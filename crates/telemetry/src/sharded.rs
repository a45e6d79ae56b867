//! Counting on many threads without fighting over a cache line: each thread counts in a place of
//! its own, and whoever reads adds up.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// Threads beyond this many share places.
const PLACES: usize = 8;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: usize = THREADS.fetch_add(1, Relaxed) % PLACES;
}

/// One `T` for each thread, more or less.
pub(crate) struct Sharded<T>(Box<[CachePadded<T>]>);

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        Self((0..PLACES).map(|_| CachePadded::default()).collect())
    }
}

impl<T> Sharded<T> {
    /// That of this thread.
    pub fn mine(&self) -> &T {
        &self.0[PLACE.with(|place| *place)]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|padded| &**padded)
    }
}

/// A number of things that are under way.
#[derive(Default)]
pub struct UnderWay(Sharded<AtomicI64>);

/// Where something was counted that is under way.
#[derive(Debug, Clone, Copy)]
pub struct Begun(usize);

impl UnderWay {
    /// One more. It must be ended once.
    pub fn begin(&self) -> Begun {
        let place = PLACE.with(|place| *place);
        self.0.0[place].fetch_add(1, Relaxed);
        Begun(place)
    }

    /// One less, on whatever thread.
    pub fn end(&self, begun: Begun) {
        self.0.0[begun.0].fetch_sub(1, Relaxed);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        usize::try_from(self.0.iter().map(|place| place.load(Relaxed)).sum::<i64>()).unwrap_or(0)
    }

    /// Whether there are more than `max`, as seen by someone who has begun one. Other threads'
    /// places are only looked at when this one's has its share, so a thread with few may let
    /// the bound be passed by that share, an eighth.
    pub fn is_over(&self, max: usize) -> bool {
        let here = usize::try_from(self.0.mine().load(Relaxed)).unwrap_or(0);
        here > max / PLACES && self.count() > max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_and_ends_on_different_threads_adds_up() {
        let under_way = UnderWay::default();
        let begun: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20)
                .map(|_| scope.spawn(|| (0..100).map(|_| under_way.begin()).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect()
        });
        assert_eq!(under_way.count(), 2_000);
        for begun in &begun[..1_500] {
            under_way.end(*begun);
        }
        assert_eq!(under_way.count(), 500);
    }

    #[test]
    fn the_bound_is_seen_by_a_thread_that_has_its_share() {
        let under_way = UnderWay::default();
        let max = 10 * PLACES;
        for place in &under_way.0.0 {
            place.store(10, Relaxed);
        }
        assert!(!under_way.is_over(max));
        let begun = under_way.begin();
        assert!(under_way.is_over(max));
        under_way.end(begun);
        under_way.0.mine().store(1, Relaxed);
        assert!(!under_way.is_over(max));
    }
}
