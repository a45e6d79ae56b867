//! Paths from leaves to the root.

use crate::{
    digest::Digest,
    leaf::Leaf,
    node::{hash_children, hash_empty, hash_leaf},
};

/// The height below which nodes are not stored: 256 leaves under each stored node, so that a tree
/// of a million leaves takes 256 KiB, and a path 256 hashes of leaves.
const STORED_HEIGHT: u32 = 8;
const CHUNK: usize = 1 << STORED_HEIGHT;

/// The Merkle tree of RFC 6962, section 2.1, over leaves that the caller keeps.
#[derive(Debug, Clone)]
pub struct MerkleTree {
    size: usize,
    /// The nodes of each height from [`STORED_HEIGHT`] to the root.
    levels: Vec<Vec<Digest>>,
}

impl MerkleTree {
    /// The tree over `leaves`.
    #[must_use]
    pub fn new(leaves: &[Leaf]) -> Self {
        let nodes = leaves.chunks(CHUNK).filter_map(|chunk| levels(hash_leaves(chunk)).pop());
        let levels = levels(nodes.flatten().collect());
        Self { size: leaves.len(), levels }
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.size as u64
    }

    /// The tree has no leaf.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or_else(hash_empty)
    }

    /// The audit path of RFC 6962, section 2.1.1, of the leaf at `index`, lowest node first.
    ///
    /// `leaves` are those of the tree; more may follow them. Without such a leaf the path is empty.
    #[must_use]
    pub fn path(&self, leaves: &[Leaf], index: u64) -> Vec<Digest> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(leaves) = leaves.get(..self.size).filter(|leaves| index < leaves.len()) else {
            return Vec::new();
        };
        let chunk = leaves.chunks(CHUNK).nth(index / CHUNK).unwrap_or_default();
        let mut path = siblings(&levels(hash_leaves(chunk)), index % CHUNK);
        path.extend(siblings(&self.levels, index / CHUNK));
        path
    }
}

fn hash_leaves(leaves: &[Leaf]) -> Vec<Digest> {
    leaves.iter().map(|leaf| hash_leaf(leaf.as_bytes())).collect()
}

/// All levels from `nodes` to the one node above them. A node without a sibling moves up unchanged,
/// which gives the same tree as the split at the largest power of two in the RFC.
fn levels(nodes: Vec<Digest>) -> Vec<Vec<Digest>> {
    let mut levels = vec![nodes];
    while let Some(below) = levels.last().filter(|level| level.len() > 1) {
        let above = below.chunks(2).map(|pair| match pair {
            [left, right] => hash_children(left, right),
            alone => alone[0],
        });
        let above = above.collect();
        levels.push(above);
    }
    levels
}

/// The siblings of the node at `index` of the lowest of `levels` and of the nodes above it.
fn siblings(levels: &[Vec<Digest>], index: usize) -> Vec<Digest> {
    let heights = levels.iter().enumerate();
    heights.filter_map(|(height, level)| level.get((index >> height) ^ 1)).copied().collect()
}

/// Whether `path` leads from `leaf`, at `index` of a tree of `size` leaves, to `root`:
/// the algorithm of RFC 9162, section 2.1.3.2 (`fn` and `sn` there are `node` and `last` here).
///
/// A path fixes the size only as far as the sides of its nodes do: take `size` from where `root` is
/// from, not from the sender of the path.
#[must_use]
pub fn verify_path(leaf: &Leaf, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = hash_leaf(leaf.as_bytes());
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = hash_children(sibling, &hash);
            // Up to where the node is a right child: below, it had no sibling.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = hash_children(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}
