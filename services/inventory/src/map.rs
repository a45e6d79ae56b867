//! Maps and sets by a hash that is faster than the standard library's. It is seeded anew in each
//! process; names and keys come from outside, and the most that a collision could cost is the
//! length of one batch.

use foldhash::fast::RandomState;

pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
pub(crate) type HashSet<T> = std::collections::HashSet<T, RandomState>;
