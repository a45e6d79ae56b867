//! Sending the replies of a batch.
//!
//! The committer's thread is not part of the callers' runtime: each reply it sent itself would go
//! through that runtime's shared queue and lock. It hands all replies of a batch over in one step,
//! to a task on that runtime.

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use crate::request::{EngineError, Reply};

/// A reply, and the channel its caller waits on.
pub type Delivery = (oneshot::Sender<Result<Reply, EngineError>>, Result<Reply, EngineError>);

/// Sends replies to their callers.
pub struct ReplyDispatcher(Option<mpsc::UnboundedSender<Vec<Delivery>>>);

impl ReplyDispatcher {
    /// Sends on `runtime`; without one, each reply is sent where it is made. The engine's queue
    /// bounds the replies in flight.
    pub fn new(runtime: Option<&Handle>) -> Self {
        let Some(runtime) = runtime else { return Self(None) };
        let (sender, mut batches) = mpsc::unbounded_channel();
        runtime.spawn(async move {
            while let Some(batch) = batches.recv().await {
                deliver(batch);
            }
        });
        Self(Some(sender))
    }

    /// Sends each reply of `batch`, in order.
    pub fn send(&self, batch: Vec<Delivery>) {
        match &self.0 {
            // A single reply arrives sooner when it is sent directly.
            Some(sender) if batch.len() > 1 => {
                // An error means that the runtime, and every caller on it, is gone.
                let _ = sender.send(batch);
            }
            _ => deliver(batch),
        }
    }
}

fn deliver(batch: Vec<Delivery>) {
    for (sender, reply) in batch {
        // The caller may be gone; its command is committed.
        let _ = sender.send(reply);
    }
}
