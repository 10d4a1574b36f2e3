//! The plan check: every rule on a finished plan, stated and tested here and nowhere
//! else. It shares no code with the planner; page, command, API and signer show its
//! findings before anyone signs.

mod assigned;
mod documents;
mod groups;
mod halted;
mod load;
mod machines;
mod people;
mod slots;
mod vendor;
mod view;

use super::{PlanFile, ReadAssignment, ReadPlan, Table, TableError};
use crate::digest::Digest;
use crate::id::{MachineId, Name};
use crate::time::UtcMs;
use crate::trust::approval::Approval;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use view::{Read, View};

/// What a finding asks of whoever signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan is not signed.
    Blocks,
    /// A person should know it before signing.
    Warns,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Every part of the file can be read.
    Readable,
    /// The root recomputes from the leaves, and their number is as stated.
    Root,
    /// Leaves are sorted and unique by machine.
    LeafOrder,
    /// Charters, roster and assignment are signed by those who must, and in date; rows
    /// that are not count for nothing.
    Authority,
    /// Enough approvers exist who could sign for each unit.
    Approvers,
    /// Each release is whole, and gets at least the time that its vendor declares.
    Release,
    /// The charter lets the repository speak for the product and its paths.
    Vendor,
    /// Every machine has a signed assignment.
    Assigned,
    /// Unit, class and groups of a leaf equal the assignment.
    AssignmentEqual,
    /// The machine's mode lets work be done.
    Mode,
    /// The machine can say that it is idle.
    Interlock,
    /// The release is validated for the machine's model.
    Model,
    /// The release may be installed from the version that is there.
    FromVersion,
    /// Packages can go back, and to the version that the machine has.
    Rollback,
    /// The release is for this operating system and architecture.
    Platform,
    /// At least one and at most 64 slots, sorted and apart.
    SlotOrder,
    /// Every slot lies within the time that is allowed in the unit.
    SlotAllowed,
    /// Slots can still be used.
    SlotPast,
    /// Every slot is as long as the longest job and the start allowance.
    SlotLength,
    /// No release gets less time than was measured here.
    MeasuredRun,
    /// At any instant at most size less minimum ready of a group have an open slot.
    MinimumReady,
    /// Twice the clock bound lies between slots that may not both be open.
    Gap,
    /// Every group of a leaf is stated, once, with a minimum that can be kept.
    GroupStated,
    /// A group is as large as the assignment shows.
    GroupSize,
    /// Every other unexpired plan on the same groups is named and at hand.
    Beside,
    /// Waves are numbered without holes.
    WaveNumber,
    /// A wave begins after the soak of the one before.
    Soak,
    /// Life support is approved wave by wave.
    LifeSupportWave,
    /// The approval ends with its last slot, within 100 days.
    Expiry,
    /// The vendor's metadata outlives the last slot.
    MetadataExpiry,
    /// The roster outlives the last slot.
    RosterExpiry,
    /// Failures halt the plan.
    FailureLimit,
    /// A server comes before its workstations, in wave and time.
    ServerFirst,
    /// No more machines have an open slot at once than site and hospital allow.
    Parallel,
    /// Every artifact can be there before the slot for which it is needed.
    Staging,
    /// People were trained where the release needs it.
    Training,
    /// Somebody is there to return machines to service.
    Duty,
    /// Members of a coverage group that no machine measures are vouched for.
    StatedMember,
    /// Nothing is installed where it went wrong before, unless the approval clears it.
    Quarantine,
    /// Nothing of the plan is stopped.
    Stopped,
    /// Nothing of the plan is halted on the model of one of its machines.
    Halted,
    /// The vendor's answers let others install on the machine's model.
    VendorPolicy,
}

impl Rule {
    /// Its name as people read it.
    pub fn words(self) -> String {
        // From the name: "MinimumReady" is "minimum ready".
        let mut words = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.push(letter.to_ascii_lowercase());
        }
        words
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The plan as a whole.
    Plan,
    /// One machine.
    Machine(MachineId),
    /// One coverage group.
    Group(Name),
    /// One release, by its product.
    Release(Name),
    /// One unit.
    Unit(Name),
    /// One site.
    Site(Name),
    /// One wave, from 0.
    Wave(u16),
    /// Another plan.
    Beside(Digest),
}

/// A rule that the plan breaks, or something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What it asks for.
    pub severity: Severity,
    /// The rule.
    pub rule: Rule,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong and what to do, for people.
    pub text: String,
}

/// Checks a plan. No finding that blocks means that it may be signed.
pub fn check(file: &PlanFile, now: UtcMs) -> Vec<Finding> {
    let read: Result<Vec<_>, _> = file.context.assignments.iter().map(Table::read).collect();
    match &read {
        Ok(read) => {
            let read: Vec<_> = read.iter().collect();
            judge(file, Ok(&read), &BTreeMap::new(), now)
        }
        Err(error) => judge(file, Err(error), &BTreeMap::new(), now),
    }
}

/// What was read of a file before it is checked: assignments and plans never change, and those of
/// a large hospital take longer to read than all else.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// The file's assignments, in its order.
    pub assignments: Vec<&'a ReadAssignment>,
    /// Plans by the digests of their documents; the file's that are not among them are read.
    pub plans: BTreeMap<Digest, &'a ReadPlan>,
}

/// The same where all of `known` is what [`Table::read`] gave.
pub fn check_read(file: &PlanFile, known: &Known<'_>, now: UtcMs) -> Vec<Finding> {
    judge(file, Ok(&known.assignments), &known.plans, now)
}

fn judge(
    file: &PlanFile,
    assignments: Result<&[&ReadAssignment], &TableError>,
    plans: &BTreeMap<Digest, &ReadPlan>,
    now: UtcMs,
) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    let read = |table: &Table<Approval>| match plans.get(&table.signed.digest()) {
        Some(known) => Ok(Cow::Borrowed(*known)),
        None => table.read().map(Cow::Owned),
    };
    let (own, beside) = (read(&file.plan), file.context.beside.iter().map(read));
    let read = Read {
        own: own.as_deref(),
        beside: &beside.collect::<Vec<_>>(),
        assignments,
    };
    if let Some(view) = View::of(file, &read, now, &mut findings) {
        documents::check(&view, &mut findings);
        machines::check(&view, &mut findings);
        slots::check(&view, &mut findings);
        groups::check(&view, &mut findings);
        if let Some(stated) = &file.context.stated {
            load::check(&view, stated, &mut findings);
            people::check(&view, stated, &mut findings);
            halted::check(&view, stated, &mut findings);
            vendor::check(&view, stated, &mut findings);
        }
    }
    let Findings(mut found) = findings;
    found.sort();
    found.dedup();
    found
}

/// Whether any finding blocks.
pub fn blocks(findings: &[Finding]) -> bool {
    let mut severities = findings.iter().map(|finding| finding.severity);
    severities.any(|severity| severity == Severity::Blocks)
}

/// Collects findings.
struct Findings(Vec<Finding>);

impl Findings {
    fn blocks(&mut self, rule: Rule, subject: Subject, text: impl Into<String>) {
        self.add(Severity::Blocks, rule, subject, text.into());
    }

    fn warns(&mut self, rule: Rule, subject: Subject, text: impl Into<String>) {
        self.add(Severity::Warns, rule, subject, text.into());
    }

    fn add(&mut self, severity: Severity, rule: Rule, subject: Subject, text: String) {
        self.0.push(Finding {
            severity,
            rule,
            subject,
            text,
        });
    }
}

#[cfg(test)]
mod tests;
