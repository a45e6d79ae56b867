//! The state of a bounded number of clients.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use governor::{nanos::Nanos, state::StateStore};
use parking_lot::Mutex;

use super::client::ClientKey;

const SHARDS: usize = 16;

/// For each client, the time at which its whole burst is available again.
pub struct BoundedStore {
    shards: [Mutex<HashMap<ClientKey, u64>>; SHARDS],
    hasher: RandomState,
    shard_max: usize,
}

impl BoundedStore {
    pub fn new(clients_max: usize) -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            shard_max: clients_max.div_ceil(SHARDS).max(1),
        }
    }
}

impl StateStore for BoundedStore {
    type Key = ClientKey;

    fn measure_and_replace<T, F, E>(&self, key: &ClientKey, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        let mut clients = self.shards[shard].lock();
        let (decision, next) = decide(clients.get(key).copied().map(Nanos::from))?;
        if clients.len() >= self.shard_max && !clients.contains_key(key) {
            forget_an_eighth(&mut clients);
        }
        clients.insert(key.clone(), next.as_u64());
        Ok(decision)
    }
}

/// Forgets an eighth of the clients: those whose burst is available again first, because they sent
/// the fewest requests. One at a time, every new client would cost a search through all.
fn forget_an_eighth(clients: &mut HashMap<ClientKey, u64>) {
    let mut times: Vec<u64> = clients.values().copied().collect();
    let mut left = times.len().div_ceil(8);
    let Some(last) = left.checked_sub(1).map(|index| *times.select_nth_unstable(index).1) else {
        return;
    };
    clients.retain(|_, at| {
        let forget = left > 0 && *at <= last;
        left -= usize::from(forget);
        !forget
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_bounded_and_keeps_who_asks_most() {
        let store = BoundedStore::new(SHARDS * 2);
        let put = |key: &ClientKey, at: u64| {
            store
                .measure_and_replace(key, |old| Ok::<_, ()>((old.is_some(), Nanos::from(at))))
                .unwrap()
        };
        let greedy = ClientKey::address([10, 0, 0, 1].into());
        put(&greedy, u64::MAX);
        for number in 0..10_000u32 {
            put(&ClientKey::address(std::net::Ipv4Addr::from(number).into()), u64::from(number));
        }
        assert!(put(&greedy, u64::MAX), "still known");
        let mut clients: HashMap<_, _> = (0..80u8)
            .map(|at| (ClientKey::address([10, 0, 1, at].into()), u64::from(at / 40)))
            .collect();
        forget_an_eighth(&mut clients);
        assert_eq!(
            (clients.len(), clients.values().filter(|at| **at == 1).count()),
            (70, 40),
            "an eighth, of those with the fewest requests"
        );
        let clients: usize = store.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(clients <= SHARDS * 2, "{clients}");
    }
}
