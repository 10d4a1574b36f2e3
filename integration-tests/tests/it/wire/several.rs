//! Several collectors on one database: machines that go from one to another, and what one of them
//! is told that concerns the machines of the others.

use super::carry::stop_all;
use super::driver::settings;
use super::scene::{Journal, change, measured, planned, started};
use super::world::{Machine, World, name, now, nudged, say, serve};
use patchward_agent::driver::{Driver, system_clock};
use patchward_agent::link::{Identity, Link, LinkError, Told};
use patchward_collector::fleet::{FleetHandle, FleetSettings};
use patchward_collector::reconcile::follow::{FOLLOW_EVERY, Follow};
use patchward_collector::rollout::clocks::Clocks;
use patchward_collector::store::machines::MachineState;
use patchward_collector::store::{Actor, Place, Store};
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::id::BootId;
use patchward_common::job::Event;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{Answer, Hello, Request, Stale};
use patchward_integration_tests::bad_network::{BadNetwork, Faults};
use patchward_integration_tests::fixture::Hospital;
use patchward_integration_tests::postgres::Postgres;
use std::sync::{Arc, atomic::AtomicI64};
use std::time::Duration;

/// Longest wait for anything that comes about by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// Another collector on the database of a world.
pub(super) struct Other {
    store: Store,
    pub(super) fleet: FleetHandle,
    address: String,
}

/// Machines come every second: nobody waits for minutes here.
fn quick() -> FleetSettings {
    FleetSettings {
        hello_every_ms: 1_000,
        ..FleetSettings::default()
    }
}

impl World {
    /// A world on PostgreSQL.
    pub(super) async fn shared() -> Self {
        let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
        let url = server.fresh_database().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let world = Self::on(Place::Postgres { url }, folder, quick()).await;
        world.fleet.clocks_are(Clocks::alone());
        world
    }

    /// Starts another collector on the same database, with the same keys.
    pub(super) async fn another(&self) -> Other {
        self.another_at(self.moved_ms.clone()).await
    }

    /// The same with a clock of its own.
    pub(super) async fn another_at(&self, moved_ms: Arc<AtomicI64>) -> Other {
        let store = Store::open(&self.place).await.unwrap();
        let fleet = serve(self.folder.path(), store.clone(), quick(), moved_ms).await;
        fleet.clocks_are(Clocks::alone());
        Other {
            store,
            address: fleet.local_address().unwrap().to_string(),
            fleet,
        }
    }
}

impl Other {
    /// Follows what is written, as a collector does, until it is dropped.
    async fn following(&self) -> tokio::task::JoinSet<()> {
        let (store, fleet) = (self.store.clone(), self.fleet.clone());
        let mut follow = Follow::begin(&store, now()).await.unwrap();
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let mut timer = tokio::time::interval(FOLLOW_EVERY);
            loop {
                timer.tick().await;
                follow.run(&store, &fleet, now()).await.unwrap();
            }
        });
        task
    }

    async fn connect(&self, machine: &Machine) -> Result<Link, LinkError> {
        let addresses = [self.address.clone()];
        Link::connect(&addresses, Identity::Machine(machine.credentials())).await
    }

    pub(super) async fn link(&self, machine: &Machine) -> Link {
        let link = self.connect(machine).await.unwrap();
        say(&link, machine.hello()).await.unwrap();
        link
    }
}

/// Waits for a condition that is asked of a store.
pub(super) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Everything that is stored of a machine's journal, in its order.
async fn stored(world: &World, fleet: &FleetHandle, machine: &Machine) -> Vec<Vec<u8>> {
    let Some(said) = fleet.journalled(&machine.id()) else {
        return Vec::new();
    };
    let mut view = world.store.view().await.unwrap();
    let events = view
        .journal_after(&machine.id(), &said.outbox, 0, 100)
        .await;
    events.unwrap().into_iter().map(|one| one.bytes).collect()
}

/// A power cut at the first collector while a machine is at work: the second has it within
/// seconds, with every event once; when the first is there again, the machine goes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_goes_to_another_collector_and_back_with_every_event_once() {
    let world = World::shared().await;
    let other = world.another().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let approval = planned(&world, &hospital, &[&machine]).await;
    let faults = Faults {
        lost: 0,
        doubled: 0,
        spoiled: 0,
        late_ms: 0,
    };
    let first = world.fleet.local_address().unwrap();
    let network = BadNetwork::start(first, 1, faults).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), &machine, machine.credentials());
    settings.collectors = vec![network.address.to_string(), other.address.clone()];
    let driver = Driver::new(settings, system_clock)
        .unwrap()
        .back_after(3_000);
    let journal = Journal::new(&machine, approval);
    tokio::select! {
        ended = driver.run(std::future::pending()) => panic!("it ended: {ended:?}"),
        () = goes_and_comes_back((&world, &other), &machine, &network, journal) => {}
    }
}

async fn goes_and_comes_back(
    (world, other): (&World, &Other),
    machine: &Machine,
    network: &BadNetwork,
    mut journal: Journal,
) {
    let write =
        |journal: &Journal| *machine.played.journal.lock().unwrap() = journal.events.clone();
    let expected = |journal: &Journal| -> Vec<Vec<u8>> {
        journal.events.iter().map(|event| event.to_vec()).collect()
    };
    journal.push(Event::Prepared);
    write(&journal);
    until("the first has the first event", async || {
        stored(world, &world.fleet, machine).await == expected(&journal)
    })
    .await;

    network.cut(true);
    journal.push(started());
    write(&journal);
    until("the second has what came since", async || {
        stored(world, &other.fleet, machine).await == expected(&journal)
    })
    .await;
    assert!(other.fleet.is_connected(&machine.id()));

    network.cut(false);
    until("it goes back", async || {
        world.fleet.is_connected(&machine.id()) && !other.fleet.is_connected(&machine.id())
    })
    .await;
    journal.push(measured());
    write(&journal);
    until("the first has all of it", async || {
        stored(world, &world.fleet, machine).await == expected(&journal)
    })
    .await;
    // Whoever turns events into states has turned each once.
    let job = super::scene::until(world, &journal.job, "verified").await;
    assert_eq!(job.attempt, 1);
}

/// As one does that is cut off from the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_is_sent_away_goes_to_another_collector() {
    let world = World::shared().await;
    let other = world.another().await;
    let machine = world.enrolled(1).await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), &machine, machine.credentials());
    settings.collectors = vec![world.addresses[0].clone(), other.address.clone()];
    let driver = Driver::new(settings, system_clock).unwrap();
    let goes = async {
        let id = machine.id();
        until("it is here", async || world.fleet.is_connected(&id)).await;
        assert_eq!(world.fleet.send_away(), 1);
        until("it is there", async || other.fleet.is_connected(&id)).await;
    };
    tokio::select! {
        ended = driver.run(std::future::pending()) => panic!("it ended: {ended:?}"),
        () = goes => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_at_one_collector_reaches_the_machines_of_all() {
    let world = World::shared().await;
    let other = world.another().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    planned(&world, &hospital, &[&machine]).await;
    let link = other.link(&machine).await;
    let held = super::carry::orders(&link, 0).await;
    let mut hello = machine.hello();
    hello.orders = held.digest.into();
    say(&link, hello.clone()).await.unwrap();
    let _following = other.following().await;
    assert!(
        !say(&link, hello.clone())
            .await
            .unwrap()
            .stale
            .has(Stale::ORDERS)
    );
    stop_all(&world, &hospital).await;
    let told = tokio::time::timeout(PATIENCE, link.told()).await;
    // Brought, since it lacks nothing else.
    match told.expect("it is told").unwrap() {
        Told::Stopped(orders, _) => assert_eq!(orders.stops.len(), 1),
        told => panic!("{told:?}"),
    }
    assert!(say(&link, hello).await.unwrap().stale.has(Stale::ORDERS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_collector_decides_on_a_machine_holds_at_the_others() {
    let world = World::shared().await;
    let other = world.another().await;
    let machine = world.enrolled(1).await;
    let link = other.link(&machine).await;
    let _following = other.following().await;
    // It was moved to another unit: its next request is that of a machine there.
    let mut moved = change(&world).await;
    let row = moved.view().machine(&machine.id()).await.unwrap().unwrap();
    moved
        .place_machine(&row.id, &name("ward"), row.class, &row.model, row.mode)
        .await
        .unwrap();
    moved.commit().await.unwrap();
    until("it counts to its new unit", async || {
        say(&link, machine.hello()).await.unwrap();
        let holding = other.fleet.holding();
        holding.iter().any(|one| one.unit == Some(name("ward")))
    })
    .await;
    let (from, to) = (MachineState::Enrolled, MachineState::Revoked);
    world
        .fleet
        .revoke(&machine.id(), from, to, "a test", Actor::Local(0))
        .await
        .unwrap();
    let closed = async {
        while link.is_open() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .expect("it is cut off");
    until("no handshake of it succeeds", async || {
        match other.connect(&machine).await {
            Ok(link) => say(&link, machine.hello()).await.is_err(),
            Err(_) => true,
        }
    })
    .await;
}

fn set(version: &str) -> ComponentSet {
    let component = Component {
        source: Source::Deb,
        name: "bash".into(),
        version: version.into(),
        arch: "amd64".into(),
    };
    ComponentSet::new(vec![component]).unwrap()
}

/// The index of each collector knows what machines report to the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_collector_finds_what_machines_report_to_any() {
    let world = World::shared().await;
    let other = world.another().await;
    let machine = world.enrolled(1).await;
    let mut follow = Follow::begin(&other.store, now()).await.unwrap();
    for (step, version) in [(1, "5.2-1"), (2, "5.2-2")] {
        let id = machine.id();
        world
            .fleet
            .record_inventory(&id, &set(version), now())
            .await
            .unwrap();
        let later = now().plus_ms(step * 10_000);
        follow.run(&other.store, &other.fleet, later).await.unwrap();
        let mut view = other.store.view().await.unwrap();
        for numbered in view.components_named("bash").await.unwrap() {
            let holders = other
                .fleet
                .index(|index| index.held([numbered.number], None).len());
            assert_eq!(
                holders == 1,
                numbered.component.version == version,
                "{numbered:?}"
            );
        }
    }
}

/// Two machines with one identity are found out though each is with another collector; one that
/// goes from one to the other, and boots in between, is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_goes_to_another_collector_is_found_out() {
    let world = World::shared().await;
    let other = world.another().await;
    let (honest, copied) = (world.enrolled(1).await, world.enrolled(2).await);
    let booted = |machine: &Machine, boot: u8| Hello {
        boot: BootId([boot; 16]),
        ..machine.hello()
    };
    let mut follow = Follow::begin(&world.store, now()).await.unwrap();
    let (here, there) = (honest.link(&world).await, other.link(&honest).await);
    here.close().await;
    say(&there, booted(&honest, 2)).await.unwrap();
    there.close().await;
    let here = honest.connect(&world).await.unwrap();
    say(&here, booted(&honest, 2)).await.unwrap();

    let (here, there) = (
        copied.link(&world).await,
        other.connect(&copied).await.unwrap(),
    );
    // By the collectors' clocks the copy comes later.
    world.pass(1_000);
    say(&there, booted(&copied, 2)).await.unwrap();
    other.fleet.flush().await.unwrap();
    let later = world.now().plus_ms(10_000);
    follow.run(&world.store, &world.fleet, later).await.unwrap();
    let refused = say(&here, copied.hello()).await.unwrap_err();
    assert!(refused.contains("two boots take turns"), "{refused}");
    let mut view = world.store.view().await.unwrap();
    let suspected = view.machine(&copied.id()).await.unwrap().unwrap();
    assert!(suspected.clone_suspected_at.is_some());
    let honest = view.machine(&honest.id()).await.unwrap().unwrap();
    assert_eq!(honest.clone_suspected_at, None);
}

/// Machines whose last ask for a go was refused are told to look again when another collector is
/// told of something that may have kept them from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_told_at_whichever_collector() {
    let world = World::shared().await;
    let other = world.another().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let approval = planned(&world, &hospital, &[&machine]).await;
    let mut removed = change(&world).await;
    let window = removed.view().windows(None).await.unwrap().remove(0);
    let reason = "the unit is closed".parse().unwrap();
    removed.remove_window(&window.id, &reason).await.unwrap();
    removed.commit().await.unwrap();
    let link = other.link(&machine).await;
    let mut follow = Follow::begin(&other.store, now()).await.unwrap();
    let asked = super::scene::go_asked(approval, &machine, 1);
    match link.ask(&asked).await.unwrap() {
        Answer::NotNow(not) => assert!(not.reason.contains("window"), "{}", not.reason),
        other => panic!("{other:?}"),
    }
    let mut added = change(&world).await;
    added.add_window(&window).await.unwrap();
    added.commit().await.unwrap();
    follow.run(&other.store, &other.fleet, now()).await.unwrap();
    let told = tokio::time::timeout(PATIENCE, nudged(&link)).await;
    assert_eq!(told.expect("it is told"), Nudge::OrdersChanged);
    let request = Request::Hello(Box::new(machine.hello()));
    assert!(matches!(link.ask(&request).await, Ok(Answer::Hello(_))));
}
