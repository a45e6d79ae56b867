//! The result of a verification.

/// What was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records.
    pub records: u64,
    /// Events.
    pub events: u64,
    /// Holds and sales.
    pub holds: u64,
    /// Records with a key.
    pub keyed: u64,
    /// Holds that are held at the end.
    pub live_holds: u64,
    /// Tickets sold and not refunded at the end.
    pub sold: u64,
    /// Keys that were used anew before their time was over; possible only where there were more
    /// than are kept.
    pub keys_forgotten_early: u64,
    /// Stored rows that were compared with what follows from the ledger; 0 where only the ledger
    /// can be read.
    pub rows: u64,
}
