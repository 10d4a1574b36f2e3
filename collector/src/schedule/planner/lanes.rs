//! Who has a slot when, per coverage group, and where the next one fits.

use super::fit::Reason;
use super::input::PlanInput;
use crate::schedule::opening;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::assignment::AssignmentLeaf;
use patchward_common::trust::go::CLOCK_BOUND_MS;
use std::collections::{BTreeMap, BTreeSet};

/// Between two slots that may not both be open: two clocks, each off by the bound.
const GAP_MS: i64 = 2 * CLOCK_BOUND_MS;

/// The state of laying.
pub(super) struct Lanes<'a> {
    need_ms: i64,
    /// Allowed time per unit, as a union.
    allowed: BTreeMap<&'a Name, Vec<Interval>>,
    groups: BTreeMap<&'a Name, Lane>,
}

/// One coverage group.
struct Lane {
    /// How many may have an open slot at once.
    at_once: usize,
    /// Whether all of them may: its slots then need no bounds.
    is_free: bool,
    taken: Vec<(MachineId, Interval)>,
}

impl<'a> Lanes<'a> {
    pub(super) fn new(input: &'a PlanInput, need_ms: i64, now: UtcMs) -> Self {
        let allowed = input.allowed.iter();
        let allowed = allowed.map(|(unit, times)| (unit, opening::union(times.iter().copied())));
        let live: Vec<_> = input
            .beside
            .iter()
            .filter(|other| now < other.approval.expires)
            .collect();
        let mut groups = BTreeMap::new();
        for (group, rule) in &input.groups {
            let stated = live.iter().flat_map(|other| &other.approval.groups);
            let stated = stated
                .filter(|stated| stated.group == *group)
                .map(|stated| stated.size.saturating_sub(stated.minimum_ready));
            let own = rule.size.saturating_sub(rule.minimum_ready);
            let at_once = stated.min().unwrap_or(own).min(own) as usize;
            // A member by the other plan's leaf, or by what is signed now.
            let members: BTreeSet<MachineId> = input
                .machines
                .iter()
                .filter(|c| c.row.groups.contains(group))
                .map(|c| c.row.machine)
                .collect();
            let leaves = live.iter().flat_map(|other| &other.leaves);
            let leaves: Vec<_> = leaves
                .filter(|leaf| leaf.groups.contains(group) || members.contains(&leaf.machine))
                .collect();
            let all: BTreeSet<MachineId> = leaves
                .iter()
                .map(|leaf| leaf.machine)
                .chain(members.iter().copied())
                .collect();
            let taken = leaves
                .iter()
                .flat_map(|leaf| leaf.slots.iter().map(|slot| (leaf.machine, *slot)));
            let lane = Lane {
                at_once,
                is_free: all.len() <= at_once,
                taken: taken.collect(),
            };
            groups.insert(group, lane);
        }
        Self {
            need_ms,
            allowed: allowed.collect(),
            groups,
        }
    }

    /// The earliest slot for a machine within `[earliest, latest)`.
    pub(super) fn find(
        &self,
        row: &AssignmentLeaf,
        earliest: UtcMs,
        latest: UtcMs,
    ) -> Result<Interval, Reason> {
        let mut lanes = Vec::new();
        for group in &row.groups {
            let lane = self.groups.get(group);
            let lane = lane.ok_or_else(|| Reason::GroupUnknown(group.clone()))?;
            if lane.at_once == 0 {
                return Err(Reason::GroupFull(group.clone()));
            }
            lanes.push(lane);
        }
        let no_window = || Reason::NoWindow(row.unit.clone());
        let openings = self.allowed.get(&row.unit).ok_or_else(no_window)?;
        let range = Interval::new(earliest, latest).map_err(|_| Reason::NoSlotLeft)?;
        let openings = opening::within(openings, range);
        let mut is_long_enough = false;
        for opening in &openings {
            if opening.length_ms() < self.need_ms {
                continue;
            }
            is_long_enough = true;
            if let Some(slot) = self.within(row.machine, &lanes, *opening) {
                return Ok(slot);
            }
        }
        Err(match (openings.is_empty(), is_long_enough) {
            (true, _) => no_window(),
            (false, false) => Reason::WindowTooShort {
                need_minutes: self.need_ms / MINUTE_MS,
            },
            (false, true) => Reason::NoSlotLeft,
        })
    }

    /// The earliest slot for a machine within one opening.
    fn within(&self, machine: MachineId, lanes: &[&Lane], opening: Interval) -> Option<Interval> {
        let bound: Vec<&&Lane> = lanes.iter().filter(|lane| !lane.is_free).collect();
        if bound.is_empty() {
            return Some(opening);
        }
        // Nothing changes between the ends of others' slots: only these are tried.
        let mut starts = vec![opening.start()];
        for lane in &bound {
            let ends = lane
                .taken
                .iter()
                .map(|(_, slot)| slot.end().plus_ms(GAP_MS));
            starts.extend(ends.filter(|end| opening.contains(*end)));
        }
        starts.sort();
        starts.dedup();
        starts.into_iter().find_map(|start| {
            let slot = Interval::new(start, start.plus_ms(self.need_ms)).ok()?;
            let fits = slot.end() <= opening.end();
            (fits && bound.iter().all(|lane| lane.admits(machine, slot))).then_some(slot)
        })
    }

    /// Records a slot in every group of its machine.
    pub(super) fn take(&mut self, row: &AssignmentLeaf, slot: Interval) {
        for group in &row.groups {
            if let Some(lane) = self.groups.get_mut(group) {
                lane.taken.push((row.machine, slot));
            }
        }
    }

    /// The end of the opening in which `slot` lies: the next slot lies in a later one.
    pub(super) fn end_of_opening(&self, row: &AssignmentLeaf, slot: Interval) -> UtcMs {
        let openings = self.allowed.get(&row.unit).into_iter().flatten();
        let mut around = openings.filter(|opening| opening.contains(slot.start()));
        around.next().map_or(slot.end(), |opening| opening.end())
    }
}

impl Lane {
    /// Whether one more open slot leaves enough members ready at every instant.
    fn admits(&self, machine: MachineId, slot: Interval) -> bool {
        let longer = |slot: Interval| (slot.start(), slot.end().plus_ms(GAP_MS));
        let (start, end) = longer(slot);
        // One machine counts once: its own slots in other plans take no place.
        let others: Vec<(MachineId, UtcMs, UtcMs)> = self
            .taken
            .iter()
            .filter(|(other, _)| *other != machine)
            .map(|(other, taken)| (*other, longer(*taken)))
            .filter(|(_, (other_start, other_end))| *other_start < end && start < *other_end)
            .map(|(other, (other_start, other_end))| (other, other_start, other_end))
            .collect();
        // The most are open at the start of this slot or of one that begins within it.
        let within = others.iter().map(|(_, start, _)| *start);
        let mut instants = within.filter(|at| start <= *at).chain([start]);
        instants.all(|at| {
            let open: BTreeSet<MachineId> = others
                .iter()
                .filter(|(_, start, end)| *start <= at && at < *end)
                .map(|(machine, ..)| *machine)
                .collect();
            open.len() < self.at_once
        })
    }
}
