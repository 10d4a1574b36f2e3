//! Documents that stop, and those that carefully allow: stop, lift, downgrade, handover.

use super::sign::Document;
use crate::digest::Digest;
use crate::id::{JobId, Label, MachineId, Name};
use crate::time::{Interval, UtcMs};
use serde::{Deserialize, Serialize};

/// Longest text of one of these documents; a downgrade may name a whole unit.
const MAX_BYTES: usize = 64 * 1024;

/// What a stop covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One plan, by the digest of its approval.
    Plan(Digest),
    /// One release, by the digest of its first artifact.
    Release(Digest),
    /// Everything from one vendor.
    Vendor(Name),
    /// Everything in one unit.
    Unit(Name),
    /// Everything.
    All,
}

/// Nothing within the scope starts. Signed by one approver or a go-key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// What it covers.
    pub scope: Scope,
    /// Why.
    pub reason: Label,
    /// When it was written.
    pub issued: UtcMs,
}

impl Document for Stop {
    const TYPE: &'static str = "patchward/stop.1";
    const MAX_BYTES: usize = 2_048;
}

/// Ends one stop. An approver's stop is lifted by the quorum of the machine's
/// class, a go-key's by a go-key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// The stop, by the digest of its payload.
    pub stop: Digest,
    /// Why.
    pub reason: Label,
    /// When it was written.
    pub issued: UtcMs,
}

impl Document for Lift {
    const TYPE: &'static str = "patchward/lift.1";
    const MAX_BYTES: usize = 2_048;
}

/// Lets named machines go back to an older release, once. Signed by two approvers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downgrade {
    /// The machines.
    pub machines: Vec<MachineId>,
    /// The product.
    pub product: Name,
    /// The version that is there.
    pub from: String,
    /// The older version.
    pub to: String,
    /// Why.
    pub reason: Label,
    /// When it was written.
    pub issued: UtcMs,
    /// From when on it allows nothing.
    pub expires: UtcMs,
}

impl Document for Downgrade {
    const TYPE: &'static str = "patchward/downgrade.1";
    const MAX_BYTES: usize = MAX_BYTES;
}

/// The unit hands an always-used machine over for one slot. Signed by an approver
/// or technician of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// The machine.
    pub machine: MachineId,
    /// The job.
    pub job: JobId,
    /// The slot; with its end the handover ends.
    pub slot: Interval,
    /// What the ward uses meanwhile.
    pub stand_in: Label,
    /// When it was written.
    pub issued: UtcMs,
}

impl Document for Handover {
    const TYPE: &'static str = "patchward/handover.1";
    const MAX_BYTES: usize = 2_048;
}
