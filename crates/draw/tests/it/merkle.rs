//! Trees and paths against the recursive definitions of RFC 6962, section 2.1.

use draw::{Digest, Frontier, Leaf, MerkleTree, verify_path};
use proptest::{prelude::*, sample::Index};
use sha2::{Digest as _, Sha256};

use crate::leaves;

/// The largest power of two smaller than `n`.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

fn root_of(leaves: &[Leaf]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0], &leaf.as_bytes()[..]].concat()).into(),
        more => {
            let (left, right) = more.split_at(split(more.len()));
            Sha256::digest([&[1], &root_of(left)[..], &root_of(right)].concat()).into()
        }
    }
}

fn path_of(index: usize, leaves: &[Leaf]) -> Vec<Digest> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = match index.checked_sub(left.len()) {
        None => (path_of(index, left), right),
        Some(index) => (path_of(index, right), left),
    };
    path.push(Digest::from_bytes(root_of(sibling)));
    path
}

/// On which side each node of the path is, lowest first.
fn sides(index: usize, size: usize) -> Vec<bool> {
    if size < 2 {
        return Vec::new();
    }
    let left = split(size);
    let right = index >= left;
    let mut sides = if right { sides(index - left, size - left) } else { sides(index, left) };
    sides.push(right);
    sides
}

fn frontier(leaves: &[Leaf]) -> Frontier {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(leaf));
    frontier
}

fn check_path(leaves: &[Leaf], tree: &MerkleTree, index: usize) -> Vec<Digest> {
    let path = tree.path(leaves, index as u64);
    let (at, size) = (index as u64, leaves.len() as u64);
    assert!(verify_path(&leaves[index], at, size, &path, &tree.root()), "{index} of {size}");
    path
}

#[test]
fn every_size_has_its_root_and_paths() {
    let all = leaves(300);
    for size in 0..=all.len() {
        let leaves = &all[..size];
        let (tree, frontier) = (MerkleTree::new(leaves), frontier(leaves));
        let root = Digest::from_bytes(root_of(leaves));
        assert_eq!((tree.root(), frontier.root()), (root, root), "{size}");
        assert_eq!((tree.len(), frontier.len()), (size as u64, size as u64));
        assert_eq!((tree.is_empty(), frontier.is_empty()), (size == 0, size == 0));
        let indices = (0..size).filter(|index| size <= 20 || index % 97 == 0 || index + 2 >= size);
        for index in indices {
            // Leaves that joined later do not matter.
            assert_eq!(check_path(leaves, &tree, index), tree.path(&all, index as u64));
            assert_eq!(tree.path(leaves, index as u64), path_of(index, leaves));
        }
        assert_eq!(tree.path(&all, size as u64), []);
        assert!(!verify_path(&all[0], size as u64, size as u64, &[], &root), "not in the tree");
    }
    assert_eq!(MerkleTree::new(&all).path(&all[..299], 0), [], "leaves are missing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn large_trees_agree(size in 1_u64..1_500, index: Index) {
        let leaves = leaves(size);
        let tree = MerkleTree::new(&leaves);
        prop_assert_eq!(tree.root(), Digest::from_bytes(root_of(&leaves)));
        prop_assert_eq!(tree.root(), frontier(&leaves).root());
        let index = index.index(leaves.len());
        prop_assert_eq!(check_path(&leaves, &tree, index), path_of(index, &leaves));
    }

    #[test]
    fn changed_proofs_are_refused(
        size in 2_u64..600, index: Index, other: Index, node: Index, byte in 0_usize..32,
        bit in 0_u8..8, extra: [u8; 32],
    ) {
        let leaves = leaves(size);
        let tree = MerkleTree::new(&leaves);
        let (index, other) = (index.index(leaves.len()), other.index(leaves.len()));
        let (leaf, at, root) = (&leaves[index], index as u64, tree.root());
        let path = check_path(&leaves, &tree, index);
        let flip = |digest: &Digest| {
            let mut bytes = *digest.as_bytes();
            bytes[byte] ^= 1 << bit;
            Digest::from_bytes(bytes)
        };

        let is_same = index == other;
        prop_assert_eq!(verify_path(&leaves[other], at, size, &path, &root), is_same);
        prop_assert_eq!(verify_path(leaf, other as u64, size, &path, &root), is_same);
        prop_assert!(!verify_path(leaf, at + size, size, &path, &root));
        prop_assert!(!verify_path(leaf, at, size, &path, &flip(&root)));

        let node = node.index(path.len());
        let mut changed = path.clone();
        changed[node] = flip(&changed[node]);
        prop_assert!(!verify_path(leaf, at, size, &changed, &root));
        changed.remove(node);
        prop_assert!(!verify_path(leaf, at, size, &changed, &root));
        let mut longer = path.clone();
        longer.insert(node, Digest::from_bytes(extra));
        prop_assert!(!verify_path(leaf, at, size, &longer, &root));
        longer.push(Digest::from_bytes(extra));
        prop_assert!(!verify_path(leaf, at, size, &longer, &root));
    }

    /// A path fixes the size only as far as the sides of its nodes do.
    #[test]
    fn changed_sizes_are_refused_unless_the_sides_agree(
        size in 1_u64..300, index: Index, wrong in 0_u64..600,
    ) {
        let leaves = leaves(size);
        let tree = MerkleTree::new(&leaves);
        let index = index.index(leaves.len());
        let path = check_path(&leaves, &tree, index);
        let agree = (index as u64) < wrong
            && sides(index, usize::try_from(wrong).unwrap()) == sides(index, leaves.len());
        let verified = verify_path(&leaves[index], index as u64, wrong, &path, &tree.root());
        prop_assert_eq!(verified, agree);
    }
}
