//! Keys of requests in flight. A second request with the same key waits behind the first; when its
//! deadline passes meanwhile, it fails as [`EngineError::KeyInFlight`](crate::EngineError).

use std::sync::Arc;

use inventory::{domain::IdempotencyKey, map::HashMap};
use parking_lot::{Mutex, MutexGuard};

/// The number of requests in flight per key; bounded by the queue.
#[derive(Default)]
pub struct KeysInFlight(Mutex<HashMap<IdempotencyKey, u32>>);

impl KeysInFlight {
    fn counts(&self) -> MutexGuard<'_, HashMap<IdempotencyKey, u32>> {
        self.0.lock()
    }

    /// Counts a request until the guard is dropped; the second value is whether another request has
    /// this key.
    pub fn enter(self: &Arc<Self>, key: &IdempotencyKey) -> (KeyGuard, bool) {
        let mut counts = self.counts();
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        (KeyGuard { keys: self.clone(), key: key.clone() }, *count > 1)
    }
}

/// Lives as long as its request waits for an answer.
pub struct KeyGuard {
    keys: Arc<KeysInFlight>,
    key: IdempotencyKey,
}

impl KeyGuard {
    /// Whether another request with this key is in flight.
    pub fn is_shared(&self) -> bool {
        self.keys.counts().get(&self.key).is_some_and(|count| *count > 1)
    }
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        let mut counts = self.keys.counts();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}
