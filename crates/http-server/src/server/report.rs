use std::time::Duration;

/// What a server did over its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeReport {
    /// Connections accepted, the refused ones included.
    pub accepted: u64,
    /// Connections over the cap.
    pub refused: u64,
    /// Connections ended at a deadline with a request in flight.
    pub cut: u64,
    /// From the shutdown signal until the last connection was gone.
    pub shutdown_took: Duration,
}
