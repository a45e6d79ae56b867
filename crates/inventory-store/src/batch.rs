//! One batch through a store: load, decide, commit.

use inventory::{
    decide::{BatchReply, ReadSet, WorkingSet, decide_batch, expire_due},
    domain::{Command, EventName, IdempotencyKey, Limits, TimeMs},
    map::HashSet,
};

use crate::{
    error::StoreError,
    store::{Durability, EventView, Store},
};

/// The result of a batch.
#[derive(Debug)]
pub struct Committed {
    /// One reply per command, in order.
    pub replies: Vec<BatchReply>,
    /// The number of records written.
    pub records: usize,
    /// The events that changed.
    pub views: Vec<EventView>,
}

/// Decides `commands` at `now_ms`, or by the store's own time if it has one, and commits the
/// result. Expiries of the events in `due` are written first.
///
/// # Errors
/// [`StoreError`]; when it [is fatal](StoreError::is_fatal), the outcome of the batch is
/// unknown.
pub async fn run_batch<'a, S: Store>(
    store: &mut S,
    limits: &Limits,
    commands: impl Iterator<Item = (&'a Command, Option<&'a IdempotencyKey>)> + Clone,
    due: Vec<EventName>,
    now_ms: TimeMs,
    durability: Durability,
) -> Result<Committed, StoreError> {
    let mut reads = ReadSet::of(commands.clone());
    reads.events.extend(due);
    let loaded = load(store, &reads, now_ms, durability).await?;
    finish(store, limits, commands, loaded, durability).await
}

/// The loaded read set of a batch; it contains no expired hold.
pub struct Loaded {
    /// The data the batch may read and change.
    pub set: WorkingSet,
    /// Records of expiries that were committed during the load.
    records: usize,
    views: Vec<EventView>,
}

/// Loads `reads`, by the store's own time if it has one, and writes due expiries.
///
/// # Errors
/// [`StoreError`].
pub async fn load<S: Store>(
    store: &mut S,
    reads: &ReadSet,
    now_ms: TimeMs,
    durability: Durability,
) -> Result<Loaded, StoreError> {
    let (mut records, mut views) = (0, Vec::new());
    let mut set = store.load(reads, now_ms).await?;
    while set.more_due || set.has_more_waiting() {
        // More holds have expired than one batch writes, or more entries wait than it looks at. All
        // is written that is due before any command is decided.
        let at_ms = set.now_ms;
        expire_due(&mut set, at_ms);
        if set.records.is_empty() {
            break;
        }
        records += set.records.len();
        views.extend(store.commit(set, durability).await?);
        set = store.load(reads, now_ms).await?;
    }
    Ok(Loaded { set, records, views })
}

/// Decides `commands`, whose read set is loaded, and commits.
///
/// # Errors
/// [`StoreError`]; when it [is fatal](StoreError::is_fatal), the outcome of the batch is
/// unknown.
pub async fn finish<'a, S: Store>(
    store: &mut S,
    limits: &Limits,
    commands: impl Iterator<Item = (&'a Command, Option<&'a IdempotencyKey>)>,
    loaded: Loaded,
    durability: Durability,
) -> Result<Committed, StoreError> {
    let Loaded { mut set, mut records, mut views } = loaded;
    let at_ms = set.now_ms;
    let replies = decide_batch(&mut set, limits, commands, at_ms);
    records += set.records.len();
    let mut owing = set.owing();
    views.extend(store.commit(set, durability).await?);
    // What returned may suffice for entries that were not loaded. The commands have their replies,
    // and if this fails, the next batch begins with it.
    while !owing.is_empty() {
        match offer_rest(store, owing, at_ms, durability).await {
            Ok(rest) => {
                records += rest.records;
                views.extend(rest.views);
                // Without progress, the entries are not there: `verify` finds that.
                owing = if rest.records > 0 { rest.owing } else { HashSet::default() };
            }
            Err(error) if error.is_fatal() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(Committed { replies, records, views })
}

struct Rest {
    records: usize,
    views: Vec<EventView>,
    owing: HashSet<EventName>,
}

/// Offers what is available to the next entries of these waiting lists.
async fn offer_rest<S: Store>(
    store: &mut S,
    events: HashSet<EventName>,
    now_ms: TimeMs,
    durability: Durability,
) -> Result<Rest, StoreError> {
    let reads = ReadSet { events, ..ReadSet::default() };
    let Loaded { mut set, mut records, mut views } =
        load(store, &reads, now_ms, durability).await?;
    let at_ms = set.now_ms;
    expire_due(&mut set, at_ms);
    records += set.records.len();
    let owing = set.owing();
    views.extend(store.commit(set, durability).await?);
    Ok(Rest { records, views, owing })
}
