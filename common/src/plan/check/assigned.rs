//! Which rows of the assignments count. The collector gathers the tables; only those
//! signed for a row's unit and class say that the machine is there.

use super::super::{Context, ReadAssignment, signers};
use super::{Findings, Rule, Subject};
use crate::id::{MachineId, Name};
use crate::time::UtcMs;
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::roster::{Class, Roster, SigningRole};
use std::collections::{BTreeMap, BTreeSet};

/// The rows of all tables, newest first to be seen.
#[derive(Default)]
pub(super) struct Rows<'a> {
    /// Each machine's newest row that counts.
    pub(super) counting: BTreeMap<MachineId, &'a AssignmentLeaf>,
    /// Rows above those, which too few approvers signed, and how many did.
    unsigned: BTreeMap<MachineId, (&'a AssignmentLeaf, usize)>,
}

impl<'a> Rows<'a> {
    /// Whether what was read is of the context's tables, one for each.
    pub(super) fn belong(context: &Context, read: &[&ReadAssignment]) -> bool {
        let tables = context.assignments.iter();
        let stated = tables.map(|table| table.signed.peek().ok());
        stated.eq(read.iter().map(|(assignment, _)| Some(assignment.clone())))
    }

    /// Those of the context's tables, as they were read in the same order. Without a roster
    /// nobody can say which count; the plan is blocked for that already, and every row stands
    /// for its name.
    pub(super) fn of(
        context: &Context,
        read: &[&'a ReadAssignment],
        roster: Option<&Roster>,
        now: UtcMs,
    ) -> Self {
        let mut tables: Vec<_> = context.assignments.iter().zip(read).collect();
        tables.sort_by_key(|(_, (assignment, _))| assignment.number);
        let keys = roster.map(|roster| roster.people_keys(now));
        let mut found = Self::default();
        for (table, (_, rows)) in tables {
            let signers = signers(&table.signed, keys.as_deref().unwrap_or_default());
            let mut known: BTreeMap<(Name, Class), (bool, usize)> = BTreeMap::new();
            for row in rows {
                let place = (row.unit.clone(), row.class);
                let (counts, people) = *known.entry(place).or_insert_with(|| {
                    let Some(roster) = roster else {
                        return (true, 0);
                    };
                    let roles = [SigningRole::Approver];
                    let by = roster.endorsement(&signers, &roles, &[&row.unit], now);
                    (by.meets(roster.quorum(row.class)), by.people().len())
                });
                if counts {
                    found.unsigned.remove(&row.machine);
                    found.counting.insert(row.machine, row);
                } else {
                    found.unsigned.insert(row.machine, (row, people));
                }
            }
        }
        found
    }

    /// Blocks a plan that would lean on a row that does not count: for one of its
    /// machines, or as a member of one of its groups, where an invented machine would
    /// let one more of the real ones be down.
    pub(super) fn signed(&self, approval: &Approval, leaves: &[PlanLeaf], findings: &mut Findings) {
        let machines: BTreeSet<MachineId> = leaves.iter().map(|leaf| leaf.machine).collect();
        let stated = approval.groups.iter().map(|stated| &stated.group);
        let used = leaves.iter().flat_map(|leaf| &leaf.groups);
        let groups: BTreeSet<&Name> = stated.chain(used).collect();
        let leaned_on = self.unsigned.values().filter(|(row, _)| {
            machines.contains(&row.machine) || row.groups.iter().any(|one| groups.contains(one))
        });
        for (row, people) in leaned_on {
            let text = format!(
                "the assignment of {} machines in unit {} is signed by {people} approvers of that unit, which is too few; have it signed first",
                row.class.word(),
                row.unit
            );
            findings.blocks(Rule::Authority, Subject::Unit(row.unit.clone()), text);
        }
    }
}
