//! Today's agent at a collector of 0.1.0, over QUIC: it knows neither `devices` nor `witness` nor
//! `only_digest`, reads requests with the types that it had, and refuses what it cannot read.

use crate::wire::driver::{run, settings, until};
use crate::wire::played::{Collector, Does, answered};
use crate::wire::world::{Machine, name, now};
use patchward_agent::download::{Downloads, Line, Relay};
use patchward_agent::link::{Identity, Link};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::machine::{
    self, Answer, ArtifactAsked, ArtifactHeader, Enroll, EnrolmentStatement, GoAsked, Hello,
    InventoryReport, JournalReport, MAX_REQUEST_BYTES, OrdersAsked, Refused, RefusedCode, Stale,
};
use patchward_integration_tests::fixture::Hospital;
use serde::Deserialize;
use serde_bytes::ByteBuf;

/// A request for a role file, as 0.1.0 knew it.
#[derive(Debug, PartialEq, Deserialize)]
struct MetadataAsked {
    repository: Name,
    file: String,
}

/// A request, as 0.1.0 knew it: another one is an error.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Enroll(Box<Enroll>),
    Renew(Signed<EnrolmentStatement>),
    Hello(Box<Hello>),
    Inventory(Box<InventoryReport>),
    Orders(OrdersAsked),
    Metadata(MetadataAsked),
    Artifact(ArtifactAsked),
    Go(GoAsked),
    Journal(JournalReport),
}

/// A collector that reads like 0.1.0, and answers what it could read by a script.
fn old(mut script: impl FnMut(usize, Request) -> Does + Send + 'static) -> Collector {
    Collector::new(move |connection, request| {
        let bytes = codec::encode(request);
        match codec::decode(&bytes, MAX_REQUEST_BYTES) {
            Ok(known) => script(connection, known),
            Err(error) => {
                let refused = Refused::new(RefusedCode::BadRequest, error.to_string());
                Does::Answers(Answer::Refused(refused))
            }
        }
    })
}

/// Requests that 0.1.0 cannot read cost an agent nothing but these requests.
#[tokio::test]
async fn what_0_1_0_does_not_know_ends_no_turn() {
    let mut hellos = 0;
    let collector = old(move |_, request| match request {
        Request::Hello(_) => {
            hellos += 1;
            // 0.1.0 never sets the bit; one that was restored with a newer database might.
            answered(
                if hellos < 3 {
                    Stale::WITNESS
                } else {
                    Stale::default()
                },
                0,
            )
        }
        Request::Inventory(report) => Does::Answers(Answer::Accepted(report.digest)),
        other => panic!("{other:?}"),
    });
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::new(folder.path(), 1);
    let mut settings = settings(folder.path(), &machine, &collector.credentials);
    settings.devices = true;
    settings.devices_dir = folder.path().join("devices.d");
    settings.probes_owner = rustix::process::geteuid().as_raw();
    // Nobody asks it: that is an answer too.
    settings.device_probe = folder.path().join("no-such-program");
    std::fs::create_dir(&settings.devices_dir).unwrap();
    let device = include_str!("../../../../configs/devices.d/ct-scanner.toml");
    std::fs::write(settings.devices_dir.join("ct.toml"), device).unwrap();
    let count = |wanted: fn(&machine::Request) -> bool| {
        let requests = collector.requests();
        requests
            .iter()
            .filter(|(_, request)| wanted(request))
            .count()
    };
    let is_devices = |request: &machine::Request| matches!(request, machine::Request::Devices(_));
    let is_witness = |request: &machine::Request| matches!(request, machine::Request::Witness(_));
    run(
        settings,
        until(|| collector.hellos() >= 4 && count(is_devices) > 0),
    )
    .await;
    assert_eq!(count(is_witness), 2, "it says so as often as it is asked");
    // Refused for good, they are not said again before they are asked again, in an hour.
    assert_eq!(count(is_devices), 1);
    let inventories =
        |request: &machine::Request| matches!(request, machine::Request::Inventory(_));
    assert!(count(inventories) > 0, "the turn went on");
    assert_eq!(collector.connections(), 1, "the session went on");
}

/// An agent that knows a relay asks for digests of role files. 0.1.0 does not read that word and
/// answers with the files, which are taken.
#[tokio::test]
async fn role_files_come_whole_from_who_knows_no_digests() {
    let hospital = Hospital::new(1, now());
    let files = hospital.repository(3, &[]).unwrap();
    let served = files.clone();
    let collector = old(move |_, request| match request {
        Request::Metadata(asked) => {
            assert_eq!(asked.repository, name("acme"));
            let file = served.get(&asked.file).cloned().map(ByteBuf::from);
            Does::Answers(Answer::Metadata(file))
        }
        other => panic!("{other:?}"),
    });
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::Machine(&collector.credentials);
    let addresses = [collector.address.clone()];
    let link = Link::connect(&addresses, identity).await.unwrap();
    let mut relay = Relay::default();
    // As a collector told it before it was put back to 0.1.0.
    relay.told(Some("127.0.0.1:1".into()), &collector.credentials);
    let downloads = Downloads::new(folder.path(), 0);
    let acme = name("acme");
    let fetched = downloads.metadata(&link, &mut relay, &acme, now());
    fetched.await.unwrap();
    for (file, bytes) in &files {
        let path = folder.path().join("metadata/acme").join(file);
        assert_eq!(&std::fs::read(path).unwrap(), bytes, "{file}");
    }
    let requests = collector.requests();
    let digests = requests.iter().filter(
        |(_, request)| matches!(request, machine::Request::Metadata(asked) if asked.only_digest),
    );
    assert!(digests.count() > 0, "it did not ask for digests");
}

/// To 0.1.0 a connection for artifacts is one like any other.
#[tokio::test]
async fn artifacts_come_by_a_second_connection_that_is_like_any_other() {
    let content: Vec<u8> = (0..2_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    let (sha256, total) = (Digest::of(&content), content.len() as u64);
    let collector = old(move |_, request| match request {
        Request::Artifact(asked) => {
            let from = usize::try_from(asked.offset).unwrap();
            let length = asked.length;
            let to = from + usize::try_from(length).unwrap();
            let header = codec::encode(&Answer::Artifact(ArtifactHeader { total, length }));
            Does::Trickles([&header[..], &content[from..to]].concat())
        }
        Request::Hello(_) => answered(Stale::default(), 0),
        other => panic!("{other:?}"),
    });
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::Machine(&collector.credentials);
    let addresses = [collector.address.clone()];
    let link = Link::connect(&addresses, identity).await.unwrap();
    let downloads = Downloads::new(folder.path(), 0);
    let mut line = Line::default();
    line.told(&collector.credentials);
    let fetched = line.fetch(&downloads, &link, (&sha256, total), now());
    fetched.await.unwrap();
    assert!(downloads.has(&sha256, total));
    let requests = collector.requests();
    assert!(!requests.is_empty());
    assert!(requests.iter().all(|(connection, _)| *connection == 1));
    // The one that hellos go over is as it was.
    let machine = Machine::new(folder.path(), 1);
    let hello = machine::Request::Hello(Box::new(machine.hello()));
    let answer = link.ask(&hello).await.unwrap();
    assert!(matches!(answer, Answer::Hello(_)), "{answer:?}");
}
