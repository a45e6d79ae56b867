//! What is known about the receivers of the ledger. It is no part of the ledger: settings that
//! somebody may change, and how far each receiver has got.

use std::{collections::BTreeMap, time::Duration};

use inventory::domain::EventName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{StoreError, store::BoxFuture};

/// A receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredWebhook {
    /// Its name.
    pub name: String,
    /// Its settings, for those who deliver to it.
    pub settings: String,
    /// How deliveries go, for those who look at it.
    pub state: String,
    /// Changes with its settings and with every replay: what was decided before counts no more.
    pub version: u64,
    /// The `seq` of the last record that it has got, by event.
    pub cursors: BTreeMap<EventName, u64>,
}

/// Who delivers, and to which version of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The receiver.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// The process that delivers.
    pub owner: Uuid,
}

/// Keeps receivers. Each write is durable when it returns.
pub trait WebhookStore: Send + Sync + 'static {
    /// All receivers, by name.
    fn list(&self) -> BoxFuture<'_, Result<Vec<StoredWebhook>, StoreError>>;

    /// Sets the settings of a receiver, or adds one with `cursors`. Returns whether it is new.
    fn put(
        &self,
        name: String,
        settings: String,
        cursors: BTreeMap<EventName, u64>,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Removes a receiver. Returns whether there was one.
    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Sets a cursor back or forth. Returns whether the receiver exists.
    fn seek(
        &self,
        name: String,
        event: EventName,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Takes the right to deliver, or keeps it, for `time` from now. Returns whether `claim` has
    /// it: one process at a time does, and only for the current version.
    fn lease(&self, claim: Claim, time: Duration) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Gives the right to deliver back.
    fn release(&self, claim: Claim) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Records that the receiver has got all records up to `seq`, and how deliveries go. Returns
    /// whether `claim` still has the right to deliver; otherwise nothing changes.
    fn advance(
        &self,
        claim: Claim,
        cursor: Option<(EventName, u64)>,
        state: String,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;
}
