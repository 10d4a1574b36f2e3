//! A signed document that stands for a table: all its leaves, and the document
//! with the Merkle root over them.

use crate::codec::{self, DecodeError};
use crate::digest::Digest;
use crate::id::MachineId;
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::{Assignment, AssignmentLeaf};
use crate::trust::placement::{Proof, Tree, leaf_bytes};
use crate::trust::sign::{Document, Signed};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

/// Most machines of one table: the largest fleet that was ever planned for, and
/// a quarter more.
pub const MAX_MACHINES: usize = 65_536;
/// Largest leaf in bytes: 64 slots, 8 groups and names.
pub const MAX_LEAF_BYTES: usize = 8 * 1024;

/// A document whose content is a table of machines.
pub trait Tabled: Document {
    /// One machine's row.
    type Leaf: Serialize + DeserializeOwned;
    /// The machine of a row.
    fn machine(leaf: &Self::Leaf) -> MachineId;
    /// How many rows the document states, and their root.
    fn stated(&self) -> (u64, Digest);
    /// States them.
    fn state(&mut self, machines: u64, root: Digest);
}

impl Tabled for Approval {
    type Leaf = PlanLeaf;

    fn machine(leaf: &PlanLeaf) -> MachineId {
        leaf.machine
    }

    fn stated(&self) -> (u64, Digest) {
        (self.machines, self.root)
    }

    fn state(&mut self, machines: u64, root: Digest) {
        self.machines = machines;
        self.root = root;
    }
}

impl Tabled for Assignment {
    type Leaf = AssignmentLeaf;

    fn machine(leaf: &AssignmentLeaf) -> MachineId {
        leaf.machine
    }

    fn stated(&self) -> (u64, Digest) {
        (self.machines, self.root)
    }

    fn state(&mut self, machines: u64, root: Digest) {
        self.machines = machines;
        self.root = root;
    }
}

/// A document and all its leaves, each in the exact bytes that were or will be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct Table<D> {
    /// The document with the signatures so far.
    pub signed: Signed<D>,
    /// The leaves in their order.
    pub leaves: Vec<ByteBuf>,
}

/// One machine's leaf and its way to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedLeaf {
    /// The machine.
    pub machine: MachineId,
    /// The leaf's exact bytes.
    pub leaf: ByteBuf,
    /// Its proof.
    pub proof: Proof,
}

/// Why a document and its leaves are not one table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The document's bytes are not what they should be.
    #[error("the document cannot be read: {0}")]
    Document(DecodeError),
    /// A leaf's bytes are not what they should be.
    #[error("leaf {index} cannot be read: {error}")]
    Leaf {
        /// Its position, from 0.
        index: usize,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// More than [`MAX_MACHINES`], or none.
    #[error("{0} machines, where 1 to {MAX_MACHINES} are allowed")]
    Size(usize),
    /// The document states another number of machines.
    #[error("the document states {stated} machines, but {found} leaves are there")]
    Count {
        /// What it states.
        stated: u64,
        /// How many there are.
        found: usize,
    },
    /// Leaves are sorted by machine, so that none can hide.
    #[error("leaf {0} is not in the order of machine ids")]
    Order(usize),
    /// A machine has one leaf.
    #[error("machine {0} has two leaves")]
    Duplicate(MachineId),
    /// The leaves give another root than the document states.
    #[error("the leaves give another Merkle root than the document states")]
    Root,
}

impl<D: Tabled> Table<D> {
    /// Builds the table over `leaves`, sorted here, and states number and root in
    /// `document`. It carries no signature yet.
    pub fn build(document: D, leaves: Vec<D::Leaf>) -> Result<Self, TableError> {
        Self::build_with(document, leaves, |leaf| ByteBuf::from(leaf_bytes(leaf)))
            .map(|(table, ..)| table)
    }

    /// The same, where `encode` may know a leaf's bytes already; gives back the document as
    /// it is stated and the leaves in their order.
    pub fn build_with(
        mut document: D,
        mut leaves: Vec<D::Leaf>,
        encode: impl FnMut(&D::Leaf) -> ByteBuf,
    ) -> Result<(Self, D, Vec<D::Leaf>), TableError> {
        size(leaves.len())?;
        leaves.sort_unstable_by_key(D::machine);
        if let Some(pair) = leaves
            .windows(2)
            .find(|pair| D::machine(&pair[0]) == D::machine(&pair[1]))
        {
            return Err(TableError::Duplicate(D::machine(&pair[0])));
        }
        let encoded: Vec<ByteBuf> = leaves.iter().map(encode).collect();
        document.state(encoded.len() as u64, Tree::new(&encoded).root());
        let table = Self {
            signed: Signed::unsigned(codec::encode_deterministic(&document)),
            leaves: encoded,
        };
        Ok((table, document, leaves))
    }

    /// Reads document and leaves, and checks that they belong together. Says nothing
    /// about signatures.
    pub fn read(&self) -> Result<(D, Vec<D::Leaf>), TableError> {
        let document = self.signed.peek().map_err(TableError::Document)?;
        size(self.leaves.len())?;
        let (stated, root) = document.stated();
        if stated != self.leaves.len() as u64 {
            return Err(TableError::Count {
                stated,
                found: self.leaves.len(),
            });
        }
        let mut leaves: Vec<D::Leaf> = Vec::with_capacity(self.leaves.len());
        for (index, bytes) in self.leaves.iter().enumerate() {
            let leaf: D::Leaf = codec::decode_deterministic(bytes, MAX_LEAF_BYTES)
                .map_err(|error| TableError::Leaf { index, error })?;
            if let Some(before) = leaves.last() {
                match D::machine(before).cmp(&D::machine(&leaf)) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => {
                        return Err(TableError::Duplicate(D::machine(&leaf)));
                    }
                    std::cmp::Ordering::Greater => return Err(TableError::Order(index)),
                }
            }
            leaves.push(leaf);
        }
        if Tree::new(&self.leaves).root() != root {
            return Err(TableError::Root);
        }
        Ok((document, leaves))
    }

    /// Every machine's leaf with its proof, in order.
    pub fn placed(&self) -> Result<Vec<PlacedLeaf>, TableError> {
        let (_, leaves) = self.read()?;
        let tree = Tree::new(&self.leaves);
        let placed = leaves.iter().zip(&self.leaves).enumerate();
        placed
            .map(|(index, (leaf, bytes))| {
                Ok(PlacedLeaf {
                    machine: D::machine(leaf),
                    leaf: bytes.clone(),
                    proof: tree.proof(index).ok_or(TableError::Root)?,
                })
            })
            .collect()
    }
}

fn size(found: usize) -> Result<(), TableError> {
    if (1..=MAX_MACHINES).contains(&found) {
        Ok(())
    } else {
        Err(TableError::Size(found))
    }
}
