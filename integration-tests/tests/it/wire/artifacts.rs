//! Artifacts come over a connection of their own, in packets as large as the way takes, and over
//! the machine's other one where that cannot be had.

use super::driver::until;
use super::world::{World, now, say};
use patchward_agent::credentials::Credentials;
use patchward_agent::download::{Downloads, Line};
use patchward_agent::link::{Identity, Link};
use patchward_common::digest::Digest;
use patchward_integration_tests::bench::relay::Relay;
use patchward_integration_tests::bench::report::clock;
use std::time::Duration;

/// Largest packet of every other connection: QUIC's minimum of 1,200 bytes, in UDP and IPv4.
const SMALL: usize = 1_228;
/// A pause that ends what is counted.
const PAUSE: Duration = Duration::from_millis(500);

/// An artifact that the collector has.
fn artifact(world: &World, bytes: u32) -> (Digest, u64) {
    let bytes: Vec<u8> = (0..bytes).map(|n| ((n * 7) >> 3) as u8).collect();
    let sha256 = Digest::of(&bytes);
    let artifacts = world.folder.path().join("artifacts");
    std::fs::write(artifacts.join(sha256.to_string()), &bytes).unwrap();
    (sha256, bytes.len() as u64)
}

/// How large the packets are by which an artifact comes, on average.
async fn average(link: &Link, counted: &Relay, (sha256, length): (Digest, u64)) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let began = clock();
    Downloads::new(folder.path(), 0)
        .artifact(link, &sha256, length)
        .await
        .unwrap();
    until(|| !counted.bursts(began, PAUSE).is_empty()).await;
    let bursts = counted.bursts(began, PAUSE);
    bursts[0].bytes / bursts[0].packets
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_are_as_large_as_the_way_takes() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let wanted = artifact(&world, 4_000_000);
    let counted = Relay::start(world.addresses[0].parse().unwrap()).unwrap();
    let addresses = [counted.address.to_string()];
    let identity = Identity::Machine(machine.credentials());
    let link = Link::connect(&addresses, identity).await.unwrap();
    let usual = average(&link, &counted, wanted).await;
    // What goes the other way is small, and counted as well.
    assert!((SMALL / 2..=SMALL).contains(&usual), "{usual} bytes");
    let own = link.for_artifacts(machine.credentials()).await.unwrap();
    let large = average(&own, &counted, wanted).await;
    assert!(large > usual * 9 / 8, "{large} bytes instead of {usual}");
}

#[tokio::test]
async fn the_machine_stays_where_it_is_while_an_artifact_comes() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let downloads = Downloads::new(folder.path(), 0);
    let mut line = Line::default();
    line.told(machine.credentials());
    for bytes in [2_000_000, 1_000, 3_000_000] {
        let (sha256, length) = artifact(&world, bytes);
        let fetched = line.fetch(&downloads, &link, (&sha256, length), now());
        fetched.await.unwrap();
        assert!(downloads.has(&sha256, length), "{bytes}");
        say(&link, machine.hello()).await.unwrap();
    }
    line.rest();
    say(&link, machine.hello()).await.unwrap();
}

/// A connection of its own cannot be had: no credentials, or some that nobody takes.
#[tokio::test]
async fn where_there_is_no_other_the_one_of_hellos_serves() {
    let world = World::new().await;
    let (machine, other) = (world.enrolled(1).await, world.enrolled(2).await);
    let link = machine.link(&world).await;
    let mixed = Credentials {
        key: other.credentials().key.clone(),
        ..machine.credentials().clone()
    };
    let wanted = artifact(&world, 2_000_000);
    for credentials in [None, Some(mixed)] {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::new(folder.path(), 0);
        let mut line = Line::default();
        if let Some(credentials) = &credentials {
            line.told(credentials);
        }
        let fetched = line.fetch(&downloads, &link, (&wanted.0, wanted.1), now());
        fetched.await.unwrap();
        assert!(downloads.has(&wanted.0, wanted.1));
    }
}
