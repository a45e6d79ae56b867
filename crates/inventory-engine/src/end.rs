//! The signal that an engine has ended.

use inventory_store::StoreError;
use tokio::sync::watch;

/// How the engine ended.
#[derive(Debug, Clone)]
enum State {
    Running,
    Failed(StoreError),
    Stopped,
}

/// Signals that the engine has ended, and how.
pub struct EngineEnd(watch::Sender<State>);

impl Default for EngineEnd {
    fn default() -> Self {
        Self(watch::channel(State::Running).0)
    }
}

impl EngineEnd {
    pub fn fail(&self, error: &StoreError) {
        self.0.send_replace(State::Failed(error.clone()));
    }

    pub fn stop(&self) {
        self.0.send_replace(State::Stopped);
    }

    pub async fn failed(&self) -> StoreError {
        let mut end = self.0.subscribe();
        loop {
            if let State::Failed(error) = &*end.borrow_and_update() {
                return error.clone();
            }
            if end.changed().await.is_err() {
                // The sender lives in `self`, so it cannot be dropped.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the engine has ended, with or without a failure.
    pub async fn reached(&self) {
        let mut end = self.0.subscribe();
        let _ = end.wait_for(|end| !matches!(end, State::Running)).await;
    }
}
