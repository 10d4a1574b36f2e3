//! A plan as collector, signers and tests hand it to one another: the approval in
//! the bytes that are signed, every machine's leaf, and what the plan check needs to
//! judge them by.

mod authority;
pub mod check;
pub mod file;
mod stated;
mod table;

pub use authority::{ChainError, CharterChain, approvers, signatures_for_unit, signers};
pub use file::FileError;
pub use stated::{
    Confirmation, Duty, HaltOnModel, Limits, Precedence, Stated, StatedMember, Statement,
    StopInForce, Training, VendorAllows, VendorPolicy,
};
pub use table::{MAX_LEAF_BYTES, MAX_MACHINES, PlacedLeaf, Table, TableError, Tabled};

use crate::digest::Digest;
use crate::id::{MachineId, Name};
use crate::time::{Interval, UtcMs};
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::{Assignment, AssignmentLeaf};
use crate::trust::release::{Kind, ReleaseDescription};
use crate::trust::roster::Roster;
use crate::trust::sign::Signed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format of a plan's file.
pub const PLAN_FORMAT: &str = "patchward/plan-file.1";
/// The format of an assignment's file.
pub const ASSIGNMENT_FORMAT: &str = "patchward/assignment-file.1";
/// Largest file: 65,536 machines with 64 slots each, and their assignment.
pub const MAX_FILE_BYTES: usize = 160 * 1024 * 1024;

/// An assignment with all its rows.
pub type AssignmentFile = Table<Assignment>;

/// An assignment with its rows, as [`Table::read`] has found it whole.
pub type ReadAssignment = (Assignment, Vec<AssignmentLeaf>);

/// A plan as it was read: the document with its rows.
pub type ReadPlan = (Approval, Vec<PlanLeaf>);

impl AssignmentFile {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        file::to_bytes(ASSIGNMENT_FORMAT, self)
    }

    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        file::from_bytes(ASSIGNMENT_FORMAT, MAX_FILE_BYTES, bytes)
    }
}

/// A plan as it is handed to those who sign it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// The approval and its leaves.
    pub plan: Table<Approval>,
    /// What to judge it by.
    pub context: Context,
}

/// What the plan check judges a plan by. Documents in it are signed and verified;
/// the rest is what the collector says, and the check names it so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// When it was gathered.
    pub made: UtcMs,
    /// The hospital root and its charters.
    pub chain: CharterChain,
    /// The newest roster.
    pub roster: Signed<Roster>,
    /// The assignment, and later parts of it.
    pub assignments: Vec<AssignmentFile>,
    /// When work is allowed, per unit: windows less freezes, as UTC intervals.
    pub openings: BTreeMap<Name, Vec<Interval>>,
    /// Every other unexpired plan that touches the same groups.
    pub beside: Vec<Table<Approval>>,
    /// When each repository's metadata expires.
    pub metadata: BTreeMap<Name, UtcMs>,
    /// What the machines themselves reported.
    pub machines: Vec<MachineFacts>,
    /// The longest install measured here with its margin, in minutes, per product.
    pub measured_minutes: BTreeMap<Name, u32>,
    /// How long after the last first slot of a wave the next wave begins.
    pub soak_ms: i64,
    /// What people stated of the hospital. A file from before it was asked for has none,
    /// and the rules on it are not tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
}

/// What a machine reported of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineFacts {
    /// The machine.
    pub machine: MachineId,
    /// The interlock profile that it uses; `None` where it has none.
    pub interlock_profile: Option<Name>,
    /// `ID-VERSION_ID` of os-release.
    pub os: Option<String>,
    /// As `uname -m` writes it.
    pub architecture: Option<String>,
    /// The version of each product as measured; `absent` where it is not installed.
    pub versions: BTreeMap<Name, String>,
    /// Artifacts that its own failures have put in quarantine there, as far as its jobs tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<Digest>,
}

impl PlanFile {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        file::to_bytes(PLAN_FORMAT, self)
    }

    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        file::from_bytes(PLAN_FORMAT, MAX_FILE_BYTES, bytes)
    }
}

/// Whether a machine on which `measured` was found has this release: inventories know a
/// set of packages by the version of its first.
pub fn is_release(described: &ReleaseDescription, measured: &str) -> bool {
    let first = match &described.kind {
        Kind::Packages(set) => set.packages.first().map(|first| first.version.as_str()),
        Kind::Tree(_) | Kind::Recipe(_) => None,
    };
    described.version == measured || first == Some(measured)
}

/// Each machine's newest row over several assignments, with the position of the
/// assignment that it stands in.
pub fn newest_rows(
    tables: &[AssignmentFile],
) -> Result<BTreeMap<MachineId, (usize, AssignmentLeaf)>, TableError> {
    let mut read = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let (assignment, rows) = table.read()?;
        read.push((assignment.number, at, rows));
    }
    read.sort_by_key(|(number, ..)| *number);
    let rows = read
        .into_iter()
        .flat_map(|(_, at, rows)| rows.into_iter().map(move |row| (row.machine, (at, row))));
    Ok(rows.collect())
}

/// A wave as people count them, from 1; documents and tables count from 0.
pub fn wave_number(wave: impl Into<u32>) -> u32 {
    wave.into().saturating_add(1)
}

/// Builds the table of a plan. What follows from the leaves is written here: their
/// number and root, how many waves there are, and the expiry with the last slot.
pub fn build_approval(
    approval: Approval,
    leaves: Vec<PlanLeaf>,
) -> Result<Table<Approval>, TableError> {
    Table::build(with_leaves(approval, &leaves), leaves)
}

/// An approval with what follows from its leaves, but for their number and root.
pub fn with_leaves(mut approval: Approval, leaves: &[PlanLeaf]) -> Approval {
    let waves = leaves.iter().map(|leaf| leaf.wave).max();
    approval.waves = waves.map_or(0, |last| last.saturating_add(1));
    let ends = leaves.iter().flat_map(|leaf| &leaf.slots);
    if let Some(last) = ends.map(|slot| slot.end()).max() {
        approval.expires = last;
    }
    approval
}
