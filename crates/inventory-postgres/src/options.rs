//! How the database is reached and what may be asked of it.

use std::time::Duration;

use crate::url::Target;

/// Whose time decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSource {
    /// The database's, so that processes whose clocks differ agree.
    Database,
    /// That of whoever loads a batch: for tests and for replaying.
    Caller,
}

/// The limits of the PostgreSQL store.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Where it is.
    pub target: Target,
    /// The schema its tables are in.
    pub schema: String,
    /// Writers, each with a connection: so many events are written to at once.
    pub writers: usize,
    /// Connections for reads.
    pub readers: usize,
    /// How long a connection may take to be made, for each host.
    pub connect_timeout: Duration,
    /// How long a transaction waits for another process, and how long one may keep others waiting.
    pub lock_timeout: Duration,
    /// How long a round trip may take.
    pub statement_timeout: Duration,
    /// How long an unknown outcome is asked after.
    pub resolve_timeout: Duration,
    /// How many keys are kept, about; beyond it the oldest go first.
    pub keys_max: u64,
    /// Whose time decides.
    pub time: TimeSource,
}

impl PostgresOptions {
    /// The defaults for `target`.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            schema: "ticket_system".into(),
            writers: 4,
            readers: 4,
            connect_timeout: Duration::from_secs(2),
            lock_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(4),
            resolve_timeout: Duration::from_secs(4),
            keys_max: inventory::domain::Limits::default().keys_max,
            time: TimeSource::Database,
        }
    }
}
