//! Which other plans hold the slots that a machine does not get.

use crate::planning::Gathered;
use crate::schedule::planner::{Impossible, Reason};
use patchward_common::id::{MachineId, Name};
use std::collections::BTreeSet;

/// Most plans that are named.
const MAX_NAMED: usize = 10;

/// The plans that have slots for the groups of the machines without one; empty where no
/// other plan stands there.
pub(super) fn by_others(impossible: &[Impossible], gathered: &Gathered) -> String {
    let without = impossible
        .iter()
        .filter(|one| one.reason == Reason::NoSlotLeft);
    let groups_of = |machine: &MachineId| gathered.assigned.row(machine).map(|row| &row.groups);
    let groups: BTreeSet<&Name> = without
        .filter_map(|one| groups_of(&one.machine))
        .flatten()
        .collect();
    let holds = |machine: &MachineId| {
        let own = groups_of(machine).into_iter().flatten();
        own.into_iter().any(|group| groups.contains(group))
    };
    let plans = gathered.beside.iter().filter(|plan| {
        let mut leaves = plan.leaves.iter();
        leaves.any(|leaf| holds(&leaf.machine))
    });
    let mut named: Vec<String> = plans
        .map(|plan| format!("{:?}", plan.approval.title.as_str()))
        .collect();
    let more = named.len().saturating_sub(MAX_NAMED);
    named.truncate(MAX_NAMED);
    match (named.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(
            "\nSlots of their groups are held by {}: `rollout show` says how far each is.",
            named.join(", ")
        ),
        (false, more) => format!(
            "\nSlots of their groups are held by {} and {more} more plans: `plan list` shows all.",
            named.join(", ")
        ),
    }
}
