//! Gives every machine its slots.

use super::Rules;
use super::fit::{Impossible, Reason};
use super::input::{Candidate, PlanInput};
use super::lanes::Lanes;
use super::order::Servers;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{Interval, SECOND_MS, UtcMs};
use patchward_common::trust::approval::{Approval, MAX_APPROVAL_LIFE_MS, MAX_SLOTS, PlanLeaf};
use std::collections::{BTreeMap, BTreeSet};

/// Gives every machine its slots, and lists those for which there are none. With the
/// leaves come their groups.
pub(super) fn lay<'a>(
    input: &'a PlanInput,
    rules: &Rules,
    approval: &Approval,
    servers: &'a Servers,
    waves: Vec<Vec<&Candidate>>,
    impossible: &mut Vec<Impossible>,
) -> (Vec<PlanLeaf>, BTreeSet<&'a Name>) {
    let now = approval.issued;
    let longest = approval.longest_run_ms();
    let need_ms = longest.saturating_add(rules.start_allowance_ms);
    let mut laying = Laying {
        input,
        servers,
        gap_ms: rules.gap_ms,
        lanes: Lanes::new(input, rules, need_ms, now),
        line: Line::new(input, approval, now),
        first: BTreeMap::new(),
        latest: now.plus_ms(input.policy.horizon_ms.clamp(0, MAX_APPROVAL_LIFE_MS)),
    };
    let mut earliest = now.plus_ms(input.policy.lead_ms.max(0));
    let machines = waves.iter().map(Vec::len).sum();
    let mut leaves: Vec<PlanLeaf> = Vec::with_capacity(machines);
    let mut places: Vec<usize> = Vec::with_capacity(machines);
    let mut wave = 0u16;
    let most = 1 + spare_slots(input) as usize;
    for machines in waves {
        let mut last_start = None;
        for candidate in machines {
            let place = laying.lanes.place(&candidate.row);
            match laying.first_slot(candidate, place, earliest) {
                Ok((place, slot)) => {
                    last_start = last_start.max(Some(slot.start()));
                    leaves.push(leaf(candidate, wave, slot, most));
                    places.push(place);
                }
                Err(reason) => impossible.push(Impossible::new(&candidate.row, reason)),
            }
        }
        // A wave in which nobody found a slot is none.
        if let Some(last) = last_start {
            earliest = last.plus_ms(input.policy.soak_ms.max(0));
            wave = wave.saturating_add(1);
        }
    }
    laying.spare(&mut leaves, &places);
    let groups = laying.lanes.groups(places);
    (leaves, groups)
}

struct Laying<'a> {
    input: &'a PlanInput,
    servers: &'a Servers,
    gap_ms: i64,
    lanes: Lanes<'a>,
    line: Line<'a>,
    /// The first slots so far of machines with servers and of these.
    first: BTreeMap<MachineId, Interval>,
    latest: UtcMs,
}

impl Laying<'_> {
    fn first_slot(
        &mut self,
        candidate: &Candidate,
        place: Option<usize>,
        earliest: UtcMs,
    ) -> Result<(usize, Interval), Reason> {
        let row = &candidate.row;
        let place = place.ok_or_else(|| Reason::NoWindow(row.unit.clone()))?;
        let mut earliest = earliest;
        for server in self.servers.of.get(&row.machine).into_iter().flatten() {
            let Some(slot) = self.first.get(server) else {
                return Err(self.waits_for(*server));
            };
            earliest = earliest.max(slot.end().plus_ms(self.gap_ms));
        }
        let carried = self.line.carried(&row.unit);
        if carried >= self.latest {
            return Err(Reason::LineTooSlow);
        }
        earliest = earliest.max(carried);
        let slot = self.lanes.find(place, row.machine, earliest, self.latest)?;
        self.lanes.take(place, row.machine, slot);
        self.line.carry(&row.unit);
        if !self.servers.of.is_empty() {
            self.first.insert(row.machine, slot);
        }
        Ok((place, slot))
    }

    fn waits_for(&self, server: MachineId) -> Reason {
        let mut machines = self.input.machines.iter();
        let found = machines.find(|candidate| candidate.row.machine == server);
        found.map_or(Reason::ServerCircle, |found| {
            Reason::ServerNotPlanned(found.row.name.clone())
        })
    }

    /// Later slots for what is missed, one round after the other.
    fn spare(&mut self, leaves: &mut [PlanLeaf], places: &[usize]) {
        for _ in 0..spare_slots(self.input) {
            for (leaf, place) in leaves.iter_mut().zip(places) {
                let Some(last) = leaf.slots.last() else {
                    continue;
                };
                let after = self.lanes.after(*place, *last);
                let found = self.lanes.find(*place, leaf.machine, after, self.latest);
                if let Ok(slot) = found {
                    self.lanes.take(*place, leaf.machine, slot);
                    leaf.slots.push(slot);
                }
            }
        }
    }
}

/// What the lines of the sites carry: one machine after the other, in the plan's order.
struct Line<'a> {
    input: &'a PlanInput,
    now: UtcMs,
    /// Bytes of one machine's artifacts.
    bytes: u64,
    /// Machines so far, per site.
    machines: BTreeMap<&'a Name, u64>,
}

impl<'a> Line<'a> {
    fn new(input: &'a PlanInput, approval: &Approval, now: UtcMs) -> Self {
        let each: BTreeMap<Digest, u64> = approval
            .artifacts()
            .map(|artifact| (artifact.sha256, artifact.length))
            .collect();
        Self {
            input,
            now,
            bytes: each.values().copied().fold(0, u64::saturating_add),
            machines: BTreeMap::new(),
        }
    }

    /// When the next machine of a unit has all its bytes, to the second above.
    fn carried(&self, unit: &Name) -> UtcMs {
        let limits = self.input.stated.limits_of(unit);
        let Some((site, rate)) = limits.and_then(|(site, of)| Some((site, of.bytes_per_second?)))
        else {
            return self.now;
        };
        let machines = self.machines.get(site).copied().unwrap_or(0);
        let bytes = machines.saturating_add(1).saturating_mul(self.bytes);
        let seconds = bytes.div_ceil(rate.max(1));
        let ms = i64::try_from(seconds).map_or(i64::MAX, |s| s.saturating_mul(SECOND_MS));
        self.now.plus_ms(ms)
    }

    fn carry(&mut self, unit: &Name) {
        if let Some((site, _)) = self.input.stated.limits_of(unit) {
            *self.machines.entry(site).or_default() += 1;
        }
    }
}

fn spare_slots(input: &PlanInput) -> u32 {
    input.policy.spare_slots.min(MAX_SLOTS as u32 - 1)
}

/// A leaf with its first slot, and room for as many as it will have.
fn leaf(candidate: &Candidate, wave: u16, slot: Interval, most: usize) -> PlanLeaf {
    let row = &candidate.row;
    let mut slots = Vec::with_capacity(most);
    slots.push(slot);
    PlanLeaf {
        machine: row.machine,
        unit: row.unit.clone(),
        class: row.class,
        groups: row.groups.clone(),
        wave,
        slots,
    }
}
