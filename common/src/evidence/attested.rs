//! Work by hand: what people recorded. No machine signed it, so nothing of it is proved; it
//! is shown apart from what is.

use super::documents::Documents;
use super::report::{Findings, Rule};
use crate::digest::Digest;
use crate::id::{JobId, Label, MachineId, Name};
use crate::job::{ProductVersion, State};
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};

/// A manual job, in the collector's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestedJob {
    /// The job.
    pub job: JobId,
    /// The machine; no key has its id.
    pub machine: MachineId,
    /// What people call it.
    pub name: Name,
    /// Its unit.
    pub unit: Name,
    /// Its approval, by digest.
    pub approval: Digest,
    /// Where it stands: `attested` at best, or back in service after that.
    pub outcome: State,
    /// What people recorded, first attempt first.
    pub records: Vec<AttestedWork>,
}

/// What a person recorded of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestedWork {
    /// Who recorded it, as the audit log names them.
    pub recorded_by: String,
    /// When.
    pub at: UtcMs,
    /// Who did the work, where it was somebody else.
    pub done_by: Option<Label>,
    /// Whether they say that the new version is there.
    pub succeeded: bool,
    /// Versions that were read before.
    pub before: Vec<ProductVersion>,
    /// Versions that were read afterwards.
    pub after: Vec<ProductVersion>,
    /// The number of the work order.
    pub work_order: Label,
    /// The digest of a photo that the collector keeps.
    pub photo: Option<Digest>,
}

/// What can be told of it: that its plan is there and was signed for this machine's id.
pub(super) fn verify(one: &AttestedJob, documents: &Documents<'_>, findings: &mut Findings) {
    if JobId::of(one.approval, one.machine) != one.job {
        let text = "machine or job are not those of the approval";
        findings.add(Rule::Identity, text);
    }
    if !documents.approvals.contains_key(&one.approval) {
        findings.add(Rule::Approval, "its approval is not in the pack");
    }
    if matches!(one.outcome, State::Verified) {
        let text = "work by hand is called verified, which only a measurement is";
        findings.add(Rule::Measurement, text);
    }
}
