//! The plan as the rules see it: everything decoded, and named where it is not whole.

use super::assigned::Rows;
use super::{Findings, Rule, Subject};
use crate::digest::Digest;
use crate::id::MachineId;
use crate::plan::{Context, MachineFacts, PlanFile, ReadAssignment, ReadPlan, TableError};
use crate::time::{Interval, UtcMs};
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::charter::Charter;
use crate::trust::roster::Roster;
use crate::trust::sign::Verified;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The tables of a file as they were read.
pub(super) struct Read<'a> {
    pub(super) own: Result<&'a ReadPlan, &'a TableError>,
    pub(super) beside: &'a [Result<Cow<'a, ReadPlan>, TableError>],
    pub(super) assignments: Result<&'a [&'a ReadAssignment], &'a TableError>,
}

/// The decoded plan.
pub(super) struct View<'a> {
    pub(super) context: &'a Context,
    pub(super) now: UtcMs,
    /// The plan itself.
    pub(super) digest: Digest,
    pub(super) approval: &'a Approval,
    pub(super) leaves: &'a [PlanLeaf],
    /// Each machine's row, as enough approvers signed it.
    pub(super) rows: BTreeMap<MachineId, &'a AssignmentLeaf>,
    pub(super) facts: BTreeMap<MachineId, &'a MachineFacts>,
    pub(super) authority: Option<(Verified<Charter>, Verified<Roster>)>,
    pub(super) beside: Vec<Beside<'a>>,
}

/// Another plan, decoded.
pub(super) struct Beside<'a> {
    pub(super) digest: Digest,
    pub(super) approval: &'a Approval,
    pub(super) leaves: &'a [PlanLeaf],
}

impl<'a> View<'a> {
    pub(super) fn of(
        file: &'a PlanFile,
        read: &Read<'a>,
        now: UtcMs,
        findings: &mut Findings,
    ) -> Option<Self> {
        let context = &file.context;
        let (approval, leaves) = whole(read.own, Subject::Plan, "the plan", findings)?;
        let authority = context.chain.roster(&context.roster).map_err(|error| {
            let text = format!("who may sign cannot be told: {error}; export the plan anew");
            findings.blocks(Rule::Authority, Subject::Plan, text);
        });
        let authority = authority.ok();
        let roster = authority.as_ref().map(|(_, roster)| &**roster);
        let rows = match read.assignments {
            Ok(read) if Rows::belong(context, read) => Rows::of(context, read, roster, now),
            other => {
                let why = match other {
                    Ok(_) => "what was read is another".to_owned(),
                    Err(error) => error.to_string(),
                };
                let text = format!("the assignment cannot be used: {why}; export the plan anew");
                findings.blocks(Rule::Readable, Subject::Plan, text);
                Rows::default()
            }
        };
        rows.signed(approval, leaves, findings);
        let own = file.plan.signed.digest();
        let mut beside = Vec::new();
        for (table, read) in context.beside.iter().zip(read.beside) {
            let digest = table.signed.digest();
            let what = format!("plan {digest} beside this one");
            if digest == own {
                continue;
            }
            let read = read.as_deref();
            if let Some((approval, leaves)) = whole(read, Subject::Beside(digest), &what, findings)
            {
                beside.push(Beside {
                    digest,
                    approval,
                    leaves,
                });
            }
        }
        Some(Self {
            context,
            now,
            digest: own,
            approval,
            leaves,
            rows: rows.counting,
            facts: context.machines.iter().map(|f| (f.machine, f)).collect(),
            authority,
            beside,
        })
    }

    pub(super) fn row(&self, machine: MachineId) -> Option<&AssignmentLeaf> {
        self.rows.get(&machine).copied()
    }

    /// What people call a machine.
    pub(super) fn name(&self, machine: MachineId) -> String {
        match self.row(machine) {
            Some(row) => row.name.to_string(),
            None => format!("machine {machine}"),
        }
    }

    /// The other plans that still stand.
    pub(super) fn unexpired(&self) -> impl Iterator<Item = &Beside<'a>> {
        let now = self.now;
        self.beside
            .iter()
            .filter(move |other| now < other.approval.expires)
    }

    pub(super) fn last_slot(&self) -> Option<Interval> {
        let slots = self.leaves.iter().flat_map(|leaf| &leaf.slots);
        slots.copied().max_by_key(|slot| slot.end())
    }
}

fn whole<'a>(
    read: Result<&'a ReadPlan, &TableError>,
    subject: Subject,
    what: &str,
    findings: &mut Findings,
) -> Option<&'a ReadPlan> {
    let error = match read {
        Ok(read) => return Some(read),
        Err(error) => error,
    };
    let rule = match error {
        TableError::Document(_) | TableError::Leaf { .. } => Rule::Readable,
        TableError::Order(_) | TableError::Duplicate(_) => Rule::LeafOrder,
        TableError::Size(_) | TableError::Count { .. } | TableError::Root => Rule::Root,
    };
    let text = format!("{what} is not whole: {error}; do not sign it, export it anew");
    findings.blocks(rule, subject, text);
    None
}
