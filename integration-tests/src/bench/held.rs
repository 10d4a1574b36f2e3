//! What a connection costs in the collector's memory while it is only held.

use super::crowd::Crowd;
use super::process_costs::memory;
use super::report::{Figure, Reach, Report, Spread};
use super::setting::Setting;
use std::time::Duration;

/// Connections that are held.
const CONNECTIONS: usize = 5_000;
/// Samples, one a second: long enough that every connection keeps itself alive twice.
const SAMPLES: usize = 60;
/// Machines say nothing more while they are held.
const PACE_SECONDS: u32 = 300;

/// Enrols, restarts the collector so that nothing is left over from it, connects, and
/// holds.
pub async fn run() -> anyhow::Result<Report> {
    let mut setting = Setting::found(PACE_SECONDS)?;
    let mut crowd = Crowd::enrol(&setting, CONNECTIONS).await?;
    setting.restart_collector()?;
    let pid = setting.collector_pid()?;
    let before = memory(pid)?.rss;
    crowd.connect().await?;
    let mut timer = tokio::time::interval(Duration::from_secs(1));
    let (mut each, mut all) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        timer.tick().await;
        let now = memory(pid)?.rss;
        each.push((now - before) / CONNECTIONS as f64 / 1_024.0);
        all.push(now / 1_048_576.0);
    }
    let all = Spread::of(all)?;
    Ok(Report {
        word: "held",
        work: format!(
            "{CONNECTIONS} mutually authenticated connections that said hello, reported and \
             fetched orders, then held for {SAMPLES} s: growth of the collector's RSS since \
             before the first, by connection; a sample a second"
        ),
        figures: vec![
            Figure::median(
                "held connection, in the collector",
                "KiB",
                &Spread::of(each)?,
                Reach::AtMost(40.0),
            ),
            Figure::one(
                "collector before the first",
                "MiB",
                before / 1_048_576.0,
                Reach::Shown,
            ),
            Figure::median("collector with all of them", "MiB", &all, Reach::Shown),
        ],
    })
}
