//! The engine over a store that other processes share: commands wait by event, several writers
//! commit, and readers ask again when their copy is too old.

mod keyed_queue;
mod known;
mod state;
mod sweeper;
mod writer;

use std::sync::Arc;

use inventory::EventName;
use inventory_store::SharedStore;
pub use keyed_queue::EventKey;
pub use state::{Freshness, Shared};

use crate::{parts::Parts, request::Request};

/// Starts the writers and the sweeper on the current runtime.
pub fn spawn<S: SharedStore>(
    shared: &Arc<Shared>,
    writers: Vec<S>,
    parts: &Parts,
    expire: impl Fn(EventName, Request) + Send + 'static,
) {
    for store in writers {
        tokio::spawn(writer::Writer::new(store, shared.clone(), parts.clone()).run());
    }
    tokio::spawn(sweeper::sweep(shared.clone(), expire));
}
