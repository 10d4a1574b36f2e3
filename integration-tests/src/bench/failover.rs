//! A power cut of a collector that a whole fleet is connected with: how long until every machine
//! is with the other one on the same PostgreSQL, and whether every event of their journals is
//! there once.

use super::crowd::{Crowd, Member};
use super::report::{Figure, Reach, Report, Spread, clock};
use crate::filled::served::ask;
use crate::fixture::{Hospital, sign};
use crate::hospital::now;
use crate::ports::free_port;
use crate::postgres::{Durability, Postgres};
use crate::process::{Daemon, run as run_command};
use crate::programs::Program;
use anyhow::{Context as _, ensure};
use patchward_agent::driver::backoff;
use patchward_collector::store::Place;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::{Event, JobEvent};
use patchward_common::plan::file::to_bytes;
use patchward_common::trust::charter::Charter;
use patchward_common::trust::sign::{Document as _, Signed};
use patchward_common::wire::machine::{Answer, JournalReport, Request};
use serde_bytes::ByteBuf;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Machines, where nothing else is said.
pub const MACHINES: usize = 5_000;
/// The unit of all of them.
const UNIT: &str = "icu-1";
/// Longest time until all are with the other.
const MOST_SECONDS: f64 = 10.0;
/// So often a machine tries to come in; the last wait is minutes.
const MOST_TRIES: u32 = 8;
/// Events of each machine: before, on its way in the power cut, and after it.
const EVENTS: usize = 3;

/// A collector's folder, and where it listens.
struct Seat {
    folder: PathBuf,
    address: SocketAddr,
}

fn serve(one: &Seat) -> anyhow::Result<Daemon> {
    let mut daemon = Daemon::start(
        "collector",
        Command::new(Program::Collector.path()?)
            .arg("--folder")
            .arg(&one.folder)
            .arg("serve"),
        &one.folder.with_extension("log"),
    )?;
    daemon.wait_until("it answers", || ask(&one.folder, &["site", "list"]).is_ok())?;
    Ok(daemon)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
}

/// Two collectors with the same keys, as docs/several.md has it.
fn two(place: &Path, database: &str) -> anyhow::Result<(Seat, Seat)> {
    let first = Seat {
        folder: place.join("first"),
        address: free_address()?,
    };
    let second = Seat {
        folder: place.join("second"),
        address: free_address()?,
    };
    let listen = first.address.to_string();
    run_command(
        Command::new(Program::Collector.path()?)
            .arg("--folder")
            .arg(&first.folder)
            .args(["init", "--listen", &listen, "--address", &listen])
            .args(["--web-listen", "none", "--pace-seconds", "300"])
            .args(["--database", database]),
    )?;
    run_command(
        Command::new("cp")
            .arg("-a")
            .args([&first.folder, &second.folder]),
    )?;
    let settings = second.folder.join("collector.toml");
    let text = std::fs::read_to_string(&settings)?;
    let other = format!("listen = \"{}\"", second.address);
    std::fs::write(
        &settings,
        text.replace(&format!("listen = \"{listen}\""), &other),
    )?;
    Ok((first, second))
}

/// Takes in a charter: machines pin the hospital root that signed it.
fn charter(one: &Seat) -> anyhow::Result<()> {
    let hospital = Hospital::new(1, now());
    let signed = sign(&hospital.charter(), &[&hospital.root]);
    let path = one.folder.with_extension("charter");
    std::fs::write(&path, to_bytes(Charter::TYPE, &signed))?;
    ask(&one.folder, &["document", "add", &path.to_string_lossy()])?;
    Ok(())
}

/// Enrols so many machines at one of two collectors, and cuts its power.
pub async fn run(machines: Option<usize>) -> anyhow::Result<Report> {
    let machines = machines.unwrap_or(MACHINES);
    let server = Postgres::start(Durability::OnDisk)?;
    let database = server.fresh_database()?;
    let folder = tempfile::tempdir()?;
    let (first, second) = two(folder.path(), &database)?;
    let (killed, _other) = (serve(&first)?, serve(&second)?);
    charter(&first)?;
    ask(&first.folder, &["site", "add", "main"])?;
    let unit = ["unit", "add", UNIT, "--site", "main", "--class", "standard"];
    ask(&first.folder, &unit)?;
    let mut crowd = Crowd::at(&first.folder, first.address, UNIT, machines).await?;
    for member in &mut crowd.members {
        member.knows_several();
    }
    crowd.connect().await?;
    let mut moving = JoinSet::new();
    let mut ready = Vec::new();
    for member in crowd.members {
        let (tell, told) = tokio::sync::oneshot::channel();
        ready.push(told);
        moving.spawn(moved(member, second.address, tell));
    }
    for told in ready {
        told.await.context("a machine did not come so far")?;
    }
    let cut = clock();
    // Dropped, it is killed.
    drop(killed);
    let mut seconds = Vec::new();
    while let Some(there) = moving.join_next().await {
        let there: Instant = there??;
        seconds.push(there.saturating_duration_since(cut).as_secs_f64());
    }
    let store = Place::Postgres { url: database }.look().await?;
    let counts = store.view().await?.counts().await?;
    store.close().await;
    let stored = counts.get("journal_events").copied().unwrap_or(0);
    let expected = (machines * EVENTS) as u64;
    ensure!(
        stored == expected,
        "{stored} events are stored, and {expected} were written"
    );
    let spread = Spread::of(seconds)?;
    let most = spread.at(1.0);
    Ok(Report {
        word: "failover",
        work: format!(
            "{machines} machines connected with one of two collectors on one PostgreSQL, which is \
             killed while an event of each is on its way; they notice, connect and say hello as \
             the agent does, and bring what is not stored. Afterwards {stored} events are stored, \
             {EVENTS} of each machine; all share the cores"
        ),
        figures: vec![
            Figure::one(
                &format!("last of {machines} machines with the other collector"),
                "s",
                most,
                Reach::AtMost(MOST_SECONDS),
            ),
            Figure::median("until a machine is", "s", &spread, Reach::Shown),
        ],
    })
}

/// A machine before, in and after the power cut; gives back when it was with the other, all of
/// its events stored.
async fn moved(
    mut member: Member,
    other: SocketAddr,
    ready: tokio::sync::oneshot::Sender<()>,
) -> anyhow::Result<Instant> {
    let events = journal(&member);
    let stored = member.ask(&report(&member, &events, 0, 1)).await?;
    ensure!(stored == Answer::Stored(1), "not stored: {stored:?}");
    let _ = ready.send(());
    // On its way when the power goes, for some; who has an answer has it stored.
    let chance = u64::from(member.id.0[0]);
    due(chance).await;
    let _ = member.ask(&report(&member, &events, 1, 2)).await;
    member.until_lost().await?;
    // As the agent does: where the other has no time for it yet, it comes once more.
    let mut tries = 1;
    loop {
        due(backoff::after(tries, chance * 256)).await;
        match comes(&mut member, other, &events).await {
            Ok(there) => return Ok(there),
            Err(error) if tries == MOST_TRIES => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

/// Connects with the other, says hello and brings what is not stored; gives back when its hello
/// was answered.
async fn comes(
    member: &mut Member,
    other: SocketAddr,
    events: &[ByteBuf],
) -> anyhow::Result<Instant> {
    member.goes_to(other).await?;
    member.hello.journal = EVENTS as u64;
    let position = usize::try_from(member.say_hello().await?.journal)?;
    let there = clock();
    if position == EVENTS {
        // An earlier try brought them, and its answer was lost.
        return Ok(there);
    }
    let stored = member
        .ask(&report(member, events, position, EVENTS))
        .await?;
    ensure!(
        stored == Answer::Stored(EVENTS as u64),
        "not stored: {stored:?}"
    );
    Ok(there)
}

/// An agent's own wait, which is part of what is measured.
async fn due(ms: u64) {
    let at = tokio::time::Instant::now() + Duration::from_millis(ms);
    tokio::time::sleep_until(at).await;
}

fn journal(member: &Member) -> Vec<ByteBuf> {
    let mut previous = Digest::default();
    let next = |sequence| {
        let event = JobEvent {
            machine: member.id,
            sequence,
            previous,
            at: now(),
            job: JobId::of(Digest::default(), member.id),
            approval: Digest::default(),
            event: Event::Prepared,
        };
        let signed = Signed::new(&event, &member.key);
        previous = signed.digest();
        ByteBuf::from(codec::encode(&signed))
    };
    (1..=EVENTS as u64).map(next).collect()
}

/// The events after one up to another.
fn report(member: &Member, events: &[ByteBuf], after: usize, up_to: usize) -> Request {
    Request::Journal(JournalReport {
        outbox: member.hello.outbox,
        first: after as u64 + 1,
        events: events.iter().take(up_to).skip(after).cloned().collect(),
    })
}
