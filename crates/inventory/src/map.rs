//! Maps and sets with a hash function faster than the standard library's.
//!
//! Each process seeds it differently. Names and keys come from outside; a collision costs at most
//! the length of one batch.

pub use foldhash::fast::RandomState;

/// A map of names, ids or keys.
pub type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
/// A set of names, ids or keys.
pub type HashSet<T> = std::collections::HashSet<T, RandomState>;
