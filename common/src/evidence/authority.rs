//! Who had to say yes before a job started, and whether they had.

use super::JobEvidence;
use super::documents::Documents;
use super::report::{Findings, Rule};
use crate::id::{Label, Name};
use crate::job::Start;
use crate::time::UtcMs;
use crate::trust::approval::Approval;
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::go::CLOCK_BOUND_MS;
use crate::trust::roster::{Quorum, Roster, SigningRole};
use crate::trust::sign::{Document, Signed, Verified};
use std::collections::BTreeSet;

/// Who had to say yes to one start.
pub(super) struct Authority<'a> {
    pub(super) evidence: &'a JobEvidence,
    pub(super) documents: &'a Documents<'a>,
    pub(super) row: &'a AssignmentLeaf,
    pub(super) start: &'a Start,
    pub(super) at: UtcMs,
}

impl Authority<'_> {
    /// Gives back the names of those who approved.
    pub(super) fn verify(&self, approval: &Approval, findings: &mut Findings) -> Vec<Label> {
        let start = self.start;
        let roster = match self.documents.roster(start.roster, start.charter, self.at) {
            Ok(roster) => roster,
            Err(problem) => {
                findings.add(Rule::Roster, problem);
                return Vec::new();
            }
        };
        self.go(&roster, findings);
        let quorum = roster.quorum(self.row.class);
        if start.assignment != self.evidence.assignment {
            let text = "the start names another assignment than the pack proves";
            findings.add(Rule::Assignment, text);
        }
        if let Some((signed, _)) = self.documents.assignments.get(&self.evidence.assignment) {
            let word = "the assignment";
            self.enough(
                signed,
                &roster,
                quorum,
                Rule::AssignmentQuorum,
                word,
                findings,
            );
        }
        let Some((signed, _)) = self.documents.approvals.get(&self.evidence.approval) else {
            return Vec::new();
        };
        let people = if approval.emergency.is_some() {
            quorum.people.max(2)
        } else {
            quorum.people
        };
        let quorum = Quorum { people, ..quorum };
        let word = "the plan";
        let by = self.enough(
            signed,
            &roster,
            quorum,
            Rule::ApprovalQuorum,
            word,
            findings,
        );
        let keys = self.documents.signers(signed, &roster, self.at);
        if !start.approved_by.iter().all(|key| keys.contains(key)) {
            let text = "the start names approvers who did not sign the plan";
            findings.add(Rule::ApprovalQuorum, text);
        }
        let people = roster
            .people
            .iter()
            .filter(|person| by.contains(&person.id));
        people.map(|person| person.name.clone()).collect()
    }

    /// Whether enough approvers of the unit signed, as of the start.
    fn enough<T: Document>(
        &self,
        signed: &Signed<T>,
        roster: &Verified<Roster>,
        quorum: Quorum,
        rule: Rule,
        word: &str,
        findings: &mut Findings,
    ) -> BTreeSet<Name> {
        let keys = self.documents.signers(signed, roster, self.at);
        let units = [&self.row.unit];
        let by = roster.endorsement(&keys, &[SigningRole::Approver], &units, self.at);
        if !by.meets(quorum) {
            let text = format!(
                "{word} was signed by {} of {} approvers ({} of {} with a file key)",
                by.people().len(),
                quorum.people,
                by.with_file_key().len(),
                quorum.with_file_key
            );
            findings.add(rule, text);
        }
        by.people().clone()
    }

    fn go(&self, roster: &Roster, findings: &mut Findings) {
        let start = self.start;
        let Some(signed) = self.documents.gos.get(&start.go) else {
            let text = format!("the pack has no go {}", start.go);
            return findings.add(Rule::Go, text);
        };
        let Ok(go) = signed.verify(&roster.live_go_keys(self.at)) else {
            let text = "no go-key of the roster signed the go";
            return findings.add(Rule::Go, text);
        };
        let same = go.machine == self.evidence.machine
            && go.job == self.evidence.job
            && go.boot == start.boot;
        let apart_ms = self.at.since_ms(go.clock).saturating_abs();
        if !same || apart_ms > CLOCK_BOUND_MS {
            let text = "the go is for another machine, job, boot or time";
            findings.add(Rule::Go, text);
        }
    }
}
