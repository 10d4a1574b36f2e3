//! How many machines have an open slot when: one lane per coverage group, site or
//! hospital.

use patchward_common::id::MachineId;
use patchward_common::time::Interval;
use std::collections::BTreeMap;

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    /// How many may have an open slot at once.
    at_once: u32,
    /// What must lie between two slots that may not both be open.
    gap_ms: i64,
    /// Whether all of its machines may at once: its slots then need no bounds.
    pub(super) is_free: bool,
    /// From each instant on so many are open, until the next; sorted, from minus infinity.
    steps: Vec<(i64, u32)>,
    /// Where a machine of another plan is open already: it counts once.
    own: BTreeMap<MachineId, Vec<(i64, i64)>>,
}

impl Lane {
    pub(super) fn new(at_once: u32, gap_ms: i64) -> Self {
        Self {
            at_once,
            gap_ms,
            is_free: false,
            steps: vec![(i64::MIN, 0)],
            own: BTreeMap::new(),
        }
    }

    /// Whether it admits nobody, ever.
    pub(super) fn is_shut(&self) -> bool {
        self.at_once == 0
    }

    /// How many may have an open slot at once.
    pub(super) fn at_once(&self) -> u32 {
        self.at_once
    }

    /// Allows no more than this.
    pub(super) fn limit(&mut self, at_once: u32) {
        self.at_once = self.at_once.min(at_once);
    }

    /// The machines that have slots here in other plans.
    pub(super) fn standing(&self) -> impl Iterator<Item = MachineId> {
        self.own.keys().copied()
    }

    /// How many they are.
    pub(super) fn standing_count(&self) -> usize {
        self.own.len()
    }

    /// Whether a machine is one of them.
    pub(super) fn has_standing(&self, machine: &MachineId) -> bool {
        self.own.contains_key(machine)
    }

    /// A slot of another plan.
    pub(super) fn stand(&mut self, machine: MachineId, slot: Interval) {
        self.own.entry(machine).or_default();
        self.take(machine, slot);
    }

    /// Records a slot. Slots of one machine that overlap count once where one of them is
    /// of another plan.
    pub(super) fn take(&mut self, machine: MachineId, slot: Interval) {
        let (start, end) = (slot.start().0, slot.end().plus_ms(self.gap_ms).0);
        let Some(own) = self.own.get_mut(&machine) else {
            return self.add(start, end);
        };
        let mut left = vec![(start, end)];
        for (from, until) in own.iter().copied() {
            let cut = |(start, end): (i64, i64)| [(start, end.min(from)), (start.max(until), end)];
            let parts = left.into_iter().flat_map(cut);
            left = parts.filter(|(start, end)| start < end).collect();
        }
        own.push((start, end));
        for (start, end) in left {
            self.add(start, end);
        }
    }

    /// The earliest start from `from` on of a slot of `length_ms` that leaves enough
    /// members ready at every instant; `i64::MAX` for never.
    pub(super) fn next_start(&self, machine: MachineId, from: i64, length_ms: i64) -> i64 {
        let own = self.own.get(&machine).map_or(&[][..], Vec::as_slice);
        let length = length_ms.saturating_add(self.gap_ms);
        let mut start = from;
        let first = self.steps.partition_point(|(at, _)| *at <= from);
        for step in first.saturating_sub(1)..self.steps.len() {
            let (at, open) = self.steps[step];
            if at >= start.saturating_add(length) {
                break;
            }
            let end = self.steps.get(step + 1).map_or(i64::MAX, |next| next.0);
            let is_own = |(from, until): &(i64, i64)| *from < end && at < *until;
            let others = open - u32::from(own.iter().any(is_own));
            if others >= self.at_once {
                start = end;
            }
        }
        start
    }

    fn add(&mut self, start: i64, end: i64) {
        let first = self.split(start);
        let last = self.split(end);
        for (_, open) in &mut self.steps[first..last] {
            *open += 1;
        }
    }

    /// The position of the step that begins at `at`.
    fn split(&mut self, at: i64) -> usize {
        let next = self.steps.partition_point(|(start, _)| *start < at);
        if self.steps.get(next).is_none_or(|(start, _)| *start != at) {
            let open = next.checked_sub(1).map_or(0, |before| self.steps[before].1);
            self.steps.insert(next, (at, open));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::UtcMs;
    use proptest::prelude::*;

    fn slot((start, length): (i64, i64)) -> Interval {
        Interval::new(UtcMs(start), UtcMs(start + length)).unwrap()
    }

    fn machine(number: u8) -> MachineId {
        MachineId([number; 32])
    }

    proptest! {
        /// Against counting at every instant.
        #[test]
        fn the_earliest_start_is_the_first_at_which_all_instants_have_room(
            standing in prop::collection::vec((0u8..4, (0i64..60, 1i64..20)), 0..6),
            taken in prop::collection::vec((4u8..9, (0i64..60, 1i64..20)), 0..6),
            at_once in 0u32..4,
            gap in 0i64..4,
            (who, from, length) in (0u8..9, 0i64..60, 1i64..20),
        ) {
            let mut lane = Lane::new(at_once, gap);
            for (number, at) in &standing {
                lane.stand(machine(*number), slot(*at));
            }
            for (number, at) in &taken {
                lane.take(machine(*number), slot(*at));
            }
            let open = |at: i64| {
                let covers = |(_, (start, length)): &&(u8, (i64, i64))| {
                    *start <= at && at < start + length + gap
                };
                let others: std::collections::BTreeSet<u8> = standing
                    .iter().filter(covers).map(|(number, _)| *number)
                    .filter(|number| *number != who).collect();
                // The planner lays slots of one machine apart; here they may overlap.
                let own = taken.iter().filter(covers).count();
                others.len() + own
            };
            let has_room = |start: i64| {
                (start..start + length + gap).all(|at| open(at) < at_once as usize)
            };
            let expected = (from..200).find(|start| has_room(*start));
            let found = lane.next_start(machine(who), from, length);
            prop_assert_eq!(Some(found).filter(|found| *found < i64::MAX), expected);
        }
    }
}
