//! The approval: a plan, signed. Its bytes are what the installer checks.

use super::release::{ArtifactRef, MAX_RUN_MINUTES, Provenance, Reboot, ReleaseDescription};
use super::roster::Class;
use super::sign::Document;
use crate::digest::Digest;
use crate::id::{Label, MachineId, Name};
use crate::time::{DAY_MS, Interval, MINUTE_MS, UtcMs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most releases of one approval.
pub const MAX_RELEASES: usize = 16;
/// Most coverage groups of one approval: those of a whole hospital.
pub const MAX_PLAN_GROUPS: usize = 1_024;
/// Most approvals beside one, and most digests that one clears from quarantine.
pub const MAX_DIGESTS: usize = 256;
/// Most freezes that an emergency overrides.
pub const MAX_FREEZES: usize = 64;
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
    /// What is wrong with it, whoever signed it.
    pub fn check(&self) -> Result<(), &'static str> {
        let say = |holds: bool, problem| if holds { Ok(()) } else { Err(problem) };
        say(
            (1..=MAX_RELEASES).contains(&self.releases.len()),
            "it names no release, or too many",
        )?;
        self.releases.iter().try_for_each(ApprovedRelease::check)?;
        // A product that stands twice goes up: the first is the second's stepping stone.
        let mut counters = BTreeMap::new();
        for described in self.releases.iter().map(|release| &release.release) {
            let before = counters.insert(&described.product, described.counter);
            say(
                before.is_none_or(|before| before < described.counter),
                "a product's releases are not in the order of their counters",
            )?;
        }
        say(
            self.machines > 0 && self.waves > 0,
            "it names no machine or no wave",
        )?;
        let groups: BTreeSet<_> = self.groups.iter().map(|minimum| &minimum.group).collect();
        say(
            self.groups.len() <= MAX_PLAN_GROUPS
                && groups.len() == self.groups.len()
                && self.groups.iter().all(|g| g.minimum_ready <= g.size),
            "its coverage groups are too many, twice there, or smaller than their minimum",
        )?;
        say(
            self.beside.len() <= MAX_DIGESTS && self.clears.len() <= MAX_DIGESTS,
            "too many approvals stand beside it, or it clears too many digests",
        )?;
        let freezes = self.emergency.as_ref().map_or(0, |e| e.freezes.len());
        say(freezes <= MAX_FREEZES, "it overrides too many freezes")
    }

    /// The longest that one job may take: install and recovery of every release, and the
    /// one restart at its end. What a slot must still have before its end when a job starts.
    pub fn longest_run_ms(&self) -> i64 {
        let restarts = |release: &ApprovedRelease| release.release.reboot == Reboot::Machine;
        let restart = match self.releases.iter().any(restarts) {
            true => REBOOT_ALLOWANCE_MS,
            false => 0,
        };
        let worked = self.install_ms().saturating_add(self.recovery_ms());
        worked.saturating_add(restart)
    }

    /// Longest install of all releases together, in milliseconds.
    pub fn install_ms(&self) -> i64 {
        self.together_ms(|release| release.install_minutes)
    }

    /// Longest way back of all releases together, in milliseconds.
    pub fn recovery_ms(&self) -> i64 {
        self.together_ms(|release| release.recovery_minutes)
    }

    fn together_ms(&self, minutes: impl Fn(&ApprovedRelease) -> u32) -> i64 {
        let each = self.releases.iter().map(minutes);
        each.map(|minutes| i64::from(minutes) * MINUTE_MS)
            .fold(0, i64::saturating_add)
    }

    /// Every artifact that must lie on the machine before the start.
    pub fn artifacts(&self) -> impl Iterator<Item = &ArtifactRef> {
        self.releases.iter().flat_map(ApprovedRelease::artifacts)
    }
}

impl Rollback {
    /// The release that it installs again, where there is one.
    pub fn release(&self) -> Option<&ReleaseDescription> {
        match self {
            Self::None => None,
            Self::Release(back) => Some(&back.release),
        }
    }
}

impl ApprovedRelease {
    /// All that it may install: the release, and the one of its rollback.
    pub fn described(&self) -> impl Iterator<Item = &ReleaseDescription> {
        std::iter::once(&self.release).chain(self.rollback.release())
    }

    /// Every artifact of what it may install.
    pub fn artifacts(&self) -> impl Iterator<Item = &ArtifactRef> {
        self.described().flat_map(|described| &described.artifacts)
    }

    fn check(&self) -> Result<(), &'static str> {
        self.release.check()?;
        let named = (self.path.as_str(), self.sha256, self.length);
        let first = self.release.artifacts.first();
        if first.map(|first| (first.path.as_str(), first.sha256, first.length)) != Some(named) {
            return Err("a release's first artifact is not the one named");
        }
        if self.install_minutes < self.release.install_minutes
            || self.recovery_minutes < self.release.recovery_minutes
        {
            return Err("a release gets less time than its vendor declares");
        }
        if self.install_minutes > MAX_RUN_MINUTES || self.recovery_minutes > MAX_RUN_MINUTES {
            return Err("a release takes longer than a day");
        }
        let Rollback::Release(back) = &self.rollback else {
            return Ok(());
        };
        back.release.check()?;
        if back.release.artifacts.first().map(|first| &first.path) != Some(&back.path) {
            return Err("a rollback's first artifact is not the one named");
        }
        if back.release.product != self.release.product
            || back.release.version == self.release.version
        {
            return Err("a rollback is not another release of the same product");
        }
        Ok(())
    }
}
