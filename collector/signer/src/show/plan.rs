//! A plan as HTM reads it before signing.

use super::documents::names;
use super::{plain, release, table};
use crate::time_text;
use jiff::tz::TimeZone;
use patchward_common::digest::Digest;
use patchward_common::plan::check::{Finding, Severity, Subject};
use patchward_common::plan::{Context, PlanFile, approvers, newest_rows, wave_number};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf, Rollback};
use patchward_common::trust::release::Reboot;
use patchward_common::trust::roster::{Class, Roster};
use patchward_common::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// The whole plan.
pub(crate) fn plan(
    file: &PlanFile,
    approval: &Approval,
    leaves: &[PlanLeaf],
    zone: Option<&TimeZone>,
) -> String {
    let mut parts = vec![format!(
        "Plan {:?}\ndigest {}\nwritten {}, ends {}\n{} in {}, {} between waves; {}\nHospital root {}",
        approval.title.as_str(),
        file.plan.signed.digest(),
        approval.issued,
        approval.expires,
        counted(approval.machines, "machine", "machines"),
        counted(approval.waves, "wave", "waves"),
        time_text::length(file.context.soak_ms),
        match approval.failure_limit {
            0 | 1 => "one failure halts it".to_owned(),
            more => format!("{more} failures halt it"),
        },
        file.context.chain.root.fingerprint(),
    )];
    if let Some(emergency) = &approval.emergency {
        parts.push(format!(
            "EMERGENCY: {}\nIt overrides the freezes: {}",
            emergency.reason,
            names(&emergency.freezes)
        ));
    }
    for cleared in &approval.clears {
        parts.push(format!("It clears {cleared} from quarantine"));
    }
    parts.push(releases(approval));
    parts.push(groups(approval));
    parts.push(machines(&file.context, leaves, zone));
    plain(&parts.join("\n\n"))
}

fn releases(approval: &Approval) -> String {
    let rows = approval.releases.iter().map(|approved| {
        let described = &approved.release;
        let provenance = release::provenance(approved.provenance);
        let restart = match described.reboot {
            Reboot::None => "nothing",
            Reboot::Service => "service",
            Reboot::Machine => "machine",
        };
        let back = match &approved.rollback {
            Rollback::None => "none staged".to_owned(),
            Rollback::Release(back) => back.release.version.clone(),
        };
        [
            format!("{} {}", described.product, described.version),
            match &described.applies_to.from[..] {
                [] => "any".to_owned(),
                from => from.join(", "),
            },
            format!("{} ({provenance})", approved.repository),
            described.kind.word().to_owned(),
            restart.to_owned(),
            format!(
                "{} + {}",
                approved.install_minutes, approved.recovery_minutes
            ),
            back,
            approved.sha256.to_string(),
        ]
    });
    let mut shown = table(
        [
            "installs",
            "from",
            "repository",
            "kind",
            "restarts",
            "minutes + back",
            "way back",
            "SHA-256",
        ],
        rows.collect(),
    );
    for approved in &approval.releases {
        shown.push_str(&format!("\n\n{}", release::in_full(approved)));
    }
    shown
}

fn groups(approval: &Approval) -> String {
    let rows = approval.groups.iter().map(|group| {
        [
            group.group.to_string(),
            group.size.to_string(),
            group.minimum_ready.to_string(),
            group.size.saturating_sub(group.minimum_ready).to_string(),
        ]
    });
    table(
        [
            "coverage group",
            "members",
            "must stay ready",
            "at most down at once",
        ],
        rows.collect(),
    )
}

fn machines(context: &Context, leaves: &[PlanLeaf], zone: Option<&TimeZone>) -> String {
    let rows = newest_rows(&context.assignments).unwrap_or_default();
    let facts: BTreeMap<_, _> = context.machines.iter().map(|f| (f.machine, f)).collect();
    let mut sorted: Vec<&PlanLeaf> = leaves.iter().collect();
    sorted.sort_by_key(|leaf| (leaf.wave, leaf.slots.first().copied(), leaf.machine));
    let shown = sorted.into_iter().map(|leaf| {
        let row = rows.get(&leaf.machine).map(|(_, row)| row);
        let facts = facts.get(&leaf.machine);
        let slots: Vec<String> = leaf
            .slots
            .iter()
            .map(|s| time_text::slot(*s, zone))
            .collect();
        let versions = facts.map(|facts| {
            let versions = facts.versions.iter();
            let versions = versions.map(|(product, version)| format!("{product} {version}"));
            versions.collect::<Vec<_>>().join("\n")
        });
        [
            wave_number(leaf.wave).to_string(),
            row.map_or_else(|| leaf.machine.to_string(), |row| row.name.to_string()),
            leaf.unit.to_string(),
            leaf.class.word().to_owned(),
            names(&leaf.groups),
            row.map_or("?", |row| row.mode.word()).to_owned(),
            versions.unwrap_or_else(|| "?".into()),
            slots.join("\n"),
        ]
    });
    table(
        [
            "wave", "machine", "unit", "class", "groups", "mode", "has now", "slots",
        ],
        shown.collect(),
    )
}

/// The findings, those that block first.
pub(crate) fn findings(file: &PlanFile, findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "The plan check has no findings.".into();
    }
    let rows = newest_rows(&file.context.assignments).unwrap_or_default();
    let lines = findings.iter().map(|finding| {
        let severity = match finding.severity {
            Severity::Blocks => "BLOCKS",
            Severity::Warns => "warns",
        };
        let subject = match &finding.subject {
            Subject::Plan => "plan".to_owned(),
            Subject::Machine(machine) => match rows.get(machine) {
                Some((_, row)) => row.name.to_string(),
                None => machine.to_string(),
            },
            Subject::Group(group) => format!("group {group}"),
            Subject::Release(product) => product.to_string(),
            Subject::Unit(unit) => format!("unit {unit}"),
            Subject::Site(site) => format!("site {site}"),
            Subject::Wave(wave) => format!("wave {}", wave_number(*wave)),
            Subject::Beside(digest) => beside(file, digest),
        };
        [severity.to_owned(), subject, finding.text.clone()]
    });
    let lines = lines.collect();
    format!("Plan check:\n{}", table(["", "about", "finding"], lines))
}

/// What people call another plan that stands.
fn beside(file: &PlanFile, digest: &Digest) -> String {
    let others = &file.context.beside;
    let other = others.iter().find(|one| one.signed.digest() == *digest);
    match other.and_then(|one| one.signed.peek().ok()) {
        Some(approval) => format!("plan {:?}", approval.title.as_str()),
        None => format!("plan {digest}"),
    }
}

/// Who has signed for each unit and class, and who is still needed.
pub(crate) fn signed_by(
    file: &PlanFile,
    approval: &Approval,
    roster: &Roster,
    leaves: &[PlanLeaf],
    now: UtcMs,
) -> String {
    let used: BTreeSet<_> = leaves.iter().map(|leaf| (&leaf.unit, leaf.class)).collect();
    let rows = used.into_iter().map(|(unit, class): (_, Class)| {
        let signed = approvers(&file.plan.signed, roster, &[unit], now);
        let mut quorum = roster.quorum(class);
        if approval.emergency.is_some() {
            quorum.people = quorum.people.max(2);
        }
        let people: Vec<String> = signed.people().iter().map(ToString::to_string).collect();
        let enough = if signed.meets(quorum) {
            "enough"
        } else {
            "more needed"
        };
        [
            unit.to_string(),
            class.word().to_owned(),
            people.join(", "),
            format!("{} of {}", people.len(), quorum.people),
            enough.to_owned(),
        ]
    });
    let rows = rows.collect();
    format!(
        "Signed so far:\n{}",
        table(["unit", "class", "by", "people", ""], rows)
    )
}
