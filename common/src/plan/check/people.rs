//! Rules on what people stated: training, duty, members that no machine measures.

use super::groups::merged;
use super::{Findings, Rule, Subject, View};
use crate::id::Name;
use crate::plan::Stated;
use crate::time::{HOUR_MS, Interval, UtcMs};
use std::collections::{BTreeMap, BTreeSet};

/// How soon after a slot somebody must be there to return its machine to service: the
/// morning after a night's work.
const RETURN_WITHIN_MS: i64 = 12 * HOUR_MS;

pub(super) fn check(view: &View<'_>, stated: &Stated, findings: &mut Findings) {
    let mut ends: BTreeMap<&Name, BTreeSet<UtcMs>> = BTreeMap::new();
    for leaf in view.leaves {
        let of_unit = ends.entry(&leaf.unit).or_default();
        of_unit.extend(leaf.slots.iter().map(|slot| slot.end()));
    }
    training(view, stated, &ends, findings);
    for (unit, ends) in &ends {
        duty(stated, unit, ends, findings);
    }
    members(view, stated, findings);
}

fn training(
    view: &View<'_>,
    stated: &Stated,
    units: &BTreeMap<&Name, BTreeSet<UtcMs>>,
    findings: &mut Findings,
) {
    let open = stated.training.iter().filter(|one| one.confirmed.is_none());
    for needed in open {
        let mut releases = view.approval.releases.iter();
        let is_installed = releases.any(|one| {
            one.release.product == needed.product && one.release.version == needed.version
        });
        let place = match &needed.unit {
            None => "all units".to_owned(),
            Some(unit) if units.contains_key(unit) => format!("unit {unit}"),
            Some(_) => continue,
        };
        if is_installed {
            let text = format!(
                "{} {} needs training in {place} ({}), and nobody has confirmed it; confirm it with `plan training confirm`",
                needed.product, needed.version, needed.what
            );
            let subject = Subject::Release(needed.product.clone());
            findings.blocks(Rule::Training, subject, text);
        }
    }
}

/// After every slot of a unit somebody is there soon.
fn duty(stated: &Stated, unit: &Name, ends: &BTreeSet<UtcMs>, findings: &mut Findings) {
    let here = stated.duty.iter();
    let here = here.filter(|duty| duty.unit.as_ref().is_none_or(|of| of == unit));
    let times: Vec<Interval> = here.map(|duty| duty.time).collect();
    let times = merged(&times, 0);
    let is_missed = |end: &&UtcMs| {
        // The first that is not over when the slot ends.
        let next = times.partition_point(|(_, until)| *until <= **end);
        let next = times.get(next);
        next.is_none_or(|(from, _)| *from >= end.plus_ms(RETURN_WITHIN_MS))
    };
    if let Some(end) = ends.iter().find(is_missed) {
        let text = format!(
            "nobody is stated to be on duty in unit {unit} within {} hours after {end} to return machines to service; state it with `plan duty add`",
            RETURN_WITHIN_MS / HOUR_MS
        );
        findings.warns(Rule::Duty, Subject::Unit(unit.clone()), text);
    }
}

fn members(view: &View<'_>, stated: &Stated, findings: &mut Findings) {
    let groups: BTreeSet<&Name> = view.approval.groups.iter().map(|g| &g.group).collect();
    let last = view.last_slot().map(|slot| slot.end());
    for member in stated.members.iter().filter(|m| groups.contains(&m.group)) {
        let problem = match &member.statement {
            None => "nobody has stated that it is fit for use".to_owned(),
            Some(word) if Some(word.until) < last => {
                format!("the statement of {} ends at {}", word.by, word.until)
            }
            Some(_) => continue,
        };
        let text = format!(
            "{} in group {} has no agent, and {problem}; whether it can stand in until the last slot is not known; have it stated with `plan member`",
            member.asset, member.group
        );
        findings.warns(
            Rule::StatedMember,
            Subject::Group(member.group.clone()),
            text,
        );
    }
}
