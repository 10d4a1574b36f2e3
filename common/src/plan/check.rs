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

use super::{Context, MachineFacts, PlanFile, ReadAssignment, Table, TableError};
use crate::digest::Digest;
use crate::id::{MachineId, Name};
use crate::time::{Interval, UtcMs};
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::charter::Charter;
use crate::trust::roster::Roster;
use crate::trust::sign::Verified;
use assigned::Rows;
use serde::Serialize;
use std::collections::BTreeMap;

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
        Ok(read) => judge(file, Ok(&read.iter().collect::<Vec<_>>()), now),
        Err(error) => judge(file, Err(error), now),
    }
}

/// The same for whoever has read the file's assignments before, in their order: that of a large
/// hospital takes longer than all else.
pub fn check_read(file: &PlanFile, read: &[&ReadAssignment], now: UtcMs) -> Vec<Finding> {
    judge(file, Ok(read), now)
}

fn judge(
    file: &PlanFile,
    read: Result<&[&ReadAssignment], &TableError>,
    now: UtcMs,
) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    if let Some(view) = View::read(file, read, now, &mut findings) {
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

/// The decoded plan.
struct View<'a> {
    context: &'a Context,
    now: UtcMs,
    /// The plan itself.
    digest: Digest,
    approval: Approval,
    leaves: Vec<PlanLeaf>,
    /// Each machine's row, as enough approvers signed it.
    rows: BTreeMap<MachineId, &'a AssignmentLeaf>,
    facts: BTreeMap<MachineId, &'a MachineFacts>,
    authority: Option<(Verified<Charter>, Verified<Roster>)>,
    beside: Vec<Beside>,
}

/// Another plan, decoded.
struct Beside {
    digest: Digest,
    approval: Approval,
    leaves: Vec<PlanLeaf>,
}

impl<'a> View<'a> {
    fn read(
        file: &'a PlanFile,
        read: Result<&[&'a ReadAssignment], &TableError>,
        now: UtcMs,
        findings: &mut Findings,
    ) -> Option<Self> {
        let context = &file.context;
        let (approval, leaves) = read_table(&file.plan, Subject::Plan, "the plan", findings)?;
        let authority = context.chain.roster(&context.roster).map_err(|error| {
            let text = format!("who may sign cannot be told: {error}; export the plan anew");
            findings.blocks(Rule::Authority, Subject::Plan, text);
        });
        let authority = authority.ok();
        let roster = authority.as_ref().map(|(_, roster)| &**roster);
        let rows = match read {
            Ok(read) if Rows::belong(context, read) => Rows::of(context, read, roster, now),
            other => {
                let why = match other {
                    Ok(_) => "what was read is another".to_owned(),
                    Err(error) => error.to_string(),
                };
                let text = format!("the assignment cannot be used: {why}; export the plan anew");
                findings.blocks(Rule::Readable, Subject::Plan, text);
                Rows::default()
            }
        };
        rows.signed(&approval, &leaves, findings);
        let own = file.plan.signed.digest();
        let mut beside = Vec::new();
        for table in &context.beside {
            let digest = table.signed.digest();
            let what = format!("plan {digest} beside this one");
            if digest == own {
                continue;
            }
            if let Some((approval, leaves)) =
                read_table(table, Subject::Beside(digest), &what, findings)
            {
                beside.push(Beside {
                    digest,
                    approval,
                    leaves,
                });
            }
        }
        Some(Self {
            context,
            now,
            digest: own,
            approval,
            leaves,
            rows: rows.counting,
            facts: context.machines.iter().map(|f| (f.machine, f)).collect(),
            authority,
            beside,
        })
    }

    fn row(&self, machine: MachineId) -> Option<&AssignmentLeaf> {
        self.rows.get(&machine).copied()
    }

    /// What people call a machine.
    fn name(&self, machine: MachineId) -> String {
        match self.row(machine) {
            Some(row) => row.name.to_string(),
            None => format!("machine {machine}"),
        }
    }

    /// The other plans that still stand.
    fn unexpired(&self) -> impl Iterator<Item = &Beside> {
        let now = self.now;
        self.beside
            .iter()
            .filter(move |other| now < other.approval.expires)
    }

    fn last_slot(&self) -> Option<Interval> {
        let slots = self.leaves.iter().flat_map(|leaf| &leaf.slots);
        slots.copied().max_by_key(|slot| slot.end())
    }
}

fn read_table(
    table: &Table<Approval>,
    subject: Subject,
    what: &str,
    findings: &mut Findings,
) -> Option<(Approval, Vec<PlanLeaf>)> {
    let error = match table.read() {
        Ok(read) => return Some(read),
        Err(error) => error,
    };
    let rule = match error {
        TableError::Document(_) | TableError::Leaf { .. } => Rule::Readable,
        TableError::Order(_) | TableError::Duplicate(_) => Rule::LeafOrder,
        TableError::Size(_) | TableError::Count { .. } | TableError::Root => Rule::Root,
    };
    let text = format!("{what} is not whole: {error}; do not sign it, export it anew");
    findings.blocks(rule, subject, text);
    None
}

#[cfg(test)]
mod tests;
