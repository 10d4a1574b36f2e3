//! Merkle trees over leaves (RFC 9162 §2.1), so that a machine gets its own row of
//! a table and can tell that the approvers signed it.

use crate::codec;
use crate::digest::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Longest proof: a tree of 2^32 leaves.
pub const MAX_PROOF: usize = 32;

/// Where a leaf stands in its tree, and the hashes that lead from it to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Index of the leaf, from 0.
    pub index: u64,
    /// The siblings on the way up, lowest first.
    pub path: Vec<Digest>,
}

/// The bytes of a leaf: its deterministic encoding.
pub fn leaf_bytes<T: Serialize>(leaf: &T) -> Vec<u8> {
    codec::encode_deterministic(leaf)
}

fn hash_leaf(bytes: &[u8]) -> Digest {
    Digest(
        Sha256::new()
            .chain_update([0])
            .chain_update(bytes)
            .finalize()
            .into(),
    )
}

fn hash_node(left: Digest, right: Digest) -> Digest {
    let hash = Sha256::new()
        .chain_update([1])
        .chain_update(left.0)
        .chain_update(right.0);
    Digest(hash.finalize().into())
}

/// A whole tree, all levels kept, from which every proof is read.
pub struct Tree {
    /// Level 0 are the leaves' hashes; the last level is the root alone.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// Builds the tree over leaves in their order.
    pub fn new<B: AsRef<[u8]>>(leaves: &[B]) -> Self {
        let mut levels = vec![leaves.iter().map(|leaf| hash_leaf(leaf.as_ref())).collect()];
        while let Some(level) = levels.last().filter(|level: &&Vec<Digest>| level.len() > 1) {
            // A last node without a sibling goes up unchanged: the split of §2.1.1 at
            // the largest power of two gives the same tree.
            let above = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => hash_node(*left, *right),
                    rest => rest[0],
                })
                .collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// The root; for no leaves the hash of nothing (§2.1.1).
    pub fn root(&self) -> Digest {
        let top = self.levels.last().and_then(|level| level.first());
        top.copied().unwrap_or_else(|| Digest::of(b""))
    }

    /// The proof of the leaf at `index`, which must exist.
    pub fn proof(&self, index: usize) -> Option<Proof> {
        self.levels.first()?.get(index)?;
        let mut at = index;
        let mut path = Vec::new();
        for level in &self.levels {
            path.extend(level.get(at ^ 1).copied());
            at /= 2;
        }
        Some(Proof {
            index: index as u64,
            path,
        })
    }
}

/// Whether `leaf` stands at `proof.index` in the tree of `size` leaves under `root`
/// (§2.1.3.2).
pub fn is_included(leaf: &[u8], proof: &Proof, size: u64, root: Digest) -> bool {
    if proof.index >= size || proof.path.len() > MAX_PROOF {
        return false;
    }
    let (mut node, mut last) = (proof.index, size - 1);
    let mut hash = hash_leaf(leaf);
    for &sibling in &proof.path {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            hash = hash_node(sibling, hash);
            while node % 2 == 0 && node != 0 {
                node /= 2;
                last /= 2;
            }
        } else {
            hash = hash_node(hash, sibling);
        }
        node /= 2;
        last /= 2;
    }
    last == 0 && hash == root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 9162 §2.1.1, word by word.
    fn reference_root(leaves: &[Vec<u8>]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [leaf] => hash_leaf(leaf),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                hash_node(
                    reference_root(&leaves[..split]),
                    reference_root(&leaves[split..]),
                )
            }
        }
    }

    fn leaves(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| leaf_bytes(&(n as u64))).collect()
    }

    #[test]
    fn every_leaf_of_every_size_is_proved_and_nothing_else() {
        for size in 0..40 {
            let leaves = leaves(size);
            let tree = Tree::new(&leaves);
            assert_eq!(tree.root(), reference_root(&leaves), "{size} leaves");
            assert_eq!(tree.proof(size), None);
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = tree.proof(index).unwrap();
                let holds = |leaf: &[u8], proof: &Proof, size: usize| {
                    is_included(leaf, proof, size as u64, tree.root())
                };
                assert!(holds(leaf, &proof, size));
                assert!(!holds(b"other", &proof, size));
                let other = Proof {
                    index: (proof.index + 1) % size as u64,
                    ..proof.clone()
                };
                assert!(size == 1 || !holds(leaf, &other, size));
                let longer = Proof {
                    path: [&proof.path[..], &[tree.root()]].concat(),
                    ..proof.clone()
                };
                assert!(!holds(leaf, &longer, size));
                if let Some((_, shorter)) = proof.path.split_last() {
                    let shorter = Proof {
                        path: shorter.to_vec(),
                        ..proof
                    };
                    assert!(!holds(leaf, &shorter, size));
                }
            }
        }
    }
}
