//! The counts of a finished server.

use std::time::Duration;

/// Counts over the life of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeReport {
    /// Accepted connections, including refused ones.
    pub accepted: u64,
    /// Connections over the cap.
    pub refused: u64,
    /// Connections ended at a deadline with a request in flight.
    pub cut: u64,
    /// Time from the shutdown signal until the last connection ended.
    pub shutdown_took: Duration,
}
