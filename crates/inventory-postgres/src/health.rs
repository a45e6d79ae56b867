//! Whether the database was available when the monitor last probed it.

use inventory_store::StoreError;
use tokio::{
    sync::{Notify, watch},
    time::{Duration, timeout},
};

use crate::errors::DbError;

/// Shared by the writers, the readers and the monitor of a store.
pub struct DatabaseHealth {
    state: watch::Sender<Option<&'static str>>,
    /// A writer or reader saw an error: the monitor should probe now.
    pub alarm: Notify,
}

impl DatabaseHealth {
    pub fn new() -> Self {
        Self { state: watch::channel(Some("database not reached yet")).0, alarm: Notify::new() }
    }

    /// Records that the database is available.
    pub fn set_up(&self) {
        if self.state.send_replace(None).is_some() {
            tracing::info!("database available");
        }
    }

    /// Records that the database cannot be used, with a reason fit for the public.
    pub fn set_down(&self, error: &DbError) {
        let reason = match error {
            DbError::Lost(_) | DbError::Again(_) => "database unreachable",
            DbError::Login(_) => "database refused the login",
            DbError::Newer => "database schema is newer than this version",
            DbError::Encoding(_) => "database encoding is not UTF8",
            DbError::Missing(_) => "database or its schema is missing",
            DbError::Data(_) | DbError::Refused(_) | DbError::Damaged(_) => {
                "database refused a statement"
            }
        };
        if self.state.send_replace(Some(reason)) != Some(reason) {
            tracing::error!(error = error.text(), "{reason}");
        }
    }

    /// Whether the database was available when last seen.
    pub fn check(&self) -> Result<(), StoreError> {
        match *self.state.borrow() {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable(reason.into())),
        }
    }

    /// Waits until the database is available, at most `limit`; returns whether it is.
    pub async fn is_up_within(&self, limit: Duration) -> bool {
        // The sender lives in self, so it cannot be gone.
        let mut state = self.state.subscribe();
        timeout(limit, state.wait_for(Option::is_none)).await.is_ok()
    }
}
