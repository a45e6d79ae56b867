//! One batch through a store: load, decide, commit.

use crate::decide::{BatchReply, Touch, decide_batch, expire_due};
use crate::domain::{Command, EventName, IdempotencyKey, Limits, TimeMs};
use crate::store::{Durability, EventView, Store, StoreError};

/// What became of a batch.
#[derive(Debug)]
pub struct Committed {
    /// An answer for each command, in order.
    pub replies: Vec<BatchReply>,
    /// How many records were written.
    pub records: usize,
    /// The events that changed.
    pub views: Vec<EventView>,
}

/// Decides `commands` at `now_ms`, or by the store's own time if it has one, and commits what follows; expiries of the events in `due` are written down first.
///
/// # Errors
/// [`StoreError`]; when it [is fatal](StoreError::is_fatal), what became of the batch is unknown.
pub async fn run_batch<'a, S: Store>(
    store: &mut S,
    limits: &Limits,
    commands: impl Iterator<Item = (&'a Command, Option<&'a IdempotencyKey>)> + Clone,
    due: Vec<EventName>,
    now_ms: TimeMs,
    durability: Durability,
) -> Result<Committed, StoreError> {
    let mut touch = Touch::default();
    touch.events.extend(due);
    for (command, key) in commands.clone() {
        touch.add(command, key);
    }
    let mut views = Vec::new();
    let mut records = 0;
    let mut set = store.load(&touch, now_ms).await?;
    while set.more_due {
        // More has run out of time than is expired at once. Nothing is decided before all of it is written down.
        let at_ms = set.now_ms;
        expire_due(&mut set, at_ms);
        records += set.records.len();
        views.extend(store.commit(set, durability).await?);
        set = store.load(&touch, now_ms).await?;
    }
    let at_ms = set.now_ms;
    let replies = decide_batch(&mut set, limits, commands, at_ms);
    records += set.records.len();
    views.extend(store.commit(set, durability).await?);
    Ok(Committed { replies, records, views })
}
