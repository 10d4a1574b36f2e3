//! One job as an auditor reads it.

use patchward_common::digest::Digest;
use patchward_common::evidence::{AttestedJob, AttestedWork, JobReport, Pack, Report};
use patchward_common::id::{JobId, Label};
use patchward_common::job::{ProductVersion, State};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::release::Provenance;
use std::collections::BTreeMap;

/// What each cell of a row is.
pub const COLUMNS: [&str; 20] = [
    "job",
    "machine",
    "unit",
    "class",
    "plan",
    "release",
    "provenance",
    "before",
    "after",
    "approved_by",
    "approved_at",
    "started",
    "ended",
    "outcome",
    "proof",
    "returned_by",
    "returned_at",
    "interlock",
    "deviations",
    "plan_id",
];

/// A job, in words for each of [`COLUMNS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The cells.
    pub cells: [String; COLUMNS.len()],
}

impl Row {
    /// The cell of a column; empty where there is no such column.
    pub fn cell(&self, column: &str) -> &str {
        let at = COLUMNS.iter().position(|known| *known == column);
        at.map_or("", |at| self.cells[at].as_str())
    }
}

/// What the collector says of a job beside what its pack proves.
#[derive(Clone, Debug)]
pub struct Aside {
    /// Where it stands.
    pub state: State,
    /// How often it was started.
    pub attempt: u32,
    /// When the plan's last signature was taken in.
    pub approved_at: Option<UtcMs>,
    /// Who returned its machine to service, and when.
    pub returned: Option<Said>,
    /// What else people decided of it, oldest first.
    pub decided: Vec<Said>,
}

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What, in words such as "second try".
    pub what: String,
    /// Who, as the audit log names them.
    pub by: String,
    /// When.
    pub at: UtcMs,
}

/// The rows of a pack's jobs: what machines measured, then what people recorded.
pub fn rows(pack: &Pack, report: &Report, asides: &BTreeMap<JobId, Aside>) -> Vec<Row> {
    let read = pack.approvals.iter();
    let approvals: BTreeMap<Digest, Approval> = read
        .filter_map(|signed| Some((signed.digest(), signed.peek_stored().ok()?)))
        .collect();
    let mut findings: BTreeMap<Option<JobId>, Vec<&str>> = BTreeMap::new();
    for finding in &report.findings {
        let of = findings.entry(finding.job).or_default();
        of.push(&finding.text);
    }
    let of_pack = findings.remove(&None).unwrap_or_default();
    let mut rows = Vec::new();
    for (evidence, job) in pack.jobs.iter().zip(&report.jobs) {
        let found = findings.get(&Some(job.job));
        let found: Vec<&str> = of_pack
            .iter()
            .chain(found.into_iter().flatten())
            .copied()
            .collect();
        let approval = approvals.get(&evidence.approval);
        let aside = asides.get(&job.job);
        rows.push(measured(job, evidence.approval, approval, aside, &found));
    }
    for job in &report.attested {
        let approval = approvals.get(&job.approval);
        rows.push(by_hand(job, approval, asides.get(&job.job)));
    }
    rows
}

fn measured(
    job: &JobReport,
    plan: Digest,
    approval: Option<&Approval>,
    aside: Option<&Aside>,
    findings: &[&str],
) -> Row {
    let name = |name: Option<&dyn std::fmt::Display>| name.map_or(String::new(), |n| n.to_string());
    let mut deviations = deviations(&job.outcome, approval, aside);
    if job
        .interlock
        .as_deref()
        .is_some_and(|said| said.contains("handed over"))
    {
        deviations.push("handed over by the ward for the slot".to_owned());
    }
    let proof = match (findings.is_empty(), job.started) {
        (false, _) => format!("NOT proved: {}", findings.join("; ")),
        (true, None) => "it did not start".to_owned(),
        (true, Some(_)) => "measured and signed by the machine".to_owned(),
    };
    let [returned_by, returned_at] = returned(aside);
    Row {
        cells: [
            job.job.to_string(),
            job.name
                .as_ref()
                .map_or_else(|| job.machine.to_string(), Label::to_string),
            name(job.unit.as_ref().map(|unit| unit as _)),
            job.class
                .map_or(String::new(), |class| class.word().to_owned()),
            name(job.plan.as_ref().map(|plan| plan as _)),
            releases(approval),
            provenance(approval),
            versions(&job.before),
            versions(&job.after),
            job.approved_by
                .iter()
                .map(Label::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            moment(aside.and_then(|aside| aside.approved_at)),
            moment(job.started),
            moment(job.ended.filter(|_| job.started.is_some())),
            outcome(&job.outcome, aside),
            proof,
            returned_by,
            returned_at,
            job.interlock.clone().unwrap_or_default(),
            deviations.join("; "),
            plan.to_string(),
        ],
    }
}

/// Work by hand: the last record, and how many there are.
fn by_hand(job: &AttestedJob, approval: Option<&Approval>, aside: Option<&Aside>) -> Row {
    let last = job.records.last();
    let of = |read: fn(&AttestedWork) -> &Vec<ProductVersion>| {
        last.map_or(String::new(), |work| versions(read(work)))
    };
    let proof = match last {
        None => "nothing is recorded".to_owned(),
        Some(work) => {
            let by = match &work.done_by {
                Some(done_by) => format!("{} for {done_by}", work.recorded_by),
                None => work.recorded_by.clone(),
            };
            format!("a person's word: {by}, work order {}", work.work_order)
        }
    };
    let mut deviations = deviations(&job.outcome, approval, aside);
    if job.records.len() > 1 {
        deviations.push(format!("{} attempts are recorded", job.records.len()));
    }
    let [returned_by, returned_at] = returned(aside);
    Row {
        cells: [
            job.job.to_string(),
            job.name.to_string(),
            job.unit.to_string(),
            String::new(),
            approval.map_or(String::new(), |approval| approval.title.to_string()),
            releases(approval),
            provenance(approval),
            of(|work| &work.before),
            of(|work| &work.after),
            String::new(),
            moment(aside.and_then(|aside| aside.approved_at)),
            String::new(),
            moment(last.map(|work| work.at)),
            match &job.outcome {
                State::InService => "attested, in service".to_owned(),
                other => words(other),
            },
            proof,
            returned_by,
            returned_at,
            String::new(),
            deviations.join("; "),
            job.approval.to_string(),
        ],
    }
}

fn moment(at: Option<UtcMs>) -> String {
    at.map_or(String::new(), |at| at.to_string())
}

fn versions(versions: &[ProductVersion]) -> String {
    let each = versions.iter();
    let each: Vec<String> = each
        .map(|one| format!("{} {}", one.product, one.version))
        .collect();
    each.join("; ")
}

fn releases(approval: Option<&Approval>) -> String {
    let releases = approval.map_or(&[][..], |approval| &approval.releases);
    let each = releases.iter().map(|one| &one.release);
    let each: Vec<String> = each
        .map(|one| format!("{} {}", one.product, one.version))
        .collect();
    each.join("; ")
}

/// Who vouches for what was installed.
fn provenance(approval: Option<&Approval>) -> String {
    let releases = approval.map_or(&[][..], |approval| &approval.releases);
    let each = releases.iter().map(|one| {
        let who = match one.provenance {
            Provenance::Vendor => "signed by the vendor",
            Provenance::VendorSignature => "the vendor's signature was checked by the hospital",
            Provenance::Attested => "the hospital vouches",
        };
        format!("{who} ({})", one.repository)
    });
    let mut each: Vec<String> = each.collect();
    each.dedup();
    each.join("; ")
}

fn returned(aside: Option<&Aside>) -> [String; 2] {
    let returned = aside.and_then(|aside| aside.returned.as_ref());
    let by = returned.map_or(String::new(), |said| said.by.clone());
    [by, moment(returned.map(|said| said.at))]
}

/// A state's word for people.
fn words(state: &State) -> String {
    state.word().replace('_', " ")
}

/// What the machine's events say, and what the collector says where that is more.
fn outcome(proved: &State, aside: Option<&Aside>) -> String {
    match aside.map(|aside| &aside.state) {
        Some(State::InService) => format!("{}, in service", words(proved)),
        Some(said) if said.word() != proved.word() => {
            format!("{}; the collector says {}", words(proved), words(said))
        }
        _ => words(proved),
    }
}

/// Whatever was not as it usually is.
fn deviations(state: &State, approval: Option<&Approval>, aside: Option<&Aside>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(reason) = state.reason() {
        found.push(format!("{}: {}", words(state), reason.text));
    }
    if let Some(emergency) = approval.and_then(|approval| approval.emergency.as_ref()) {
        let mut text = format!("emergency approval: {}", emergency.reason);
        if !emergency.freezes.is_empty() {
            let freezes: Vec<&str> = emergency.freezes.iter().map(Label::as_str).collect();
            text.push_str(&format!(" (overrides freeze {})", freezes.join(", ")));
        }
        found.push(text);
    }
    if let Some(aside) = aside {
        if aside.attempt > 1 {
            found.push(format!("attempt {}", aside.attempt));
        }
        let decided = aside.decided.iter();
        found.extend(decided.map(|said| format!("{} by {} at {}", said.what, said.by, said.at)));
    }
    found
}
