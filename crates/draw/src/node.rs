//! The two hashes of a Merkle tree of RFC 6962, section 2.1. Their first byte tells leaves from
//! inner nodes, so that none can pass for the other.

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// The hash of a leaf with this content.
pub(crate) fn hash_leaf(content: &[u8]) -> Digest {
    let hash = Sha256::new().chain_update([0]).chain_update(content);
    Digest::from_bytes(hash.finalize().into())
}

/// The hash of an inner node.
pub(crate) fn hash_children(left: &Digest, right: &Digest) -> Digest {
    let hash = Sha256::new().chain_update([1]);
    let hash = hash.chain_update(left.as_bytes()).chain_update(right.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

/// The hash of a tree without leaves.
pub(crate) fn hash_empty() -> Digest {
    Digest::of(&[])
}
