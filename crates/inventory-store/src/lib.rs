//! The traits of a store, and all that is the same whatever the store.
//!
//! A store takes whole batches. [`Store::load`] reads what a batch touches, [`inventory::decide`]
//! decides, and [`Store::commit`] writes records and state in one piece. [`run_batch`] is that
//! sequence, [`Replayer`] the same for records of another ledger.
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
