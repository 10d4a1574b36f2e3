//! How long a stop takes from an approver's file to every connected machine.

use super::crowd::{Crowd, Member};
use super::report::{Figure, Reach, Report, Spread, clock};
use super::setting::Setting;
use crate::programs::Program;
use anyhow::{Context as _, anyhow, ensure};
use patchward_collector::command::Command;
use patchward_collector::command::stop::StopCommand;
use patchward_collector::control::client;
use patchward_common::digest::Digest;
use patchward_common::plan::file;
use patchward_common::trust::sign::{Document as _, Signed};
use patchward_common::trust::stop::Stop;
use patchward_common::wire::machine::Stale;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Machines, and how many milliseconds 99 in 100 of them may take.
const FLEETS: [(usize, f64); 2] = [(5_000, 250.0), (20_000, 1_000.0)];
/// Stops for each fleet; the first one is left out.
const RUNS: usize = 6;
/// Machines come rarely by themselves: what reaches them is the nudge.
const PACE_SECONDS: u32 = 300;
/// Who has not answered after so long is lost.
const LOST: Duration = Duration::from_secs(30);

/// How often the collector is asked how many machines have acknowledged a stop.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// When the first hello after a stop is said, and over how long they are spread, as the agent
/// does it.
const HELLOS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(4));

/// What one stop took, in milliseconds.
struct Run {
    /// Until 99 in 100 machines had it, by their clock.
    has: f64,
    /// Until the collector said that 99 in 100 had acknowledged it, and that all had.
    said: f64,
    last: f64,
    command: f64,
    lost: usize,
}

/// Stops two fleets a few times over, or only the one of so many machines.
pub async fn run(machines: Option<usize>) -> anyhow::Result<Report> {
    let mut figures = Vec::new();
    let wanted = |fleet: &(usize, f64)| machines.is_none_or(|machines| machines == fleet.0);
    for (count, limit) in FLEETS.into_iter().filter(wanted) {
        let runs = fleet(count).await?;
        let each = |of: fn(&Run) -> f64| Spread::of(runs[1..].iter().map(of));
        let lost = runs.iter().map(|run| run.lost).max().unwrap_or(0);
        for (what, of, reach) in [
            (
                "acknowledged, 99th percentile",
                (|run| run.said) as fn(&Run) -> f64,
                Reach::AtMost(limit),
            ),
            ("acknowledged by the last", |run| run.last, Reach::Shown),
            (
                "the stop is there, 99th percentile",
                |run| run.has,
                Reach::Shown,
            ),
            ("the command's answer", |run| run.command, Reach::Shown),
        ] {
            let what = format!("stop of {count} machines: {what}");
            figures.push(Figure::median(&what, "ms", &each(of)?, reach));
        }
        let what = format!("stop of {count} machines: lost at most");
        figures.push(Figure::one(&what, "", lost as f64, Reach::AtMost(0.0)));
    }
    Ok(Report {
        word: "stops",
        work: format!(
            "each of the connected and assigned machines takes the stop that it is brought, says \
             so at once, and hello 2 to 6 s later; from when `document add` was started with an \
             approver's signed stop until `stop list` counts the machines, asked every {} ms from \
             when they say so; \
             {RUNS} stops for each fleet; collector and machines share the cores",
            LOOK_EVERY.as_millis()
        ),
        figures,
    })
}

async fn fleet(count: usize) -> anyhow::Result<Vec<Run>> {
    let setting = Setting::found(PACE_SECONDS)?;
    let mut crowd = Crowd::enrol(&setting, count).await?;
    let named = crowd.members.iter();
    setting.assign(named.map(|member| (member.number, member.id)))?;
    crowd.connect().await?;
    let mut runs = Vec::new();
    for number in 0..RUNS {
        runs.push(stop(&setting, &mut crowd, number).await?);
    }
    Ok(runs)
}

/// Signs a stop of everything, hands it in, and waits for every machine.
async fn stop(setting: &Setting, crowd: &mut Crowd, number: usize) -> anyhow::Result<Run> {
    let (file, digest) = signed(setting, number)?;
    let mut waiting = JoinSet::new();
    let count = crowd.members.len();
    let (told, most_have) = mpsc::channel();
    let having = Arc::new(Having {
        count: AtomicUsize::new(0),
        most: count * 99 / 100,
        told,
    });
    for member in std::mem::take(&mut crowd.members) {
        let (first, spread) = HELLOS;
        let rest = first + spread.mul_f64(member.number as f64 / count as f64);
        waiting.spawn(stopped(member, digest, rest, Arc::clone(&having)));
    }
    // Every machine waits before anything is timed.
    tokio::task::yield_now().await;
    let begun = clock();
    let socket = setting.hospital.collector_folder().join("control.sock");
    // Where the machines' thread is busy, nobody else may wait for it.
    let watch = std::thread::spawn(move || {
        // From then on the collector may have counted so many.
        let _ = most_have.recv_timeout(LOST);
        watch(&socket, digest, count, begun)
    });
    let command = tokio::process::Command::new(Program::Collector.path()?)
        .arg("--folder")
        .arg(setting.hospital.collector_folder())
        .args(["document", "add"])
        .arg(file)
        .output();
    let command = async {
        let output = command.await?;
        ensure!(
            output.status.success(),
            "the stop was not taken in: {output:?}"
        );
        Ok(clock())
    };
    let machines = async {
        let mut done = Vec::new();
        while let Some(ended) = waiting.join_next().await {
            done.push(ended??);
        }
        anyhow::Ok(done)
    };
    let (answered, done) = tokio::try_join!(command, machines)?;
    let watched = watch.join().map_err(|_| anyhow!("nobody watched"))??;
    let ms = |at: Instant| (at - begun).as_secs_f64() * 1e3;
    let reached = || done.iter().filter_map(|(_, has)| *has);
    let run = Run {
        has: Spread::of(reached().map(ms))?.at(0.99),
        said: watched.most,
        last: watched.all,
        command: ms(answered),
        lost: done.len() - reached().count().min(watched.acknowledged),
    };
    crowd.members = done.into_iter().map(|(member, _)| member).collect();
    crowd.members.sort_by_key(|member| member.number);
    Ok(run)
}

/// When the collector counted 99 in 100 machines, and all, in milliseconds; and how many.
struct Watched {
    most: f64,
    all: f64,
    acknowledged: usize,
}

/// How many machines have said that they have the stop.
struct Having {
    count: AtomicUsize,
    /// 99 in 100 of them.
    most: usize,
    /// Is told once so many have said it.
    told: mpsc::Sender<()>,
}

impl Having {
    fn one_more(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == self.most {
            let _ = self.told.send(());
        }
    }
}

fn watch(socket: &Path, stop: Digest, count: usize, begun: Instant) -> anyhow::Result<Watched> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut watched = Watched {
        most: f64::INFINITY,
        all: f64::INFINITY,
        acknowledged: 0,
    };
    runtime.block_on(async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        while watched.acknowledged < count && begun.elapsed() < LOST {
            looks.tick().await;
            watched.acknowledged = acknowledged(socket, stop).await?;
            watched.all = begun.elapsed().as_secs_f64() * 1e3;
            if watched.acknowledged >= count * 99 / 100 {
                watched.most = watched.most.min(watched.all);
            }
        }
        Ok(watched)
    })
}

/// How many machines have acknowledged the stop, as `stop list` says.
async fn acknowledged(socket: &Path, stop: Digest) -> anyhow::Result<usize> {
    let list = Command::Stop(StopCommand::List);
    let output = client::call(socket, list, |_, _, _| ()).await;
    let output = output.map_err(|failure| anyhow!(failure.text))?;
    let rows = output.json();
    let mut rows = rows.as_array().context("a table")?.iter();
    let row = rows.find(|row| row["stop"] == stop.to_string());
    let count = row.map_or(Some(0), |row| row["acknowledged"].as_u64());
    Ok(usize::try_from(count.context("a count")?)?)
}

fn signed(setting: &Setting, number: usize) -> anyhow::Result<(PathBuf, Digest)> {
    let (name, reason) = (format!("stop-{number}.cbor"), format!("stop {number}"));
    let what = ["stop", "--all", "--reason", &reason, "--out", &name];
    setting
        .hospital
        .sign(&[&what[..], &["--yes", "--key", "ada.pem"]].concat())?;
    let file = setting.hospital.people().join(name);
    let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let stop: Signed<Stop> = file::from_bytes(Stop::TYPE, 2 * Stop::MAX_BYTES, &bytes)?;
    Ok((file, stop.digest()))
}

/// One machine, as its agent does: it takes the stop that is brought, or asks for its orders,
/// says so, and says hello after a rest. Gives back when it had the stop; `None` where it does
/// not come.
async fn stopped(
    mut member: Member,
    stop: Digest,
    rest: Duration,
    having: Arc<Having>,
) -> anyhow::Result<(Member, Option<Instant>)> {
    let wait = async {
        loop {
            let (orders, stream) = match member.stopped().await? {
                Some((orders, stream)) => (orders, Some(stream)),
                None => (member.fetch_orders().await?, None),
            };
            if !orders.stops.iter().any(|one| one.digest() == stop) {
                continue;
            }
            let has = clock();
            if let Some(stream) = stream {
                member.says(stream).await?;
            }
            having.one_more();
            tokio::time::sleep_until((has + rest).into()).await;
            let answer = member.say_hello().await?;
            ensure!(!answer.stale.has(Stale::ORDERS), "orders changed meanwhile");
            return Ok(has);
        }
    };
    let has = match tokio::time::timeout(LOST, wait).await {
        Ok(has) => Some(has?),
        Err(_) => None,
    };
    Ok((member, has))
}
