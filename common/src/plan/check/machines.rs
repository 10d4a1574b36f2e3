//! Rules on each machine: what it is, and whether the release is for it.

use super::{Findings, Rule, Subject, View};
use crate::digest::Digest;
use crate::id::Name;
use crate::plan::is_release;
use crate::trust::approval::{ApprovedRelease, PlanLeaf, Rollback};
use crate::trust::assignment::{AssignmentLeaf, Mode};
use crate::trust::release::{ABSENT, Applicability, Kind, ReleaseDescription};
use crate::trust::stones::{self, Stone};

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    for leaf in view.leaves {
        let subject = || Subject::Machine(leaf.machine);
        let name = &|| view.name(leaf.machine);
        let Some(row) = view.row(leaf.machine) else {
            let text = format!("{} has no assignment; have it assigned first", name());
            findings.blocks(Rule::Assigned, subject(), text);
            continue;
        };
        equal(leaf, row, findings);
        mode(leaf, row, findings);
        if row.mode == Mode::Manual {
            // Nothing measures it, and nothing but a person starts there.
            for release in &view.approval.releases {
                model(leaf, row, &release.release, findings);
            }
            continue;
        }
        let facts = view.facts.get(&leaf.machine);
        if facts.is_none_or(|facts| facts.interlock_profile.is_none()) {
            let text = format!(
                "{} has no interlock profile and can never say that it is idle; give it one",
                name()
            );
            findings.blocks(Rule::Interlock, subject(), text);
        }
        for (at, release) in view.approval.releases.iter().enumerate() {
            let described = &release.release;
            model(leaf, row, described, findings);
            platform(view, leaf, described, findings);
            let before = view.approval.releases.iter().take(at).rev();
            let mut before = before.map(|release| &release.release);
            let version = match before.find(|earlier| earlier.product == described.product) {
                Some(earlier) => Some(earlier.version.as_str()),
                None => facts
                    .and_then(|facts| facts.versions.get(&described.product))
                    .map(String::as_str),
            };
            from_version(leaf, name, described, version, findings);
            let measured = facts.and_then(|facts| facts.versions.get(&described.product));
            rollback(leaf, name, release, measured, findings);
            let quarantined = facts.map_or(&[][..], |facts| &facts.quarantined);
            quarantine(view, leaf, release, quarantined, findings);
        }
    }
}

fn equal(leaf: &PlanLeaf, row: &AssignmentLeaf, findings: &mut Findings) {
    for (what, equal) in [
        ("unit", leaf.unit == row.unit),
        ("class", leaf.class == row.class),
        ("coverage groups", leaf.groups == row.groups),
    ] {
        if !equal {
            let text = format!(
                "the plan has {} in another {what} than its signed assignment; plan again",
                row.name
            );
            findings.blocks(Rule::AssignmentEqual, Subject::Machine(leaf.machine), text);
        }
    }
}

fn mode(leaf: &PlanLeaf, row: &AssignmentLeaf, findings: &mut Findings) {
    let subject = Subject::Machine(leaf.machine);
    match row.mode {
        Mode::Active => {}
        Mode::Manual => {
            let text = format!(
                "{} is worked on by hand: no machine checks there what is signed here, and what comes of it is a person's word",
                row.name
            );
            findings.warns(Rule::Mode, subject, text);
        }
        Mode::Rehearse => {
            let text = format!("{} only rehearses: nothing is installed on it", row.name);
            findings.warns(Rule::Mode, subject, text);
        }
        Mode::Observe => {
            let text = format!(
                "{} is in mode observe; HTM must assign it rehearse or active first",
                row.name
            );
            findings.blocks(Rule::Mode, subject, text);
        }
    }
}

fn model(
    leaf: &PlanLeaf,
    row: &AssignmentLeaf,
    described: &ReleaseDescription,
    findings: &mut Findings,
) {
    let models = &described.applies_to.models;
    if !models.is_empty() && !models.contains(&row.model) {
        let text = format!(
            "{} is a {}, for which {} {} is not validated",
            row.name, row.model, described.product, described.version
        );
        findings.blocks(Rule::Model, Subject::Machine(leaf.machine), text);
    }
}

fn platform(
    view: &View<'_>,
    leaf: &PlanLeaf,
    described: &ReleaseDescription,
    findings: &mut Findings,
) {
    let Applicability {
        os, architectures, ..
    } = &described.applies_to;
    let facts = view.facts.get(&leaf.machine);
    let any_architecture = architectures.iter().any(|one| one == "all");
    let architecture = facts.and_then(|facts| facts.architecture.as_deref());
    for (what, rule, found, any) in [
        (
            "system",
            os,
            facts.and_then(|facts| facts.os.as_deref()),
            os.is_empty(),
        ),
        (
            "architecture",
            architectures,
            architecture,
            any_architecture || architectures.is_empty(),
        ),
    ] {
        if any || found.is_some_and(|found| rule.iter().any(|one| one == found)) {
            continue;
        }
        let text = format!(
            "{} is for {what} {}, and {} reports {}",
            described.product,
            rule.join(" or "),
            view.name(leaf.machine),
            found.unwrap_or("none")
        );
        findings.blocks(Rule::Platform, Subject::Machine(leaf.machine), text);
    }
}

/// The machine itself refuses what went wrong there, and what it would go back to.
fn quarantine(
    view: &View<'_>,
    leaf: &PlanLeaf,
    release: &ApprovedRelease,
    quarantined: &[Digest],
    findings: &mut Findings,
) {
    let is_refused = |described: &ReleaseDescription| {
        let mut artifacts = described.artifacts.iter().map(|artifact| &artifact.sha256);
        artifacts.any(|one| quarantined.contains(one) && !view.approval.clears.contains(one))
    };
    for described in release.described().filter(|one| is_refused(one)) {
        let text = format!(
            "{} {} went wrong on {} before and is in quarantine there; judge it and clear it with `plan new --clear`, or plan without the machine",
            described.product,
            described.version,
            view.name(leaf.machine)
        );
        findings.blocks(Rule::Quarantine, Subject::Machine(leaf.machine), text);
    }
}

/// Packages go back to the release that the approval names, and to no other: where the
/// machine has another version, a failure ends with a person at the machine.
fn rollback(
    leaf: &PlanLeaf,
    name: &dyn Fn() -> String,
    release: &ApprovedRelease,
    measured: Option<&String>,
    findings: &mut Findings,
) {
    let described = &release.release;
    if !matches!(described.kind, Kind::Packages(_)) {
        return; // The other kinds keep what was there before.
    }
    match &release.rollback {
        Rollback::None => {
            let text = format!(
                "{} {} has no way back: no earlier release that its machines have is here; what fails waits for a person",
                described.product, described.version
            );
            let subject = Subject::Release(described.product.clone());
            findings.warns(Rule::Rollback, subject, text);
        }
        Rollback::Release(back) if measured.is_some_and(|m| !is_release(&back.release, m)) => {
            let text = format!(
                "{} would not go back to the version that it has, but to {} {}; plan it on its own",
                name(),
                described.product,
                back.release.version
            );
            findings.warns(Rule::Rollback, Subject::Machine(leaf.machine), text);
        }
        Rollback::Release(_) => {}
    }
}

fn from_version(
    leaf: &PlanLeaf,
    name: &dyn Fn() -> String,
    described: &ReleaseDescription,
    version: Option<&str>,
    findings: &mut Findings,
) {
    let subject = Subject::Machine(leaf.machine);
    let product: &Name = &described.product;
    let from = &described.applies_to.from;
    match version {
        None if from.is_empty() => {
            let text = format!("which version of {product} {} has is not known", name());
            findings.warns(Rule::FromVersion, subject, text);
        }
        None => {
            let text = format!(
                "which version of {product} {} has is not known; give it a probe for it",
                name()
            );
            findings.blocks(Rule::FromVersion, subject, text);
        }
        Some(version) if !from.is_empty() && !from.iter().any(|one| one == version) => {
            let here = if version == ABSENT { "none" } else { version };
            let text = format!(
                "{product} {} installs from {}, and {} has {here}",
                described.version,
                from.join(" or "),
                name()
            );
            findings.blocks(Rule::FromVersion, subject, text);
        }
        Some(version) => {
            let stone = match stones::missing(described, version) {
                None => return,
                Some(Stone::First(stone)) => format!("{stone} has to be installed first"),
                Some(Stone::Unclear(stone)) => {
                    format!("nobody can tell whether that is {stone} or later")
                }
            };
            let text = format!(
                "{product} {} has a stepping stone, {} has {version}, and {stone}",
                described.version,
                name()
            );
            findings.blocks(Rule::FromVersion, subject, text);
        }
    }
}
