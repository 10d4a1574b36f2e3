//! Sessions: who gets in, what is said, and how they end.

use super::world::{World, nudged, say};
use patchward_agent::link::{Identity, Link, LinkError};
use patchward_collector::fleet::Target;
use patchward_collector::store::Actor;
use patchward_collector::store::machines::MachineState;
use patchward_common::component::{Component, ComponentSet, PackedComponents, PackedDelta, Source};
use patchward_common::digest::Digest;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{
    ALPN, Answer, InventoryContent, InventoryReport, RefusedCode, Request, SERVER_NAME, Stale,
    close,
};

fn component(name: &str, version: &str) -> Component {
    Component {
        source: Source::Deb,
        name: name.into(),
        version: version.into(),
        arch: "amd64".into(),
    }
}

fn set(components: &[(&str, &str)]) -> ComponentSet {
    let components = components.iter().map(|(n, v)| component(n, v));
    ComponentSet::new(components.collect()).unwrap()
}

fn whole(set: &ComponentSet) -> Request {
    Request::Inventory(Box::new(InventoryReport {
        digest: set.digest(),
        content: InventoryContent::Whole(PackedComponents::of(set)),
        facts: None,
        installer: Some("0.1.0".into()),
    }))
}

fn change(base: &ComponentSet, target: &ComponentSet) -> Request {
    Request::Inventory(Box::new(InventoryReport {
        digest: target.digest(),
        content: InventoryContent::Change {
            base: base.digest(),
            delta: PackedDelta::of(&base.delta_to(target)),
        },
        facts: None,
        installer: None,
    }))
}

#[tokio::test]
async fn a_machine_says_hello_and_reports() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let mut hello = machine.hello();
    let answer = say(&link, hello.clone()).await.unwrap();
    assert!(answer.stale.has(Stale::INVENTORY));
    let first = set(&[("bash", "5.2"), ("openssl", "3.0.1")]);
    assert_eq!(
        link.ask(&whole(&first)).await.unwrap(),
        Answer::Accepted(first.digest())
    );
    hello.inventory = first.digest();
    let answer = say(&link, hello.clone()).await.unwrap();
    assert!(!answer.stale.has(Stale::INVENTORY));
    let second = set(&[("bash", "5.2"), ("openssl", "3.0.2"), ("zsh", "5.9")]);
    let accepted = link.ask(&change(&first, &second)).await.unwrap();
    assert_eq!(accepted, Answer::Accepted(second.digest()));
    let view = || async { world.store.view().await.unwrap() };
    let stored = view().await.set_of(&machine.id()).await.unwrap().unwrap();
    assert_eq!(stored.digest, second.digest());
    // The same from the index in memory.
    let numbered = view().await.components_named("zsh").await.unwrap();
    let numbers: Vec<u32> = numbered.iter().map(|row| row.number).collect();
    let holders = world.fleet.index(|index| {
        let held = index.held(numbers, None).into_iter();
        held.flat_map(|(_, machines)| index.ids(&machines))
            .collect::<Vec<_>>()
    });
    assert_eq!(holders, [machine.id()]);
    world.fleet.flush().await.unwrap();
    assert!(view().await.seen_at(&machine.id()).await.unwrap().is_some());
    let status = view()
        .await
        .machine_status(&machine.id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.installer_version, "0.1.0");
    // After a restart everything is still known.
    let world = world.restart().await;
    let link = machine.link(&world).await;
    hello.inventory = second.digest();
    let answer = say(&link, hello).await.unwrap();
    assert!(!answer.stale.has(Stale::INVENTORY));
}

#[tokio::test]
async fn an_inventory_that_does_not_fit_is_sent_whole_or_refused() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let (first, second) = (set(&[("a", "1")]), set(&[("a", "2")]));
    assert_eq!(
        link.ask(&change(&first, &second)).await.unwrap(),
        Answer::SendWhole
    );
    link.ask(&whole(&first)).await.unwrap();
    // A delta that does not fit its base.
    let wrong = Request::Inventory(Box::new(InventoryReport {
        digest: second.digest(),
        content: InventoryContent::Change {
            base: first.digest(),
            delta: PackedDelta::of(&set(&[("b", "1")]).delta_to(&second)),
        },
        facts: None,
        installer: None,
    }));
    assert_eq!(link.ask(&wrong).await.unwrap(), Answer::SendWhole);
    let lie = Request::Inventory(Box::new(InventoryReport {
        digest: Digest([9; 32]),
        content: InventoryContent::Whole(PackedComponents::of(&second)),
        facts: None,
        installer: None,
    }));
    let bomb = Request::Inventory(Box::new(InventoryReport {
        digest: Digest([9; 32]),
        content: InventoryContent::Whole(PackedComponents::from_bytes(vec![1; 90_000])),
        facts: None,
        installer: None,
    }));
    for bad in [lie, bomb] {
        match link.ask(&bad).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
    let mut view = world.store.view().await.unwrap();
    let stored = view.set_of(&machine.id()).await.unwrap().unwrap();
    assert_eq!(stored.digest, first.digest());
}

/// Waits for the end of a connection and gives back its code.
pub(super) async fn ended(link: &Link) -> u32 {
    match link.told().await {
        Err(LinkError::Closed { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_a_certificate_only_enrolment_is_answered() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    // The enrolment protocol answers nothing else.
    let expired = Identity::Expired(machine.credentials());
    let link = Link::connect(&world.addresses, expired).await.unwrap();
    let refused = say(&link, machine.hello()).await.unwrap_err();
    assert!(refused.contains("Forbidden"), "{refused}");
    // And a certificate of another authority ends the handshake.
    let other = World::new().await.enrolled(2).await;
    let mut foreign = machine.credentials().clone();
    foreign.key = other.credentials().key.clone();
    foreign.certificate.certificate = other.credentials().certificate.certificate.clone();
    let linked = Link::connect(&world.addresses, Identity::Machine(&foreign)).await;
    let said = match linked {
        Ok(link) => say(&link, machine.hello()).await.unwrap_err(),
        Err(error) => error.to_string(),
    };
    assert!(said.contains("TLS"), "{said}");
    assert!(!world.fleet.is_connected(&machine.id()));
}

#[tokio::test]
async fn revocation_ends_a_live_connection_and_lets_nobody_back() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let silent = machine.connect(&world).await.unwrap();
    let link = machine.link(&world).await;
    world
        .fleet
        .revoke(
            &machine.id(),
            MachineState::Enrolled,
            MachineState::Revoked,
            "stolen",
            Actor::Local(0),
        )
        .await
        .unwrap();
    assert_eq!(ended(&link).await, close::REVOKED);
    assert_eq!(ended(&silent).await, close::REVOKED);
    let back = match machine.connect(&world).await {
        Ok(link) => link
            .ask(&Request::Hello(Box::new(machine.hello())))
            .await
            .unwrap_err(),
        Err(error) => error,
    };
    assert!(back.is_revoked(), "{back}");
    // A restart does not forget it.
    let world = world.restart().await;
    let back = match machine.connect(&world).await {
        Ok(link) => link
            .ask(&Request::Hello(Box::new(machine.hello())))
            .await
            .unwrap_err(),
        Err(error) => error,
    };
    assert!(back.is_revoked(), "{back}");
}

#[tokio::test]
async fn nudges_reach_a_machine_a_unit_and_all() {
    let world = World::new().await;
    let (one, two) = (world.enrolled(1).await, world.enrolled(2).await);
    let (first, second) = (one.link(&world).await, two.link(&world).await);
    let nudge = async |target: &Target, nudge| world.fleet.nudge(target, nudge).await;
    assert_eq!(nudge(&Target::Machine(two.id()), Nudge::ReportNow).await, 1);
    let unknown = patchward_common::id::MachineId([9; 32]);
    let some = Target::Machines(vec![two.id(), unknown]);
    assert_eq!(nudge(&some, Nudge::ReportNow).await, 1);
    for _ in 0..2 {
        assert_eq!(nudged(&second).await, Nudge::ReportNow);
    }
    let icu = Target::Unit(super::world::name("icu"));
    assert_eq!(nudge(&icu, Nudge::OrdersChanged).await, 2);
    let ward = Target::Unit(super::world::name("ward"));
    assert_eq!(nudge(&ward, Nudge::OrdersChanged).await, 0);
    world.fleet.nudge_all(Nudge::Stop);
    for link in [&first, &second] {
        assert_eq!(nudged(link).await, Nudge::OrdersChanged);
        assert_eq!(nudged(link).await, Nudge::Stop);
    }
    world.fleet.shutdown().await;
    assert!(matches!(nudged(&first).await, Nudge::GoingAway(_)));
    assert_eq!(ended(&first).await, close::GOING_AWAY);
}

#[tokio::test]
async fn a_machine_that_comes_again_replaces_its_old_connection() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let old = machine.link(&world).await;
    let new = machine.link(&world).await;
    assert_eq!(ended(&old).await, close::REPLACED);
    say(&new, machine.hello()).await.unwrap();
    assert_eq!(world.fleet.connected(), 1);
}

/// Attack "enrolment": a cloned disk, told by facts, by boots, and held for a person.
#[tokio::test]
async fn clones_are_refused_and_a_person_is_asked() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let copy = machine.connect(&world).await.unwrap();
    let mut hello = machine.hello();
    hello.fingerprint = Digest([200; 32]).into();
    let said = say(&copy, hello.clone()).await.unwrap_err();
    assert!(said.contains("Clone"), "{said}");
    // The first goes on, and the suspicion is stored once.
    say(&link, machine.hello()).await.unwrap();
    say(&copy, hello).await.unwrap_err();
    let suspected = async || {
        let row = world
            .store
            .view()
            .await
            .unwrap()
            .machine(&machine.id())
            .await;
        row.unwrap().unwrap().clone_suspected_at.is_some()
    };
    assert!(suspected().await);
    let mut view = world.store.view().await.unwrap();
    let rows = view.audit_of(&machine.id().to_string(), 100).await.unwrap();
    drop(view);
    let suspicions = rows
        .iter()
        .filter(|row| row.action == "machine.clone_suspected");
    assert_eq!(suspicions.count(), 1);
    // Boots that take turns.
    let machine = world.enrolled(2).await;
    let link = machine.link(&world).await;
    let mut other = machine.hello();
    other.boot = patchward_common::id::BootId([2; 16]);
    say(&link, other).await.unwrap();
    let said = say(&link, machine.hello()).await.unwrap_err();
    assert!(said.contains("Clone"), "{said}");
}

/// Attack "hostile machine": floods, bombs, unknown words. Typed answers, bounded memory.
#[tokio::test]
async fn malformed_requests_get_typed_answers() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let hello = patchward_common::codec::encode(&Request::Hello(Box::new(machine.hello())));
    let mut nested = vec![0x81; 100];
    nested.push(0);
    let unknown = [&[0xa1, 0x66][..], b"reboot", &[0x00]].concat();
    for (what, bytes) in [
        ("nothing", vec![]),
        ("truncated", hello[..hello.len() - 1].to_vec()),
        ("trailing", [&hello[..], &[0]].concat()),
        ("deep", nested),
        ("unknown", unknown),
        ("text", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("huge", vec![0x40; 4 * 1024 * 1024 + 1]),
    ] {
        match link.ask_raw(&bytes).await.unwrap() {
            Answer::Refused(refused) => {
                assert_eq!(refused.code, RefusedCode::BadRequest, "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    say(&link, machine.hello()).await.unwrap();
}

/// A client that would resume if it could.
fn resuming(credentials: &patchward_agent::credentials::Credentials) -> quinn::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for authority in credentials.authorities() {
        roots.add(authority).unwrap();
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(credentials.key.to_vec());
    let certificate = credentials.certificate.certificate.to_vec();
    let mut tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate.into()], key.into())
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.resumption = rustls::client::Resumption::in_memory_sessions(8);
    tls.enable_early_data = true;
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    quinn::ClientConfig::new(std::sync::Arc::new(tls))
}

/// Resumption does not verify again, so a revoked machine would come back by it: nobody
/// is given anything to resume with.
#[tokio::test]
async fn nobody_resumes_a_session() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = resuming(machine.credentials());
    let address = world.addresses[0].parse().unwrap();
    let connect = || {
        endpoint
            .connect_with(config.clone(), address, SERVER_NAME)
            .unwrap()
    };
    let hello = patchward_common::codec::encode(&Request::Hello(Box::new(machine.hello())));
    let ask = async |connection: &quinn::Connection| {
        let (mut send, mut receive) = connection.open_bi().await.ok()?;
        send.write_all(&hello).await.ok()?;
        send.finish().ok()?;
        receive.read_to_end(1 << 16).await.ok()
    };
    let first = connect().await.unwrap();
    assert!(ask(&first).await.is_some());
    first.close(0u32.into(), b"");
    // With a ticket there would be early data.
    let again = connect().into_0rtt();
    assert!(again.is_err(), "there is a session to resume");
    let Err(connecting) = again else { return };
    let second = connecting.await.unwrap();
    assert!(ask(&second).await.is_some());
    let revoked = MachineState::Revoked;
    world
        .fleet
        .revoke(
            &machine.id(),
            MachineState::Enrolled,
            revoked,
            "x",
            Actor::Local(0),
        )
        .await
        .unwrap();
    if let Ok(back) = connect().await {
        assert!(ask(&back).await.is_none(), "a revoked machine came back");
    }
}
