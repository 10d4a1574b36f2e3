//! The signed tables of a pack: each is read, and the places in it are found, once.

use crate::authority;
use crate::control::Failure;
use crate::planning;
use crate::store::View;
use crate::store::documents::DocumentKind;
use patchward_common::digest::Digest;
use patchward_common::evidence::{Pack, ProvedLeaf};
use patchward_common::id::MachineId;
use patchward_common::plan::{Table, Tabled};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::assignment::Assignment;
use patchward_common::trust::sign::Signed;
use std::collections::{BTreeMap, BTreeSet};

/// A table, with the places of the machines that are asked of.
struct Placed<D> {
    signed: Signed<D>,
    leaves: BTreeMap<MachineId, ProvedLeaf>,
}

/// The tables of a pack.
pub(super) struct Tables {
    machines: BTreeSet<MachineId>,
    approvals: BTreeMap<Digest, Placed<Approval>>,
    assignments: BTreeMap<Digest, Placed<Assignment>>,
    /// Assignments that were looked for, be they here or not.
    named: BTreeSet<Digest>,
    newest: BTreeMap<MachineId, Digest>,
}

impl Tables {
    pub(super) fn new(machines: BTreeSet<MachineId>) -> Self {
        Self {
            machines,
            approvals: BTreeMap::new(),
            assignments: BTreeMap::new(),
            named: BTreeSet::new(),
            newest: BTreeMap::new(),
        }
    }

    /// Reads a plan that the pack has to carry.
    pub(super) async fn need_approval(
        &mut self,
        view: &mut View,
        plan: &Digest,
    ) -> Result<(), Failure> {
        if !self.approvals.contains_key(plan) {
            let table = planning::table(view, plan).await?;
            self.approvals.insert(*plan, self.placed(table)?);
        }
        Ok(())
    }

    /// Reads an assignment that the pack has to carry, where it is here.
    pub(super) async fn need_assignment(
        &mut self,
        view: &mut View,
        digest: &Digest,
    ) -> Result<(), Failure> {
        if self.assignments.contains_key(digest) || !self.named.insert(*digest) {
            return Ok(());
        }
        let stored = view.document(digest).await?;
        let stored = stored.filter(|stored| stored.kind == DocumentKind::Assignment);
        let Some(stored) = stored else {
            return Ok(());
        };
        let leaves = view.assignment_leaves(digest).await?;
        let table = Table::<Assignment> {
            signed: authority::signed(view, stored).await?,
            leaves: leaves.into_iter().map(|(_, leaf)| leaf.into()).collect(),
        };
        self.assignments.insert(*digest, self.placed(table)?);
        Ok(())
    }

    /// The newest assignment with a row for a machine.
    async fn newest_assignment(
        &mut self,
        view: &mut View,
        machine: &MachineId,
    ) -> Result<Digest, Failure> {
        if let Some(known) = self.newest.get(machine) {
            return Ok(*known);
        }
        let newest = view.assignment_of(machine).await?;
        let newest = newest
            .ok_or_else(|| Failure::not_found(format!("machine {machine} was never assigned")))?;
        // Most machines stand in the same one.
        self.newest.insert(*machine, newest.digest);
        Ok(newest.digest)
    }

    /// The machine's leaf of a plan.
    pub(super) async fn leaf(
        &mut self,
        view: &mut View,
        plan: &Digest,
        machine: &MachineId,
    ) -> Result<ProvedLeaf, Failure> {
        self.need_approval(view, plan).await?;
        let table = self.approvals.get(plan);
        found(table.and_then(|table| table.leaves.get(machine)), machine)
    }

    /// The machine's row of the first of the `named` assignments that is here and has one. A
    /// job that never started names none, and a machine may name what there is not: then it
    /// is the newest, and whoever verifies says what does not fit.
    pub(super) async fn row(
        &mut self,
        view: &mut View,
        named: &[Digest],
        machine: &MachineId,
    ) -> Result<(Digest, ProvedLeaf), Failure> {
        for assignment in named {
            self.need_assignment(view, assignment).await?;
            if let Some(row) = self.row_of(assignment, machine) {
                return Ok((*assignment, row.clone()));
            }
        }
        let newest = self.newest_assignment(view, machine).await?;
        self.need_assignment(view, &newest).await?;
        Ok((newest, found(self.row_of(&newest, machine), machine)?))
    }

    fn row_of(&self, assignment: &Digest, machine: &MachineId) -> Option<&ProvedLeaf> {
        self.assignments.get(assignment)?.leaves.get(machine)
    }

    /// Puts the signed documents into the pack.
    pub(super) fn documents(self, pack: &mut Pack) {
        let approvals = self.approvals.into_values().map(|table| table.signed);
        pack.approvals.extend(approvals);
        let assignments = self.assignments.into_values().map(|table| table.signed);
        pack.assignments.extend(assignments);
    }

    fn placed<D: Tabled>(&self, table: Table<D>) -> Result<Placed<D>, Failure> {
        let all = table
            .placed()
            .map_err(|error| Failure::conflict(format!("a stored table is damaged: {error}")))?;
        let asked = all
            .into_iter()
            .filter(|leaf| self.machines.contains(&leaf.machine));
        let leaf = |leaf: patchward_common::plan::PlacedLeaf| {
            let proved = ProvedLeaf {
                bytes: leaf.leaf,
                proof: leaf.proof,
            };
            (leaf.machine, proved)
        };
        Ok(Placed {
            leaves: asked.map(leaf).collect(),
            signed: table.signed,
        })
    }
}

fn found(leaf: Option<&ProvedLeaf>, machine: &MachineId) -> Result<ProvedLeaf, Failure> {
    leaf.cloned()
        .ok_or_else(|| Failure::not_found(format!("no leaf for machine {machine}")))
}
