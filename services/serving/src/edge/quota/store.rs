//! The clients that are told apart, never more than a bound.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

use super::client::ClientKey;

const SHARDS: usize = 16;

/// For each client the time at which it will have its whole burst again.
pub struct BoundedStore {
    shards: [Mutex<HashMap<ClientKey, u64>>; SHARDS],
    hasher: RandomState,
    shard_max: usize,
}

impl BoundedStore {
    pub fn new(clients_max: usize) -> Self {
        Self { shards: Default::default(), hasher: RandomState::new(), shard_max: clients_max.div_ceil(SHARDS).max(1) }
    }
}

impl StateStore for BoundedStore {
    type Key = ClientKey;

    fn measure_and_replace<T, F, E>(&self, key: &ClientKey, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        let mut clients = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let (decision, next) = decide(clients.get(key).copied().map(Nanos::from))?;
        if clients.len() >= self.shard_max && !clients.contains_key(key) {
            // Who will have his burst back first has asked for least: forgetting him changes least.
            if let Some(least) = clients.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone()) {
                clients.remove(&least);
            }
        }
        clients.insert(key.clone(), next.as_u64());
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_bounded_and_keeps_who_asks_most() {
        let store = BoundedStore::new(SHARDS * 2);
        let put = |key: &ClientKey, at: u64| store.measure_and_replace(key, |old| Ok::<_, ()>((old.is_some(), Nanos::from(at)))).unwrap();
        let greedy = ClientKey::address([10, 0, 0, 1].into());
        put(&greedy, u64::MAX);
        for number in 0..10_000u32 {
            put(&ClientKey::address(std::net::Ipv4Addr::from(number).into()), u64::from(number));
        }
        assert!(put(&greedy, u64::MAX), "still known");
        let clients: usize = store.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(clients <= SHARDS * 2, "{clients}");
    }
}
