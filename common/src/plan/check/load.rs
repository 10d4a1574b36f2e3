//! Rules on how much goes on at once and in which order: servers before workstations,
//! limits of site and hospital, and a line that has carried the bytes in time.

use super::groups::{Members, first_excess};
use super::{Findings, Rule, Subject, View};
use crate::id::{MachineId, Name};
use crate::plan::Stated;
use crate::time::UtcMs;
use crate::trust::approval::PlanLeaf;
use crate::trust::go::CLOCK_BOUND_MS;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(view: &View<'_>, stated: &Stated, findings: &mut Findings) {
    servers_first(view, stated, findings);
    let sites: BTreeSet<&Name> = view
        .leaves
        .iter()
        .filter_map(|leaf| stated.sites.get(&leaf.unit))
        .collect();
    parallel(view, stated, None, stated.everywhere.parallel, findings);
    for site in sites {
        let Some(limits) = stated.limits.get(site) else {
            continue;
        };
        parallel(view, stated, Some(site), limits.parallel, findings);
        if let Some(rate) = limits.bytes_per_second {
            staging(view, stated, site, rate, findings);
        }
    }
}

/// In wave and in time, by the first slots of both.
fn servers_first(view: &View<'_>, stated: &Stated, findings: &mut Findings) {
    if stated.precedence.is_empty() {
        return;
    }
    let leaves: BTreeMap<MachineId, &PlanLeaf> = view
        .leaves
        .iter()
        .map(|leaf| (leaf.machine, leaf))
        .collect();
    for pair in &stated.precedence {
        let (Some(server), Some(next)) = (leaves.get(&pair.first), leaves.get(&pair.next)) else {
            continue;
        };
        let (Some(done), Some(begins)) = (server.slots.first(), next.slots.first()) else {
            continue; // No slot at all is a finding of its own.
        };
        let earliest = done.end().plus_ms(2 * CLOCK_BOUND_MS);
        if next.wave < server.wave || begins.start() < earliest {
            let text = format!(
                "{} has a slot before its server {} is through; plan again",
                view.name(pair.next),
                view.name(pair.first)
            );
            findings.blocks(Rule::ServerFirst, Subject::Machine(pair.next), text);
        }
    }
}

/// Over this plan and all that stand beside it, at one site or everywhere.
fn parallel(
    view: &View<'_>,
    stated: &Stated,
    site: Option<&Name>,
    limit: Option<u32>,
    findings: &mut Findings,
) {
    let Some(limit) = limit else { return };
    let beside = view.unexpired().flat_map(|other| other.leaves);
    let mut members = Members::new();
    for leaf in beside.chain(view.leaves) {
        if site.is_none() || stated.sites.get(&leaf.unit) == site {
            let slots = members.entry(leaf.machine).or_default();
            slots.extend(&leaf.slots);
        }
    }
    if let Some(at) = first_excess(&members, 0, limit as usize) {
        let (place, subject) = match site {
            Some(site) => (format!("site {site}"), Subject::Site(site.clone())),
            None => ("the hospital".to_owned(), Subject::Plan),
        };
        let text = format!(
            "at {at} more than {limit} machines of {place} have an open slot, which is its limit; plan again, or raise it with `plan limit`"
        );
        findings.blocks(Rule::Parallel, subject, text);
    }
}

/// By each first slot, the line has carried what all machines up to it need.
fn staging(view: &View<'_>, stated: &Stated, site: &Name, rate: u64, findings: &mut Findings) {
    let artifacts = view.approval.artifacts();
    let once: BTreeMap<_, u64> = artifacts.map(|one| (one.sha256, one.length)).collect();
    let each: u128 = once.values().map(|length| u128::from(*length)).sum();
    let here = view.leaves.iter();
    let here = here.filter(|leaf| stated.sites.get(&leaf.unit) == Some(site));
    let mut firsts: Vec<UtcMs> = here
        .filter_map(|leaf| leaf.slots.first().map(|slot| slot.start()))
        .collect();
    firsts.sort();
    for (before, first) in firsts.into_iter().enumerate() {
        let elapsed_ms = u128::try_from(first.since_ms(view.approval.issued)).unwrap_or(0);
        let machines = before as u128 + 1;
        if machines.saturating_mul(each).saturating_mul(1_000) > elapsed_ms * u128::from(rate) {
            let text = format!(
                "by {first} the line of site {site} cannot have carried the artifacts of {machines} machines ({each} bytes each, {rate} bytes per second); those slots are likely missed"
            );
            return findings.warns(Rule::Staging, Subject::Site(site.clone()), text);
        }
    }
}
