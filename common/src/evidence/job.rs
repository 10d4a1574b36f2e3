//! One job: identity, place, start, chain of events, outcome.

use super::authority::Authority;
use super::documents::Documents;
use super::report::{Findings, JobReport, Rule};
use super::{JobEvidence, MAX_EVENTS, ProvedLeaf};
use crate::codec;
use crate::digest::Digest;
use crate::id::{JobId, MachineId};
use crate::job::{Event, JobEvent, Measurement, Start, State, Verdict};
use crate::plan::{MAX_LEAF_BYTES, Tabled};
use crate::time::UtcMs;
use crate::trust::approval::{Approval, MAX_APPROVAL_LIFE_MS, PlanLeaf};
use crate::trust::assignment::{AssignmentLeaf, Mode};
use crate::trust::placement::is_included;
use crate::trust::release::Reboot;
use crate::trust::roster::Class;
use crate::trust::sign::Verified;
use std::collections::BTreeSet;

/// What a start record says of an idle machine; a job starts on no other.
const IDLE: [&str; 2] = ["idle", "idle, handed over"];

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
            if !IDLE.contains(&start.interlock.as_str()) {
                let text = "it started while the machine was not known to be idle";
                findings.add(Rule::Interlock, text);
            }
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
    let key = evidence.key.ready::<JobEvent>();
    for signed in evidence.events.iter().take(MAX_EVENTS) {
        let Some(event) = key.as_ref().and_then(|key| signed.verify_by(key).ok()) else {
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
    if approval.expires.since_ms(approval.issued) > MAX_APPROVAL_LIFE_MS {
        findings.add(Rule::Approval, "the approval lives longer than 100 days");
    }
    if leaf.class == Class::LifeSupport && approval.waves != 1 {
        findings.add(Rule::Approval, "life support is approved wave by wave");
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
