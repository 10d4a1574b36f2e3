//! Artifacts from the collector to machines as their agents fetch them, and beside it, in turns,
//! the same bytes by plain quinn.

mod plain;

use super::crowd::Crowd;
use super::download::{self, BYTES, MACHINES, RUNS};
use super::report::{Figure, Reach, Report, Spread, clock};
use super::setting::Setting;
use patchward_agent::link::{Identity, Link};
use plain::Plain;

/// Machines come rarely by themselves.
const PACE_SECONDS: u32 = 300;
/// Least of all machines in sum.
const LEAST_MB: f64 = 500.0;
/// Least part of plain quinn's.
const LEAST_PART: f64 = 0.6;

/// Has the machines fetch an artifact a few times over.
pub async fn run() -> anyhow::Result<Report> {
    let setting = Setting::found(PACE_SECONDS)?;
    let crowd = Crowd::enrol(&setting, MACHINES.into()).await?;
    let sha256 = download::artifact(&setting)?;
    let plain = Plain::start().await?;
    let mut links = Vec::new();
    for member in &crowd.members {
        let identity = Identity::Machine(&member.credentials);
        let link = Link::connect(&member.credentials.addresses, identity).await?;
        links.push(link.for_artifacts(&member.credentials).await?);
    }
    let (mut ours, mut theirs, mut part) = (Vec::new(), Vec::new(), Vec::new());
    // The first run fills the cache of the disk.
    for run in 0..=RUNS {
        let began = clock();
        download::by_all(&links, sha256).await?;
        let by_us = download::mb_a_second(began);
        let began = clock();
        plain.fetched().await?;
        let by_plain = download::mb_a_second(began);
        if run > 0 {
            ours.push(by_us);
            theirs.push(by_plain);
            part.push(by_us / by_plain);
        }
    }
    Ok(Report {
        word: "artifacts",
        work: format!(
            "one artifact of {} MiB; {MACHINES} machines in one process fetch it at once, each over \
             a connection of its own, {RUNS} times from the collector and in turns as many bytes \
             from a server of plain quinn, whose settings are quinn's own; all share the cores",
            BYTES >> 20
        ),
        figures: vec![
            Figure::median(
                "artifact from the collector, all machines in sum",
                "MB/s",
                &Spread::of(ours)?,
                Reach::AtLeast(LEAST_MB),
            ),
            Figure::median("plain quinn", "MB/s", &Spread::of(theirs)?, Reach::Shown),
            Figure::median(
                "part of it",
                "",
                &Spread::of(part)?,
                Reach::AtLeast(LEAST_PART),
            ),
        ],
    })
}
