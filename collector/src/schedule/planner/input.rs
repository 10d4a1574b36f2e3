//! What a plan is made from.

use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::plan::{MachineFacts, Stated};
use patchward_common::time::{DAY_MS, Interval, UtcMs};
use patchward_common::trust::approval::{Approval, ApprovedRelease, Emergency, PlanLeaf};
use patchward_common::trust::assignment::AssignmentLeaf;
use std::collections::BTreeMap;

/// What a plan is made from.
#[derive(Clone, Debug)]
pub struct PlanInput {
    /// What people call it.
    pub title: Label,
    /// The releases, in the order of their install.
    pub releases: Vec<ApprovedRelease>,
    /// The machines that were asked for.
    pub machines: Vec<Candidate>,
    /// Those that are left as they are on purpose, and until when.
    pub excepted: BTreeMap<MachineId, UtcMs>,
    /// Allowed time per unit: windows less freezes.
    pub allowed: BTreeMap<Name, Vec<Interval>>,
    /// What freezes take of the windows of a unit; only where they take of them.
    pub frozen: BTreeMap<Name, Frozen>,
    /// The coverage groups of these machines.
    pub groups: BTreeMap<Name, GroupRule>,
    /// Every other unexpired plan.
    pub beside: Vec<Standing>,
    /// The groups of machines in plans beside this one, by their newest signed row: an
    /// older plan may know them otherwise.
    pub placed: BTreeMap<MachineId, Vec<Name>>,
    /// The longest install measured here with its margin, in minutes, per product.
    pub measured_minutes: BTreeMap<Name, u32>,
    /// What people stated: sites and their limits, servers and their workstations.
    pub stated: Stated,
    /// How waves and slots are laid.
    pub policy: Policy,
    /// Digests to clear from quarantine.
    pub clears: Vec<Digest>,
    /// What makes it an emergency.
    pub emergency: Option<Emergency>,
}

/// What freezes take of a unit's windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The longest opening that there would be without them.
    pub longest_ms: i64,
    /// Which they are.
    pub by: Vec<Label>,
}

/// A machine that was asked for.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its signed row.
    pub row: AssignmentLeaf,
    /// What it reported.
    pub facts: MachineFacts,
}

/// A coverage group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// How many machines are assigned to it.
    pub size: u32,
    /// How many of them must stay ready.
    pub minimum_ready: u32,
}

/// Another plan that stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The digest of its approval.
    pub digest: Digest,
    /// The approval.
    pub approval: Approval,
    /// Its leaves.
    pub leaves: Vec<PlanLeaf>,
}

/// How waves and slots are laid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Machines of the first wave.
    pub canaries: u32,
    /// Each wave is so many times as large as the one before.
    pub growth: u32,
    /// From the last first slot of a wave to the first of the next. At least as long
    /// as one job may take, or a failure comes too late to halt the next wave.
    pub soak_ms: i64,
    /// Slots beside the first, each in a later opening, or half a day later where an
    /// opening is longer.
    pub spare_slots: u32,
    /// How many failures halt it.
    pub failure_limit: u32,
    /// How far ahead slots may lie; at most 100 days.
    pub horizon_ms: i64,
    /// Time to sign before the first slot.
    pub lead_ms: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            canaries: 1,
            growth: 4,
            soak_ms: 2 * DAY_MS,
            spare_slots: 3,
            failure_limit: 1,
            horizon_ms: 60 * DAY_MS,
            lead_ms: 0,
        }
    }
}
