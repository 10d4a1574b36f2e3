//! How many requests a second the collector answers on 1,000 connections: quiet hellos,
//! and journal events that are acknowledged after COMMIT.

use super::crowd::{Crowd, Member};
use super::process_costs::Processor;
use super::report::{Figure, Reach, Report, Spread, clock};
use super::setting::{Setting, UNIT};
use crate::fixture::interval;
use crate::hospital::now;
use crate::vendor::tree_release;
use anyhow::{Context as _, ensure};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId};
use patchward_common::job::{Event, JobEvent, Start, StepEnd, StepOutcome};
use patchward_common::time::HOUR_MS;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::machine::{Answer, JournalReport, Request};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections, each with one request on its way at any time.
const CONNECTIONS: usize = 1_000;
/// Runs of each kind; the first one is left out.
const RUNS: usize = 6;
/// How long hellos are said in one run.
const HELLO_TIME: Duration = Duration::from_secs(4);
/// Events of each machine in one run.
const EVENTS: usize = 64;
/// Events that an agent has when it sends some: in a demo they were 47 in 23 requests.
const AT_ONCE: usize = 2;
/// How often each machine writes so many where they come at a steady pace: 10,200 events a
/// second by all of them.
const EVENTS_EVERY: Duration =
    Duration::from_nanos(1_000_000_000 * (CONNECTIONS * AT_ONCE) as u64 / 10_200);
/// Machines come rarely by themselves; here they are driven.
const PACE_SECONDS: u32 = 300;

/// What one run of all connections brought.
struct Run {
    a_second: f64,
    p99_ms: f64,
    /// Cores that the collector kept busy.
    cores: f64,
}

/// Quiet hellos.
pub async fn hellos() -> anyhow::Result<Report> {
    let (setting, mut crowd) = connected().await?;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let until = clock() + HELLO_TIME;
        let work = |mut member: Member| async move {
            let mut took = Vec::new();
            while clock() < until {
                let began = clock();
                member.say_hello().await?;
                took.push(began.elapsed());
            }
            let done = took.len();
            Ok((member, took, done))
        };
        runs.push(run(&setting, &mut crowd, clock(), work).await?);
    }
    let mut figures = figures("quiet hellos", &runs[1..], 25_000.0)?;
    figures.push(cores(&runs[1..])?);
    Ok(Report {
        word: "hellos",
        work: format!(
            "{CONNECTIONS} mutually authenticated connections from one process, each saying one \
             quiet hello after the other for {} s; collector and load share the cores",
            HELLO_TIME.as_secs()
        ),
        figures,
    })
}

/// Journal events: at a steady pace, and as fast as they go, one in each request and
/// eight in each.
pub async fn journal() -> anyhow::Result<Report> {
    let (mut setting, mut crowd) = connected().await?;
    let jobs = planned(&mut setting, &crowd)?;
    let mut chains: Vec<Chain> = crowd.members.iter().map(|_| Chain::default()).collect();
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(paced(&setting, &mut crowd, &mut chains, &jobs).await?);
    }
    let mut figures = figures(
        "journal events at a steady pace, 2 at once,",
        &runs[1..],
        10_000.0,
    )?;
    figures.push(cores(&runs[1..])?);
    for in_request in [1, 8] {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let mut requests: Vec<Vec<Request>> = Vec::new();
            for ((member, chain), job) in crowd.members.iter().zip(&mut chains).zip(&jobs) {
                requests.push(chain.requests(member, *job, in_request));
            }
            requests.reverse();
            let work = |member: Member| {
                let requests = requests.pop().unwrap_or_default();
                async move {
                    let mut took = Vec::new();
                    for request in &requests {
                        let began = clock();
                        let answer = member.ask(request).await?;
                        took.push(began.elapsed());
                        ensure!(
                            matches!(answer, Answer::Stored(_)),
                            "not stored: {answer:?}"
                        );
                    }
                    let done = took.len() * in_request;
                    Ok((member, took, done))
                }
            };
            runs.push(run(&setting, &mut crowd, clock(), work).await?);
        }
        let what = format!("as fast as they go, {in_request} in each request,");
        figures.extend(self::figures(&what, &runs[1..], 0.0)?);
        figures.push(cores(&runs[1..])?);
    }
    Ok(Report {
        word: "journal",
        work: format!(
            "{CONNECTIONS} connections as for `hellos`, {EVENTS} signed events of a job on each in a run; \
             every acknowledgement leaves after COMMIT (SQLite, synchronous=FULL, group commit)"
        ),
        figures,
    })
}

/// Every machine writes [`AT_ONCE`] events every [`EVENTS_EVERY`], and sends, as the agent does, all
/// that it has as soon as what it sent before is acknowledged. Timed is each event from
/// when it was due to its acknowledgement.
async fn paced(
    setting: &Setting,
    crowd: &mut Crowd,
    chains: &mut [Chain],
    jobs: &[JobId],
) -> anyhow::Result<Run> {
    let mut journals: Vec<(usize, u64, Vec<ByteBuf>)> = Vec::new();
    for (number, ((member, chain), job)) in crowd.members.iter().zip(chains).zip(jobs).enumerate() {
        let first = chain.sequence + 1;
        let events = (0..EVENTS).map(|_| chain.next(member, *job));
        journals.push((number, first, events.collect()));
    }
    journals.reverse();
    // Everything is signed by now: on the machines, in life. Time begins when all wait.
    let begin = clock() + Duration::from_secs(1);
    let work = |member: Member| {
        let (number, first, events) = journals.pop().unwrap_or_default();
        async move {
            // Not all at the same instant.
            let offset = EVENTS_EVERY.mul_f64(number as f64 / CONNECTIONS as f64);
            let due = |at: usize| begin + offset + EVENTS_EVERY * (at / AT_ONCE) as u32;
            let (mut took, mut sent) = (Vec::new(), 0);
            while sent < events.len() {
                tokio::time::sleep_until(due(sent).into()).await;
                let now = clock();
                let up_to = (sent..events.len()).take_while(|at| due(*at) <= now);
                let up_to = up_to.last().map_or(sent, |last| last + 1);
                if up_to == sent {
                    continue;
                }
                let answer = member
                    .ask(&Request::Journal(JournalReport {
                        outbox: member.hello.outbox,
                        first: first + sent as u64,
                        events: events[sent..up_to].to_vec(),
                    }))
                    .await?;
                ensure!(
                    matches!(answer, Answer::Stored(_)),
                    "not stored: {answer:?}"
                );
                let stored = clock();
                took.extend((sent..up_to).map(|at| stored - due(at)));
                sent = up_to;
            }
            Ok((member, took, events.len()))
        }
    };
    run(setting, crowd, begin, work).await
}

fn figures(what: &str, runs: &[Run], limit: f64) -> anyhow::Result<Vec<Figure>> {
    let rates = Spread::of(runs.iter().map(|run| run.a_second))?;
    let late = Spread::of(runs.iter().map(|run| run.p99_ms))?;
    let (least, most) = match limit > 0.0 {
        true => (Reach::AtLeast(limit), Reach::AtMost(100.0)),
        false => (Reach::Shown, Reach::Shown),
    };
    Ok(vec![
        Figure::median(&format!("{what} on 1,000 connections"), "/s", &rates, least),
        Figure::median(&format!("{what} 99th percentile"), "ms", &late, most),
    ])
}

fn cores(runs: &[Run]) -> anyhow::Result<Figure> {
    let cores = Spread::of(runs.iter().map(|run| run.cores))?;
    let what = "cores that the collector had meanwhile";
    Ok(Figure::median(what, "", &cores, Reach::Shown))
}

async fn connected() -> anyhow::Result<(Setting, Crowd)> {
    let setting = Setting::found(PACE_SECONDS)?;
    let mut crowd = Crowd::enrol(&setting, CONNECTIONS).await?;
    crowd.connect().await?;
    Ok((setting, crowd))
}

/// Lets every member work at the same time, to its end.
async fn run<F>(
    setting: &Setting,
    crowd: &mut Crowd,
    begin: Instant,
    mut work: impl FnMut(Member) -> F,
) -> anyhow::Result<Run>
where
    F: Future<Output = anyhow::Result<(Member, Vec<Duration>, usize)>> + Send + 'static,
{
    let mut processor = Processor::of(setting.collector_pid()?);
    let before = processor.look()?;
    let mut running = JoinSet::new();
    for member in std::mem::take(&mut crowd.members) {
        running.spawn(work(member));
    }
    let (mut latencies, mut done) = (Vec::new(), 0);
    let mut members = Vec::new();
    while let Some(ended) = running.join_next().await {
        let (member, took, all) = ended??;
        done += all;
        latencies.extend(took.iter().map(|took| took.as_secs_f64() * 1e3));
        members.push(member);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let busy = processor.look()? - before;
    members.sort_by_key(|member| member.number);
    crowd.members = members;
    Ok(Run {
        a_second: done as f64 / seconds,
        p99_ms: Spread::of(latencies)?.at(0.99),
        cores: busy / seconds,
    })
}

/// A real plan for every machine, so that events belong to jobs; gives back the jobs by
/// the machines' numbers.
fn planned(setting: &mut Setting, crowd: &Crowd) -> anyhow::Result<Vec<JobId>> {
    setting.assign(
        crowd
            .members
            .iter()
            .map(|member| (member.number, member.id)),
    )?;
    let (release, bytes) = tree_release("viewer", "1.0", 1, &[("viewer", b"#!/bin/sh")])?;
    let hospital = &mut setting.hospital;
    hospital.vendor.publish(&release, &[&bytes], now())?;
    hospital.import()?;
    hospital.ask(&["window", "once", "now", "--unit", UNIT, "--minutes", "180"])?;
    let canaries = CONNECTIONS.to_string();
    let chosen = ["Viewer 1.0", "--release", "viewer=1.0", "--unit", UNIT];
    let waves = ["--canaries", &canaries, "--days", "1"];
    let (plan, _) = hospital.plan(&[&chosen[..], &waves].concat())?;
    hospital.approve(&plan, &["ada"])?;
    let listed = hospital.ask_json(&["job", "list", "--plan", &plan])?;
    let mut jobs = BTreeMap::new();
    for job in listed.as_array().context("jobs")? {
        let text = |key: &str| job[key].as_str().with_context(|| format!("no {key}"));
        let number = text("machine")?.rsplit('-').next().unwrap_or_default();
        jobs.insert(number.parse::<usize>()?, text("job")?.parse::<JobId>()?);
    }
    ensure!(
        jobs.keys().copied().eq(0..crowd.members.len()),
        "there are {} jobs",
        jobs.len()
    );
    Ok(jobs.into_values().collect())
}

/// A machine's journal so far.
#[derive(Default)]
struct Chain {
    sequence: u64,
    previous: Digest,
}

impl Chain {
    /// The next [`EVENTS`], signed and in requests.
    fn requests(&mut self, member: &Member, job: JobId, in_request: usize) -> Vec<Request> {
        let mut requests = Vec::new();
        for _ in 0..EVENTS / in_request {
            let first = self.sequence + 1;
            let events = (0..in_request).map(|_| self.next(member, job));
            let events = events.collect();
            requests.push(Request::Journal(JournalReport {
                outbox: member.hello.outbox,
                first,
                events,
            }));
        }
        requests
    }

    fn next(&mut self, member: &Member, job: JobId) -> ByteBuf {
        self.sequence += 1;
        let event = JobEvent {
            machine: member.id,
            sequence: self.sequence,
            previous: self.previous,
            at: now(),
            job,
            approval: Digest::default(),
            event: event(self.sequence),
        };
        let signed = Signed::new(&event, &member.key);
        self.previous = signed.digest();
        ByteBuf::from(codec::encode(&signed))
    }
}

/// A job that was prepared, started, and takes many steps.
fn event(sequence: u64) -> Event {
    match sequence {
        1 => Event::Prepared,
        2 => Event::Started(Start {
            slot: interval(now(), now().plus_ms(HOUR_MS)),
            boot: BootId([1; 16]),
            go: Digest::default(),
            approved_by: Vec::new(),
            roster: Digest::default(),
            charter: Digest::default(),
            assignment: Digest::default(),
            versions_before: Vec::new(),
            interlock: "idle".into(),
        }),
        _ => Event::StepEnded(StepEnd {
            step: "unpack".into(),
            outcome: StepOutcome::Succeeded,
            output: "Unpacking viewer (1.0) ...".into(),
        }),
    }
}
