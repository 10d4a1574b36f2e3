//! The approval: a plan, signed. Its bytes are what the installer checks.

use super::release::{Provenance, ReleaseDescription};
use super::roster::Class;
use super::sign::Document;
use crate::digest::Digest;
use crate::id::{Label, MachineId, Name};
use crate::time::{DAY_MS, Interval, MINUTE_MS, UtcMs};
use serde::{Deserialize, Serialize};

/// Most releases of one approval.
pub const MAX_RELEASES: usize = 16;
/// Most slots of one machine: a nightly window for two months.
pub const MAX_SLOTS: usize = 64;
/// Longest life of an approval: a quarter's monthly windows and some spare.
pub const MAX_APPROVAL_LIFE_MS: i64 = 100 * DAY_MS;
/// What a slot must have beside install, recovery and reboot: asking for go, hashing
/// again, and two clocks that may each be two minutes off.
pub const START_ALLOWANCE_MS: i64 = 15 * MINUTE_MS;
/// How long a machine's restart is reckoned to take.
pub const REBOOT_ALLOWANCE_MS: i64 = 10 * MINUTE_MS;

/// A rollout, written out in full and signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What people call it.
    pub title: Label,
    /// When it was written.
    pub issued: UtcMs,
    /// With its last slot, at most [`MAX_APPROVAL_LIFE_MS`] after `issued`.
    pub expires: UtcMs,
    /// The releases in the order of their install.
    pub releases: Vec<ApprovedRelease>,
    /// How many waves the leaves have. A `life_support` machine accepts 1 only.
    pub waves: u16,
    /// How many machines it names.
    pub machines: u64,
    /// The Merkle root over the leaves, sorted and unique by machine.
    pub root: Digest,
    /// The coverage groups that it touches.
    pub groups: Vec<GroupMinimum>,
    /// Every other unexpired approval that touches one of these groups.
    pub beside: Vec<Digest>,
    /// How many failed or rolled-back machines halt it.
    pub failure_limit: u32,
    /// Digests that it clears from quarantine.
    pub clears: Vec<Digest>,
    /// What makes it an emergency.
    pub emergency: Option<Emergency>,
}

impl Document for Approval {
    const TYPE: &'static str = "patchward/approval.1";
    const MAX_BYTES: usize = 512 * 1024;
}

/// One release as approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedRelease {
    /// The TUF repository.
    pub repository: Name,
    /// The target path of its first artifact.
    pub path: String,
    /// SHA-256 of that artifact.
    pub sha256: Digest,
    /// Its length in bytes.
    pub length: u64,
    /// Who vouches for it.
    pub provenance: Provenance,
    /// What it is and does; equal to the target's `custom.patchward` where the
    /// repository has one.
    pub release: ReleaseDescription,
    /// Longest install in minutes: the declared one, or longer as measured here.
    pub install_minutes: u32,
    /// Longest recovery in minutes.
    pub recovery_minutes: u32,
    /// What a rollback installs again.
    pub rollback: Rollback,
}

/// What a rollback installs again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollback {
    /// Nothing: the way back is the kind's own, or there is none.
    None,
    /// An earlier release, whose artifacts are staged before the start.
    Release(Box<RollbackRelease>),
}

/// The earlier release to which a rollback returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRelease {
    /// The target path of its first artifact, in the same repository.
    pub path: String,
    /// What it is.
    pub release: ReleaseDescription,
}

/// A coverage group's rule, as signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMinimum {
    /// The group.
    pub group: Name,
    /// How many machines stand in for one another.
    pub size: u32,
    /// How many of them must stay ready.
    pub minimum_ready: u32,
}

/// Why this cannot wait, and what it overrides. Signed by two whatever the class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// The reason.
    pub reason: Label,
    /// The freezes that it overrides.
    pub freezes: Vec<Label>,
}

/// One machine's part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanLeaf {
    /// The machine.
    pub machine: MachineId,
    /// Its unit when the plan was made.
    pub unit: Name,
    /// Its class when the plan was made.
    pub class: Class,
    /// Its groups when the plan was made, sorted.
    pub groups: Vec<Name>,
    /// Its wave, from 0.
    pub wave: u16,
    /// When it may be worked on: sorted, apart, at most [`MAX_SLOTS`].
    pub slots: Vec<Interval>,
}

impl Approval {
    /// The longest that one job may take: install, recovery and restart of every
    /// release. What a slot must still have before its end when a job starts.
    pub fn longest_run_ms(&self) -> i64 {
        let minutes = self
            .releases
            .iter()
            .map(|r| i64::from(r.install_minutes) + i64::from(r.recovery_minutes))
            .sum::<i64>();
        let reboots = self
            .releases
            .iter()
            .any(|r| r.release.reboot == super::release::Reboot::Machine);
        minutes * MINUTE_MS + if reboots { REBOOT_ALLOWANCE_MS } else { 0 }
    }

    /// Every artifact that must lie on the machine before the start.
    pub fn artifacts(&self) -> impl Iterator<Item = &super::release::ArtifactRef> {
        self.releases.iter().flat_map(|release| {
            let back = match &release.rollback {
                Rollback::None => &[][..],
                Rollback::Release(back) => &back.release.artifacts,
            };
            release.release.artifacts.iter().chain(back)
        })
    }
}
