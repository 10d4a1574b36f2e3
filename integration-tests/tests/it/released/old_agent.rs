//! An agent of 0.1.0 at today's collector, over QUIC: it sends what it knew to send, and reads each
//! answer with the types, and as strictly, as it did then. What it sends are the bytes of `wire.txt`
//! where they fit any machine, and else requests that `wire.txt` holds to the same bytes.

use super::examples::World as Examples;
use super::messages::components;
use crate::wire::scene::{Journal, go_asked, planned, started};
use crate::wire::world::{Machine, World, name, now};
use patchward_agent::link::Link;
use patchward_collector::config::RelaySetting;
use patchward_collector::fleet::FleetSettings;
use patchward_collector::store::Actor;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::job::Event;
use patchward_common::time::UtcMs;
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::machine::{
    ArtifactHeader, Certificate, MAX_ANSWER_BYTES, NotNow, Orders, Refused, RefusedCode, Request,
    Stale,
};
use patchward_integration_tests::fixture::Hospital;
use serde::Deserialize;
use serde_bytes::ByteBuf;

patchward_common::int_map! {
    /// The answer to a hello, as 0.1.0 knew it.
    HelloAnswer {
        0 => clock: UtcMs,
        1 => stale: Stale,
        2 => audit: Digest,
        3 => again_ms: u64,
        4 => journal: u64,
    }
}

/// An answer, as 0.1.0 knew it: another one is an error.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Certificate(Certificate),
    Wait(u64),
    Hello(Box<HelloAnswer>),
    Accepted(Digest),
    SendWhole,
    Orders(Box<Orders>),
    Metadata(Option<ByteBuf>),
    Artifact(ArtifactHeader),
    Go(Signed<Go>),
    NotNow(NotNow),
    Stored(u64),
    Refused(Refused),
}

/// All that comes for these bytes.
async fn comes(link: &Link, request: &[u8]) -> Vec<u8> {
    let mut stream = link.send(request).await.unwrap();
    stream.read_to_end(MAX_ANSWER_BYTES).await.unwrap()
}

fn read(bytes: &[u8]) -> Answer {
    codec::decode(bytes, MAX_ANSWER_BYTES).unwrap()
}

async fn ask(link: &Link, request: &[u8]) -> Answer {
    read(&comes(link, request).await)
}

async fn hello(link: &Link, machine: &Machine, inventory: Digest) -> HelloAnswer {
    let mut hello = machine.hello();
    hello.inventory = inventory;
    let request = codec::encode(&Request::Hello(Box::new(hello)));
    match ask(link, &request).await {
        Answer::Hello(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

/// A request of 0.1.0 by its title in `wire.txt`.
fn request(what: &str) -> Vec<u8> {
    super::bytes_of("0.1.0", &format!("request: {what}"))
}

#[tokio::test]
async fn an_agent_of_0_1_0_is_served_and_reads_every_answer() {
    // It knows nothing of relays, and is told of one.
    let relay = RelaySetting {
        name: name("site-b"),
        address: "relay-b.example:9444".into(),
        site: Some(name("main")),
        units: Vec::new(),
    };
    let world = World::with(FleetSettings {
        relays: vec![relay],
        ..FleetSettings::default()
    })
    .await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let plan = planned(&world, &hospital, &[&machine]).await;
    let link = machine.connect(&world).await.unwrap();
    let none = Digest::default();
    let first = hello(&link, &machine, none).await;
    assert!(first.stale.has(Stale::INVENTORY) && first.stale.has(Stale::ORDERS));
    assert_eq!(first.journal, 0);
    assert!(first.again_ms > 0 && first.clock.since_ms(now()).abs() < 60_000);
    let go = codec::encode(&go_asked(plan, &machine, 1));
    let answer = ask(&link, &go).await;
    assert!(matches!(answer, Answer::Go(_)), "{answer:?}");

    // The base of the change is not known here.
    let change = ask(&link, &request("inventory change")).await;
    assert_eq!(change, Answer::SendWhole);
    let here = components("5.2.15-2").digest();
    let whole = ask(&link, &request("inventory whole")).await;
    assert_eq!(whole, Answer::Accepted(here));
    let second = hello(&link, &machine, here).await;
    assert!(!second.stale.has(Stale::INVENTORY));

    let Answer::Orders(orders) = ask(&link, &request("orders")).await else {
        panic!("no orders");
    };
    assert_eq!(orders.approvals[0].signed.digest(), plan);
    assert!(orders.assignment.is_some());
    journal(&link, &machine, plan).await;
    assert_eq!(hello(&link, &machine, here).await.journal, 2);
    files(&world, &link).await;
}

async fn journal(link: &Link, machine: &Machine, plan: Digest) {
    let mut journal = Journal::new(machine, plan);
    journal.push(Event::Prepared);
    journal.push(started());
    let report = codec::encode(&journal.report(1, 2));
    assert_eq!(ask(link, &report).await, Answer::Stored(2));
    // What another machine signed.
    match ask(link, &request("journal")).await {
        Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
        other => panic!("{other:?}"),
    }
}

async fn files(world: &World, link: &Link) {
    let answer = ask(link, &request("metadata")).await;
    assert_eq!(answer, Answer::Metadata(None), "no vendor is known here");
    let content: &[u8] = b"viewer 4.2.1";
    let artifacts = world.folder.path().join("artifacts");
    let file = artifacts.join(Digest::of(content).to_string());
    std::fs::write(file, content).unwrap();
    let came = comes(link, &request("artifact")).await;
    let (header, bytes) = came.split_at(came.len() - content.len());
    let length = content.len() as u64;
    let total = length;
    assert_eq!(
        read(header),
        Answer::Artifact(ArtifactHeader { total, length })
    );
    assert_eq!(bytes, content);
}

/// A restored collector asks with a bit that 0.1.0 does not know, and serves who does not answer it.
#[tokio::test]
async fn an_agent_of_0_1_0_comes_back_to_a_restored_collector() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let by = Actor::Local(0);
    let mut change = world.store.change(by, now()).await.unwrap();
    change.mark_restored(None).await.unwrap();
    change.commit().await.unwrap();
    let world = world.restart().await;
    let link = machine.connect(&world).await.unwrap();
    for _ in 0..2 {
        let answer = hello(&link, &machine, Digest::default()).await;
        assert!(answer.stale.has(Stale::WITNESS) && answer.stale.has(Stale::INVENTORY));
        let orders = ask(&link, &request("orders")).await;
        assert!(matches!(orders, Answer::Orders(_)), "{orders:?}");
    }
    // What it sends of another machine's certificate is answered in words that it knows too.
    let renew = ask(&link, &request("renew")).await;
    assert!(matches!(renew, Answer::Refused(_)), "{renew:?}");
}

/// What 0.1.0 does not know it refuses to read: the answers above are not read by accident.
#[test]
fn answers_that_0_1_0_did_not_know_are_told_from_those_that_it_knew() {
    let mut unknown = 0;
    for (what, answer) in Examples::new().answers() {
        let bytes = codec::encode(&answer);
        let then: Result<Answer, _> = codec::decode(&bytes, MAX_ANSWER_BYTES);
        let is_new = ["metadata is", "devices taken", "witnessed"].contains(&what);
        assert_eq!(then.is_err(), is_new, "{what}: {then:?}");
        unknown += usize::from(is_new);
    }
    assert_eq!(unknown, 3);
}
