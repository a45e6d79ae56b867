//! Merkle trees of RFC 6962, section 2.1, with SHA-256.

use sha2::{Digest, Sha256};

type Node = [u8; 32];

fn leaf_hash(leaf: &[u8]) -> Node {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

fn node_hash(left: &Node, right: &Node) -> Node {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree over `leaves`.
pub(crate) fn root(leaves: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Node {
    // Complete subtrees from left to right, each smaller than the one before it: a bit of the
    // number of leaves each.
    let mut subtrees: Vec<Node> = Vec::new();
    for (leaves, leaf) in (1_u64..).zip(leaves) {
        let mut node = leaf_hash(leaf.as_ref());
        for _ in 0..leaves.trailing_zeros() {
            let Some(left) = subtrees.pop() else { unreachable!("a bit has a subtree") };
            node = node_hash(&left, &node);
        }
        subtrees.push(node);
    }
    let root = subtrees.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
    root.unwrap_or_else(|| Sha256::digest([]).into())
}

/// The root that follows from `leaf` at `index` of `n` leaves and its audit path; none when the
/// path has another length.
pub(crate) fn root_of_path(leaf: &[u8], index: u64, n: u64, path: &[Node]) -> Option<Node> {
    if index >= n {
        return None;
    }
    // RFC 9162, section 2.1.3.2, is this check for the same trees.
    let (mut at, mut last) = (index, n - 1);
    let mut node = leaf_hash(leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            node = node_hash(sibling, &node);
            // A node without a right sibling rises until it has a left one.
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            node = node_hash(&node, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    (last == 0).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word by word.
    fn defined(leaves: &[&[u8]]) -> Node {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => leaf_hash(leaf),
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node_hash(&defined(left), &defined(right))
            }
        }
    }

    fn split(len: usize) -> usize {
        len.next_power_of_two() / 2
    }

    fn path(index: usize, leaves: &[&[u8]]) -> Vec<Node> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut path, other) = if index < k {
            (path(index, left), defined(right))
        } else {
            (path(index - k, right), defined(left))
        };
        path.push(other);
        path
    }

    /// The leaves of the test vectors of Certificate Transparency.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let hex = |n: usize| const_hex::encode(root(&LEAVES[..n]));
        assert_eq!(hex(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(1), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex(3), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
        assert_eq!(hex(8), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn roots_and_paths_follow_the_definition() {
        let bytes: Vec<[u8; 1]> = (0..40).map(|byte| [byte]).collect();
        let all: Vec<&[u8]> = bytes.iter().map(<[u8; 1]>::as_slice).collect();
        for n in 0..all.len() {
            let leaves = &all[..n];
            assert_eq!(root(leaves), defined(leaves));
            for index in 0..n {
                let path = path(index, leaves);
                let found = |index: usize, n: usize, path: &[Node]| {
                    root_of_path(leaves[index], index as u64, n as u64, path)
                };
                assert_eq!(found(index, n, &path), Some(root(leaves)), "{index} of {n}");
                let longer = [&path[..], &[[0; 32]]].concat();
                assert_ne!(found(index, n, &longer), Some(root(leaves)));
                if let Some(shorter) = path.get(1..) {
                    assert_ne!(found(index, n, shorter), Some(root(leaves)));
                }
                if n > 1 {
                    let other =
                        root_of_path(leaves[index], (index as u64 + 1) % n as u64, n as u64, &path);
                    assert_ne!(other, Some(root(leaves)), "{index} of {n} as the next one");
                }
            }
        }
    }
}
