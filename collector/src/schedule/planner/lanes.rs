//! Where the next slot of a machine fits: within its unit's allowed time, and in every
//! lane that binds it.

use super::Rules;
use super::fit::Reason;
use super::input::{Frozen, PlanInput};
use super::lane::Lane;
use crate::schedule::opening;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::assignment::AssignmentLeaf;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Where an opening goes on after a slot, the next slot is so much later: what was in
/// use or switched off at night may not be by day.
const SPARE_AFTER_MS: i64 = 12 * HOUR_MS;

/// The state of laying.
pub(super) struct Lanes<'a> {
    need_ms: i64,
    lanes: Vec<Lane>,
    places: Vec<Place<'a>>,
    known: HashMap<(&'a Name, &'a [Name]), usize>,
    /// Machines that have slots of other plans in some lane.
    standing: BTreeSet<MachineId>,
}

/// Machines of one unit in the same groups.
struct Place<'a> {
    unit: &'a Name,
    /// What freezes take of its unit's windows.
    frozen: Option<&'a Frozen>,
    /// Its unit's allowed time, as a union.
    openings: Rc<[Interval]>,
    /// Why nobody here can have a slot.
    shut: Option<Reason>,
    /// Its lanes, those that bind it first.
    lanes: Vec<usize>,
    /// How many of these bind it.
    bound: usize,
    /// From the first instant on, nothing fits before the second. Lanes only fill up.
    hint: Option<(i64, i64)>,
}

impl<'a> Lanes<'a> {
    pub(super) fn new(input: &'a PlanInput, rules: &Rules, need_ms: i64, now: UtcMs) -> Self {
        let allowed = input.allowed.iter();
        let allowed: BTreeMap<&Name, Rc<[Interval]>> = allowed
            .map(|(unit, times)| (unit, opening::union(times.iter().copied()).into()))
            .collect();
        let mut filling = Filling::new(input, rules, now);
        filling.stand(now);
        let mut places: Vec<Place<'a>> = Vec::new();
        let mut known: HashMap<(&Name, &[Name]), usize> = HashMap::new();
        let mut of: Vec<usize> = Vec::with_capacity(input.machines.len());
        for candidate in &input.machines {
            let row = &candidate.row;
            let place = *known
                .entry((&row.unit, row.groups.as_slice()))
                .or_insert_with(|| {
                    let openings = allowed.get(&row.unit).cloned().unwrap_or_default();
                    places.push(filling.place(row, openings));
                    places.len() - 1
                });
            of.push(place);
        }
        filling.bind(&mut places, &of);
        Self {
            need_ms,
            standing: filling.lanes.iter().flat_map(Lane::standing).collect(),
            lanes: filling.lanes,
            places,
            known,
        }
    }

    /// The place of a machine.
    pub(super) fn place(&self, row: &AssignmentLeaf) -> Option<usize> {
        let known = self.known.get(&(&row.unit, row.groups.as_slice()));
        known.copied()
    }

    /// The earliest slot for a machine of a place within `[earliest, latest)`.
    pub(super) fn find(
        &mut self,
        place: usize,
        machine: MachineId,
        earliest: UtcMs,
        latest: UtcMs,
    ) -> Result<Interval, Reason> {
        let here = &self.places[place];
        if let Some(reason) = &here.shut {
            return Err(reason.clone());
        }
        // A machine with slots elsewhere may fit where others like it do not.
        let is_like_others = here.bound > 0 && !self.standing.contains(&machine);
        let from = match here.hint.filter(|_| is_like_others) {
            Some((since, until)) if since <= earliest.0 => until.max(earliest.0),
            _ => earliest.0,
        };
        let found = self.search(here, machine, from, latest.0);
        if is_like_others {
            let until = found.map_or(i64::MAX, |slot| slot.start().0);
            self.places[place].hint = Some((earliest.0, until));
        }
        found.ok_or_else(|| self.reason(place, earliest.0, latest.0))
    }

    fn search(
        &self,
        place: &Place<'_>,
        machine: MachineId,
        from: i64,
        latest: i64,
    ) -> Option<Interval> {
        let openings = &place.openings;
        let first = openings.partition_point(|opening| opening.end().0 <= from);
        let mut openings = openings[first..]
            .iter()
            .take_while(|opening| opening.start().0 < latest);
        openings.find_map(|opening| {
            let start = opening.start().0.max(from);
            let last = opening.end().0.min(latest).saturating_sub(self.need_ms);
            if last < start {
                return None;
            }
            let bound = &place.lanes[..place.bound];
            if bound.is_empty() {
                let end = last.saturating_add(self.need_ms);
                return Interval::new(UtcMs(start), UtcMs(end)).ok();
            }
            let start = self.joint_start(bound, machine, start, last)?;
            Interval::new(UtcMs(start), UtcMs(start.saturating_add(self.need_ms))).ok()
        })
    }

    /// The earliest start from `start` to `last` at which every lane has room.
    fn joint_start(
        &self,
        lanes: &[usize],
        machine: MachineId,
        mut start: i64,
        last: i64,
    ) -> Option<i64> {
        loop {
            let before = start;
            for lane in lanes {
                start = self.lanes[*lane].next_start(machine, start, self.need_ms);
                if start > last {
                    return None;
                }
            }
            if start == before {
                return Some(start);
            }
        }
    }

    fn reason(&self, place: usize, earliest: i64, latest: i64) -> Reason {
        let place = &self.places[place];
        let lengths = place.openings.iter().filter_map(|opening| {
            let (start, end) = (opening.start().0.max(earliest), opening.end().0.min(latest));
            (start < end).then(|| end - start)
        });
        let longest = lengths.max();
        let without_freezes = place.frozen.map_or(0, |frozen| frozen.longest_ms);
        if longest.is_none_or(|longest| longest < self.need_ms)
            && without_freezes >= self.need_ms
            && let Some(frozen) = place.frozen
        {
            return Reason::Frozen {
                unit: place.unit.clone(),
                freezes: frozen.by.clone(),
            };
        }
        match longest {
            None => Reason::NoWindow(place.unit.clone()),
            Some(longest) if longest < self.need_ms => Reason::WindowTooShort {
                need_minutes: self.need_ms / MINUTE_MS,
            },
            Some(_) => Reason::NoSlotLeft,
        }
    }

    /// Records a slot in every lane that binds its machine.
    pub(super) fn take(&mut self, place: usize, machine: MachineId, slot: Interval) {
        let place = &self.places[place];
        for lane in &place.lanes[..place.bound] {
            self.lanes[*lane].take(machine, slot);
        }
    }

    /// The groups of all who are at one of `places`: few have 50,000 machines.
    pub(super) fn groups(&self, places: Vec<usize>) -> BTreeSet<&'a Name> {
        let mut is_used = vec![false; self.places.len()];
        for place in places {
            is_used[place] = true;
        }
        let known = self.known.iter().filter(|(_, place)| is_used[**place]);
        known.flat_map(|((_, groups), _)| groups.iter()).collect()
    }

    /// From when on the slot after `slot` may lie.
    pub(super) fn after(&self, place: usize, slot: Interval) -> UtcMs {
        let openings = &self.places[place].openings;
        let next = openings.partition_point(|opening| opening.end() <= slot.start());
        let end = openings.get(next).map_or(slot.end(), |one| one.end());
        end.min(slot.end().plus_ms(SPARE_AFTER_MS))
    }
}

/// Lanes while they are being set up.
struct Filling<'a> {
    input: &'a PlanInput,
    lanes: Vec<Lane>,
    groups: HashMap<&'a Name, usize>,
    sites: BTreeMap<&'a Name, usize>,
    everywhere: Option<usize>,
}

impl<'a> Filling<'a> {
    fn new(input: &'a PlanInput, rules: &Rules, now: UtcMs) -> Self {
        let mut filling = Self {
            input,
            lanes: Vec::new(),
            groups: HashMap::new(),
            sites: BTreeMap::new(),
            everywhere: None,
        };
        for (group, rule) in &input.groups {
            let at_once = rule.size.saturating_sub(rule.minimum_ready);
            filling.groups.insert(group, filling.lanes.len());
            let lane = Lane::new(at_once + rules.more_at_once, rules.gap_ms);
            filling.lanes.push(lane);
        }
        // The strictest of all plans that say so.
        let live = input.beside.iter().filter(|o| now < o.approval.expires);
        for stated in live.flat_map(|other| &other.approval.groups) {
            if let Some(lane) = filling.groups.get(&stated.group) {
                let at_once = stated.size.saturating_sub(stated.minimum_ready);
                filling.lanes[*lane].limit(at_once);
            }
        }
        let limits = input.stated.limits.iter();
        for (site, limit) in limits.filter_map(|(site, of)| Some((site, of.parallel?))) {
            filling.sites.insert(site, filling.lanes.len());
            filling.lanes.push(Lane::new(limit, 0));
        }
        if let Some(limit) = input.stated.everywhere.parallel {
            filling.everywhere = Some(filling.lanes.len());
            filling.lanes.push(Lane::new(limit, 0));
        }
        filling
    }

    /// Leaves of all other plans that stand.
    fn live(&self, now: UtcMs) -> impl Iterator<Item = &'a PlanLeaf> + use<'a> {
        let live = self.input.beside.iter();
        let live = live.filter(move |other| now < other.approval.expires);
        live.flat_map(|other| &other.leaves)
    }

    fn of_place(&self, unit: &Name, groups: impl Iterator<Item = &'a Name>) -> Vec<usize> {
        let mut lanes: Vec<usize> = groups
            .filter_map(|group| self.groups.get(group).copied())
            .collect();
        let site = self.input.stated.sites.get(unit);
        lanes.extend(site.and_then(|site| self.sites.get(site)));
        lanes.extend(self.everywhere);
        lanes
    }

    /// Takes the slots of plans that stand: of members by their leaf, or by what is
    /// signed of them now.
    fn stand(&mut self, now: UtcMs) {
        if self.live(now).next().is_none() {
            return;
        }
        let machines = self.input.machines.iter();
        let rows: HashMap<MachineId, &[Name]> = machines
            .map(|candidate| (candidate.row.machine, candidate.row.groups.as_slice()))
            .collect();
        for leaf in self.live(now) {
            let placed = self.input.placed.get(&leaf.machine);
            let newest = rows.get(&leaf.machine).copied();
            let newest = newest.or(placed.map(Vec::as_slice)).unwrap_or_default();
            let groups: BTreeSet<&Name> = leaf.groups.iter().chain(newest).collect();
            for lane in self.of_place(&leaf.unit, groups.into_iter()) {
                for slot in &leaf.slots {
                    self.lanes[lane].stand(leaf.machine, *slot);
                }
            }
        }
    }

    /// A lane in which all may be open at once binds nobody. `of` is the place of each
    /// machine that was asked for.
    fn bind(&mut self, places: &mut [Place<'_>], of: &[usize]) {
        let standing = self.lanes.iter().map(Lane::standing_count);
        let mut machines: Vec<usize> = standing.collect();
        for (candidate, place) in self.input.machines.iter().zip(of) {
            for lane in &places[*place].lanes {
                let is_counted = self.lanes[*lane].has_standing(&candidate.row.machine);
                machines[*lane] += usize::from(!is_counted);
            }
        }
        for (lane, machines) in self.lanes.iter_mut().zip(machines) {
            lane.is_free = machines <= lane.at_once() as usize;
        }
        for place in places {
            let lanes = &self.lanes;
            place
                .lanes
                .sort_by_key(|lane| (lanes[*lane].is_free, *lane));
            place.bound = place.lanes.partition_point(|lane| !lanes[*lane].is_free);
        }
    }

    fn place(&self, row: &'a AssignmentLeaf, openings: Rc<[Interval]>) -> Place<'a> {
        Place {
            unit: &row.unit,
            frozen: self.input.frozen.get(&row.unit),
            openings,
            shut: self.shut(row),
            lanes: self.of_place(&row.unit, row.groups.iter()),
            bound: 0,
            hint: None,
        }
    }

    fn shut(&self, row: &AssignmentLeaf) -> Option<Reason> {
        for group in &row.groups {
            let (Some(rule), Some(lane)) = (self.input.groups.get(group), self.groups.get(group))
            else {
                return Some(Reason::GroupUnknown(group.clone()));
            };
            if rule.minimum_ready > rule.size {
                return Some(Reason::GroupTooSmall {
                    group: group.clone(),
                    size: rule.size,
                    minimum: rule.minimum_ready,
                });
            }
            if self.lanes[*lane].is_shut() {
                return Some(Reason::GroupFull(group.clone()));
            }
        }
        let site = self.input.stated.sites.get(&row.unit);
        let limit = site.and_then(|site| self.sites.get(site));
        let limits = limit.into_iter().chain(&self.everywhere);
        let mut shut = limits.filter(|lane| self.lanes[**lane].is_shut());
        shut.next().map(|_| Reason::NothingAllowed)
    }
}
