//! What a plan that was just made is shown as.

use super::make::Made;
use super::{findings_table, leaves_table, severity};
use crate::control::{Cell, Report, Table};
use crate::schedule::planner::{Impossible, Owner};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::plan::check::Finding;

/// All that came out: the plan, what it leaves out, what speaks against it.
pub(super) fn of(id: &Digest, made: &Made) -> Report {
    let Made {
        planned,
        unassigned,
        findings,
        names,
    } = made;
    let approval = &planned.approval;
    let text = format!(
        "Plan {id}: {} machines, {} waves, ends {}.{}{}{}\nNext: `plan export {} --out FILE`, then \
         `patchward-sign approve`.",
        planned.leaves.len(),
        approval.waves,
        approval.expires,
        not_planned(&planned.impossible),
        not_assigned(unassigned),
        found(findings),
        &id.to_string()[..12],
    );
    let mut impossible = Table::new(&["machine", "reason", "who"]);
    for one in &planned.impossible {
        impossible.row(vec![
            Cell::of(&one.name),
            Cell::of(&one.reason),
            Cell::of(owner(one.who)),
        ]);
    }
    let parts = [
        ("plan", Cell::of(id)),
        ("title", Cell::of(&approval.title)),
        ("waves", Cell::Number(approval.waves.into())),
        ("ends", Cell::of(approval.expires)),
        (
            "unassigned",
            Cell::List(unassigned.iter().map(MachineId::to_string).collect()),
        ),
    ];
    Report::new(parts, text)
        .with("machines", leaves_table(&planned.leaves, names))
        .with("impossible", impossible)
        .with("findings", findings_table(findings))
}

pub(super) fn reasons(impossible: &[Impossible]) -> String {
    let lines = impossible.iter().map(|one| {
        format!(
            "  {}: {} ({} can change it)",
            one.name,
            one.reason,
            owner(one.who)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn owner(who: Owner) -> &'static str {
    match who {
        Owner::Vendor => "the vendor",
        Owner::Htm => "HTM",
        Owner::It => "IT",
        Owner::Security => "security",
        Owner::Nobody => "nobody",
    }
}

fn not_planned(impossible: &[Impossible]) -> String {
    if impossible.is_empty() {
        return String::new();
    }
    format!("\nNot in the plan:\n{}", reasons(impossible))
}

fn not_assigned(machines: &[MachineId]) -> String {
    match machines.len() {
        0 => String::new(),
        count => format!("\n{count} machines have no signed assignment and are not in the plan."),
    }
}

fn found(findings: &[Finding]) -> String {
    let lines = findings
        .iter()
        .map(|f| format!("\n  {}: {}", severity(f.severity), f.text));
    match findings.len() {
        0 => "\nThe plan check finds nothing.".to_owned(),
        _ => format!("\nThe plan check finds:{}", lines.collect::<String>()),
    }
}
