//! The turn to write to the journal.

use crate::{journal_preallocator::JournalPreallocator, tables::Tables};

/// What the threads that write to the journal share. A thread holds it from before it prepares a
/// write until the write is done, because the preallocator must not meet another thread's write.
pub struct Journal {
    /// Ledger records of all events.
    pub records: u64,
    pub preallocator: Option<JournalPreallocator>,
}

impl Journal {
    /// Prepares a write of at most `bytes`.
    pub fn prepare(&mut self, tables: &Tables, bytes: u64) {
        if let Some(preallocator) = &mut self.preallocator {
            preallocator.keep(bytes, tables.db.journal_count());
        }
    }
}
