//! The result of a verification.

/// The counts of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records.
    pub records: u64,
    /// Events.
    pub events: u64,
    /// Holds and sales.
    pub holds: u64,
    /// Places of waiting rooms.
    pub places: u64,
    /// Records with a key.
    pub keyed: u64,
    /// Holds that are held at the end.
    pub live_holds: u64,
    /// Tickets sold and not refunded at the end.
    pub sold: u64,
    /// Keys that were reused before their expiry; possible only where their number exceeded the
    /// bound.
    pub keys_forgotten_early: u64,
    /// Stored rows that were compared with the ledgers; 0 where only the ledgers can be read.
    pub rows: u64,
}
