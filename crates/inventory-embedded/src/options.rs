//! How much the embedded store may use.

use inventory::Limits;

/// How many tables the store has.
pub const TABLES: usize = 11;

/// The bounds of the embedded store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// Cache of blocks read from disk, bytes.
    pub cache_bytes: u64,
    /// Recent writes of each table that are kept in memory before they go to a table file, bytes.
    pub memtable_bytes: u64,
    /// The write-ahead journal on disk, bytes; the most that a start reads again.
    pub journal_bytes: u64,
    /// How many table files stay open between reads.
    pub open_files: usize,
    /// How many keys are kept; beyond it the oldest go first.
    pub keys_max: u64,
}

impl EmbeddedOptions {
    /// How many tables there are, each with a memtable.
    pub const TABLES: u64 = TABLES as u64;

    /// The smallest `open_files`.
    pub const OPEN_FILES_MIN: usize = 10;

    /// Files that are open besides `open_files`: journals, the inputs and outputs of flushes and
    /// compactions, and the parts of the cache, each of which rounds up.
    const OTHER_FILES: usize = 20;

    /// How many files the store has open at most.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        self.open_files + Self::OTHER_FILES
    }
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
            memtable_bytes: 8 << 20,
            journal_bytes: 128 << 20,
            open_files: 256,
            keys_max: Limits::default().keys_max,
        }
    }
}
