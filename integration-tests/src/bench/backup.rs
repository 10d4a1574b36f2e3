//! A backup of a full hospital's store while its machines say hello: how long a hello takes
//! before, and while the backup is made and read back.

use super::crowd::{Crowd, Member};
use super::full;
use super::report::{Figure, Reach, Report, Spread, clock};
use crate::filled::served::ask;
use anyhow::Context as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Connections that say hello.
const CONNECTIONS: usize = 500;
/// How often each of them does: 1,000 a second by all, twice what 50,000 machines say.
const HELLO_EVERY: Duration = Duration::from_millis(500);
/// How long hellos are timed before the backup begins.
const BEFORE: Duration = Duration::from_secs(20);
/// Longest 99th percentile of a hello while a backup is made.
const MOST_MS: f64 = 100.0;

/// When a hello was said.
const BEFORE_IT: u8 = 0;
const MEANWHILE: u8 = 1;

/// Fills a hospital of so many machines, or takes one that was filled before; serves it, and
/// backs it up.
pub async fn run(
    machines: usize,
    advisories: &Path,
    hospital: Option<&Path>,
) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let served = full::served(folder.path(), machines, advisories, hospital).await?;
    let mut crowd = Crowd::at(&served.folder, served.ports.machines, "icu-1", CONNECTIONS).await?;
    crowd.connect().await?;
    let hellos = Hellos::begin(crowd);
    tokio::time::timeout(BEFORE, std::future::pending::<()>())
        .await
        .ok();
    hellos.phase.store(MEANWHILE, Ordering::Relaxed);
    let begun = clock();
    let (of, to) = (served.folder.clone(), folder.path().join("backups"));
    let made = tokio::task::spawn_blocking(move || {
        ask(&of, &["backup", "make", "--to", &to.to_string_lossy()])
    });
    let made = made.await??;
    let seconds = begun.elapsed().as_secs_f64();
    let [before, meanwhile] = hellos.end().await?;
    let number = |key: &str| -> anyhow::Result<f64> {
        let text = made[key]
            .as_str()
            .with_context(|| format!("{key} of {made}"))?;
        Ok(text.parse()?)
    };
    let (rows, mb) = (number("rows")?, number("bytes")? / 1e6);
    let p99 = |what: &str, spread: &Spread, reach| Figure {
        text: format!(
            "{:.1} ms; median {:.2} ms",
            spread.at(0.99),
            spread.median()
        ),
        ..Figure::one(what, "ms", spread.at(0.99), reach)
    };
    Ok(Report {
        word: "backup",
        work: format!(
            "{machines} machines with two years of history (`fill`), served on SQLite, and backed \
             up by `backup make`, which reads it back, while {CONNECTIONS} connections say hello \
             every {} ms; collector, load and backup share the cores and the disk",
            HELLO_EVERY.as_millis()
        ),
        figures: vec![
            p99("a hello before, 99th percentile", &before, Reach::Shown),
            p99(
                "a hello meanwhile, 99th percentile",
                &meanwhile,
                Reach::AtMost(MOST_MS),
            ),
            Figure {
                text: format!("{seconds:.1} s; {rows:.0} rows, {mb:.0} MB"),
                ..Figure::one("the backup, read back", "s", seconds, Reach::Shown)
            },
        ],
    })
}

/// Machines that say hello until they are told to end, each timed.
struct Hellos {
    running: JoinSet<anyhow::Result<[Vec<f64>; 2]>>,
    ends: Arc<AtomicBool>,
    phase: Arc<AtomicU8>,
}

impl Hellos {
    fn begin(crowd: Crowd) -> Self {
        let (ends, phase) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU8::new(BEFORE_IT)),
        );
        let mut running = JoinSet::new();
        for (number, member) in crowd.members.into_iter().enumerate() {
            let offset = HELLO_EVERY.mul_f64(number as f64 / CONNECTIONS as f64);
            running.spawn(say(member, offset, Arc::clone(&ends), Arc::clone(&phase)));
        }
        Self {
            running,
            ends,
            phase,
        }
    }

    /// Ends them; gives back how long each took before and meanwhile, in milliseconds.
    async fn end(mut self) -> anyhow::Result<[Spread; 2]> {
        self.ends.store(true, Ordering::Relaxed);
        let (mut before, mut meanwhile) = (Vec::new(), Vec::new());
        while let Some(ended) = self.running.join_next().await {
            let [first, second] = ended??;
            before.extend(first);
            meanwhile.extend(second);
        }
        Ok([Spread::of(before)?, Spread::of(meanwhile)?])
    }
}

async fn say(
    mut member: Member,
    offset: Duration,
    ends: Arc<AtomicBool>,
    phase: Arc<AtomicU8>,
) -> anyhow::Result<[Vec<f64>; 2]> {
    let mut took = [Vec::new(), Vec::new()];
    let mut timer = tokio::time::interval_at((clock() + offset).into(), HELLO_EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !ends.load(Ordering::Relaxed) {
        // From when it is due: one that waits for its turn here is late as well.
        let due = timer.tick().await;
        member.say_hello().await?;
        let ms = due.elapsed().as_secs_f64() * 1e3;
        let at = usize::from(phase.load(Ordering::Relaxed) == MEANWHILE);
        took[at].push(ms);
    }
    Ok(took)
}
