//! Who comes when: servers before their workstations, canaries first, then growing waves.

use super::fit::{Impossible, Reason};
use super::input::{Candidate, PlanInput};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::roster::Class;
use std::collections::{BTreeMap, BTreeSet};

/// Machines with what comes before each of them, in the plan.
#[derive(Default)]
pub(super) struct Servers {
    /// The servers of a machine.
    pub(super) of: BTreeMap<MachineId, Vec<MachineId>>,
    /// How many servers stand one behind the other before a machine.
    levels: BTreeMap<MachineId, u32>,
}

impl Servers {
    /// Among the machines that fit. Those that wait for a server that was asked for and
    /// cannot be planned, or for themselves, are impossible too.
    pub(super) fn among(
        input: &PlanInput,
        fitting: &mut Vec<&Candidate>,
        impossible: &mut Vec<Impossible>,
    ) -> Self {
        let mut servers = Self::default();
        if input.stated.precedence.is_empty() {
            return servers;
        }
        loop {
            let here: BTreeSet<MachineId> = fitting.iter().map(|c| c.row.machine).collect();
            let waits: BTreeMap<MachineId, &Impossible> = impossible
                .iter()
                .filter(|one| one.reason.holds_up())
                .map(|one| (one.machine, one))
                .collect();
            let pairs: BTreeSet<_> = input.stated.precedence.iter().copied().collect();
            servers.of.clear();
            let mut held_up: BTreeMap<MachineId, Reason> = BTreeMap::new();
            for pair in pairs.iter().filter(|pair| here.contains(&pair.next)) {
                if here.contains(&pair.first) {
                    servers.of.entry(pair.next).or_default().push(pair.first);
                } else if let Some(server) = waits.get(&pair.first) {
                    held_up.insert(pair.next, Reason::ServerNotPlanned(server.name.clone()));
                }
            }
            if held_up.is_empty() {
                servers.levels = levels(&servers.of, &here);
                let circle = here.iter().filter(|one| !servers.levels.contains_key(one));
                held_up.extend(circle.map(|machine| (*machine, Reason::ServerCircle)));
            }
            if held_up.is_empty() {
                return servers;
            }
            fitting.retain(|candidate| {
                let reason = held_up.get(&candidate.row.machine);
                impossible.extend(reason.map(|r| Impossible::new(&candidate.row, r.clone())));
                reason.is_none()
            });
        }
    }

    fn level(&self, machine: MachineId) -> u32 {
        self.levels.get(&machine).copied().unwrap_or(0)
    }
}

/// The length of the longest way of servers to each machine; none for what stands in a
/// circle or behind one.
fn levels(
    of: &BTreeMap<MachineId, Vec<MachineId>>,
    machines: &BTreeSet<MachineId>,
) -> BTreeMap<MachineId, u32> {
    let free = machines.iter().filter(|machine| !of.contains_key(machine));
    let mut levels: BTreeMap<MachineId, u32> = free.map(|machine| (*machine, 0)).collect();
    loop {
        let before = levels.len();
        for (machine, servers) in of.iter().filter(|(one, _)| machines.contains(one)) {
            let known: Option<Vec<u32>> = servers
                .iter()
                .map(|server| levels.get(server).copied())
                .collect();
            if let Some(level) = known.and_then(|known| known.into_iter().max())
                && !levels.contains_key(machine)
            {
                levels.insert(*machine, level + 1);
            }
        }
        if levels.len() == before {
            return levels;
        }
    }
}

/// Waves of machines: least critical first, the most representative of these as
/// canaries, the rest by a hash of machine and release; a server before its workstations.
pub(super) fn waves<'a>(
    input: &PlanInput,
    servers: &Servers,
    fitting: Vec<&'a Candidate>,
) -> Vec<Vec<&'a Candidate>> {
    let mut alike: BTreeMap<&Name, usize> = BTreeMap::new();
    for candidate in &fitting {
        *alike.entry(&candidate.row.model).or_default() += 1;
    }
    let release = input.releases.first().map_or(Digest([0; 32]), |r| r.sha256);
    let mut fitting: Vec<Ordered<'_>> = fitting
        .into_iter()
        .map(|candidate| Ordered {
            level: servers.level(candidate.row.machine),
            class: candidate.row.class,
            rarity: usize::MAX - alike.get(&candidate.row.model).copied().unwrap_or(0),
            hash: Digest::of_parts(&[b"order", &candidate.row.machine.0, &release.0]),
            candidate,
        })
        .collect();
    let canaries = (input.policy.canaries.max(1) as usize).min(fitting.len());
    let representative = |one: &Ordered<'_>| (one.level, one.class, one.rarity, one.hash);
    let mut waves = Vec::new();
    if fitting.iter().any(|one| one.class == Class::LifeSupport) {
        // Every wave of life support is an approval of its own.
        fitting.sort_unstable_by_key(representative);
        waves.push(fitting);
    } else {
        let mut rest = Vec::new();
        if canaries < fitting.len() {
            fitting.select_nth_unstable_by_key(canaries, representative);
            rest = fitting.split_off(canaries);
        }
        fitting.sort_unstable_by_key(representative);
        // Beyond the canaries a wave is a mixture of models.
        rest.sort_unstable_by_key(|one| (one.level, one.class, one.hash));
        waves.push(fitting);
        let growth = input.policy.growth.max(1) as usize;
        let mut size = canaries.saturating_mul(growth);
        while !rest.is_empty() {
            let later = rest.split_off(size.min(rest.len()));
            waves.push(std::mem::replace(&mut rest, later));
            size = size.saturating_mul(growth);
        }
    }
    let machines = |wave: Vec<Ordered<'a>>| wave.into_iter().map(|one| one.candidate).collect();
    waves.into_iter().map(machines).collect()
}

/// A machine with what it is ordered by.
struct Ordered<'a> {
    level: u32,
    class: Class,
    /// Less for a model of which there are more.
    rarity: usize,
    hash: Digest,
    candidate: &'a Candidate,
}
