//! Joins that arrive together travel together: one write, and one record of the ledger, for many
//! places.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use draw::Leaf;
use http_server::extract::Caller;
use inventory::{CommandKind, EventName};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use vacancy_api::{Answer, JoinAnswer, misplaced};

use crate::client::{ClientError, TraceHeaders, VacancyClient, WriteRequest};

/// A place, and the `seq` of the decision.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    /// Its number, from 0.
    pub index: u64,
    /// Its turn, from 1; none before the draw.
    pub turn: Option<u64>,
    /// The `seq` of the decision.
    pub seq: u64,
}

type Result<T> = std::result::Result<T, ClientError>;
type Waiting = (Leaf, oneshot::Sender<Result<Joined>>);
type Key = (EventName, u64);

/// Joins on their way to vacancy.
pub struct Joins {
    client: Arc<dyn VacancyClient>,
    /// The most places of one write.
    batch_max: usize,
    /// The most joins that wait for one waiting room.
    waiting_max: usize,
    /// The waiting rooms with a write in flight, each with the joins that arrived since.
    waiting: Mutex<HashMap<Key, Vec<Waiting>>>,
}

impl Joins {
    pub fn new(client: Arc<dyn VacancyClient>, batch_max: usize, waiting_max: usize) -> Arc<Self> {
        Arc::new(Self { client, batch_max, waiting_max, waiting: Mutex::default() })
    }

    /// Joins waiting room `queue` of `event` with `leaf`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn join(
        self: &Arc<Self>,
        event: EventName,
        queue: u64,
        leaf: Leaf,
    ) -> Result<Joined> {
        let (reply_to, reply) = oneshot::channel();
        let waiter = (leaf, reply_to);
        let first = match self.waiting.lock().entry((event.clone(), queue)) {
            Entry::Occupied(mut waiting) if waiting.get().len() < self.waiting_max => {
                waiting.get_mut().push(waiter);
                None
            }
            Entry::Occupied(_) => return Err(ClientError::Overloaded { retry_after_s: 1 }),
            Entry::Vacant(idle) => {
                idle.insert(Vec::new());
                Some(waiter)
            }
        };
        if let Some(first) = first {
            tokio::spawn(self.clone().run((event, queue), vec![first]));
        }
        reply.await.unwrap_or(Err(ClientError::Unknown))
    }

    /// Writes `batch`, and then what has arrived meanwhile, until nothing has.
    async fn run(self: Arc<Self>, key: Key, mut batch: Vec<Waiting>) {
        while !batch.is_empty() {
            let leaves = batch.iter().map(|(leaf, _)| *leaf).collect();
            let mut refused = Vec::new();
            // A caller that is gone has its place, and finds it with its key.
            match self.write(&key, leaves).await {
                Ok(places) => {
                    for ((leaf, reply_to), place) in batch.into_iter().zip(places) {
                        match place {
                            Some(place) => drop(reply_to.send(Ok(place))),
                            None => refused.push((leaf, reply_to)),
                        }
                    }
                }
                Err(error) => {
                    for (_, reply_to) in batch {
                        let _ = reply_to.send(Err(error.clone()));
                    }
                }
            }
            // Without those that have places, the others get the reason.
            batch = if refused.is_empty() { self.next(&key) } else { refused };
        }
    }

    fn next(&self, key: &Key) -> Vec<Waiting> {
        let mut all = self.waiting.lock();
        let Some(waiting) = all.get_mut(key) else { return Vec::new() };
        let len = waiting.len().min(self.batch_max);
        let batch = waiting.drain(..len).collect::<Vec<_>>();
        if batch.is_empty() {
            all.remove(key);
        }
        batch
    }

    /// The places of `leaves`, in their order: one at least.
    async fn write(&self, (event, queue): &Key, leaves: Vec<Leaf>) -> Result<Vec<Option<Joined>>> {
        let len = leaves.len();
        let kind = CommandKind::JoinQueue { event: event.clone(), queue: *queue, leaves };
        let request = WriteRequest {
            kind,
            // A place has no other key than its leaf.
            key: None,
            caller: Caller::Anonymous,
            deadline: None,
            trace: TraceHeaders::default(),
        };
        match self.client.write(request).await? {
            Answer::Joined(JoinAnswer { joined, seq })
                if joined.len() == len && joined.iter().any(Option::is_some) =>
            {
                let place = |(index, turn)| Joined { index, turn, seq };
                Ok(joined.into_iter().map(|one| one.map(place)).collect())
            }
            other => Err(ClientError::Refused { problem: Box::new(misplaced(&other)), seq: None }),
        }
    }
}
