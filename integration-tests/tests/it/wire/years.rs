//! What happens to machines over years: they sleep, come back, and leave for good.

use super::driver::{certificates, run, settings, until_certified};
use super::world::{Machine, World, name, now, say};
use patchward_agent::credentials::Credentials;
use patchward_agent::enrol::{self, Asked, EnrolError};
use patchward_agent::link::{Identity, Link, LinkError};
use patchward_collector::fleet::Authorities;
use patchward_collector::store::Actor;
use patchward_collector::store::enrolments::{Enrolment, EnrolmentState};
use patchward_collector::store::machines::{MachineState, NewMachine};
use patchward_collector::store::tokens::Acceptance;
use patchward_common::id::MachineId;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::PublicKey;
use patchward_common::wire::machine::RefusedCode;

/// A machine that was enrolled eight months ago and slept since the day after.
async fn slept(world: &World) -> Machine {
    let then = now().plus_ms(-240 * DAY_MS);
    let ended = then.plus_ms(90 * DAY_MS);
    world.token("then", 1, Acceptance::Person).await;
    let mut machine = Machine::new(world.folder.path(), 8);
    let id = machine.id();
    let mut change = world.store.change(Actor::Collector, then).await.unwrap();
    let asked = Enrolment {
        machine: id,
        spki: PublicKey::of(&machine.key).spki(),
        host: name("pc-8"),
        unit: name("icu"),
        token: name("then"),
        csr: vec![0x30],
        facts: vec![0xa0],
        asked_at: then,
        state: EnrolmentState::Waiting,
        decided_at: None,
    };
    change.ask_enrolment(&asked).await.unwrap();
    let new = NewMachine {
        id,
        name: name("pc-8"),
        unit: name("icu"),
        class: Class::Critical,
        model: name("station"),
        mode: Mode::Observe,
    };
    change.accept_enrolment(&new).await.unwrap();
    change.add_certificate(&id, "0a", ended).await.unwrap();
    change.commit().await.unwrap();
    // Of what it has, only whom it trusts matters any more.
    let other = world.enrolled(9).await;
    machine.credentials = Some(Credentials {
        machine: id,
        expires: ended,
        ..other.credentials().clone()
    });
    machine
}

/// Asks as a machine whose certificate is over.
async fn asks(world: &World, machine: &Machine) -> Result<Asked, EnrolError> {
    let credentials = machine.credentials();
    let link = Link::connect(&world.addresses, Identity::Expired(credentials));
    let (link, myself) = (link.await.unwrap(), &machine.myself);
    enrol::renew(&link, &machine.installer, credentials, myself, now()).await
}

fn refused(asked: Result<Asked, EnrolError>) -> String {
    match asked {
        Err(EnrolError::Refused(refused)) => {
            assert_eq!(refused.code, RefusedCode::Forbidden);
            refused.text
        }
        other => panic!("{other:?}"),
    }
}

/// Those that wait for a person's yes.
async fn waiting(world: &World) -> Vec<MachineId> {
    let mut view = world.store.view().await.unwrap();
    let waiting = view.returns_waiting().await.unwrap();
    waiting.into_iter().map(|one| one.machine).collect()
}

/// A person says yes.
async fn accepted(world: &World, machine: &Machine, at: UtcMs) {
    let mut change = world.store.change(Actor::Local(0), at).await.unwrap();
    change.accept_return(&machine.id()).await.unwrap();
    change.commit().await.unwrap();
}

async fn moved(world: &World, machine: &Machine, from: MachineState, to: MachineState) {
    let mut change = world.store.change(Actor::Local(0), now()).await.unwrap();
    let id = machine.id();
    change.move_machine(&id, from, to, "a test").await.unwrap();
    change.commit().await.unwrap();
    world.fleet.machine_changed(&id);
}

/// The whole way, by the agent itself.
#[tokio::test]
async fn a_machine_that_slept_past_its_certificate_comes_back_with_a_persons_yes() {
    let world = World::new().await;
    let machine = slept(&world).await;
    let id = machine.id();
    let settings = settings(world.folder.path(), &machine, machine.credentials());
    run(settings, async {
        while waiting(&world).await != [id] {
            tokio::task::yield_now().await;
        }
        assert_eq!(certificates(&world, &id).await, 1);
        assert!(!world.fleet.is_connected(&id));
        accepted(&world, &machine, now()).await;
        until_certified(&world, &id, 2).await;
    })
    .await;
    // It is one of the fleet again, and the yes is used up.
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.return_of(&id).await.unwrap(), None);
    let rows = view.audit_of(&id.to_string(), 100).await.unwrap();
    let told = |action: &str| rows.iter().filter(|row| row.action == action).count();
    assert_eq!(told("machine.return_ask"), 1, "however often it asks");
    assert_eq!(told("machine.return_accept"), 1);
}

/// A yes is said for a machine that is about to be switched on, not for good.
#[tokio::test]
async fn a_persons_yes_counts_for_a_month() {
    let world = World::new().await;
    let machine = slept(&world).await;
    for (days, comes_back) in [(31, false), (29, true)] {
        assert!(matches!(asks(&world, &machine).await, Ok(Asked::Wait(_))));
        assert_eq!(waiting(&world).await, [machine.id()]);
        accepted(&world, &machine, now().plus_ms(-days * DAY_MS)).await;
        let asked = asks(&world, &machine).await.unwrap();
        let certified = matches!(asked, Asked::Certified(_));
        assert_eq!(certified, comes_back, "said {days} days ago");
    }
    assert!(waiting(&world).await.is_empty());
}

/// Whoever takes a machine out of storage has said yes: it is not asked about twice.
#[tokio::test]
async fn a_machine_from_storage_is_asked_about_once() {
    let world = World::new().await;
    let machine = slept(&world).await;
    let (enrolled, stored) = (MachineState::Enrolled, MachineState::Stored);
    moved(&world, &machine, enrolled, stored).await;
    assert!(matches!(asks(&world, &machine).await, Ok(Asked::Wait(_))));
    assert_eq!(waiting(&world).await, [machine.id()]);
    moved(&world, &machine, stored, enrolled).await;
    assert!(waiting(&world).await.is_empty());
    let asked = asks(&world, &machine).await;
    assert!(matches!(asked, Ok(Asked::Certified(_))), "{asked:?}");
}

/// Neither its certificate nor its key nor a new token lets it in, and the token stays whole.
#[tokio::test]
async fn a_decommissioned_machine_never_returns() {
    let world = World::new().await;
    let machine = slept(&world).await;
    let token = world.token("again", 1, Acceptance::Automatic).await;
    let (enrolled, gone) = (MachineState::Enrolled, MachineState::Decommissioned);
    moved(&world, &machine, enrolled, gone).await;
    world.fleet.revoked(&[machine.id()]).await.unwrap();
    let said = refused(asks(&world, &machine).await);
    assert!(said.contains("decommissioned"), "{said}");
    let said = refused(machine.enrol(token, &world.addresses).await);
    assert!(said.contains("needs a new key"), "{said}");
    assert!(waiting(&world).await.is_empty());
    let mut view = world.store.view().await.unwrap();
    assert!(view.enrolments_waiting().await.unwrap().is_empty());
    let tokens = view.tokens().await.unwrap();
    let again = tokens.iter().find(|token| token.id == name("again"));
    assert_eq!(again.unwrap().uses_left, 1);
    // Its name is free for what stands in its place.
    assert!(view.machine_named(&name("pc-8")).await.unwrap().is_none());
}

/// The names of the machines that do not know the next authority.
async fn unreached(world: &World) -> Vec<String> {
    world.fleet.flush().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let unreached = view.unreached().await.unwrap();
    unreached.iter().map(|one| one.name.to_string()).collect()
}

/// Renews as a machine does that knows its certificate.
async fn renew(world: &World, machine: &mut Machine) {
    let link = machine.link(world).await;
    let (credentials, myself) = (machine.credentials(), &machine.myself);
    let asked = enrol::renew(&link, &machine.installer, credentials, myself, now()).await;
    let Ok(Asked::Certified(renewed)) = asked else {
        panic!("{asked:?}");
    };
    link.close().await;
    machine.credentials = Some(*renewed);
}

/// Whether a machine can say hello.
async fn is_served(world: &World, machine: &Machine) -> bool {
    match machine.connect(world).await {
        Ok(link) => say(&link, machine.hello()).await.is_ok(),
        Err(_) => false,
    }
}

async fn revoked(world: &World, machine: &Machine) {
    let (from, to) = (MachineState::Enrolled, MachineState::Revoked);
    let (id, by) = (machine.id(), Actor::Local(0));
    let revoked = world.fleet.revoke(&id, from, to, "stolen", by);
    revoked.await.unwrap();
}

/// The authority is followed by the next one: in between machines of both are served, and
/// those that know the next one are known.
#[tokio::test]
async fn the_authority_is_followed_with_both_trusted_in_between() {
    let world = World::new().await;
    let (mut one, two, three) = (
        world.enrolled(1).await,
        world.enrolled(2).await,
        world.enrolled(3).await,
    );
    let begun = Authorities::begin(world.folder.path(), &name("main"), now()).unwrap();
    world.fleet.follow(begun).await.unwrap();
    // Those of the old one are served, and hear of the next when they renew.
    assert!(is_served(&world, &two).await);
    assert_eq!(unreached(&world).await, ["pc-1", "pc-2", "pc-3"]);
    renew(&world, &mut one).await;
    assert_eq!(one.credentials().authorities().count(), 2);
    assert_eq!(unreached(&world).await.len(), 3, "it has not come with it");
    assert!(is_served(&world, &one).await);
    assert_eq!(unreached(&world).await, ["pc-2", "pc-3"]);
    // New ones come with tokens that name the old one, and know both.
    let four = world.enrolled(4).await;
    assert!(is_served(&world, &four).await);
    assert_eq!(unreached(&world).await, ["pc-2", "pc-3"]);
    // Revocation holds for certificates of both.
    for gone in [&three, &four] {
        revoked(&world, gone).await;
        assert!(!is_served(&world, gone).await);
    }
    // A start in between changes nothing.
    let world = world.restart().await;
    assert!(is_served(&world, &one).await && is_served(&world, &two).await);
    assert_eq!(unreached(&world).await, ["pc-2"]);
    let over = Authorities::finish(world.folder.path()).unwrap();
    world.fleet.follow(over).await.unwrap();
    assert!(is_served(&world, &one).await);
    assert!(!is_served(&world, &two).await, "it was left behind");
    assert!(!is_served(&world, &four).await, "revoked it stays");
    // Who was left behind comes back by a new token and a person's yes.
    let token = world.token("back", 1, Acceptance::Automatic).await;
    let asked = two.enrol(token, &world.addresses).await;
    assert!(matches!(asked, Ok(Asked::Wait(_))), "{asked:?}");
    // From then on machines are told of the new one alone.
    renew(&world, &mut one).await;
    assert_eq!(one.credentials().authorities().count(), 1);
    assert!(is_served(&world, &one).await);
}

/// An agent that has renewed comes again at once: who waits for it sees that it knows.
#[tokio::test]
async fn an_agent_shows_its_next_certificate_at_once() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let begun = Authorities::begin(world.folder.path(), &name("main"), now()).unwrap();
    world.fleet.follow(begun).await.unwrap();
    let mut credentials = machine.credentials().clone();
    credentials.expires = now().plus_ms(29 * DAY_MS);
    let settings = settings(world.folder.path(), &machine, &credentials);
    run(settings, async {
        while !unreached(&world).await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(certificates(&world, &machine.id()).await, 2);
}

/// A collector's computer was years ahead when it made its certificate; once its clock is set
/// right, machines know it again without a start.
#[tokio::test]
async fn a_collector_whose_clock_was_years_ahead_is_known_again() {
    const YEARS_MS: i64 = 3 * 365 * DAY_MS;
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    world.pass(YEARS_MS);
    world.fleet.revoked(&[machine.id()]).await.unwrap();
    let linked = machine.connect(&world).await;
    assert!(matches!(linked, Err(LinkError::Clock { .. })), "{linked:?}");
    world.pass(-YEARS_MS);
    while machine.connect(&world).await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// A machine whose clock is years ahead takes its certificate for over, and is told to set the
/// clock. It is not taken for one that slept.
#[tokio::test]
async fn a_machine_whose_clock_is_years_ahead_is_told_so() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let ahead = now().plus_ms(3 * 365 * DAY_MS);
    let credentials = machine.credentials();
    assert!(credentials.is_expired(ahead));
    let link = Link::connect(&world.addresses, Identity::Expired(credentials));
    let (link, myself) = (link.await.unwrap(), &machine.myself);
    let asked = enrol::renew(&link, &machine.installer, credentials, myself, ahead).await;
    let Err(EnrolError::Refused(refused)) = asked else {
        panic!("{asked:?}");
    };
    assert!(
        refused.text.contains("set the machine's clock"),
        "{refused:?}"
    );
    assert!(waiting(&world).await.is_empty());
    // Set right, it has lost nothing.
    assert!(is_served(&world, &machine).await);
}
