//! Rules on what is signed: authority, releases, expiries, waves.

use super::{Findings, Rule, Subject, View};
use crate::id::Name;
use crate::plan::wave_number;
use crate::time::MINUTE_MS;
use crate::trust::approval::{ApprovedRelease, MAX_APPROVAL_LIFE_MS, MAX_RELEASES};
use crate::trust::charter::Charter;
use crate::trust::release::{MAX_ARTIFACTS, MAX_RUN_MINUTES};
use crate::trust::roster::{Class, KeyKind, Quorum, Roster, SigningRole};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    if let Some((charter, roster)) = &view.authority {
        in_date(view, charter, roster, findings);
        enough_approvers(view, roster, findings);
        for release in &view.approval.releases {
            vendor(charter, release, findings);
        }
    }
    releases(view, findings);
    waves(view, findings);
    expiry(view, findings);
    failure_limit(view, findings);
}

fn in_date(view: &View<'_>, charter: &Charter, roster: &Roster, findings: &mut Findings) {
    let mut blocks = |text: String| findings.blocks(Rule::Authority, Subject::Plan, text);
    // The charter's own check is part of following its chain.
    if let Err(problem) = roster.check_under(charter) {
        blocks(format!("no machine accepts the roster: {problem}"));
    }
    for (what, expires) in [("charter", charter.expires), ("roster", roster.expires)] {
        if view.now >= expires {
            blocks(format!(
                "the {what} expired at {expires}; have a new one signed"
            ));
        }
    }
    let last = view.last_slot().map(|slot| slot.end());
    if let Some(last) = last.filter(|last| roster.expires < *last) {
        let text = format!(
            "the roster expires at {}, before the last slot ends at {last}; a new roster must name the same approvers by then",
            roster.expires
        );
        findings.warns(Rule::RosterExpiry, Subject::Plan, text);
    }
}

/// Enough people with keys could sign for each unit and class of the plan.
fn enough_approvers(view: &View<'_>, roster: &Roster, findings: &mut Findings) {
    let used: BTreeSet<(&Name, Class)> = view
        .leaves
        .iter()
        .map(|leaf| (&leaf.unit, leaf.class))
        .collect();
    for (unit, class) in used {
        let able = roster.people.iter().filter(|person| {
            person.roles.contains(&SigningRole::Approver) && person.units.cover(unit)
        });
        let (mut people, mut with_file_key) = (0, 0);
        for person in able {
            let live = || {
                let keys = person.keys.iter();
                keys.filter(|key| key.from <= view.now && view.now < key.until)
            };
            people += usize::from(live().next().is_some());
            with_file_key += usize::from(live().any(|key| key.kind == KeyKind::File));
        }
        let quorum = quorum(roster, class, view.approval.emergency.is_some());
        if people < quorum.people || with_file_key < quorum.with_file_key {
            let text = format!(
                "{} machines in unit {unit} need {} approvers, {} of them with a file key; the roster has {people} and {with_file_key}",
                class.word(),
                quorum.people,
                quorum.with_file_key
            );
            findings.warns(Rule::Approvers, Subject::Unit(unit.clone()), text);
        }
    }
}

/// What a class asks for; an emergency asks for two at least.
pub(super) fn quorum(roster: &Roster, class: Class, emergency: bool) -> Quorum {
    let mut quorum = roster.quorum(class);
    if emergency {
        quorum.people = quorum.people.max(2);
    }
    quorum
}

fn vendor(charter: &Charter, release: &ApprovedRelease, findings: &mut Findings) {
    let subject = || Subject::Release(release.release.product.clone());
    let Some(grant) = charter.grant(&release.repository) else {
        let text = format!(
            "the charter knows no repository {}; the hospital root must sign it in first",
            release.repository
        );
        return findings.blocks(Rule::Vendor, subject(), text);
    };
    if !grant.publisher.may_give(release.provenance) {
        let text = format!(
            "repository {} is {}, and what it publishes is not {}; correct the release's provenance or the charter's grant",
            release.repository,
            grant.publisher.words(),
            release.provenance.word()
        );
        findings.blocks(Rule::Vendor, subject(), text);
    }
    for described in release.described() {
        let mut paths = described.artifacts.iter().map(|a| a.path.as_str());
        if !grant.products.contains(&described.product) || !paths.all(|path| grant.covers(path)) {
            let text = format!(
                "the charter does not let repository {} speak for product {} with all its paths",
                release.repository, described.product
            );
            findings.blocks(Rule::Vendor, subject(), text);
        }
    }
}

fn releases(view: &View<'_>, findings: &mut Findings) {
    let count = view.approval.releases.len();
    if !(1..=MAX_RELEASES).contains(&count) {
        let text = format!("the plan names {count} releases; 1 to {MAX_RELEASES} are allowed");
        findings.blocks(Rule::Release, Subject::Plan, text);
    }
    if let Err(problem) = view.approval.check() {
        let text = format!("no machine accepts it: {problem}");
        findings.blocks(Rule::Release, Subject::Plan, text);
    }
    for release in &view.approval.releases {
        let described = &release.release;
        let subject = || Subject::Release(described.product.clone());
        let first = described.artifacts.first();
        let named = first.is_some_and(|first| {
            first.path == release.path
                && first.sha256 == release.sha256
                && first.length == release.length
        });
        if !named || described.artifacts.len() > MAX_ARTIFACTS {
            let text = "its first artifact is not the one that the approval names";
            findings.blocks(Rule::Release, subject(), text);
        }
        for (what, given, declared) in [
            (
                "install",
                release.install_minutes,
                described.install_minutes,
            ),
            (
                "recovery",
                release.recovery_minutes,
                described.recovery_minutes,
            ),
        ] {
            if given < declared || given > MAX_RUN_MINUTES {
                let text = format!(
                    "its {what} gets {given} minutes; the vendor declares {declared}, and no more than {MAX_RUN_MINUTES} are possible"
                );
                findings.blocks(Rule::Release, subject(), text);
            }
        }
        let measured = view.context.measured_minutes.get(&described.product);
        if let Some(measured) = measured.filter(|measured| release.install_minutes < **measured) {
            let text = format!(
                "its install gets {} minutes, but {measured} were measured here; plan again",
                release.install_minutes
            );
            findings.blocks(Rule::MeasuredRun, subject(), text);
        }
        metadata(view, release, findings);
    }
}

fn metadata(view: &View<'_>, release: &ApprovedRelease, findings: &mut Findings) {
    let expires = view.context.metadata.get(&release.repository);
    let last = view.last_slot().map(|slot| slot.end());
    let text = match (expires, last) {
        (None, _) => format!(
            "when metadata of {} expires is not known",
            release.repository
        ),
        (Some(expires), Some(last)) if *expires < last => format!(
            "metadata of {} expires at {expires}, before the last slot ends at {last}; nothing starts after that unless the vendor renews it",
            release.repository
        ),
        _ => return,
    };
    let subject = Subject::Release(release.release.product.clone());
    findings.warns(Rule::MetadataExpiry, subject, text);
}

fn waves(view: &View<'_>, findings: &mut Findings) {
    let mut firsts: BTreeMap<u16, (i64, i64)> = BTreeMap::new();
    for leaf in view.leaves {
        if let Some(first) = leaf.slots.iter().map(|slot| slot.start().0).min() {
            let wave = firsts.entry(leaf.wave).or_insert((first, first));
            *wave = (wave.0.min(first), wave.1.max(first));
        }
    }
    let numbered: BTreeSet<u16> = view.leaves.iter().map(|leaf| leaf.wave).collect();
    if view.approval.waves == 0 || !numbered.iter().copied().eq(0..view.approval.waves) {
        let text = format!(
            "the approval states {} waves, but the machines do not fill exactly these",
            view.approval.waves
        );
        findings.blocks(Rule::WaveNumber, Subject::Plan, text);
    }
    let soak_ms = view.context.soak_ms;
    let in_order: Vec<(&u16, &(i64, i64))> = firsts.iter().collect();
    for pair in in_order.windows(2) {
        let [(_, (_, last_before)), (wave, (first, _))] = pair else {
            continue;
        };
        if *first < last_before.saturating_add(soak_ms) {
            let text = format!(
                "wave {} begins before the soak of the wave before it is over",
                wave_number(**wave)
            );
            findings.blocks(Rule::Soak, Subject::Wave(**wave), text);
        }
    }
    let longest_ms = view.approval.longest_run_ms();
    if view.approval.waves > 1 && soak_ms < longest_ms {
        let text = format!(
            "the soak between waves is {} minutes, less than one job may take ({}); a failure may come too late to halt the next wave",
            soak_ms / MINUTE_MS,
            longest_ms / MINUTE_MS
        );
        findings.warns(Rule::Soak, Subject::Plan, text);
    }
    let life_support = view
        .leaves
        .iter()
        .any(|leaf| leaf.class == Class::LifeSupport);
    if life_support && view.approval.waves != 1 {
        let text = "it has life support machines and more than one wave; make each wave an approval of its own";
        findings.blocks(Rule::LifeSupportWave, Subject::Plan, text);
    }
}

fn expiry(view: &View<'_>, findings: &mut Findings) {
    let approval = view.approval;
    let mut blocks = |text: String| findings.blocks(Rule::Expiry, Subject::Plan, text);
    if approval.expires.since_ms(approval.issued) > MAX_APPROVAL_LIFE_MS {
        blocks("it lives longer than 100 days; no machine accepts it".into());
    }
    if view.now >= approval.expires {
        blocks(format!("it expired at {}; plan again", approval.expires));
    }
    if let Some(last) = view.last_slot().map(|slot| slot.end())
        && last != approval.expires
    {
        blocks(format!(
            "it expires at {}, but its last slot ends at {last}; both must be one",
            approval.expires
        ));
    }
}

fn failure_limit(view: &View<'_>, findings: &mut Findings) {
    let limit = u64::from(view.approval.failure_limit);
    if limit == 0 {
        let text = "it has no failure limit; say how many failures halt it";
        findings.blocks(Rule::FailureLimit, Subject::Plan, text);
    } else if limit > view.approval.machines {
        let text = format!(
            "its failure limit is {limit}, more than its {} machines; nothing ever halts it",
            view.approval.machines
        );
        findings.warns(Rule::FailureLimit, Subject::Plan, text);
    }
}
