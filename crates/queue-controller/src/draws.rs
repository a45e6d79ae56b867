//! The order of a draw, which the controller needs to call its places.

use std::sync::Arc;

use draw::{DrawKey, Leaf, Order, QUICK_PLACES};
use inventory::{EventName, ledger::joined_leaves};
use inventory_engine::{Engine, EngineError};
use inventory_store::StoreError;

/// Records read at once.
const PAGE: usize = 1_000;

/// Reads the `n` places that take part in the draw of waiting room `queue`, and orders them.
///
/// # Errors
/// [`EngineError`] when the ledger cannot be read.
pub async fn order(
    engine: &Engine,
    event: &EventName,
    queue: u64,
    n: u64,
    key: &DrawKey,
) -> Result<Arc<Order>, EngineError> {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    let (mut leaves, mut after): (Vec<Leaf>, _) = (Vec::with_capacity(n), queue);
    while leaves.len() < n {
        let records = engine.records(event, after, PAGE).await?.unwrap_or_default();
        let Some(last) = records.last() else { break };
        after = last.seq;
        for stored in records {
            leaves.extend(joined_leaves(&stored.body));
        }
    }
    leaves.truncate(n);
    if leaves.len() < n {
        return Err(EngineError::Store(StoreError::Damaged(
            "the ledger lacks places of a draw".into(),
        )));
    }
    let key = *key;
    if leaves.len() <= QUICK_PLACES {
        return Ok(Arc::new(Order::new(&key, leaves.into_iter())));
    }
    let ordered = tokio::task::spawn_blocking(move || Order::new(&key, leaves.into_iter()));
    match ordered.await {
        Ok(order) => Ok(Arc::new(order)),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
