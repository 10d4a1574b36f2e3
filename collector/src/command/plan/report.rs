//! What a plan that was just made is shown as.

use super::cleared::{self, Cleared};
use super::make::Made;
use super::{findings, show};
use crate::command::release::met::{self, Met};
use crate::command::zones::Zones;
use crate::control::{Cell, Report, Table};
use crate::schedule::planner::{Impossible, Owner};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::plan::check::{Finding, Severity};
use patchward_common::words::counted;

/// All that came out: the plan, what it leaves out, what speaks against it.
pub(super) fn of(
    id: &Digest,
    made: &Made,
    (met, cleared): (&[Met], &[Cleared]),
    (named, zones): (&findings::Named, &Zones),
) -> Report {
    let Made {
        planned,
        unassigned,
        findings,
        names,
        has_now,
        held,
    } = made;
    let approval = &planned.approval;
    let brought = met.iter().filter_map(Met::words);
    let brought: String = brought.map(|(_, words)| format!("\n{words}")).collect();
    let text = format!(
        "Plan {id}: {}, {}, ends {}.{}{}{held}{}{}{brought}\nNext: `plan export {} --out FILE`, then \
         `patchward-sign approve`.",
        counted(planned.leaves.len(), "machine", "machines"),
        counted(approval.waves, "wave", "waves"),
        zones.text(None, approval.expires),
        approval
            .emergency
            .as_ref()
            .map_or_else(String::new, show::emergency),
        not_planned(&planned.impossible),
        not_assigned(unassigned),
        found(findings),
        &id.to_string()[..12],
    );
    let mut all = findings::table(findings, named);
    met::add_to(met, &mut all);
    cleared::put_first(cleared, &mut all);
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
        .with(
            "machines",
            show::machines(&planned.leaves, names, has_now, zones),
        )
        .with("impossible", impossible)
        .with("findings", all)
}

pub(super) fn reasons(impossible: &[Impossible]) -> String {
    let lines = impossible.iter().map(|one| match one.who {
        Owner::Nobody => format!("  {}: {}", one.name, one.reason),
        who => format!(
            "  {}: {} ({} can change it)",
            one.name,
            one.reason,
            owner(who)
        ),
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

/// The same, as it was stored.
pub(super) fn who(word: &str) -> &str {
    let owners = [
        Owner::Vendor,
        Owner::Htm,
        Owner::It,
        Owner::Security,
        Owner::Nobody,
    ];
    let known = owners.into_iter().find(|one| word_of(*one) == word);
    match known {
        Some(known) => owner(known),
        None => word,
    }
}

/// The word under which an owner is stored.
pub(super) fn word_of(who: Owner) -> &'static str {
    match who {
        Owner::Vendor => "vendor",
        Owner::Htm => "htm",
        Owner::It => "it",
        Owner::Security => "security",
        Owner::Nobody => "nobody",
    }
}

fn not_planned(impossible: &[Impossible]) -> String {
    let is_done = |one: &&Impossible| one.who == Owner::Nobody;
    let done = impossible.iter().filter(is_done).count();
    let mut text = String::new();
    if done > 0 {
        text.push_str(&format!("\n{done} have nothing to do."));
    }
    if impossible.len() > done {
        text.push_str(&format!(
            "\nNot in the plan: {}; the list of the impossible says why.",
            impossible.len() - done
        ));
    }
    text
}

fn not_assigned(machines: &[MachineId]) -> String {
    match machines.len() {
        0 => String::new(),
        count => format!(
            "\n{} no signed assignment and no place in the plan.",
            counted(count, "machine has", "machines have")
        ),
    }
}

fn found(findings: &[Finding]) -> String {
    let blocking = findings
        .iter()
        .filter(|one| one.severity == Severity::Blocks);
    match (findings.len(), blocking.count()) {
        (0, _) => "\nThe plan check finds nothing.".to_owned(),
        (all, 0) => format!(
            "\nThe plan check has {}; none speaks against signing.",
            counted(all, "finding", "findings")
        ),
        (all, blocking) => format!(
            "\nThe plan check has {}; {} against signing.",
            counted(all, "finding", "findings"),
            counted(blocking, "of them speaks", "of them speak")
        ),
    }
}
