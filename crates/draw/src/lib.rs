//! The draw of a queue: its participants, the order they are called in, and the proofs of both.
//!
//! 1. Each place of a queue is a [`Leaf`]. Places are numbered in the order of joining.
//! 2. When the sale opens, the places so far are frozen under one Merkle root ([`Frontier`],
//!    [`MerkleTree`]): no place can be added, removed or moved afterwards without changing it.
//! 3. The [`Seed`], committed to before anybody joined, and the randomness of a public beacon,
//!    known only after the freeze, give the [`DrawKey`].
//! 4. The key gives each leaf a pseudorandom value; the [`Order`] is ascending by it. A place needs
//!    only its own value and the [`Threshold`] of the last called place to know whether it is
//!    called.
//!
//! The crate is pure: without I/O, clock or randomness.
#![warn(missing_docs)]

mod digest;
mod frontier;
mod key;
mod leaf;
mod node;
mod order;
mod seed;
mod text;
mod threshold;
mod tree;

pub use digest::Digest;
pub use frontier::{Frontier, FrontierError};
pub use key::DrawKey;
pub use leaf::Leaf;
pub use order::{Order, QUICK_PLACES};
pub use seed::Seed;
pub use text::ParseError;
pub use threshold::Threshold;
pub use tree::{MerkleTree, verify_path};
