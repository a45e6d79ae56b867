//! A Merkle tree that grows.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    leaf::Leaf,
    node::{hash_children, hash_empty, hash_leaf},
};

/// The Merkle tree of RFC 6962, section 2.1, over leaves pushed one by one: of each perfect subtree
/// that the binary digits of the length name, only the hash; 2 KiB at most.
/// In JSON `{"len":n,"nodes":[hex, …]}`, largest subtree first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Frontier {
    len: u64,
    nodes: Vec<Digest>,
}

impl Frontier {
    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: &Leaf) {
        self.push_hash(hash_leaf(leaf.as_bytes()));
    }

    /// Adds a leaf by its hash. As in binary addition, each trailing 1 of the length is a subtree
    /// as large as the new one, and they join.
    fn push_hash(&mut self, mut node: Digest) {
        for _ in 0..self.len.trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                node = hash_children(&left, &node);
            }
        }
        self.nodes.push(node);
        self.len += 1;
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// No leaf was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The root of the leaves so far.
    #[must_use]
    pub fn root(&self) -> Digest {
        let smallest_first = self.nodes.iter().rev().copied();
        smallest_first.reduce(|right, left| hash_children(&left, &right)).unwrap_or_else(hash_empty)
    }
}

/// Why a stored [`Frontier`] is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frontier of {len} leaves has {expected} nodes, got {nodes}")]
pub struct FrontierError {
    len: u64,
    expected: usize,
    nodes: usize,
}

#[derive(Deserialize)]
#[serde(rename = "Frontier")]
struct Stored {
    len: u64,
    nodes: Vec<Digest>,
}

impl TryFrom<Stored> for Frontier {
    type Error = FrontierError;

    fn try_from(Stored { len, nodes }: Stored) -> Result<Self, FrontierError> {
        let expected = len.count_ones() as usize;
        if nodes.len() == expected {
            Ok(Self { len, nodes })
        } else {
            Err(FrontierError { len, expected, nodes: nodes.len() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves and roots of the tests of Certificate Transparency, `merkletree/merkle_tree_test.cc`
    /// in <https://github.com/google/certificate-transparency>: the root of the first 0, 1 … 8.
    const LEAVES: [&[u8]; 8] =
        [b"", b"\0", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let mut frontier = Frontier::default();
        for (len, root) in ROOTS.iter().enumerate() {
            assert_eq!(frontier.root().to_string(), *root, "{len} leaves");
            if let Some(leaf) = LEAVES.get(len) {
                frontier.push_hash(hash_leaf(leaf));
            }
        }
    }
}
