//! One job: identity, authority, start, chain of events, outcome.

use super::documents::Documents;
use super::report::{Findings, JobReport, Rule};
use super::{JobEvidence, MAX_EVENTS, ProvedLeaf};
use crate::codec;
use crate::digest::Digest;
use crate::id::{JobId, MachineId, Name};
use crate::job::{Event, JobEvent, Measurement, Start, State, Verdict};
use crate::plan::{MAX_LEAF_BYTES, Tabled, signers};
use crate::time::UtcMs;
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::{AssignmentLeaf, Mode};
use crate::trust::go::CLOCK_BOUND_MS;
use crate::trust::placement::is_included;
use crate::trust::release::Reboot;
use crate::trust::roster::{Class, Quorum, Roster, SigningRole};
use crate::trust::sign::{Document, Signed, Verified};
use std::collections::BTreeSet;

/// Verifies one job.
pub(super) fn verify(
    evidence: &JobEvidence,
    documents: &Documents<'_>,
    findings: &mut Findings,
) -> JobReport {
    let mut report = JobReport {
        job: evidence.job,
        machine: evidence.machine,
        name: None,
        unit: None,
        class: None,
        plan: None,
        approved_by: Vec::new(),
        started: None,
        slot: None,
        interlock: None,
        before: Vec::new(),
        after: Vec::new(),
        ended: None,
        outcome: State::Assigned,
        proved: false,
    };
    if MachineId(evidence.key.id().0) != evidence.machine
        || JobId::of(evidence.approval, evidence.machine) != evidence.job
    {
        let text = "machine or job are not those of the key and the approval";
        findings.add(Rule::Identity, text);
    }
    let events = events(evidence, findings);
    let placed = placed(evidence, documents, findings);
    if let Some((approval, leaf, row)) = &placed {
        report.name = Some(row.name.clone());
        report.unit = Some(row.unit.clone());
        report.class = Some(row.class);
        report.plan = Some(approval.title.clone());
        equal(leaf, row, findings);
    }
    let mut gos = BTreeSet::new();
    for event in &events {
        let (start, rehearsed) = match &event.event {
            Event::Started(start) => (start, false),
            Event::WouldHaveStarted(start) => (start, true),
            _ => continue,
        };
        report.started = Some(event.at);
        report.slot = Some(start.slot);
        report.interlock = Some(start.interlock.clone());
        report.before = start.versions_before.clone();
        if !gos.insert(start.go) {
            findings.add(Rule::Go, "two starts name the same go");
        }
        if let Some((approval, leaf, row)) = &placed {
            let expected = if rehearsed {
                Mode::Rehearse
            } else {
                Mode::Active
            };
            if row.mode != expected {
                let text = format!("it was assigned mode {}", row.mode.word());
                findings.add(Rule::Mode, text);
            }
            in_slot(approval, leaf, start, event.at, findings);
            let authority = Authority {
                evidence,
                documents,
                row,
                start,
                at: event.at,
            };
            report.approved_by = authority.verify(approval, findings);
        }
    }
    report.ended = events.last().map(|event| event.at);
    report.outcome = outcome(&events, placed.as_ref().map(|p| p.0), &mut report, findings);
    report
}

/// The job's own events, verified as a gapless stretch of the machine's journal.
fn events(evidence: &JobEvidence, findings: &mut Findings) -> Vec<Verified<JobEvent>> {
    if evidence.events.len() > MAX_EVENTS {
        findings.add(Rule::EventChain, format!("more than {MAX_EVENTS} events"));
    }
    let mut own = Vec::new();
    let mut before: Option<(u64, Digest)> = None;
    for signed in evidence.events.iter().take(MAX_EVENTS) {
        let Ok(event) = signed.verify([&evidence.key]) else {
            findings.add(
                Rule::EventSignature,
                "the machine's key did not sign an event",
            );
            before = None;
            continue;
        };
        if event.machine != evidence.machine {
            findings.add(Rule::EventSignature, "an event is another machine's");
        }
        if let Some((sequence, digest)) = before
            && (sequence.checked_add(1) != Some(event.sequence) || event.previous != digest)
        {
            let text = format!("event {} does not follow event {sequence}", event.sequence);
            findings.add(Rule::EventChain, text);
        }
        if event.sequence == 1 && event.previous != Digest::default() {
            findings.add(Rule::EventChain, "the first event names one before it");
        }
        before = Some((event.sequence, event.digest()));
        if event.job == evidence.job {
            if event.approval != evidence.approval {
                let text = format!("event {} is of another approval", event.sequence);
                findings.add(Rule::EventChain, text);
            }
            own.push(event);
        }
    }
    own
}

/// The approval, the machine's leaf and its row, as their roots prove them.
fn placed<'d>(
    evidence: &JobEvidence,
    documents: &'d Documents<'_>,
    findings: &mut Findings,
) -> Option<(&'d Approval, PlanLeaf, AssignmentLeaf)> {
    let approval = documents.approvals.get(&evidence.approval);
    let assignment = documents.assignments.get(&evidence.assignment);
    let (Some((_, approval)), Some((_, assignment))) = (approval, assignment) else {
        let text = "the pack has no approval or no assignment of this name";
        findings.add(Rule::Approval, text);
        return None;
    };
    if let Err(problem) = approval.check() {
        findings.add(Rule::Approval, problem);
    }
    let leaf = proved(approval, &evidence.leaf, evidence.machine);
    if leaf.is_none() {
        let text = "the plan's root does not prove the machine's leaf";
        findings.add(Rule::Placement, text);
    }
    let row = proved(assignment, &evidence.row, evidence.machine);
    if row.is_none() {
        let text = "the assignment's root does not prove the machine's row";
        findings.add(Rule::Assignment, text);
    }
    Some((approval, leaf?, row?))
}

fn proved<D: Tabled>(document: &D, leaf: &ProvedLeaf, machine: MachineId) -> Option<D::Leaf> {
    let (machines, root) = document.stated();
    let read: D::Leaf = codec::decode_deterministic(&leaf.bytes, MAX_LEAF_BYTES).ok()?;
    let included = is_included(&leaf.bytes, &leaf.proof, machines, root);
    (included && D::machine(&read) == machine).then_some(read)
}

fn equal(leaf: &PlanLeaf, row: &AssignmentLeaf, findings: &mut Findings) {
    if leaf.unit != row.unit || leaf.class != row.class || leaf.groups != row.groups {
        let text = "the plan has the machine in another unit, class or group than its assignment";
        findings.add(Rule::Placement, text);
    }
}

/// The start lies in a slot of the plan, with the longest run before its end.
fn in_slot(
    approval: &Approval,
    leaf: &PlanLeaf,
    start: &Start,
    at: UtcMs,
    findings: &mut Findings,
) {
    let is_left = start.slot.end().since_ms(at) >= approval.longest_run_ms();
    if !leaf.slots.contains(&start.slot) || !start.slot.contains(at) || !is_left {
        let text = format!(
            "it started at {at}, which is in none of its slots, or too late in it ({} to {})",
            start.slot.start(),
            start.slot.end()
        );
        findings.add(Rule::Slot, text);
    }
    if at >= approval.expires {
        let text = format!("the approval had expired at {}", approval.expires);
        findings.add(Rule::Approval, text);
    }
    if leaf.class == Class::LifeSupport && approval.waves != 1 {
        findings.add(Rule::Approval, "life support is approved wave by wave");
    }
}

/// Who had to say yes to one start.
struct Authority<'a> {
    evidence: &'a JobEvidence,
    documents: &'a Documents<'a>,
    row: &'a AssignmentLeaf,
    start: &'a Start,
    at: UtcMs,
}

impl Authority<'_> {
    /// Gives back the names of those who approved.
    fn verify(&self, approval: &Approval, findings: &mut Findings) -> Vec<crate::id::Label> {
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
        let keys = signers(signed, &roster.people_keys(self.at));
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
        roster: &Roster,
        quorum: Quorum,
        rule: Rule,
        word: &str,
        findings: &mut Findings,
    ) -> BTreeSet<Name> {
        let keys = signers(signed, &roster.people_keys(self.at));
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

/// Follows the events; `Verified` comes only from a measurement.
fn outcome(
    events: &[Verified<JobEvent>],
    approval: Option<&Approval>,
    report: &mut JobReport,
    findings: &mut Findings,
) -> State {
    let mut state = State::Assigned;
    let mut boot = None;
    for event in events {
        if let Event::Started(start) = &event.event {
            boot = Some(start.boot);
        }
        if let Event::Measured(measured) = &event.event {
            report.after = measured.versions_after.clone();
            let rebooted = boot.is_some_and(|boot| boot != measured.boot);
            if let Some(approval) = approval
                && measured.verdict == Verdict::Verified
            {
                measurement(approval, measured, rebooted, findings);
            }
        }
        match state.after(&event.event) {
            Ok(next) => state = next,
            Err(unexpected) => {
                let text = format!("event {}: {unexpected}", event.sequence);
                findings.add(Rule::Transition, text);
            }
        }
    }
    state
}

/// A verified outcome shows the approved versions, passed checks and, where the
/// machine had to restart, another boot.
fn measurement(
    approval: &Approval,
    measured: &Measurement,
    rebooted: bool,
    findings: &mut Findings,
) {
    for (at, release) in approval.releases.iter().enumerate() {
        let described = &release.release;
        let later = approval.releases.iter().skip(at + 1);
        if later
            .into_iter()
            .any(|l| l.release.product == described.product)
        {
            continue;
        }
        let found = measured
            .versions_after
            .iter()
            .find(|version| version.product == described.product);
        if found.is_none_or(|found| found.version != described.version) {
            let text = format!(
                "it says verified, but {} was measured as {}",
                described.product,
                found.map_or("nothing", |found| found.version.as_str())
            );
            findings.add(Rule::Measurement, text);
        }
        for check in &described.checks_after {
            let passed = |c: &&crate::job::CheckResult| c.check == check.as_str() && c.passed;
            if !measured.checks.iter().any(|c| passed(&c)) {
                let text = format!("it says verified, but check {check} did not pass");
                findings.add(Rule::Measurement, text);
            }
        }
    }
    if measured.checks.iter().any(|check| !check.passed) {
        findings.add(Rule::Measurement, "it says verified, but a check failed");
    }
    let restarts =
        |r: &crate::trust::approval::ApprovedRelease| r.release.reboot == Reboot::Machine;
    if approval.releases.iter().any(restarts) && !rebooted {
        let text = "it says verified, but was measured in the boot in which it started";
        findings.add(Rule::Measurement, text);
    }
}
