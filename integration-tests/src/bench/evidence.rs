//! What a pack of evidence costs: put together out of the store, and verified away from it.

use super::report::{Figure, Reach, Report, Spread, clock};
use crate::proven::Proven;
use anyhow::ensure;
use patchward_collector::evidence::{archive, pack};
use patchward_common::evidence::{Archive, MAX_ARCHIVE_BYTES, Pack, verify, verify_archive};
use patchward_common::time::DAY_MS;

/// Runs of each kind.
const RUNS: usize = 11;

/// A pack of `jobs` jobs, each of a machine of its own.
pub async fn run(jobs: usize) -> anyhow::Result<Report> {
    let proven = Proven::made(jobs).await?;
    let (mut made, mut verified, mut archived, mut read) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut bytes, mut archive_bytes) = (0, 0);
    for _ in 0..RUNS {
        let mut view = proven.store.view().await?;
        let begun = clock();
        let file = pack(&mut view, &proven.jobs, proven.now).await?.to_bytes();
        made.push(begun.elapsed().as_secs_f64());
        bytes = file.len();
        let begun = clock();
        let report = verify(&Pack::from_bytes(&file)?, proven.root);
        verified.push(begun.elapsed().as_secs_f64());
        ensure!(report.findings.is_empty(), "{:?}", report.findings.first());
        ensure!(report.jobs.iter().filter(|job| job.proved).count() == jobs);
        let (until, most) = (proven.now.plus_ms(DAY_MS), MAX_ARCHIVE_BYTES);
        let begun = clock();
        let file = archive::made(&mut view, None, until, most, proven.now).await?;
        let file = file.to_bytes();
        archived.push(begun.elapsed().as_secs_f64());
        archive_bytes = file.len();
        let begun = clock();
        let report = verify_archive(&Archive::from_bytes(&file)?, proven.root);
        read.push(begun.elapsed().as_secs_f64());
        ensure!(report.findings.is_empty(), "{:?}", report.findings.first());
    }
    let figure = |what: String, runs, reach| -> anyhow::Result<Figure> {
        Ok(Figure::median(&what, "s", &Spread::of(runs)?, reach))
    };
    Ok(Report {
        word: "evidence",
        work: format!(
            "{jobs} jobs of as many machines in one plan, each with eight signed events, on SQLite; \
             the pack has {bytes} bytes, the archive with its audit log {archive_bytes}; verified \
             from its bytes, as `patchward-sign verify-evidence` does"
        ),
        figures: vec![
            figure(
                format!("a pack of {jobs} jobs made"),
                made,
                Reach::AtMost(2.0),
            )?,
            figure(
                format!("a pack of {jobs} jobs verified"),
                verified,
                Reach::AtMost(1.0),
            )?,
            figure(
                "the archive of the same made".to_owned(),
                archived,
                Reach::Shown,
            )?,
            figure("the archive verified".to_owned(), read, Reach::Shown)?,
        ],
    })
}
