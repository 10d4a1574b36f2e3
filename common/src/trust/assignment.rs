//! The assignment: what each machine is, where it stands and how far we may go.

use super::roster::{Class, Quorum, Roster};
use super::sign::Document;
use crate::digest::Digest;
use crate::id::{Label, MachineId, Name};
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};

/// Most coverage groups of one machine.
pub const MAX_GROUPS: usize = 8;

/// One table of machines, or a later part of it, under a Merkle root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Each assignment is higher than the one before; a machine keeps the newest
    /// that has a row for it.
    pub number: u64,
    /// When it was written.
    pub issued: UtcMs,
    /// How many rows it has.
    pub machines: u64,
    /// The Merkle root over the rows, sorted and unique by machine.
    pub root: Digest,
}

impl Document for Assignment {
    const TYPE: &'static str = "patchward/assignment.1";
    const MAX_BYTES: usize = 1_024;
}

/// One machine's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentLeaf {
    /// The machine.
    pub machine: MachineId,
    /// What people call it.
    pub name: Label,
    /// Its care area.
    pub unit: Name,
    /// Its class.
    pub class: Class,
    /// Its coverage groups, sorted.
    pub groups: Vec<Name>,
    /// Its model, for validation and interlock profiles.
    pub model: Name,
    /// How far we may go on it.
    pub mode: Mode,
}

impl AssignmentLeaf {
    /// What is wrong with it, whoever signed it.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.groups.len() > MAX_GROUPS || !self.groups.is_sorted_by(|a, b| a < b) {
            return Err("its groups are not sorted, not unique or too many");
        }
        Ok(())
    }

    /// Who must sign it for a machine that stood as `before` until now: approvers of both
    /// units, as many as the higher of both classes asks for. A machine without a place
    /// counts as `life_support`, so that nobody makes one `standard` by himself.
    pub fn must_sign<'a>(
        &'a self,
        before: Option<&'a Self>,
        roster: &Roster,
    ) -> (Vec<&'a Name>, Quorum) {
        let class = before.map_or(Class::LifeSupport, |old| old.class);
        let old = before.map(|old| &old.unit).filter(|old| **old != self.unit);
        let units = old.into_iter().chain([&self.unit]).collect();
        (units, roster.quorum(class.max(self.class)))
    }
}

/// How far we may go on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Report only.
    Observe,
    /// All but the install.
    Rehearse,
    /// Install.
    Active,
    /// It has no agent, or none that may install: people do the work, and record it.
    Manual,
}

impl Mode {
    /// The word for it in tables and commands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Rehearse => "rehearse",
            Self::Active => "active",
            Self::Manual => "manual",
        }
    }
}
