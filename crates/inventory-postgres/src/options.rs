//! Options of the PostgreSQL store.

use std::time::Duration;

use crate::url::Target;

/// The clock that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSource {
    /// The database's, so that processes whose clocks differ agree.
    Database,
    /// The clock of the caller that loads a batch: for tests and replays.
    Caller,
}

/// The limits of the PostgreSQL store.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The database.
    pub target: Target,
    /// The schema its tables are in.
    pub schema: String,
    /// Writers, each with a connection: the number of events written concurrently.
    pub writers: usize,
    /// Connections for reads.
    pub readers: usize,
    /// The time limit of a connection attempt, per host.
    pub connect_timeout: Duration,
    /// How long a transaction waits for a lock, and how long it may hold one while idle.
    pub lock_timeout: Duration,
    /// The time limit of a round trip.
    pub statement_timeout: Duration,
    /// How long the outcome of an interrupted commit is queried.
    pub resolve_timeout: Duration,
    /// The approximate number of stored keys; the oldest beyond it are deleted.
    pub keys_max: u64,
    /// The clock that decides.
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
