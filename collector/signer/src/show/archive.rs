//! What an archive of evidence holds, pack by pack.

use super::{evidence, plain, table};
use patchward_common::evidence::{ArchiveFinding, ArchiveReport, PackReport, Part};

/// The report for people. `--json` has every job of every pack.
pub(crate) fn archive(report: &ArchiveReport) -> String {
    let from = match report.from {
        Some(from) => format!("from {from}"),
        None => "from the first job on".to_owned(),
    };
    let mut parts = vec![format!(
        "Archive of the jobs that ended {from} and before {}, under hospital root {}, made {}\nAudit \
         log: {} rows, from behind {} to {}",
        report.until, report.root, report.made, report.audit_rows, report.before, report.head
    )];
    if !report.packs.is_empty() {
        let rows = report.packs.iter().map(row).collect();
        let header = ["pack", "jobs", "what it proves", "SHA-256"];
        parts.push(table(header, rows));
    }
    let jobs: usize = report.packs.iter().map(jobs).sum();
    let packs = report.packs.len();
    if report.findings.is_empty() {
        parts.push(format!(
            "{packs} packs of {jobs} jobs. The audit log is unbroken from its stated beginning to its \
             stated end, and every job that ended in this time by the log is here. No findings."
        ));
    } else {
        let rows = report.findings.iter().map(finding).collect();
        parts.push(format!(
            "{packs} packs of {jobs} jobs. NOT as it should be:\n{}",
            table(["about", "finding"], rows)
        ));
    }
    plain(&parts.join("\n\n"))
}

fn jobs(pack: &PackReport) -> usize {
    let report = pack.report.as_ref();
    report.map_or(0, |report| report.jobs.len() + report.attested.len())
}

fn row(pack: &PackReport) -> [String; 4] {
    let proves = match &pack.report {
        Some(report) => {
            let proved = report.jobs.iter().filter(|job| job.proved).count();
            evidence::sum(proved, report)
        }
        None => "it cannot be read".to_owned(),
    };
    [
        pack.number.to_string(),
        jobs(pack).to_string(),
        proves,
        pack.sha256.to_string(),
    ]
}

fn finding(finding: &ArchiveFinding) -> [String; 2] {
    let part = match (finding.part, finding.pack) {
        (Part::Authority, _) => "authority".to_owned(),
        (Part::Audit, _) => "audit log".to_owned(),
        (Part::Pack, Some(number)) => format!("pack {number}"),
        (Part::Pack, None) => "packs".to_owned(),
    };
    let about = match finding.job {
        Some(job) => format!("{part}, job {job}"),
        None => part,
    };
    [about, finding.text.clone()]
}
