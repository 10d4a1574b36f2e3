//! What a pack proves, and what it does not.

use super::documents::Documents;
use super::{AttestedJob, MAX_JOBS, MetadataDigest, Pack, attested, job};
use crate::digest::Digest;
use crate::id::{JobId, Label, MachineId, Name};
use crate::job::{ProductVersion, State};
use crate::time::{Interval, UtcMs};
use crate::trust::roster::Class;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a finding breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The pack stands under the root that the reader knows.
    Root,
    /// Each charter follows from the root.
    Charter,
    /// A registrar of the charter signed the roster, which was in date at the start.
    Roster,
    /// The pack is of a size that can be read, and names each job once.
    Size,
    /// The machine's id follows from its key, the job's from approval and machine.
    Identity,
    /// The approval is there, whole and in date at the start.
    Approval,
    /// Enough approvers of the unit had signed the plan.
    ApprovalQuorum,
    /// The assignment is there and has the machine's row.
    Assignment,
    /// Enough approvers of the unit had signed the assignment.
    AssignmentQuorum,
    /// The plan's leaf is the machine's, and equals its row.
    Placement,
    /// The machine was assigned the mode for what it did.
    Mode,
    /// The job started inside one of its slots, with the longest run before its end.
    Slot,
    /// The machine was idle as it started.
    Interlock,
    /// A collector's go-key said go for this machine, job and boot, once.
    Go,
    /// The machine's key signed every event.
    EventSignature,
    /// No event is missing, added or moved.
    EventChain,
    /// Each event follows from the state before it.
    Transition,
    /// What was measured is what the outcome says.
    Measurement,
}

/// Something that the pack does not prove.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The job; `None` for the pack as a whole.
    pub job: Option<JobId>,
    /// What it breaks.
    pub rule: Rule,
    /// What is wrong, for people.
    pub text: String,
}

/// What the reader found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The pack's hospital root.
    pub root: Digest,
    /// When the pack was made.
    pub made: UtcMs,
    /// Head of the audit log then.
    pub audit_head: Digest,
    /// The digest of what it tells of its jobs, as papers about it name it.
    pub content: Digest,
    /// Every job.
    pub jobs: Vec<JobReport>,
    /// Work by hand, as people recorded it: a person's word.
    pub attested: Vec<AttestedJob>,
    /// Which vendor metadata the collector says was in force.
    pub metadata: Vec<MetadataDigest>,
    /// What is not proved. Empty means that everything above is.
    pub findings: Vec<Finding>,
}

/// One job as its events tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobReport {
    /// The job.
    pub job: JobId,
    /// The machine.
    pub machine: MachineId,
    /// What people call it.
    pub name: Option<Label>,
    /// Its unit.
    pub unit: Option<Name>,
    /// Its class.
    pub class: Option<Class>,
    /// The plan's title.
    pub plan: Option<Label>,
    /// Who signed the plan and counts for this machine.
    pub approved_by: Vec<Label>,
    /// When it started.
    pub started: Option<UtcMs>,
    /// In which slot.
    pub slot: Option<Interval>,
    /// What the interlock said at the start.
    pub interlock: Option<String>,
    /// Versions measured before.
    pub before: Vec<ProductVersion>,
    /// Versions measured afterwards.
    pub after: Vec<ProductVersion>,
    /// When its last event was.
    pub ended: Option<UtcMs>,
    /// Where it stands by its events.
    pub outcome: State,
    /// Whether no finding is about it or about the pack.
    pub proved: bool,
}

/// Collects findings about one job, or about the pack.
pub(super) struct Findings {
    pub(super) job: Option<JobId>,
    pub(super) found: Vec<Finding>,
}

impl Findings {
    pub(super) fn add(&mut self, rule: Rule, text: impl Into<String>) {
        self.found.push(Finding {
            job: self.job,
            rule,
            text: text.into(),
        });
    }
}

/// Reads a pack against the fingerprint of the hospital root.
pub fn verify(pack: &Pack, root: Digest) -> Report {
    let mut findings = Findings {
        job: None,
        found: Vec::new(),
    };
    let own = pack.chain.root.fingerprint();
    if own != root {
        let text = format!("the pack stands under hospital root {own}, not under {root}");
        findings.add(Rule::Root, text);
    }
    let by_hand = pack.attested.iter().map(|job| job.job);
    let different: BTreeSet<JobId> = pack.jobs.iter().map(|j| j.job).chain(by_hand).collect();
    let jobs = pack.jobs.len() + pack.attested.len();
    if different.len() != jobs || jobs > MAX_JOBS {
        let text = "it names a job twice, or more jobs than a pack may have";
        findings.add(Rule::Size, text);
    }
    let documents = Documents::read(pack, &mut findings);
    let of_pack = findings.found.is_empty();
    let mut jobs = Vec::new();
    for evidence in pack.jobs.iter().take(MAX_JOBS) {
        findings.job = Some(evidence.job);
        let before = findings.found.len();
        let mut report = job::verify(evidence, &documents, &mut findings);
        report.proved = of_pack && findings.found.len() == before;
        jobs.push(report);
    }
    for one in pack.attested.iter().take(MAX_JOBS) {
        findings.job = Some(one.job);
        attested::verify(one, &documents, &mut findings);
    }
    Report {
        root: own,
        made: pack.made,
        audit_head: pack.audit_head,
        content: pack.content(),
        jobs,
        attested: pack.attested.iter().take(MAX_JOBS).cloned().collect(),
        metadata: pack.metadata.clone(),
        findings: findings.found,
    }
}
