//! A plan at work in a store, without the commands that bring it there.

use patchward_collector::store::Change;
use patchward_collector::store::plans::{Leaf, PlanState};
use patchward_common::digest::Digest;
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::placement::leaf_bytes;

/// Leaves as the store keeps them, all in the first wave.
pub(crate) fn rows(leaves: &[PlanLeaf]) -> Vec<Leaf> {
    let row = |leaf: &PlanLeaf| Leaf {
        machine: leaf.machine,
        wave: 0,
        bytes: leaf_bytes(leaf),
    };
    leaves.iter().map(row).collect()
}

/// Makes a stored draft active and gives each of its machines a job.
pub(crate) async fn activate(change: &mut Change, id: &Digest, rows: &[Leaf]) {
    for (from, to) in [
        (PlanState::Draft, PlanState::Signed),
        (PlanState::Signed, PlanState::Active),
    ] {
        change.move_plan(id, from, to, "a test").await.unwrap();
    }
    let machines: Vec<_> = rows.iter().map(|row| (row.machine, 0)).collect();
    change.add_jobs(id, &machines).await.unwrap();
}
