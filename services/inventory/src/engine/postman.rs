//! Handing out the answers of a batch.
//!
//! The committer's thread does not belong to the runtime of those who wait: each answer it sent
//! itself would go through that runtime's shared queue and lock. So it hands over all answers of a
//! batch in one step, to a task that runs among them.

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{EngineError, Reply};

/// An answer, and who waits for it.
pub type Letter = (oneshot::Sender<Result<Reply, EngineError>>, Result<Reply, EngineError>);

/// Delivers answers.
pub struct Postman(Option<mpsc::UnboundedSender<Vec<Letter>>>);

impl Postman {
    /// One that delivers on `runtime`; without a runtime each answer is sent from where it is made.
    /// What is under way is bounded by what may wait in the engine's queue.
    pub fn new(runtime: Option<&Handle>) -> Self {
        let Some(runtime) = runtime else { return Self(None) };
        let (sender, mut bags) = mpsc::unbounded_channel();
        runtime.spawn(async move {
            while let Some(bag) = bags.recv().await {
                deliver(bag);
            }
        });
        Self(Some(sender))
    }

    /// Sends each letter of `bag`, in order.
    pub fn send(&self, bag: Vec<Letter>) {
        match &self.0 {
            // One alone is there sooner on the direct way.
            Some(sender) if bag.len() > 1 => {
                // The runtime is gone, and with it everybody who waited.
                let _ = sender.send(bag);
            }
            _ => deliver(bag),
        }
    }
}

fn deliver(bag: Vec<Letter>) {
    for (sender, answer) in bag {
        // The caller may be gone; what he asked for is done all the same.
        let _ = sender.send(answer);
    }
}
