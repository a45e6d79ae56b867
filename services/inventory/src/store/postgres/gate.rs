//! Whether the database can be used, as everybody here last heard, and what has been counted on the
//! way.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::{
    sync::{Notify, watch},
    time::{Duration, Instant},
};

use super::errors::Trouble;
use crate::{engine::Clock, store::StoreError};

/// Shared by writers, readers and the keeper of a store.
pub(super) struct Gate {
    state: watch::Sender<Option<&'static str>>,
    /// Somebody had trouble: the keeper should look now.
    pub alarm: Notify,
    pub counts: Counts,
    started: Instant,
    /// The database's time minus that of `started`, milliseconds.
    ahead_ms: AtomicI64,
}

/// What has happened since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections made.
    pub connects: AtomicU64,
    /// Connections that could not be made.
    pub connect_failures: AtomicU64,
    /// Batches that were rolled back and decided again.
    pub conflicts: AtomicU64,
    /// Commits whose connection was lost before the answer.
    pub interrupted: AtomicU64,
    /// Of those, how many turned out to have happened.
    pub resolved_committed: AtomicU64,
    /// Of those, how many turned out not to have happened.
    pub resolved_not_committed: AtomicU64,
    /// Of those, how many could not be found out about in time.
    pub unresolved: AtomicU64,
}

impl Counts {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub fn new() -> Self {
        Self {
            state: watch::channel(Some("the database was not reached yet")).0,
            alarm: Notify::new(),
            counts: Counts::default(),
            started: Instant::now(),
            ahead_ms: AtomicI64::new(0),
        }
    }

    /// The database can be used.
    pub fn open(&self) {
        if self.state.send_replace(None).is_some() {
            tracing::info!("the database can be used");
        }
    }

    /// The database cannot be used, for a reason in words fit for the public.
    pub fn close(&self, trouble: &Trouble) {
        let reason = match trouble {
            Trouble::Lost(_) | Trouble::Again(_) => "the database cannot be reached",
            Trouble::Login(_) => "the database refused the login",
            Trouble::Newer => "the database's schema is newer than this version",
            Trouble::Refused(_) | Trouble::Damaged(_) => "the database refused to work",
        };
        if self.state.send_replace(Some(reason)) != Some(reason) {
            tracing::error!(error = trouble.text(), "{reason}");
        }
    }

    pub fn check(&self) -> Result<(), StoreError> {
        match *self.state.borrow() {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable(reason.into())),
        }
    }

    pub async fn opened(&self) {
        // The sender lives in self: it cannot be gone.
        let _ = self.state.subscribe().wait_for(Option::is_none).await;
    }

    /// Remembers what time the database has now.
    pub fn told(&self, database_ms: u64) {
        let ahead_ms =
            i64::try_from(database_ms).unwrap_or(i64::MAX).saturating_sub(self.elapsed_ms());
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// The database's clock as last heard, going on at the pace of this machine's.
pub struct DatabaseClock(pub(super) std::sync::Arc<Gate>);

impl Clock for DatabaseClock {
    fn now_ms(&self) -> u64 {
        let ahead_ms = self.0.ahead_ms.load(Ordering::Relaxed);
        u64::try_from(ahead_ms.saturating_add(self.0.elapsed_ms())).unwrap_or(0)
    }
}

/// Times out an opening.
pub(super) async fn opened_within(gate: &Gate, limit: Duration) -> bool {
    tokio::time::timeout(limit, gate.opened()).await.is_ok()
}
