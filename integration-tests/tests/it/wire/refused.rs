//! Copies, machines put back, and floods: who is refused, and what that costs others.

use super::played::{self, Does};
use super::session::ended;
use super::world::{Machine, World, now, say};
use patchward_agent::download::{DownloadError, Downloads, Relay};
use patchward_agent::enrol::{self, Asked};
use patchward_agent::link::{Identity, Link, LinkError};
use patchward_collector::fleet::FleetSettings;
use patchward_collector::store::Actor;
use patchward_collector::store::machines::Machine as Row;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{Answer, ArtifactHeader, Hello, RefusedCode, Request, close};
use patchward_integration_tests::fixture::name;

async fn row(world: &World, machine: &Machine) -> Row {
    let mut view = world.store.view().await.unwrap();
    view.machine(&machine.id()).await.unwrap().unwrap()
}

/// A person says that there is one machine only.
async fn cleared(world: &World, machine: &Machine) {
    let mut change = world.store.change(Actor::Local(0), now()).await.unwrap();
    change.clear_clone(&machine.id(), "looked").await.unwrap();
    change.commit().await.unwrap();
    world.fleet.machine_changed(&machine.id());
}

async fn renewed(link: &Link, machine: &Machine) -> Asked {
    let (credentials, myself) = (machine.credentials(), &machine.myself);
    enrol::renew(link, &machine.installer, credentials, myself, now())
        .await
        .unwrap()
}

/// Attack "enrolment": copies that come without end do not throw the machine itself out.
#[tokio::test]
async fn refused_copies_are_closed_and_the_machine_stays() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let mut hello = machine.hello();
    hello.fingerprint = Digest([200; 32]).into();
    for _ in 0..8 {
        let copy = machine.connect(&world).await.unwrap();
        let said = say(&copy, hello.clone()).await.unwrap_err();
        assert!(said.contains("Clone"), "{said}");
        assert_eq!(ended(&copy).await, close::CLONE);
    }
    // Nor do those that say nothing.
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(machine.connect(&world).await.unwrap());
    }
    say(&link, machine.hello()).await.unwrap();
    assert!(world.fleet.is_connected(&machine.id()));
}

/// A new mainboard, or a copy: the machine is let in, a person is asked, and until then it
/// gets no certificate.
#[tokio::test]
async fn one_change_of_facts_is_asked_about() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    machine.link(&world).await.close().await;
    while world.fleet.is_connected(&machine.id()) {
        tokio::task::yield_now().await;
    }
    let link = machine.connect(&world).await.unwrap();
    let mut hello = machine.hello();
    hello.fingerprint = Digest([200; 32]).into();
    say(&link, hello.clone()).await.unwrap();
    let reason = row(&world, &machine).await.clone_reason.unwrap();
    assert!(reason.contains("mainboard"), "{reason}");
    assert!(matches!(renewed(&link, &machine).await, Asked::Wait(_)));
    cleared(&world, &machine).await;
    say(&link, hello).await.unwrap();
    assert_eq!(row(&world, &machine).await.clone_reason, None);
    assert!(matches!(
        renewed(&link, &machine).await,
        Asked::Certified(_)
    ));
}

/// An installer that was put back to an older state has forgotten what it refused.
#[tokio::test]
async fn a_watermark_that_fell_is_remembered_until_a_person_looked() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let with = |watermark: u8| Hello {
        watermark: Digest([watermark; 32]),
        ..machine.hello()
    };
    say(&link, with(4)).await.unwrap();
    // A renewal between the two must not make it forgotten.
    assert!(matches!(
        renewed(&link, &machine).await,
        Asked::Certified(_)
    ));
    assert_eq!(row(&world, &machine).await.clone_reason, None);
    say(&link, with(3)).await.unwrap();
    let reason = row(&world, &machine).await.clone_reason.unwrap();
    assert!(reason.contains("fell back"), "{reason}");
    let world = world.restart().await;
    let link = machine.link(&world).await;
    assert!(row(&world, &machine).await.clone_suspected_at.is_some());
    cleared(&world, &machine).await;
    say(&link, with(3)).await.unwrap();
    assert_eq!(row(&world, &machine).await.clone_suspected_at, None);
    let mut view = world.store.view().await.unwrap();
    let rows = view.audit_of(&machine.id().to_string(), 100).await.unwrap();
    let told = |action: &str| rows.iter().filter(|row| row.action == action).count();
    assert_eq!(told("machine.clone_suspected"), 1);
    assert_eq!(told("machine.clone_cleared"), 1);
}

#[tokio::test]
async fn a_version_is_a_short_plain_text() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.connect(&world).await.unwrap();
    for version in ["x".repeat(65), "0.1\u{1b}[2J".into()] {
        let hello = Hello {
            version,
            ..machine.hello()
        };
        match link.ask(&Request::Hello(Box::new(hello))).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
    say(&link, machine.hello()).await.unwrap();
}

/// Attack "hostile machine": who has no certificate makes the collector hold little.
#[tokio::test]
async fn a_request_without_a_certificate_is_small() {
    let world = World::new().await;
    let link = unknown(&world).await;
    let ask = async |bytes: usize| match link.ask_raw(&vec![0x40; bytes]).await.unwrap() {
        Answer::Refused(refused) => refused.text,
        other => panic!("{other:?}"),
    };
    let largest = 128 * 1024;
    assert!(!ask(largest).await.contains("larger than"));
    assert!(ask(largest + 1).await.contains("larger than 131072 bytes"));
}

async fn unknown(world: &World) -> Link {
    let pinned = Identity::Pinned(world.fleet.ca_fingerprint());
    Link::connect(&world.addresses, pinned).await.unwrap()
}

/// Attack "hostile machine": a place to enrol is no place to stay.
#[tokio::test]
async fn so_many_enrol_at_once_and_no_more() {
    let world = World::new().await;
    let mut links = Vec::new();
    for _ in 0..256 {
        links.push(unknown(&world).await);
    }
    let one_more = unknown(&world).await;
    assert_eq!(ended(&one_more).await, close::GOING_AWAY);
    // A place that is free again is given again.
    if let Some(link) = links.pop() {
        link.close().await;
    }
    loop {
        let next = unknown(&world).await;
        let answer = next.ask_raw(b"").await;
        if !matches!(answer, Err(LinkError::Closed { .. })) {
            break;
        }
    }
}

/// Attack "hostile machine": handshakes that are begun and never ended. Beyond half of what
/// may be in flight an address has to show first that it is its own.
#[tokio::test]
async fn handshakes_in_flight_are_bounded() {
    let settings = FleetSettings {
        handshakes: 4,
        ..FleetSettings::default()
    };
    let world = World::with(settings).await;
    let mut firsts = Vec::new();
    for _ in 0..4 {
        firsts.push(played::first_reply(&world.addresses[0]).await);
    }
    let is_retry = |first: &u8| first & 0xf0 == 0xf0;
    assert!(!is_retry(&firsts[0]), "{firsts:x?}");
    assert!(is_retry(&firsts[3]), "{firsts:x?}");
}

/// Attack "slow retrieval", the other way round: a request that never ends is given up.
#[tokio::test]
async fn a_request_has_to_arrive_in_time() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.connect(&world).await.unwrap();
    let (mut send, mut receive) = link.open().await.unwrap();
    send.write_all(&[0xa1]).await.unwrap();
    // From here on the clock moves as soon as everybody waits.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let answer = receive.read_to_end(1_024).await.unwrap();
    let said = String::from_utf8_lossy(&answer).into_owned();
    assert!(said.contains("not here within 60 s"), "{said}");
    assert!(began.elapsed().as_secs() <= 61);
    drop(send);
}

/// Attack "slow retrieval": one byte a second, of metadata and of an artifact.
#[tokio::test]
async fn one_byte_a_second_is_given_up() {
    const ARTIFACT: u64 = 1024 * 1024;
    let collector = played::Collector::new(|_, request| match request {
        Request::Artifact(asked) => Does::Drips(codec::encode(&Answer::Artifact(ArtifactHeader {
            total: ARTIFACT,
            length: asked.length,
        }))),
        _ => Does::Drips(Vec::new()),
    });
    let addresses = [collector.address.clone()];
    let machine = Identity::Machine(&collector.credentials);
    let link = Link::connect(&addresses, machine).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let downloads = Downloads::new(folder.path(), 0);
    // From here on the clock moves as soon as everybody waits.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let slow = downloads
        .metadata(&link, &mut Relay::default(), &name("acme"), now())
        .await;
    let is_late = matches!(slow, Err(DownloadError::Link(LinkError::Late)));
    assert!(is_late, "{slow:?}");
    assert!(began.elapsed().as_secs() <= 121, "{:?}", began.elapsed());
    let began = tokio::time::Instant::now();
    let slow = downloads.artifact(&link, &Digest([1; 32]), ARTIFACT).await;
    let said = slow.unwrap_err().to_string();
    assert!(said.contains("it comes too slowly"), "{said}");
    assert!(began.elapsed().as_secs() <= 31, "{:?}", began.elapsed());
}
