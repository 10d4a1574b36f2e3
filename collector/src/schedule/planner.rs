//! The planner: lays releases on machines into allowed time.
//!
//! Canary first, then growing waves, servers before their workstations; inside a wave in
//! the order of a hash. Every machine first gets its first slot, after its bytes can be
//! there; then spare ones for later openings. Minimum ready holds over this plan and all
//! that stand beside it, and so do the limits of sites and hospital. The same input gives
//! the same plan, whatever the order in which it was gathered.

mod fit;
mod input;
mod lane;
mod lanes;
mod lay;
pub mod measured;
mod order;
#[cfg(test)]
mod tests;

pub use fit::{Impossible, Owner, Reason, VendorRefusal};
pub use input::{Candidate, Frozen, GroupRule, PlanInput, Policy, Standing};

use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::plan::{Table, TableError, with_leaves};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{
    Approval, ApprovedRelease, GroupMinimum, PlanLeaf, START_ALLOWANCE_MS,
};
use patchward_common::trust::go::CLOCK_BOUND_MS;
use patchward_common::trust::placement::leaf_bytes;
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;

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
    /// More of something than one approval may have.
    #[error("no machine would accept the plan: {0}; make several plans, one site or class each")]
    Unsignable(&'static str),
}

/// Makes a plan.
pub fn plan(input: &PlanInput, now: UtcMs) -> Result<Planned, PlanError> {
    make(input, &Rules::default(), now, None)
}

/// Makes the same plan as [`plan`], sooner where most of `before` still holds.
pub fn plan_again(before: &Planned, input: &PlanInput, now: UtcMs) -> Result<Planned, PlanError> {
    make(input, &Rules::default(), now, Some(before))
}

/// What holds for every plan, whoever asks for it. The tests break each of these and see
/// that the plan check finds it.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// Between two slots that may not both be open: two clocks, each off by the bound.
    gap_ms: i64,
    /// What a slot has beside the longest job.
    start_allowance_ms: i64,
    /// Members of a group that may be down beyond what its minimum allows: none.
    more_at_once: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            gap_ms: 2 * CLOCK_BOUND_MS,
            start_allowance_ms: START_ALLOWANCE_MS,
            more_at_once: 0,
        }
    }
}

/// Makes a plan; leaves that are as they were keep the bytes that they had.
fn make(
    input: &PlanInput,
    rules: &Rules,
    now: UtcMs,
    before: Option<&Planned>,
) -> Result<Planned, PlanError> {
    if input.releases.is_empty() || input.machines.is_empty() {
        return Err(PlanError::Empty);
    }
    let releases = with_measured_runs(input);
    let mut approval = blank(input, releases, now);
    let (mut fitting, mut impossible) = fit::sort_out(input, &approval);
    let servers = order::Servers::among(input, &mut fitting, &mut impossible);
    let waves = order::waves(input, &servers, fitting);
    let (leaves, groups) = lay::lay(input, rules, &approval, &servers, waves, &mut impossible);
    impossible.sort_by_key(|one: &Impossible| one.machine);
    if leaves.is_empty() {
        return Err(PlanError::Impossible(impossible));
    }
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
    let approval = with_leaves(approval, &leaves);
    let mut known = Known {
        leaves: before.map_or(&[], |before| &before.leaves),
        bytes: before.map_or(&[], |before| &before.table.leaves),
        at: 0,
    };
    let (table, approval, leaves) =
        Table::build_with(approval, leaves, |leaf| known.bytes_of(leaf))?;
    approval.check().map_err(PlanError::Unsignable)?;
    Ok(Planned {
        table,
        approval,
        leaves,
        impossible,
    })
}

/// Leaves of an earlier plan with their bytes, walked in the order of machines.
struct Known<'a> {
    leaves: &'a [PlanLeaf],
    bytes: &'a [ByteBuf],
    at: usize,
}

impl Known<'_> {
    fn bytes_of(&mut self, leaf: &PlanLeaf) -> ByteBuf {
        let is_before = |known: &PlanLeaf| known.machine < leaf.machine;
        while self.leaves.get(self.at).is_some_and(is_before) {
            self.at += 1;
        }
        match (self.leaves.get(self.at), self.bytes.get(self.at)) {
            (Some(known), Some(bytes)) if known == leaf => bytes.clone(),
            _ => ByteBuf::from(leaf_bytes(leaf)),
        }
    }
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
