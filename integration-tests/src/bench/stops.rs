//! How long a stop takes from an approver's file to every connected machine.

use super::crowd::{Crowd, Member};
use super::report::{Figure, Reach, Report, Spread, clock};
use super::setting::Setting;
use crate::programs::Program;
use anyhow::{Context as _, ensure};
use patchward_common::digest::Digest;
use patchward_common::plan::file;
use patchward_common::trust::sign::{Document as _, Signed};
use patchward_common::trust::stop::Stop;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::Stale;
use std::path::PathBuf;
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

/// When one machine had the stop, and when the collector had its word for it.
struct Stopped {
    has: Instant,
    said: Instant,
}

/// What one stop took, in milliseconds.
struct Run {
    has: Spread,
    said: Spread,
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
                (|run| run.said.at(0.99)) as fn(&Run) -> f64,
                Reach::AtMost(limit),
            ),
            (
                "acknowledged by the last",
                |run| run.said.at(1.0),
                Reach::Shown,
            ),
            (
                "the stop is there, 99th percentile",
                |run| run.has.at(0.99),
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
            "each of the connected and assigned machines is nudged, takes the stop that the \
             nudge brings and says so with its next hello; from when `document add` was \
             started with an approver's signed stop, {RUNS} stops for each fleet; collector and \
             machines share the cores"
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
    for member in std::mem::take(&mut crowd.members) {
        waiting.spawn(stopped(member, digest));
    }
    // Every machine waits before anything is timed.
    tokio::task::yield_now().await;
    let begun = clock();
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
    let ms = |at: Instant| (at - begun).as_secs_f64() * 1e3;
    let reached = || done.iter().filter_map(|(_, stopped)| stopped.as_ref());
    let run = Run {
        has: Spread::of(reached().map(|stopped| ms(stopped.has)))?,
        said: Spread::of(reached().map(|stopped| ms(stopped.said)))?,
        command: ms(answered),
        lost: done.len() - reached().count(),
    };
    crowd.members = done.into_iter().map(|(member, _)| member).collect();
    crowd.members.sort_by_key(|member| member.number);
    Ok(run)
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

/// One machine, as its agent does: it takes the stop that the nudge brings, or asks for its
/// orders, and its next hello names them. `None` where the stop does not come.
async fn stopped(mut member: Member, stop: Digest) -> anyhow::Result<(Member, Option<Stopped>)> {
    let wait = async {
        loop {
            let orders = match member.nudge().await? {
                Nudge::Stopped(orders) if orders.base == Some(member.orders()) => {
                    member.takes(&orders);
                    *orders
                }
                Nudge::Stopped(_) | Nudge::Stop => member.fetch_orders().await?,
                _ => continue,
            };
            if !orders.stops.iter().any(|one| one.digest() == stop) {
                continue;
            }
            let has = clock();
            let answer = member.say_hello().await?;
            ensure!(!answer.stale.has(Stale::ORDERS), "orders changed meanwhile");
            let said = clock();
            return Ok(Stopped { has, said });
        }
    };
    let stopped = match tokio::time::timeout(LOST, wait).await {
        Ok(stopped) => Some(stopped?),
        Err(_) => None,
    };
    Ok((member, stopped))
}
