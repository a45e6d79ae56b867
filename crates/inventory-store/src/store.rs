//! The traits of a store, and of its readers.

use std::{future::Future, pin::Pin, sync::Arc};

use draw::Leaf;
use inventory::{
    Event, EventName, Hold, HoldId, TimeMs,
    decide::{ReadSet, WorkingSet},
    domain::{Fingerprint, LookupKey, Place},
};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// The durability of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Synced to disk: survives a power loss. This is the default.
    Synced,
    /// May be lost with the machine. Only for filling a store that is not in use yet.
    Buffered,
}

/// An event as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// The event by its newest record.
    pub event: Event,
    /// When its next hold expires.
    pub next_expiry_ms: Option<TimeMs>,
}

impl EventView {
    /// When the next record is due that the time decides: an expiry, the freeze of a draw, or the
    /// end of a waiting list.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<TimeMs> {
        let event = &self.event;
        let decided = event.freeze_at_ms().into_iter().chain(event.list_ends_at_ms());
        self.next_expiry_ms.into_iter().chain(decided).min()
    }
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its place in its event's ledger.
    pub seq: u64,
    /// Its body; see [`inventory::ledger::Record::from_body`].
    pub body: Vec<u8>,
}

/// The record that answers a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// The intent it was used for.
    pub fingerprint: Fingerprint,
    /// The event of its record.
    pub event: EventName,
    /// The place of its record.
    pub seq: u64,
    /// The time until which it answers.
    pub expires_at_ms: TimeMs,
}

/// A future on the heap, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Reads of committed data, from any thread, concurrently with batches.
pub trait Reader: Send + Sync {
    /// The hold or reservation with this id.
    fn hold(&self, id: HoldId) -> BoxFuture<'_, Result<Option<Hold>, StoreError>>;

    /// The records of `event` after `after`, in order, at most `limit`.
    fn records<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredRecord>, StoreError>>;

    /// Holds and reservations with this key whose ids are below `before`, the greatest id first, at
    /// most `limit`. It reads them through an index, as of one moment, without delaying batches.
    ///
    /// Ids begin with the time of the request, so the newest come first. An id and its keys never
    /// change, so pages that continue below the last id repeat nothing, and leave out nothing that
    /// was there when the first page was read.
    fn lookup<'a>(
        &'a self,
        key: LookupKey<'a>,
        before: Option<HoldId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hold>, StoreError>>;

    /// The place of a waiting room.
    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: &'a Leaf,
    ) -> BoxFuture<'a, Result<Option<Place>, StoreError>>;

    /// Whether the store was available when last seen. Waits for nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with a reason that may be shown to clients.
    fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Stores records and state, one batch at a time: `load`, then `commit`.
pub trait Store: Send + 'static {
    /// Loads `reads`, and at most [`inventory::decide::DUE_MAX`] due holds of its events. Where
    /// several processes share the store, the loaded rows are locked until the commit.
    ///
    /// `now_ms` is the caller's time. The batch is decided by the time in the returned set, which a
    /// shared store takes from its own clock.
    fn load(
        &mut self,
        reads: &ReadSet,
        now_ms: TimeMs,
    ) -> impl Future<Output = Result<WorkingSet, StoreError>> + Send;

    /// Commits the records of `set` with the state they changed, all or nothing, and returns the
    /// events that changed.
    fn commit(
        &mut self,
        set: WorkingSet,
        durability: Durability,
    ) -> impl Future<Output = Result<Vec<EventView>, StoreError>> + Send;

    /// A handle for reads.
    fn reader(&self) -> Arc<dyn Reader>;
}

/// A store that belongs to one process, so its contents can be cached.
pub trait OwnedStore: Store {
    /// The first view of every event.
    fn views(&self) -> Vec<EventView>;

    /// Events with an expired hold, and the time of the next expiry.
    fn due_events(&self, now_ms: TimeMs) -> (Vec<EventName>, Option<TimeMs>);
}

/// A store that other processes write to as well. A batch may wait for them, and commands that
/// arrive meanwhile may join it.
pub trait SharedStore: Store {
    /// Adds `reads` to `set`, which is loaded and not committed yet. The events of `reads` are
    /// those of the set. They are locked, so the call may come at any time before the commit.
    fn load_more(
        &mut self,
        set: &mut WorkingSet,
        reads: &ReadSet,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Reads of a store that other processes write to as well.
pub trait SharedReader: Reader {
    /// The event of this name, as it is committed now.
    fn event<'a>(
        &'a self,
        name: &'a EventName,
    ) -> BoxFuture<'a, Result<Option<EventView>, StoreError>>;

    /// Events by name after `after`, at most `limit`.
    fn events<'a>(
        &'a self,
        after: Option<&'a EventName>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<EventView>, StoreError>>;

    /// The event of a hold. It never changes, so callers may cache it.
    fn event_of(&self, hold: HoldId) -> BoxFuture<'_, Result<Option<EventName>, StoreError>>;

    /// Events with an expired hold, at most `limit`.
    fn due_events(&self, limit: usize) -> BoxFuture<'_, Result<Vec<EventName>, StoreError>>;
}
