//! Tables of machines, plans and assignments, with what proves each machine's place in
//! them; and which of them each machine stands in.

use super::Reading;
use super::common::Common;
use crate::fleet::{Fleet, locked};
use crate::store::StoreError;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::trust::placement::Tree;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::local::Placed;
use serde_bytes::ByteBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Trees of plans and assignments that are kept: one of 50,000 machines takes 5 MB.
const MAX_TREES: usize = 32;

/// A table's tree, and whose leaf stands where.
pub(in crate::fleet) struct Placement {
    machines: Vec<MachineId>,
    leaves: Vec<Vec<u8>>,
    tree: Tree,
}

impl Placement {
    fn new(rows: Vec<(MachineId, Vec<u8>)>) -> Self {
        let (machines, leaves): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        Self {
            tree: Tree::new(&leaves),
            machines,
            leaves,
        }
    }

    fn at(&self, machine: &MachineId) -> Option<usize> {
        self.machines.binary_search(machine).ok()
    }

    /// The machine's leaf.
    pub(super) fn leaf(&self, machine: &MachineId) -> Option<&[u8]> {
        Some(self.leaves.get(self.at(machine)?)?)
    }

    /// A document with the machine's leaf and its proof.
    pub(super) fn place<T>(&self, signed: Signed<T>, machine: &MachineId) -> Option<Placed<T>> {
        let index = self.at(machine)?;
        Some(Placed {
            signed,
            leaf: ByteBuf::from(self.leaves.get(index)?.clone()),
            proof: self.tree.proof(index)?,
        })
    }
}

/// The tables that one machine stands in.
#[derive(Debug)]
pub(in crate::fleet) struct Tables {
    /// As of which generation of tables.
    pub(super) generation: u64,
    /// The newest assignment that has a row for it.
    pub(super) assignment: Option<Digest>,
    /// The plans in force that have a leaf for it, oldest first.
    pub(super) plans: Vec<Digest>,
}

/// The tables of a machine, from memory as long as none came: a stop changes none.
pub(super) async fn tables(fleet: &Fleet, machine: &MachineId) -> Result<Arc<Tables>, StoreError> {
    // Read first: what comes meanwhile is found stale by the next hello.
    let generation = fleet.tables.load(Ordering::Acquire);
    let known = fleet
        .registry()
        .known(machine)
        .and_then(|known| known.tables.clone());
    if let Some(tables) = known.filter(|tables| tables.generation == generation) {
        return Ok(tables);
    }
    let standing = fleet.store().standing(machine).await?;
    let tables = Arc::new(Tables {
        generation,
        assignment: standing.assignment,
        plans: standing.plans,
    });
    let kept = tables.clone();
    fleet
        .registry()
        .update(machine, |known| known.tables = Some(kept));
    Ok(tables)
}

/// Where machines stand in a plan.
pub(super) async fn of_plan(
    reading: &mut Reading<'_>,
    plan: Digest,
) -> Result<Arc<Placement>, StoreError> {
    if let Some(placement) = kept(reading.fleet, &plan) {
        return Ok(placement);
    }
    let leaves = reading.view().await?.leaves(&plan).await?;
    let rows = leaves.into_iter().map(|leaf| (leaf.machine, leaf.bytes));
    Ok(keep(reading.fleet, plan, Placement::new(rows.collect())))
}

/// The assignment of a machine with its place in it.
pub(super) async fn assigned(
    reading: &mut Reading<'_>,
    common: &Common,
    assignment: Digest,
    machine: &MachineId,
) -> Result<Option<Placed<patchward_common::trust::assignment::Assignment>>, StoreError> {
    let Some(signed) = common.assignment(reading, assignment).await? else {
        return Ok(None);
    };
    let placement = match kept(reading.fleet, &assignment) {
        Some(placement) => placement,
        None => {
            let rows = reading.view().await?.assignment_leaves(&assignment).await?;
            keep(reading.fleet, assignment, Placement::new(rows))
        }
    };
    Ok(placement.place(signed, machine))
}

fn kept(fleet: &Fleet, table: &Digest) -> Option<Arc<Placement>> {
    locked(&fleet.trees).get(table).cloned()
}

fn keep(fleet: &Fleet, table: Digest, placement: Placement) -> Arc<Placement> {
    let placement = Arc::new(placement);
    let mut trees = locked(&fleet.trees);
    if trees.len() >= MAX_TREES {
        trees.clear();
    }
    trees.insert(table, placement.clone());
    placement
}
