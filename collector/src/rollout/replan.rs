//! Whether a signed plan still carries a machine. Pure.
//!
//! Less time needs no signature: go is refused, and the next slot is taken. Other time
//! needs a new plan, because slots are signed.

use patchward_common::job::State;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::PlanLeaf;

/// Whether a slot is left in which the whole run fits into `allowed`, the time that
/// windows and freezes leave now: what go asks at that moment.
pub fn keeps_a_slot(
    leaf: &PlanLeaf,
    allowed: &[Interval],
    longest_run_ms: i64,
    now: UtcMs,
) -> bool {
    let mut slots = leaf.slots.iter();
    slots.any(|slot| keeps(slot, allowed, longest_run_ms, now))
}

/// Whether the whole run still fits into this slot.
pub fn keeps(slot: &Interval, allowed: &[Interval], longest_run_ms: i64, now: UtcMs) -> bool {
    let fits = |open: &Interval| {
        let start = slot.start().max(open.start()).max(now);
        slot.end().min(open.end()).since_ms(start) >= longest_run_ms
    };
    allowed.iter().any(fits)
}

/// The next slot of a machine, where nothing starts in it as windows and freezes are now:
/// whoever counts on it is told.
pub fn withheld(
    leaf: &PlanLeaf,
    allowed: &[Interval],
    longest_run_ms: i64,
    now: UtcMs,
) -> Option<Interval> {
    let to_come = leaf.slots.iter().filter(|slot| now < slot.end());
    let next = to_come.min_by_key(|slot| slot.start())?;
    let starts = match next.contains(now) {
        true => allowed.iter().any(|open| open.contains(now)),
        false => keeps(next, allowed, longest_run_ms, now),
    };
    (!starts).then_some(*next)
}

/// Whether a job needs slots that its plan may not have: it waits, or it has missed all.
/// What failed, went back or was ended by a person is not tried again by itself.
pub fn needs_a_slot(state: &State) -> bool {
    let waits = !state.is_final() && !state.is_open();
    waits || *state == State::Missed
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::{MachineId, Name};
    use patchward_common::job::Reason;
    use patchward_common::time::MINUTE_MS;
    use patchward_common::trust::roster::Class;

    fn minutes(start: i64, end: i64) -> Interval {
        Interval::new(UtcMs(start * MINUTE_MS), UtcMs(end * MINUTE_MS)).unwrap()
    }

    fn leaf() -> PlanLeaf {
        PlanLeaf {
            machine: MachineId([1; 32]),
            unit: Name::new("icu").unwrap(),
            class: Class::Standard,
            groups: Vec::new(),
            wave: 0,
            slots: vec![minutes(100, 160), minutes(300, 360)],
        }
    }

    #[test]
    fn a_slot_counts_while_a_whole_run_fits_into_allowed_time() {
        let leaf = leaf();
        let run = 45 * MINUTE_MS;
        for (allowed, now, kept) in [
            (vec![minutes(0, 1_000)], 0, true),
            (vec![minutes(0, 1_000)], 315, true),
            (vec![minutes(0, 1_000)], 316, false),
            (vec![], 0, false),
            (vec![minutes(0, 144)], 0, false),
            (vec![minutes(0, 145)], 0, true),
            (vec![minutes(116, 290)], 0, false),
            (vec![minutes(100, 130), minutes(130, 160)], 0, false),
            (vec![minutes(0, 120), minutes(310, 355)], 0, true),
        ] {
            let found = keeps_a_slot(&leaf, &allowed, run, UtcMs(now * MINUTE_MS));
            assert_eq!(found, kept, "{allowed:?} at {now}");
        }
    }

    #[test]
    fn only_the_next_slot_is_counted_on_and_told_when_nothing_starts_in_it() {
        let (leaf, run) = (leaf(), 45 * MINUTE_MS);
        let (first, second) = (leaf.slots[0], leaf.slots[1]);
        for (allowed, now, told) in [
            (vec![minutes(0, 1_000)], 0, None),
            // The next one stands, whatever becomes of the later ones.
            (vec![minutes(0, 200)], 0, None),
            (vec![minutes(200, 1_000)], 0, Some(first)),
            (vec![minutes(130, 1_000)], 0, Some(first)),
            // In the middle of a slot it is told where nothing may start now.
            (vec![minutes(110, 1_000)], 150, None),
            (vec![minutes(200, 1_000)], 150, Some(first)),
            (vec![minutes(0, 200)], 160, Some(second)),
            (vec![], 360, None),
        ] {
            let found = withheld(&leaf, &allowed, run, UtcMs(now * MINUTE_MS));
            assert_eq!(found, told, "{allowed:?} at {now}");
        }
    }

    #[test]
    fn what_a_person_must_judge_first_needs_no_slot() {
        let reason = || Reason::new("x");
        for state in [State::Assigned, State::Missed, State::Deferred(reason())] {
            assert!(needs_a_slot(&state), "{state:?}");
        }
        for state in [
            State::Installing,
            State::Verified,
            State::Failed(reason()),
            State::RolledBack(reason()),
            State::Stopped(reason()),
        ] {
            assert!(!needs_a_slot(&state), "{state:?}");
        }
    }
}
