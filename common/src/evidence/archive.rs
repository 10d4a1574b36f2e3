//! An archive: the evidence of a time with the audit log of it, in one file that is kept for
//! years and verifies alone.
//!
//! Its packs prove jobs, as every pack does. Its stretch of the audit log says what else was
//! decided, row upon row, and which jobs ended: an archive that lacks one of them shows.

mod log;

use super::report::Report;
use super::{MAX_PACK_BYTES, Pack, verify};
use crate::audit::Head;
use crate::digest::Digest;
use crate::id::JobId;
use crate::plan::{CharterChain, FileError, file};
use crate::time::UtcMs;
use crate::trust::roster::Roster;
use crate::trust::sign::{PublicKey, Signed};
use log::Log;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;

pub use log::ROWS_PER_PART;

/// The format of an archive's file.
pub const ARCHIVE_FORMAT: &str = "patchward/evidence-archive.1";
/// Largest archive: what is read into memory at once, as with a pack.
pub const MAX_ARCHIVE_BYTES: usize = MAX_PACK_BYTES;
/// Most packs of an archive: of one job each they would be far more than fit into its bytes.
pub const MAX_PACKS: usize = 4_096;
/// Most findings that are told: who reads them has understood before.
const MAX_FINDINGS: usize = 1_000;

/// The evidence of a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// When it was made, by the collector's clock.
    pub made: UtcMs,
    /// It has the jobs that ended from then on; from the first on without it.
    pub from: Option<UtcMs>,
    /// It has the jobs that had ended before then, and have not moved since.
    pub until: UtcMs,
    /// The audit log before its first row here.
    pub before: Head,
    /// The audit log as the archive was made: its last row here.
    pub head: Head,
    /// The rows between them, in parts: each a CBOR list of [`crate::audit::AuditRow`].
    pub audit: Vec<ByteBuf>,
    /// The hospital root and every charter.
    pub chain: CharterChain,
    /// Every roster: who the people of the log are.
    pub rosters: Vec<Signed<Roster>>,
    /// The packs, in the order of their numbers.
    pub packs: Vec<NumberedPack>,
}

/// A pack of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberedPack {
    /// Its number, from 1.
    pub number: u32,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// How many jobs it has.
    pub jobs: u64,
    /// The pack's file.
    pub bytes: ByteBuf,
}

/// What the reader of an archive found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchiveReport {
    /// The archive's hospital root.
    pub root: Digest,
    /// When it was made.
    pub made: UtcMs,
    /// From when on it has the jobs that ended.
    pub from: Option<UtcMs>,
    /// Until when.
    pub until: UtcMs,
    /// The audit log before its first row here.
    pub before: Head,
    /// The audit log's last row here.
    pub head: Head,
    /// How many rows of the log it has.
    pub audit_rows: u64,
    /// What each pack proves.
    pub packs: Vec<PackReport>,
    /// What is not as it should be. Empty means that the archive holds what it says.
    pub findings: Vec<ArchiveFinding>,
}

/// What one pack of an archive proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackReport {
    /// Its number.
    pub number: u32,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// What it proves; `None` where it could not be read.
    pub report: Option<Report>,
}

/// Something that an archive does not hold as it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchiveFinding {
    /// What part of it.
    pub part: Part,
    /// The pack, where it is about one.
    pub pack: Option<u32>,
    /// The job, where it is about one.
    pub job: Option<JobId>,
    /// What is wrong, for people.
    pub text: String,
}

/// Parts of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The root, the charters and the rosters.
    Authority,
    /// The stretch of the audit log.
    Audit,
    /// A pack, or which packs there are.
    Pack,
}

impl Archive {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        file::to_bytes(ARCHIVE_FORMAT, self)
    }

    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        file::from_bytes(ARCHIVE_FORMAT, MAX_ARCHIVE_BYTES, bytes)
    }
}

/// Collects what is found.
struct Found(Vec<ArchiveFinding>);

impl Found {
    fn add(&mut self, part: Part, pack: Option<u32>, text: impl Into<String>) {
        self.about(part, pack, None, text);
    }

    fn about(
        &mut self,
        part: Part,
        pack: Option<u32>,
        job: Option<JobId>,
        text: impl Into<String>,
    ) {
        if self.0.len() < MAX_FINDINGS {
            let text = text.into();
            self.0.push(ArchiveFinding {
                part,
                pack,
                job,
                text,
            });
        }
    }
}

/// Reads an archive against the fingerprint of the hospital root.
pub fn verify_archive(archive: &Archive, root: Digest) -> ArchiveReport {
    let mut found = Found(Vec::new());
    authority(archive, root, &mut found);
    let log = Log::follow(archive, &mut found);
    let mut packs = Vec::new();
    let mut jobs: BTreeSet<JobId> = BTreeSet::new();
    if archive.packs.len() > MAX_PACKS {
        let text = format!("it has more than {MAX_PACKS} packs");
        found.add(Part::Pack, None, text);
    }
    for (expected, one) in (1u32..).zip(archive.packs.iter().take(MAX_PACKS)) {
        if one.number != expected {
            let text = format!(
                "pack {} stands where pack {expected} belongs: one is missing, or they were \
                 moved",
                one.number
            );
            found.add(Part::Pack, Some(one.number), text);
        }
        packs.push(pack(archive, one, root, &mut jobs, &mut found));
    }
    for job in log.ended.difference(&jobs) {
        let text = "the audit log says that it ended in this time, and no pack has it";
        found.about(Part::Pack, None, Some(*job), text);
    }
    ArchiveReport {
        root: archive.chain.root.fingerprint(),
        made: archive.made,
        from: archive.from,
        until: archive.until,
        before: archive.before,
        head: archive.head,
        audit_rows: log.rows,
        packs,
        findings: found.0,
    }
}

/// Root, charters and rosters.
fn authority(archive: &Archive, root: Digest, found: &mut Found) {
    let own = archive.chain.root.fingerprint();
    if own != root {
        let text = format!("the archive stands under hospital root {own}, not under {root}");
        found.add(Part::Authority, None, text);
    }
    let charters = match archive.chain.all() {
        Ok(charters) => charters,
        Err(error) => return found.add(Part::Authority, None, error.to_string()),
    };
    let registrars: Vec<PublicKey> = charters
        .iter()
        .flat_map(|charter| charter.registrars.iter().map(|one| one.key))
        .collect();
    for roster in &archive.rosters {
        if let Err(error) = roster.verify(&registrars) {
            let text = format!("roster {}: {error}", roster.digest());
            found.add(Part::Authority, None, text);
        }
    }
}

/// One pack: it is the one that the archive names, it was made with the archive, and what it
/// proves.
fn pack(
    archive: &Archive,
    one: &NumberedPack,
    root: Digest,
    jobs: &mut BTreeSet<JobId>,
    found: &mut Found,
) -> PackReport {
    let mut say = |job, text: String| found.about(Part::Pack, Some(one.number), job, text);
    if Digest::of(&one.bytes) != one.sha256 {
        let text = "its bytes are not those that the archive names by their digest";
        say(None, text.to_owned());
    }
    let report = match Pack::from_bytes(&one.bytes) {
        Ok(pack) => Some(verify(&pack, root)),
        Err(error) => {
            say(None, error.to_string());
            None
        }
    };
    if let Some(report) = &report {
        if report.made != archive.made || report.audit_head != archive.head.hash {
            let text = format!(
                "it was made at {} with the audit log at {}: it is another archive's",
                report.made, report.audit_head
            );
            say(None, text);
        }
        if (report.jobs.len() + report.attested.len()) as u64 != one.jobs {
            say(None, format!("it has not {} jobs", one.jobs));
        }
        let measured = report.jobs.iter().map(|job| job.job);
        for job in measured.chain(report.attested.iter().map(|job| job.job)) {
            if !jobs.insert(job) {
                say(Some(job), "it stands in two packs".to_owned());
            }
        }
        for finding in &report.findings {
            say(finding.job, finding.text.clone());
        }
    }
    PackReport {
        number: one.number,
        sha256: one.sha256,
        report,
    }
}

#[cfg(test)]
mod tests;
