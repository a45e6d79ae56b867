//! The traits of a store, and of its readers.

use std::{future::Future, pin::Pin, sync::Arc};

use inventory::{
    Event, EventName, Hold, HoldId, TimeMs,
    decide::{ReadSet, WorkingSet},
    domain::Fingerprint,
};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// How sure a commit must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk, so that it survives the loss of power: the default.
    Synced,
    /// May be lost with the machine. Only for filling a store that is not in use yet.
    Buffered,
}

/// An event as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// The event by its newest record.
    pub event: Event,
    /// When the next of its holds runs out of time.
    pub next_expiry_ms: Option<TimeMs>,
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its place in its event's ledger.
    pub seq: u64,
    /// Its body; see [`inventory::ledger::Record::from_body`].
    pub body: Vec<u8>,
}

/// Where the answer of a key is.
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

/// Reads of what is committed, from any thread, while batches go on.
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
}

/// Keeps records and state. One batch at a time: `load`, then `commit`.
pub trait Store: Send + 'static {
    /// Loads what `touch` names, and the due holds of the events it touches, at most
    /// [`inventory::decide::DUE_MAX`] of them. Where several processes share the store, what was
    /// loaded is locked until the commit.
    ///
    /// `now_ms` is the caller's time; what the batch is decided by is the time in the set, which a
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

/// A store that belongs to one process, which so knows at any time what is in it.
pub trait OwnedStore: Store {
    /// Every event, as readers should first see it.
    fn views(&self) -> Vec<EventView>;

    /// Events with a hold whose time has run out, and when the next one will otherwise.
    fn due_events(&self, now_ms: TimeMs) -> (Vec<EventName>, Option<TimeMs>);
}

/// A store that other processes write to as well: a batch may wait for them, and what has arrived
/// meanwhile may join it.
pub trait SharedStore: Store {
    /// Adds to `set`, which was loaded and not committed yet, what else `touch` names. The events
    /// it touches are those of the set: they are locked, so it does not matter how much later
    /// this comes.
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

    /// The event of a hold. It never changes, so who has asked may remember it.
    fn event_of(&self, hold: HoldId) -> BoxFuture<'_, Result<Option<EventName>, StoreError>>;

    /// Events with a hold whose time has run out, at most `limit`.
    fn due_events(&self, limit: usize) -> BoxFuture<'_, Result<Vec<EventName>, StoreError>>;

    /// Whether the store can be used, as far as is known, without asking it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, in words fit for the public.
    fn check(&self) -> Result<(), StoreError>;
}
