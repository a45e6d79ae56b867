//! The traits of a store, and the code that all stores share.
//!
//! A store takes whole batches. [`Store::load`] reads the read set of a batch,
//! [`inventory::decide`] decides, and [`Store::commit`] writes records and state atomically.
//! [`run_batch`] runs that sequence. [`Replayer`] does the same for records of another ledger.
#![warn(missing_docs)]

mod batch;
mod clock;
mod error;
#[cfg(feature = "test-util")]
mod memory;
mod replay;
mod store;
#[cfg(feature = "test-util")]
pub mod testing;
mod webhooks;

pub use batch::{Committed, Loaded, finish, load, run_batch};
pub use clock::{Clock, SystemClock};
pub use error::StoreError;
#[cfg(feature = "test-util")]
pub use memory::{Fault, MemoryStore};
pub use replay::{ReplayError, Replayer, block_on};
pub use store::{
    BoxFuture, Durability, EventView, OwnedStore, Reader, SharedReader, SharedStore, Store,
    StoredKey, StoredRecord,
};
pub use webhooks::{Claim, StoredWebhook, WebhookStore};
