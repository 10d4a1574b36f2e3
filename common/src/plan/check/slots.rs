//! Rules on slots, one machine at a time.

use super::{Findings, Rule, Subject, View};
use crate::time::{Interval, MINUTE_MS, UtcMs};
use crate::trust::approval::{MAX_SLOTS, START_ALLOWANCE_MS};

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let longest_ms = view.approval.longest_run_ms();
    let need_ms = longest_ms.saturating_add(START_ALLOWANCE_MS);
    for leaf in &view.leaves {
        let subject = || Subject::Machine(leaf.machine);
        let name = view.name(leaf.machine);
        let slots = &leaf.slots;
        if slots.is_empty() || slots.len() > MAX_SLOTS {
            let text = format!(
                "{name} has {} slots; 1 to {MAX_SLOTS} are allowed",
                slots.len()
            );
            findings.blocks(Rule::SlotOrder, subject(), text);
        }
        if !slots.is_sorted_by(|a, b| a.end() <= b.start()) {
            let text = format!("the slots of {name} are not in order and apart");
            findings.blocks(Rule::SlotOrder, subject(), text);
        }
        let openings = view.context.openings.get(&leaf.unit);
        let openings = openings.map_or(&[][..], Vec::as_slice);
        if let Some(outside) = slots.iter().find(|slot| !is_covered(**slot, openings)) {
            let text = format!(
                "the slot of {name} from {} to {} is not within the allowed time of unit {}",
                outside.start(),
                outside.end(),
                leaf.unit
            );
            findings.blocks(Rule::SlotAllowed, subject(), text);
        }
        if let Some(short) = slots.iter().find(|slot| slot.length_ms() < need_ms) {
            let text = format!(
                "the slot of {name} at {} is {} minutes long; the longest job and the start allowance need {}",
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
    name: &str,
    slots: &[Interval],
    longest_ms: i64,
    subject: Subject,
    findings: &mut Findings,
) {
    let gone = |slot: &&Interval| slot.end().since_ms(view.now) < longest_ms;
    let past = slots.iter().filter(gone).count();
    if past == slots.len() && past > 0 {
        let text = format!("every slot of {name} has passed; plan again");
        findings.blocks(Rule::SlotPast, subject, text);
    } else if past > 0 {
        let text = format!("{past} of {} slots of {name} have passed", slots.len());
        findings.warns(Rule::SlotPast, subject, text);
    }
}

/// Whether `slot` lies wholly within the union of `openings`.
fn is_covered(slot: Interval, openings: &[Interval]) -> bool {
    let mut sorted = openings.to_vec();
    sorted.sort();
    let mut reached: UtcMs = slot.start();
    for opening in sorted {
        if opening.contains(reached) {
            reached = opening.end();
        }
        if reached >= slot.end() {
            return true;
        }
    }
    false
}
