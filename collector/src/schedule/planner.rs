//! The first planner: lays releases on machines into allowed time.
//!
//! Canary first, then growing waves; inside a wave in the order of a hash; every
//! machine first gets its first slot, then spare ones for later openings. Minimum
//! ready holds over this plan and all that stand beside it. The same input gives the
//! same plan, whatever the order in which it was gathered.

mod fit;
mod input;
mod lanes;
#[cfg(test)]
mod tests;

pub use fit::{Impossible, Owner, Reason};
pub use input::{Candidate, GroupRule, PlanInput, Policy, Standing};

use lanes::Lanes;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::{Table, TableError, build_approval};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{
    Approval, ApprovedRelease, GroupMinimum, MAX_APPROVAL_LIFE_MS, MAX_SLOTS, PlanLeaf,
    START_ALLOWANCE_MS,
};
use patchward_common::trust::roster::Class;
use std::collections::{BTreeMap, BTreeSet};

/// A plan, ready to be signed.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The approval over its leaves, without signatures.
    pub table: Table<Approval>,
    /// The approval.
    pub approval: Approval,
    /// The leaves, in the order of machines.
    pub leaves: Vec<PlanLeaf>,
    /// Machines that are not in the plan, with the reason.
    pub impossible: Vec<Impossible>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Nothing was asked for.
    #[error("the plan names no release or no machine; name both")]
    Empty,
    /// No machine fits; each has its reason.
    #[error("none of the {} machines can be planned; see the reason of each", .0.len())]
    Impossible(Vec<Impossible>),
    /// More machines than one plan may have, or one twice.
    #[error("the plan cannot be written: {0}")]
    Table(#[from] TableError),
}

/// Makes a plan.
pub fn plan(input: &PlanInput, now: UtcMs) -> Result<Planned, PlanError> {
    if input.releases.is_empty() || input.machines.is_empty() {
        return Err(PlanError::Empty);
    }
    let releases = with_measured_runs(input);
    let mut approval = blank(input, releases, now);
    let (fitting, mut impossible) = fit::sort_out(input, &approval);
    let ordered = in_order(input, fitting);
    let leaves = lay(input, &approval, ordered, &mut impossible, now);
    impossible.sort_by_key(|one| one.machine);
    if leaves.is_empty() {
        return Err(PlanError::Impossible(impossible));
    }
    let groups: BTreeSet<&Name> = leaves.iter().flat_map(|leaf| &leaf.groups).collect();
    approval.groups = groups
        .iter()
        .filter_map(|group| {
            let rule = input.groups.get(*group)?;
            Some(GroupMinimum {
                group: (*group).clone(),
                size: rule.size,
                minimum_ready: rule.minimum_ready,
            })
        })
        .collect();
    approval.beside = beside(input, &groups, now);
    let table = build_approval(approval, leaves)?;
    let (approval, leaves) = table.read()?;
    Ok(Planned {
        table,
        approval,
        leaves,
        impossible,
    })
}

/// The releases with the longer of declared and measured install.
fn with_measured_runs(input: &PlanInput) -> Vec<ApprovedRelease> {
    let mut releases = input.releases.clone();
    for release in &mut releases {
        let measured = input.measured_minutes.get(&release.release.product);
        let measured = measured.copied().unwrap_or(0);
        release.install_minutes = release.install_minutes.max(measured);
    }
    releases
}

/// The approval before its leaves are known.
fn blank(input: &PlanInput, releases: Vec<ApprovedRelease>, now: UtcMs) -> Approval {
    Approval {
        title: input.title.clone(),
        issued: now,
        expires: now,
        releases,
        waves: 0,
        machines: 0,
        root: Digest([0; 32]),
        groups: Vec::new(),
        beside: Vec::new(),
        failure_limit: input.policy.failure_limit.max(1),
        clears: input.clears.clone(),
        emergency: input.emergency.clone(),
    }
}

/// Every unexpired plan that touches one of `groups`.
fn beside(input: &PlanInput, groups: &BTreeSet<&Name>, now: UtcMs) -> Vec<Digest> {
    let standing = input.beside.iter().filter(|other| {
        now < other.approval.expires
            && other
                .approval
                .groups
                .iter()
                .any(|g| groups.contains(&g.group))
    });
    let digests: BTreeSet<Digest> = standing.map(|other| other.digest).collect();
    digests.into_iter().collect()
}

/// Waves of machines: least critical first, the most representative of these as
/// canaries, the rest by a hash of machine and release.
fn in_order<'a>(input: &PlanInput, mut fitting: Vec<&'a Candidate>) -> Vec<Vec<&'a Candidate>> {
    let mut alike: BTreeMap<&Name, usize> = BTreeMap::new();
    for candidate in &fitting {
        *alike.entry(&candidate.row.model).or_default() += 1;
    }
    let release = input.releases.first().map_or(Digest([0; 32]), |r| r.sha256);
    let hash = |machine: MachineId| Digest::of_parts(&[b"order", &machine.0, &release.0]);
    fitting.sort_by_cached_key(|candidate| {
        let row = &candidate.row;
        let alike = alike.get(&row.model).copied().unwrap_or(0);
        (row.class, usize::MAX - alike, hash(row.machine))
    });
    if fitting.iter().any(|c| c.row.class == Class::LifeSupport) {
        // Every wave of life support is an approval of its own.
        return vec![fitting];
    }
    let canaries = (input.policy.canaries.max(1) as usize).min(fitting.len());
    let mut rest = fitting.split_off(canaries);
    // Beyond the canaries a wave is a mixture of models.
    rest.sort_by_cached_key(|candidate| (candidate.row.class, hash(candidate.row.machine)));
    let mut waves = vec![fitting];
    let growth = input.policy.growth.max(1) as usize;
    let mut size = canaries.saturating_mul(growth);
    while !rest.is_empty() {
        let later = rest.split_off(size.min(rest.len()));
        waves.push(std::mem::replace(&mut rest, later));
        size = size.saturating_mul(growth);
    }
    waves
}

/// Gives every machine its slots, and lists those for which there are none.
fn lay(
    input: &PlanInput,
    approval: &Approval,
    waves: Vec<Vec<&Candidate>>,
    impossible: &mut Vec<Impossible>,
    now: UtcMs,
) -> Vec<PlanLeaf> {
    let need_ms = approval.longest_run_ms().saturating_add(START_ALLOWANCE_MS);
    let mut lanes = Lanes::new(input, need_ms, now);
    let latest = now.plus_ms(input.policy.horizon_ms.clamp(0, MAX_APPROVAL_LIFE_MS));
    let mut earliest = now.plus_ms(input.policy.lead_ms.max(0));
    let mut leaves: Vec<PlanLeaf> = Vec::new();
    let mut wave = 0u16;
    for machines in waves {
        let mut last_start = None;
        for candidate in machines {
            let row = &candidate.row;
            match lanes.find(row, earliest, latest) {
                Ok(slot) => {
                    lanes.take(row, slot);
                    last_start = last_start.max(Some(slot.start()));
                    leaves.push(leaf(candidate, wave, slot));
                }
                Err(reason) => impossible.push(Impossible::new(row, reason)),
            }
        }
        // A wave in which nobody found a slot is none.
        if let Some(last) = last_start {
            earliest = last.plus_ms(input.policy.soak_ms.max(0));
            wave = wave.saturating_add(1);
        }
    }
    spare(input, &mut lanes, &mut leaves, latest);
    leaves
}

/// Later slots for what is missed, one round after the other.
fn spare(input: &PlanInput, lanes: &mut Lanes<'_>, leaves: &mut [PlanLeaf], latest: UtcMs) {
    let rows: BTreeMap<MachineId, _> = input
        .machines
        .iter()
        .map(|candidate| (candidate.row.machine, &candidate.row))
        .collect();
    for _ in 0..input.policy.spare_slots.min(MAX_SLOTS as u32 - 1) {
        for leaf in leaves.iter_mut() {
            let (Some(last), Some(row)) = (leaf.slots.last(), rows.get(&leaf.machine)) else {
                continue;
            };
            let after = lanes.end_of_opening(row, *last);
            if let Ok(slot) = lanes.find(row, after, latest) {
                lanes.take(row, slot);
                leaf.slots.push(slot);
            }
        }
    }
}

fn leaf(candidate: &Candidate, wave: u16, slot: Interval) -> PlanLeaf {
    let row = &candidate.row;
    PlanLeaf {
        machine: row.machine,
        unit: row.unit.clone(),
        class: row.class,
        groups: row.groups.clone(),
        wave,
        slots: vec![slot],
    }
}
