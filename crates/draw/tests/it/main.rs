//! The draw agrees with independent computations.
#![allow(clippy::unwrap_used)]

mod forms;
mod formulas;
mod merkle;
mod order;

use draw::Leaf;

/// `n` places of one queue.
fn leaves(n: u64) -> Vec<Leaf> {
    (0..n).map(|index| Leaf::of("event", 1, &index.to_string())).collect()
}
