//! A restart of the collector of a full hospital: how soon it lets machines in and can search,
//! and how soon a fleet that was connected is back. Beside it what a handshake costs it, and
//! what one costs mosquitto.

mod broker;

use super::crowd::{Crowd, Member};
use super::full;
use super::process_costs::{Processor, memory, peak};
use super::report::{Figure, Reach, Report, Spread, clock};
use crate::filled::served::Served;
use crate::process::wait_until;
use crate::visitor::Visitor;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Starts without a fleet.
const STARTS: usize = 5;
/// Longest time from a start to the first hello that is answered.
const MOST_STARTING_MS: f64 = 1_000.0;
/// Longest time until components can be searched.
const MOST_INDEXING_MS: f64 = 5_000.0;
/// Longest time until the whole fleet is back.
const MOST_RETURNING_SECONDS: f64 = 12.0;
/// How much cheaper than mosquitto's a connection is to be.
const LEAST_PART_OF_BROKER: f64 = 2.2;
/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;
/// Machines that come while nothing else happens, as many as to mosquitto.
const CONNECTING: usize = broker::MACHINES;
/// How often it is looked whether the collector is calm, before its fleet is sent away.
const LOOK: Duration = Duration::from_secs(2);
/// So often at most.
const MOST_LOOKS: usize = 60;
/// Part of a core that a calm collector needs: it holds its fleet's connections.
const CALM_PART: f64 = 0.1;
/// The unit of all machines that come back.
const UNIT: &str = "icu-1";

/// Fills a hospital of so many machines, or takes one that was filled before; serves it, and
/// starts its collector anew, last with `connected` machines.
pub async fn run(
    machines: usize,
    connected: usize,
    advisories: &Path,
    hospital: Option<&Path>,
) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("collector.log");
    let served = full::served(folder.path(), machines, advisories, hospital).await?;
    let (place, address) = (served.folder.clone(), served.ports.machines);
    let mut probe = Crowd::at(&place, address, UNIT, 1).await?;
    probe.connect().await?;
    let mut probe = probe.members.pop().context("a machine")?;
    let mut served = Some(served);
    let (mut starting, mut indexing) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let again = start(served.take().context("a hospital")?, &log, &mut probe).await?;
        starting.push(again.started_ms);
        indexing.push(again.indexed_ms);
        served = Some(again.served);
    }
    let served = served.context("a hospital")?;
    let ours = connects(&served).await?;
    let returned = returned(served, &log, connected).await?;
    let theirs = broker::connects(folder.path()).await?;
    let known = format!("{machines} machines known: start to the first hello");
    let searched = "the same, until components can be searched";
    let starting = Spread::of(starting)?;
    let indexing = Spread::of(indexing)?;
    let mut figures = vec![
        Figure::median(&known, "ms", &starting, Reach::AtMost(MOST_STARTING_MS)),
        Figure::median(searched, "ms", &indexing, Reach::AtMost(MOST_INDEXING_MS)),
    ];
    figures.extend(returned.figures(connected));
    figures.extend(compared(ours, theirs));
    Ok(Report {
        word: "restart",
        work: format!(
            "{machines} machines with two years of history (`fill`) and {connected} more, which are \
             connected and quiet when the collector is told to end, and come back as the agent does; from \
             when it is told until each has its answer to a hello. {STARTS} starts before that \
             with one machine that tries again and again to come in, and {CONNECTING} machines \
             that come to the last of them and to mosquitto, as many at once. Collector and load \
             share the cores"
        ),
        figures,
    })
}

/// A start with one machine that knocks.
struct Again {
    served: Served,
    started_ms: f64,
    indexed_ms: f64,
}

async fn start(served: Served, log: &Path, probe: &mut Member) -> anyhow::Result<Again> {
    let log = log.to_owned();
    let (served, at) = tokio::task::spawn_blocking(move || served.restarted(&log)).await??;
    let mut visitor = Visitor::new(&served.folder, served.ports.page.port())?;
    let indexed = tokio::task::spawn_blocking(move || indexed(&mut visitor));
    let started = probe.knocks().await?;
    let ms = |then: Instant| (then - at).as_secs_f64() * 1e3;
    Ok(Again {
        served,
        started_ms: ms(started),
        indexed_ms: ms(indexed.await??),
    })
}

/// When the collector says that components can be searched.
fn indexed(visitor: &mut Visitor) -> anyhow::Result<Instant> {
    let says = || {
        visitor
            .get("/readyz")
            .is_ok_and(|answer| answer.text().contains("index: ok"))
    };
    wait_until("components can be searched", says)?;
    Ok(clock())
}

/// Machines that connect and say hello in a second of the collector's processor, while nothing
/// else happens: what goes through the whole hospital begins a minute after its start.
async fn connects(served: &Served) -> anyhow::Result<f64> {
    let mut crowd = Crowd::at(&served.folder, served.ports.machines, UNIT, CONNECTING).await?;
    crowd.connect().await?;
    crowd.leaves().await;
    let mut processor = Processor::of(served.collector.pid());
    let before = processor.look()?;
    crowd.comes().await?;
    let busy = processor.look()? - before;
    crowd.leaves().await;
    Ok(CONNECTING as f64 / busy)
}

/// How a fleet came back.
struct Returned {
    seconds: Spread,
    /// How many tries were in vain, by why.
    failed: BTreeMap<String, u32>,
    /// Machines in a second of the collector's processor.
    a_second: f64,
    before_mib: f64,
    peak_mib: f64,
}

/// Waits until a collector is done with what came of so many machines that enrolled at once.
async fn calm(pid: u32) -> anyhow::Result<()> {
    let mut processor = Processor::of(pid);
    let mut timer = tokio::time::interval(LOOK);
    timer.tick().await;
    for _ in 0..MOST_LOOKS {
        let before = processor.look()?;
        timer.tick().await;
        if processor.look()? - before < CALM_PART * LOOK.as_secs_f64() {
            return Ok(());
        }
    }
    bail!("the collector has not become calm");
}

async fn returned(served: Served, log: &Path, connected: usize) -> anyhow::Result<Returned> {
    let mut crowd = Crowd::at(&served.folder, served.ports.machines, UNIT, connected).await?;
    crowd.connect().await?;
    calm(served.collector.pid()).await?;
    let before = memory(served.collector.pid())?.rss;
    let mut coming = JoinSet::new();
    for mut member in crowd.members {
        coming.spawn(async move { anyhow::Ok((member.comes_back().await?, member)) });
    }
    // Every machine waits before anything is timed.
    tokio::task::yield_now().await;
    let (told, log) = (clock(), log.to_owned());
    let served = tokio::task::spawn_blocking(move || served.restarted(&log)).await??;
    let (served, _) = served;
    let mut processor = Processor::of(served.collector.pid());
    let (mut seconds, mut failed, mut members) = (Vec::new(), BTreeMap::new(), Vec::new());
    while let Some(back) = coming.join_next().await {
        let (back, member) = back??;
        seconds.push((back.at - told).as_secs_f64());
        for why in back.failed {
            *failed.entry(why).or_default() += 1;
        }
        members.push(member);
    }
    let busy = processor.look()?;
    Ok(Returned {
        seconds: Spread::of(seconds)?,
        failed,
        a_second: connected as f64 / busy,
        before_mib: before / MIB,
        peak_mib: peak(served.collector.pid())? as f64 / MIB,
    })
}

impl Returned {
    /// How many tries failed, and of what most did.
    fn failures(&self) -> Figure {
        let failed: u32 = self.failed.values().sum();
        let most = self.failed.iter().max_by_key(|(_, count)| **count);
        Figure {
            text: match most {
                Some((why, count)) => format!("{failed}, of which {count}: {why}"),
                None => "none".to_owned(),
            },
            ..Figure::one(
                "attempts that failed",
                "",
                failed.into(),
                Reach::AtMost(0.0),
            )
        }
    }

    fn figures(&self, connected: usize) -> Vec<Figure> {
        let back = format!("last of {connected} machines back");
        let memory = format!(
            "{:.0} MiB; {:.0} before the restart",
            self.peak_mib, self.before_mib
        );
        vec![
            Figure::one(
                &back,
                "s",
                self.seconds.at(1.0),
                Reach::AtMost(MOST_RETURNING_SECONDS),
            ),
            Figure::median("until a machine is", "s", &self.seconds, Reach::Shown),
            self.failures(),
            Figure {
                text: memory,
                ..Figure::one(
                    "the collector's memory at most",
                    "MiB",
                    self.peak_mib,
                    Reach::Shown,
                )
            },
            Figure::one(
                "machines back, a second of its processor, its start in it",
                "/s",
                self.a_second,
                Reach::Shown,
            ),
        ]
    }
}

/// Connects in a second of the collector's processor beside those in a second of mosquitto's.
fn compared(ours: f64, theirs: f64) -> [Figure; 3] {
    [
        Figure::one(
            "machines that connect and say hello, a second of its processor",
            "/s",
            ours,
            Reach::Shown,
        ),
        Figure::one(
            "mosquitto, TLS 1.3 with client certificates and one message, as many",
            "/s",
            theirs,
            Reach::Shown,
        ),
        Figure::one(
            "part of it",
            "",
            ours / theirs,
            Reach::AtLeast(LEAST_PART_OF_BROKER),
        ),
    ]
}
