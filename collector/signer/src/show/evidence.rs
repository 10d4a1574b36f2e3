//! What a pack of evidence proves, as a table.

use super::documents::names;
use super::{plain, table};
use patchward_common::evidence::{AttestedJob, AttestedWork, JobReport, Report};
use patchward_common::job::{ProductVersion, State};
use patchward_common::words::counted;
use std::collections::BTreeMap;

/// The report for people.
pub(crate) fn evidence(report: &Report) -> String {
    let jobs = report.jobs.iter().map(row).collect();
    let proved = report.jobs.iter().filter(|job| job.proved).count();
    let mut parts = vec![format!(
        "Evidence of {} under hospital root {}, made {}\nAudit log then at {}\nContent \
             digest {}, as a report or table of these jobs names it",
        counted(report.jobs.len() + report.attested.len(), "job", "jobs"),
        report.root,
        report.made,
        report.audit_head,
        report.content
    )];
    if !report.jobs.is_empty() {
        parts.push(table(
            [
                "machine",
                "unit",
                "plan",
                "approved by",
                "started",
                "before",
                "after",
                "outcome",
                "proved",
            ],
            jobs,
        ));
    }
    if !report.attested.is_empty() {
        parts.push(attested(&report.attested));
    }
    if !report.metadata.is_empty() {
        let rows = report.metadata.iter().map(|one| {
            [
                one.repository.to_string(),
                one.file.clone(),
                one.sha256.to_string(),
            ]
        });
        let rows = rows.collect();
        let header = ["repository", "metadata, as the collector says", "SHA-256"];
        parts.push(table(header, rows));
    }
    let sum = sum(proved, report);
    if report.findings.is_empty() {
        parts.push(format!("{sum} No findings."));
    } else {
        let rows = report.findings.iter().map(|finding| {
            let about = finding
                .job
                .map_or("pack".to_owned(), |job| format!("job {job}"));
            [about, finding.text.clone()]
        });
        let rows = rows.collect();
        parts.push(format!(
            "{sum} NOT proved:\n{}",
            table(["about", "finding"], rows)
        ));
    }
    plain(&parts.join("\n\n"))
}

/// What it comes to: what machines prove, and whose word the rest is.
pub(super) fn sum(proved: usize, report: &Report) -> String {
    let jobs = report.jobs.len();
    let measured = match jobs {
        0 if report.attested.is_empty() => return "The pack has no jobs.".to_owned(),
        0 => "No machine measured anything here, so nothing is proved by measurement.".to_owned(),
        _ => format!("{proved} of {jobs} jobs are proved."),
    };
    if report.attested.is_empty() {
        return measured;
    }
    let mut said = Vec::new();
    for (succeeded, what) in [(true, "attested"), (false, "recorded as not done")] {
        let last = report.attested.iter().filter_map(|job| job.records.last());
        let mut words: BTreeMap<&str, usize> = BTreeMap::new();
        for work in last.filter(|work| work.succeeded == succeeded) {
            *words.entry(&work.recorded_by).or_default() += 1;
        }
        let count: usize = words.values().sum();
        if count > 0 {
            let by = words.iter().map(|(who, count)| format!("{count} by {who}"));
            let by: Vec<String> = by.collect();
            said.push(format!("{count} {what} ({})", by.join(", ")));
        }
    }
    let silent = report.attested.iter().filter(|job| job.records.is_empty());
    match silent.count() {
        0 => {}
        count => said.push(format!("{count} of which nothing is recorded")),
    }
    format!(
        "{measured} Of work by hand, which is a person's word, {}: {}.",
        match report.attested.len() {
            1 => "there is 1 job".to_owned(),
            more => format!("there are {more} jobs"),
        },
        said.join(", ")
    )
}

/// Work by hand: a person's word, and never more.
fn attested(jobs: &[AttestedJob]) -> String {
    let header = [
        "machine",
        "unit",
        "recorded by",
        "at",
        "work order",
        "before",
        "after",
        "photo, SHA-256",
        "outcome",
    ];
    let row = |job: &AttestedJob, work: Option<&AttestedWork>| {
        let of = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        let by = work.map(|work| match &work.done_by {
            Some(done_by) => format!("{} for {done_by}", work.recorded_by),
            None => work.recorded_by.clone(),
        });
        [
            job.name.to_string(),
            job.unit.to_string(),
            of(by),
            of(work.map(|work| work.at.to_string())),
            of(work.map(|work| work.work_order.to_string())),
            of(work.map(|work| versions(&work.before))),
            of(work.map(|work| versions(&work.after))),
            of(work.and_then(|work| work.photo.map(|photo| photo.to_string()))),
            match work {
                Some(work) if !work.succeeded => "failed".to_owned(),
                Some(_) if job.outcome == State::InService => "attested, in service".to_owned(),
                Some(_) => "attested".to_owned(),
                None => job.outcome.word().to_owned(),
            },
        ]
    };
    let rows = jobs.iter().flat_map(|job| match &job.records[..] {
        [] => vec![row(job, None)],
        records => records.iter().map(|work| row(job, Some(work))).collect(),
    });
    format!(
        "Work by hand, as people recorded it. No machine measured or signed it:\n{}",
        table(header, rows.collect())
    )
}

fn row(job: &JobReport) -> [String; 9] {
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".into());
    let reason = match &job.outcome {
        State::RolledBack(reason) | State::Failed(reason) | State::Deferred(reason) => {
            format!(": {}", reason.text)
        }
        _ => String::new(),
    };
    [
        job.name
            .as_ref()
            .map_or_else(|| job.machine.to_string(), ToString::to_string),
        or_unknown(job.unit.as_ref().map(ToString::to_string)),
        or_unknown(job.plan.as_ref().map(ToString::to_string)),
        names(&job.approved_by),
        job.started
            .map_or_else(|| "not".into(), |at| at.to_string()),
        versions(&job.before),
        versions(&job.after),
        format!("{}{reason}", job.outcome.word()),
        if job.proved { "yes" } else { "NO" }.to_owned(),
    ]
}

fn versions(versions: &[ProductVersion]) -> String {
    let versions = versions
        .iter()
        .map(|one| format!("{} {}", one.product, one.version));
    versions.collect::<Vec<_>>().join("\n")
}
