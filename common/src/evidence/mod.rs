//! Evidence: what proves the outcome of jobs to somebody who trusts nothing but the
//! fingerprint of the hospital root.
//!
//! A [`Pack`] carries every document in its signed bytes; [`verify`] reads it without
//! clock, network or database and says what it proves and what it does not. An [`Archive`]
//! holds the packs of a time with the audit log of it; [`verify_archive`] reads that.

mod archive;
mod attested;
mod authority;
mod documents;
mod job;
mod report;

pub use archive::{
    ARCHIVE_FORMAT, Archive, ArchiveFinding, ArchiveReport, MAX_ARCHIVE_BYTES, MAX_PACKS,
    NumberedPack, PackReport, Part, ROWS_PER_PART, verify_archive,
};
pub use attested::{AttestedJob, AttestedWork};
pub use report::{Finding, JobReport, Report, Rule, verify};

use crate::codec;
use crate::digest::Digest;
use crate::id::{JobId, MachineId, Name};
use crate::job::JobEvent;
use crate::plan::{CharterChain, FileError, file};
use crate::time::UtcMs;
use crate::trust::approval::Approval;
use crate::trust::assignment::Assignment;
use crate::trust::go::Go;
use crate::trust::placement::Proof;
use crate::trust::roster::Roster;
use crate::trust::sign::{PublicKey, Signed};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The format of a pack's file.
pub const PACK_FORMAT: &str = "patchward/evidence.1";
/// Largest pack: a release on ten thousand machines with their events.
pub const MAX_PACK_BYTES: usize = 256 * 1024 * 1024;
/// Most jobs of one pack.
pub const MAX_JOBS: usize = 65_536;
/// Most events of one job's stretch of a journal.
pub const MAX_EVENTS: usize = 10_000;

/// Everything that proves the outcome of some jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// When it was made, by the collector's clock.
    pub made: UtcMs,
    /// Head of the collector's audit log then.
    pub audit_head: Digest,
    /// The hospital root and every charter.
    pub chain: CharterChain,
    /// Every roster that a start names.
    pub rosters: Vec<Signed<Roster>>,
    /// Every assignment that a start names.
    pub assignments: Vec<Signed<Assignment>>,
    /// The approvals, with all their signatures.
    pub approvals: Vec<Signed<Approval>>,
    /// The go of each start.
    pub gos: Vec<Signed<Go>>,
    /// Which vendor metadata was in force.
    pub metadata: Vec<MetadataDigest>,
    /// The jobs.
    pub jobs: Vec<JobEvidence>,
    /// Work by hand, which nothing proves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attested: Vec<AttestedJob>,
}

/// A role file of a vendor's repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataDigest {
    /// The repository.
    pub repository: Name,
    /// The file.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// What proves one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobEvidence {
    /// The job.
    pub job: JobId,
    /// The machine.
    pub machine: MachineId,
    /// The machine's key; its id follows from it.
    pub key: PublicKey,
    /// Its approval, by digest.
    pub approval: Digest,
    /// Its leaf of the plan.
    pub leaf: ProvedLeaf,
    /// The assignment, by digest.
    pub assignment: Digest,
    /// Its row of the assignment.
    pub row: ProvedLeaf,
    /// The machine's journal from the job's first event to its last, without gaps:
    /// events of other jobs that lie between belong to it.
    pub events: Vec<Signed<JobEvent>>,
}

/// A leaf and its way to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvedLeaf {
    /// The leaf's exact bytes.
    pub bytes: ByteBuf,
    /// Its proof.
    pub proof: Proof,
}

impl Pack {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        file::to_bytes(PACK_FORMAT, self)
    }

    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        file::from_bytes(PACK_FORMAT, MAX_PACK_BYTES, bytes)
    }

    /// The digest of what it tells of its jobs, whenever it was made: the same jobs in the same
    /// states have the same. A paper that names it belongs to the pack.
    pub fn content(&self) -> Digest {
        Digest::of(&codec::encode(&(&self.jobs, &self.attested)))
    }
}

#[cfg(test)]
mod tests;
