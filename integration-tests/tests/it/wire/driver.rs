//! The agent's loop, in this process: what it does when things go wrong.

use super::carry::stop_all;
use super::played::{Collector, Does, answered};
use super::world::{Machine, World, now};
use patchward_agent::config::Settings;
use patchward_agent::credentials::Credentials;
use patchward_agent::driver::{Driver, system_clock};
use patchward_agent::link::{Identity, Link, LinkError};
use patchward_collector::fleet::Target;
use patchward_collector::store::Actor;
use patchward_collector::store::machines::MachineState;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::State;
use patchward_common::time::DAY_MS;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::local::JobStatus;
use patchward_common::wire::machine::{
    Answer, ArtifactHeader, Orders, Refused, RefusedCode, Request, Stale,
};
use patchward_integration_tests::fixture::{Hospital, interval};
use serde_bytes::ByteBuf;
use std::path::Path;
use std::time::Duration;

/// An agent in `folder/agent` beside a machine's installer.
pub(crate) fn settings(folder: &Path, machine: &Machine, credentials: &Credentials) -> Settings {
    let at = |name: &str| folder.join("agent").join(name);
    std::fs::create_dir_all(at("root/var/lib/dpkg")).unwrap();
    let status = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\n";
    std::fs::write(at("root/var/lib/dpkg/status"), status).unwrap();
    credentials.save(&at("state")).unwrap();
    Settings {
        state_dir: at("state"),
        installer_socket: machine.socket.clone(),
        collectors: credentials.addresses.clone(),
        probes_dir: at("probes.d"),
        root_dir: at("root"),
        trees_dir: at("trees"),
        ..Settings::default()
    }
}

/// Longest wait for anything that an agent does.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Runs an agent until `done`.
pub(crate) async fn run<T>(settings: Settings, done: impl Future<Output = T>) -> T {
    let driver = Driver::new(settings, system_clock).unwrap();
    tokio::select! {
        ended = driver.run(std::future::pending()) => panic!("it ended: {ended:?}"),
        done = tokio::time::timeout(PATIENCE, done) => done.expect("it never came to this"),
    }
}

/// Waits for a condition.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

/// An agent with a played collector, until `done`.
pub(super) async fn with_played(collector: &Collector, done: impl Future<Output = ()>) {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::new(folder.path(), 1);
    let settings = settings(folder.path(), &machine, &collector.credentials);
    run(settings, done).await;
}

pub(super) fn refusal(code: RefusedCode) -> Does {
    Does::Answers(Answer::Refused(Refused::new(code, "a test")))
}

#[tokio::test]
async fn a_session_that_failed_leaves_no_connection() {
    let collector = Collector::new(|_, _| refusal(RefusedCode::Forbidden));
    with_played(&collector, until(|| collector.is_closed(0))).await;
    assert_eq!((collector.connections(), collector.hellos()), (1, 1));
}

/// Answers everything as a collector does that has nothing to say.
pub(super) fn calmly(request: &Request) -> Does {
    match request {
        Request::Hello(_) => answered(Stale::default(), 0),
        Request::Inventory(report) => Does::Answers(Answer::Accepted(report.digest)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_busy_collector_is_asked_again_on_the_same_connection() {
    let mut hellos = 0;
    let collector = Collector::new(move |_, request| {
        hellos += u32::from(matches!(request, Request::Hello(_)));
        match request {
            Request::Hello(_) if hellos == 2 => refusal(RefusedCode::Busy),
            _ => calmly(request),
        }
    });
    with_played(&collector, until(|| collector.hellos() == 3)).await;
    assert_eq!(collector.connections(), 1);
}

#[tokio::test]
async fn a_refused_inventory_does_not_end_the_turn() {
    let collector = Collector::new(|_, request| match request {
        Request::Inventory(_) => refusal(RefusedCode::BadRequest),
        _ => calmly(request),
    });
    with_played(&collector, until(|| collector.hellos() == 2)).await;
    assert_eq!(collector.connections(), 1);
}

/// Facts are a few kilobytes: they go along only where the collector lacks them.
#[tokio::test]
async fn facts_are_told_once_and_again_to_who_lost_them() {
    let collector = Collector::new(|_, request| match request {
        Request::Hello(_) => answered(Stale::INVENTORY, 0),
        _ => calmly(request),
    });
    let told = || {
        let requests = collector.requests().into_iter();
        let reports = requests.filter_map(|(_, request)| match request {
            Request::Inventory(report) => Some(report.facts.is_some()),
            _ => None,
        });
        reports.collect::<Vec<_>>()
    };
    with_played(&collector, until(|| told().len() == 2)).await;
    assert_eq!(told(), [true, true]);
    let mut reports = 0;
    let folder = tempfile::tempdir().unwrap();
    let status = folder.path().join("agent/root/var/lib/dpkg/status");
    let collector = Collector::new(move |_, request| {
        if matches!(request, Request::Inventory(_)) {
            reports += 1;
            let version = format!("5.3-{reports}");
            let text = format!("Package: bash\nStatus: install ok installed\nVersion: {version}\n");
            std::fs::write(&status, text).unwrap();
        }
        calmly(request)
    });
    let machine = Machine::new(folder.path(), 1);
    let settings = settings(folder.path(), &machine, &collector.credentials);
    let with_facts = || {
        let requests = collector.requests().into_iter();
        let reports = requests.filter_map(|(_, request)| match request {
            Request::Inventory(report) => Some(report.facts.is_some()),
            _ => None,
        });
        reports.collect::<Vec<_>>()
    };
    run(settings, until(|| with_facts().len() == 2)).await;
    assert_eq!(with_facts(), [true, false]);
}

/// A machine that downloads is there like any other: it says hello, hears nudges, and goes
/// on with what is missing.
#[tokio::test]
async fn a_download_that_takes_long_stops_no_hello() {
    let hospital = Hospital::new(1, now());
    let release = hospital.release("2", 2, b"the release");
    let files = hospital
        .repository(3, std::slice::from_ref(&release))
        .unwrap();
    let id = MachineId([1; 32]);
    let leaf = hospital.leaf(&hospital.row(id));
    let approval = hospital.approval(vec![release]);
    let placed = hospital.approve(&approval, &[leaf], &[&hospital.alice]);
    let digest = placed[0].signed.digest();
    let orders = Orders {
        approvals: placed,
        digest: Digest([9; 32]),
        ..Orders::default()
    };
    let collector = Collector::new(move |_, request| match request {
        Request::Hello(hello) if hello.orders == orders.digest.into() => {
            answered(Stale::default(), 0)
        }
        Request::Hello(_) => answered(Stale::ORDERS, 0),
        Request::Orders(_) => Does::Answers(Answer::Orders(Box::new(orders.clone()))),
        Request::Metadata(asked) => {
            let file = files.get(&asked.file).cloned().map(ByteBuf::from);
            Does::Answers(Answer::Metadata(file))
        }
        Request::Artifact(asked) => {
            let header = ArtifactHeader {
                total: 11,
                length: asked.length,
            };
            let first = if asked.offset == 0 { "the" } else { "" };
            let header = codec::encode(&Answer::Artifact(header));
            Does::Trickles([&header[..], first.as_bytes()].concat())
        }
        _ => calmly(request),
    });
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::new(folder.path(), 1);
    machine.played.jobs.lock().unwrap().push(JobStatus {
        job: JobId::of(digest, id),
        approval: digest,
        state: State::Assigned,
        slots: vec![interval(now(), now().plus_ms(DAY_MS))],
        longest_run_ms: 1,
        title: super::world::label("Update"),
    });
    let settings = settings(folder.path(), &machine, &collector.credentials);
    let offsets = || {
        let requests = collector.requests().into_iter();
        let artifacts = requests.filter_map(|(_, request)| match request {
            Request::Artifact(asked) => Some(asked.offset),
            _ => None,
        });
        artifacts.collect::<Vec<_>>()
    };
    run(settings, until(|| offsets().len() >= 3)).await;
    assert_eq!(offsets()[..3], [0, 3, 3], "it goes on from where it was");
    assert!(collector.hellos() >= 3);
    let is_timestamp = |request: &Request| matches!(request, Request::Metadata(asked) if asked.file == "timestamp.json");
    let requests = collector.requests().into_iter();
    let timestamps = requests
        .filter(|(_, request)| is_timestamp(request))
        .count();
    assert_eq!(timestamps, 1, "what is fresh is not fetched again");
    assert_eq!(collector.connections(), 1);
}

#[tokio::test]
async fn a_machine_comes_back_to_a_collector_that_went_away() {
    let collector = Collector::new(|_, request| calmly(request));
    with_played(&collector, async {
        until(|| collector.hellos() == 1).await;
        collector.nudge(0, Nudge::GoingAway(1)).await;
        until(|| collector.is_closed(0) && collector.connections() == 2).await;
        until(|| collector.hellos() >= 2).await;
    })
    .await;
}

/// The outbox is the only memory of what is stored: an acknowledgement that is lost, and a
/// collector that was put back to yesterday.
#[tokio::test]
async fn the_journal_goes_on_where_the_collector_says() {
    let mut hellos = 0;
    let mut reports = 0;
    let collector = Collector::new(move |_, request| match request {
        Request::Hello(_) => {
            hellos += 1;
            // Stored and not acknowledged; then restored to before the second event.
            answered(Stale::JOURNAL, [0, 3, 1][usize::min(hellos - 1, 2)])
        }
        Request::Journal(_) => {
            reports += 1;
            match reports {
                1 => Does::BreaksOff,
                _ => Does::Answers(Answer::Stored(3)),
            }
        }
        _ => calmly(request),
    });
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::new(folder.path(), 1);
    let events = (1..=3u8).map(|n| ByteBuf::from([n]));
    *machine.played.journal.lock().unwrap() = events.collect();
    let settings = settings(folder.path(), &machine, &collector.credentials);
    let firsts = || {
        let requests = collector.requests().into_iter();
        let reports = requests.filter_map(|(number, request)| match request {
            Request::Journal(report) => Some((number, report.first, report.events.len())),
            _ => None,
        });
        reports.collect::<Vec<_>>()
    };
    run(settings, until(|| firsts().len() == 2)).await;
    assert_eq!(firsts(), [(0, 1, 3), (1, 2, 2)]);
}

/// Attack "withheld stop", by a full disk: what cannot be written keeps no stop out.
#[tokio::test]
async fn stops_arrive_though_nothing_can_be_written() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let settings = settings(world.folder.path(), &machine, machine.credentials());
    let _ = Driver::new(settings.clone(), system_clock).unwrap();
    // Where the temporary file would be made there is a folder: every write fails.
    for file in ["inventory.new", "outbox.new", "clock.new"] {
        std::fs::create_dir(settings.state_dir.join(file)).unwrap();
    }
    let given = || machine.played.given.lock().unwrap().clone();
    run(settings, async {
        until(|| !given().is_empty()).await;
        stop_all(&world, &hospital).await;
        until(|| given().iter().any(|given| given.stops.len() == 1)).await;
    })
    .await;
}

#[tokio::test]
async fn documents_that_were_refused_are_brought_again() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let settings = settings(world.folder.path(), &machine, machine.credentials());
    machine
        .played
        .refuses
        .store(1, std::sync::atomic::Ordering::SeqCst);
    stop_all(&world, &hospital).await;
    let given = || machine.played.given.lock().unwrap().clone();
    let known = || world.fleet.holding().iter().any(|one| one.since.is_some());
    run(settings, async {
        until(|| given().len() == 1).await;
        // The next hello must not say that they are here. Nothing changed but that a person
        // wants it tried again.
        world.fleet.nudge_all(Nudge::OrdersChanged);
        until(|| given().len() == 2).await;
        assert_eq!(given()[0], given()[1]);
        // With the next hello the collector knows.
        let target = Target::Machine(machine.id());
        world.fleet.nudge(&target, Nudge::ReportNow).await;
        until(known).await;
    })
    .await;
    assert_eq!(given().len(), 2, "taken whole, they are not brought again");
}

/// Certificates of a machine, by the collector's record.
pub(super) async fn certificates(world: &World, machine: &MachineId) -> usize {
    let mut view = world.store.view().await.unwrap();
    view.certificates_of(machine).await.unwrap().len()
}

pub(super) async fn until_certified(world: &World, machine: &MachineId, count: usize) {
    while certificates(world, machine).await < count || !world.fleet.is_connected(machine) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_certificate_is_renewed_at_two_thirds_of_its_life() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let mut credentials = machine.credentials().clone();
    credentials.expires = now().plus_ms(29 * DAY_MS);
    let settings = settings(world.folder.path(), &machine, &credentials);
    let folder = settings.state_dir.clone();
    run(settings, until_certified(&world, &machine.id(), 2)).await;
    let renewed = Credentials::load(&folder).unwrap();
    assert_ne!(renewed.key, credentials.key);
    assert!(renewed.expires > now().plus_ms(89 * DAY_MS));
}

/// A machine from storage: its certificate is over, and a person says yes.
#[tokio::test]
async fn a_machine_from_storage_comes_back_after_a_persons_yes() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let mut credentials = machine.credentials().clone();
    credentials.expires = now().plus_ms(-DAY_MS);
    let settings = settings(world.folder.path(), &machine, &credentials);
    let moved = async |from, to| {
        let mut change = world.store.change(Actor::Local(0), now()).await.unwrap();
        let id = machine.id();
        change.move_machine(&id, from, to, "a test").await.unwrap();
        change.commit().await.unwrap();
        world.fleet.machine_changed(&id);
    };
    let (enrolled, stored) = (MachineState::Enrolled, MachineState::Stored);
    moved(enrolled, stored).await;
    run(settings, async {
        // It asks, and is told to wait: its outbox is there, and no certificate.
        let began = tokio::time::Instant::now();
        until(|| began.elapsed().as_millis() > 300).await;
        assert_eq!(certificates(&world, &machine.id()).await, 1);
        moved(stored, enrolled).await;
        until_certified(&world, &machine.id(), 2).await;
    })
    .await;
}

/// A clock that is wrong by years shows as a certificate that is over.
#[tokio::test]
async fn a_collectors_certificate_that_is_over_is_a_matter_of_clocks() {
    let collector = Collector::valid_until(2021, |_, _| Does::BreaksOff);
    let addresses = [collector.address.clone()];
    let linked = Link::connect(&addresses, Identity::Machine(&collector.credentials)).await;
    assert!(matches!(linked, Err(LinkError::Clock { .. })), "{linked:?}");
}
