//! The places of draws, as each process keeps them once nobody can join any more: they never
//! change.

use std::{collections::HashMap, sync::Arc};

use draw::{DrawKey, Leaf, MerkleTree, Order, QUICK_PLACES};
use http_server::Problem;
use inventory::EventName;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore};
use vacancy_api::{DrawReading, QueueReading};

use crate::client::VacancyClient;

/// Draws that are kept at once: about 50 bytes for each of their places.
const DRAWS_MAX: usize = 16;
/// Draws that are read at once.
const READS_MAX: usize = 2;

/// What `compute` makes of so many places.
async fn computed<T: Send + 'static>(
    places: usize,
    compute: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    if places <= QUICK_PLACES {
        return Ok(compute());
    }
    let computed = tokio::task::spawn_blocking(compute).await;
    computed.map_err(|_| Problem::internal("The draw cannot be computed."))
}

/// The places of a draw.
pub struct Drawn {
    /// The places, in the order of joining.
    pub leaves: Arc<[Leaf]>,
    /// Their Merkle tree.
    pub tree: MerkleTree,
    order: OnceCell<Arc<Order>>,
}

type Cell = Arc<OnceCell<Arc<Drawn>>>;

/// The draws that are kept, each with its last use.
#[derive(Default)]
struct Kept {
    cells: HashMap<(EventName, u64), (Cell, u64)>,
    uses: u64,
}

/// The draws of all events.
pub struct Draws {
    client: Arc<dyn VacancyClient>,
    kept: Mutex<Kept>,
    /// Draws that are read at once, so that nobody can make the process read many ledgers.
    reads: Arc<Semaphore>,
}

impl Draws {
    pub fn new(client: Arc<dyn VacancyClient>) -> Self {
        Self { client, kept: Mutex::default(), reads: Arc::new(Semaphore::new(READS_MAX)) }
    }

    /// The places of the draw of `event`. `None`: they can still change.
    ///
    /// # Errors
    /// A problem when they cannot be read.
    pub async fn of(
        &self,
        event: &EventName,
        queue: &QueueReading,
    ) -> Result<Option<Arc<Drawn>>, Problem> {
        let Some(draw) = queue.draw.as_ref().filter(|draw| draw.frozen.is_some()) else {
            return Ok(None);
        };
        let cell = self.cell(event, queue.id);
        if let Some(drawn) = cell.get() {
            return Ok(Some(drawn.clone()));
        }
        let (client, event, id, draw) =
            (self.client.clone(), event.clone(), queue.id, draw.clone());
        // Apart from the request, whose timeout must not lose what is read already.
        let reads = self.reads.clone();
        let reading = tokio::spawn(async move {
            let drawn = cell.get_or_try_init(|| async {
                let _turn = reads.acquire().await;
                read(&*client, &event, id, &draw).await
            });
            drawn.await.cloned()
        });
        reading.await.map_err(|_| Problem::internal("The draw cannot be read."))?.map(Some)
    }

    /// Makes room by what was not used for the longest time: a call that still needs it reads it
    /// again.
    fn cell(&self, event: &EventName, queue: u64) -> Cell {
        let mut kept = self.kept.lock();
        let key = (event.clone(), queue);
        if !kept.cells.contains_key(&key) && kept.cells.len() >= DRAWS_MAX {
            let oldest = kept.cells.iter().min_by_key(|(_, (_, used))| *used);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.map(|oldest| kept.cells.remove(&oldest));
        }
        kept.uses += 1;
        let used = kept.uses;
        let cell = kept.cells.entry(key).or_default();
        cell.1 = used;
        cell.0.clone()
    }
}

async fn read(
    client: &dyn VacancyClient,
    event: &EventName,
    queue: u64,
    draw: &DrawReading,
) -> Result<Arc<Drawn>, Problem> {
    let frozen = draw.frozen.ok_or_else(|| Problem::internal("The draw is not frozen."))?;
    let n = usize::try_from(draw.n).unwrap_or(usize::MAX);
    let (mut leaves, mut after) = (Vec::with_capacity(n), queue);
    while after < frozen.seq && leaves.len() < n {
        let page = client.leaves(event, after).await;
        let page = page.map_err(|error| error.into_problem().0)?;
        if page.after_seq <= after {
            break;
        }
        after = page.after_seq;
        leaves.extend(page.leaves);
    }
    leaves.truncate(n);
    let drawn = computed(leaves.len(), move || {
        let leaves: Arc<[Leaf]> = leaves.into();
        let tree = MerkleTree::new(&leaves);
        Drawn { leaves, tree, order: OnceCell::new() }
    });
    let drawn = drawn.await?;
    if drawn.tree.root() != frozen.root {
        tracing::error!(%event, queue, "the places of a draw do not have its root");
        return Err(Problem::internal("The places of the draw are not those of its root."));
    }
    Ok(Arc::new(drawn))
}

impl Drawn {
    /// The order of the places.
    ///
    /// # Errors
    /// A problem when it cannot be computed.
    pub async fn order(&self, key: &DrawKey) -> Result<Arc<Order>, Problem> {
        let order = self.order.get_or_try_init(|| async {
            let (key, leaves) = (*key, self.leaves.clone());
            let order = move || Order::new(&key, leaves.iter().copied());
            computed(self.leaves.len(), order).await.map(Arc::new)
        });
        Ok(order.await?.clone())
    }
}
