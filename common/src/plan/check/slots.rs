//! Rules on slots, one machine at a time.

use super::groups::merged;
use super::{Findings, Rule, Subject, View};
use crate::id::Name;
use crate::time::{Interval, MINUTE_MS, UtcMs};
use crate::trust::approval::{MAX_SLOTS, START_ALLOWANCE_MS};
use std::collections::BTreeMap;

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let longest_ms = view.approval.longest_run_ms();
    let need_ms = longest_ms.saturating_add(START_ALLOWANCE_MS);
    let allowed: BTreeMap<&Name, Vec<(UtcMs, UtcMs)>> = view
        .context
        .openings
        .iter()
        .map(|(unit, openings)| (unit, merged(openings, 0)))
        .collect();
    for leaf in view.leaves {
        let subject = || Subject::Machine(leaf.machine);
        let name = || view.name(leaf.machine);
        let slots = &leaf.slots;
        if slots.is_empty() || slots.len() > MAX_SLOTS {
            let text = format!(
                "{} has {} slots; 1 to {MAX_SLOTS} are allowed",
                name(),
                slots.len()
            );
            findings.blocks(Rule::SlotOrder, subject(), text);
        }
        if !slots.is_sorted_by(|a, b| a.end() <= b.start()) {
            let text = format!("the slots of {} are not in order and apart", name());
            findings.blocks(Rule::SlotOrder, subject(), text);
        }
        let openings = allowed.get(&leaf.unit);
        let openings = openings.map_or(&[][..], Vec::as_slice);
        if let Some(outside) = slots.iter().find(|slot| !is_covered(**slot, openings)) {
            let text = format!(
                "the slot of {} from {} to {} is not within the allowed time of unit {}",
                name(),
                outside.start(),
                outside.end(),
                leaf.unit
            );
            findings.blocks(Rule::SlotAllowed, subject(), text);
        }
        if let Some(short) = slots.iter().find(|slot| slot.length_ms() < need_ms) {
            let text = format!(
                "the slot of {} at {} is {} minutes long; the longest job and the start allowance need {}",
                name(),
                short.start(),
                short.length_ms() / MINUTE_MS,
                need_ms / MINUTE_MS
            );
            findings.blocks(Rule::SlotLength, subject(), text);
        }
        past(view, &name, slots, longest_ms, subject(), findings);
    }
}

/// A slot can be used while the longest job still fits into what is left of it.
fn past(
    view: &View<'_>,
    name: &dyn Fn() -> String,
    slots: &[Interval],
    longest_ms: i64,
    subject: Subject,
    findings: &mut Findings,
) {
    let gone = |slot: &&Interval| slot.end().since_ms(view.now) < longest_ms;
    let past = slots.iter().filter(gone).count();
    if past == slots.len() && past > 0 {
        let text = format!("every slot of {} has passed; plan again", name());
        findings.blocks(Rule::SlotPast, subject, text);
    } else if past > 0 {
        let text = format!("{past} of {} slots of {} have passed", slots.len(), name());
        findings.warns(Rule::SlotPast, subject, text);
    }
}

/// Whether `slot` lies wholly within one of `allowed`: sorted, none touching another.
fn is_covered(slot: Interval, allowed: &[(UtcMs, UtcMs)]) -> bool {
    let next = allowed.partition_point(|(start, _)| *start <= slot.start());
    let around = next.checked_sub(1).and_then(|at| allowed.get(at));
    around.is_some_and(|(_, end)| slot.end() <= *end)
}
