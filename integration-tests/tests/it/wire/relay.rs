//! A site relay: each artifact once over the line to it, whoever asks; and one that is hostile or
//! broken, which achieves nothing but that the collector is asked.

mod hostile;
mod kept;
mod roles;
mod told;

use super::world::{Machine, World, name, now, say};
use patchward_agent::download::{Downloads, Relay};
use patchward_agent::link::{Identity, Link, LinkError, Watch, Ways};
use patchward_carrier::Carrier;
use patchward_collector::config::RelaySetting;
use patchward_collector::fleet::{Authorities, FleetSettings, Sent};
use patchward_collector::folder::Folder;
use patchward_collector::relay::{self, Running};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{ALPN, ALPN_RELAY, Request, SERVER_NAME, close};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::task::JoinSet;

const RELAY: &str = "site-b";
/// What the settings tell machines; nobody is there.
const TOLD: &str = "relay-b.example:9444";

async fn world() -> World {
    let relay = RelaySetting {
        name: name(RELAY),
        address: TOLD.into(),
        site: Some(name("main")),
        units: Vec::new(),
    };
    World::with(FleetSettings {
        relays: vec![relay],
        ..FleetSettings::default()
    })
    .await
}

/// A folder of a relay with this name, certified by the world's authority.
fn certified(world: &World, relay: &str, most_megabytes: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let request = relay::request(&Folder::new(folder.path())).unwrap();
    let authorities = Authorities::open(world.folder.path()).unwrap();
    let relay = name(relay);
    let certified = authorities.certify_relay(&relay, request.as_bytes(), [9; 16], now());
    std::fs::write(folder.path().join("relay.crt"), certified.unwrap().chain).unwrap();
    let settings = format!(
        "listen = \"127.0.0.1:0\"\ncollectors = [\"{}\"]\nmost_megabytes = {most_megabytes}\n",
        world.addresses[0]
    );
    std::fs::write(folder.path().join("relay.toml"), settings).unwrap();
    folder
}

async fn started(folder: &TempDir) -> (Running, String) {
    let running = Running::start(&Folder::new(folder.path())).await.unwrap();
    let address = running.address().unwrap().to_string();
    (running, address)
}

/// An artifact that the collector has.
fn artifact(world: &World, bytes: &[u8]) -> Digest {
    let sha256 = Digest::of(bytes);
    let artifacts = world.folder.path().join("artifacts");
    std::fs::write(artifacts.join(sha256.to_string()), bytes).unwrap();
    sha256
}

fn bytes(length: u32, seed: u32) -> Vec<u8> {
    (0..length)
        .map(|n| (n.wrapping_mul(seed) >> 3) as u8)
        .collect()
}

/// A machine's downloads, and its relay at an address.
fn agent(machine: &Machine, address: &str) -> (TempDir, Downloads, Relay) {
    let folder = tempfile::tempdir().unwrap();
    let downloads = Downloads::new(folder.path(), 0);
    let mut relay = Relay::default();
    relay.told(Some(address.to_owned()), machine.credentials());
    (folder, downloads, relay)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_artifact_comes_once_over_the_line_however_many_ask() {
    let world = world().await;
    let folder = certified(&world, RELAY, 100);
    let (running, address) = started(&folder).await;
    let content = bytes(20_000_000, 7);
    let sha256 = artifact(&world, &content);
    let length = content.len() as u64;
    let mut machines = Vec::new();
    for number in 1..=6 {
        machines.push(world.enrolled(number).await);
    }
    let link = machines[0].link(&world).await;
    let told = say(&link, machines[0].hello()).await.unwrap().relay;
    assert_eq!(told.as_deref(), Some(TOLD));
    let at_once = async {
        let mut fetching = JoinSet::new();
        for machine in &machines {
            let (kept, downloads, mut relay) = agent(machine, &address);
            fetching.spawn_local(async move {
                let is_here = relay.fetch(&downloads, (&sha256, length), now()).await;
                let path = kept.path().join("artifacts").join(sha256.to_string());
                (
                    is_here,
                    Digest::of(&std::fs::read(path).unwrap_or_default()),
                )
            });
        }
        for (is_here, found) in fetching.join_all().await {
            assert!(is_here && found == sha256);
        }
    };
    tokio::task::LocalSet::new().run_until(at_once).await;
    let once = Sent {
        machines: 0,
        relays: length,
    };
    assert_eq!(world.fleet.sent(), once);
    // A relay that begins anew has it, and checks it before it is handed out.
    running.close().await;
    let (running, address) = started(&folder).await;
    let (_kept, downloads, mut relay) = agent(&machines[0], &address);
    assert!(relay.fetch(&downloads, (&sha256, length), now()).await);
    assert_eq!(world.fleet.sent(), once);
    // What was damaged on its disk comes once more, and nobody sees the damage.
    running.close().await;
    let stored = folder.path().join("artifacts").join(sha256.to_string());
    let mut damaged = content.clone();
    damaged[12_345] ^= 1;
    std::fs::write(&stored, damaged).unwrap();
    let (running, address) = started(&folder).await;
    let (_kept, downloads, mut relay) = agent(&machines[1], &address);
    assert!(relay.fetch(&downloads, (&sha256, length), now()).await);
    assert_eq!(world.fleet.sent().relays, 2 * length);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_relay_does_not_have_room_for_or_cannot_get_comes_from_the_collector() {
    let world = world().await;
    let folder = certified(&world, RELAY, 1);
    let machine = world.enrolled(1).await;
    let (running, address) = started(&folder).await;
    let large = bytes(1_500_000, 3);
    let sha256 = artifact(&world, &large);
    let (_kept, downloads, mut relay) = agent(&machine, &address);
    let wanted = (&sha256, large.len() as u64);
    assert!(!relay.fetch(&downloads, wanted, now()).await);
    let link = machine.link(&world).await;
    downloads.artifact(&link, wanted.0, wanted.1).await.unwrap();
    // Nobody has this one.
    let (_kept, downloads, mut relay) = agent(&machine, &address);
    assert!(!relay.fetch(&downloads, (&Digest([1; 32]), 10), now()).await);
    // What was not asked for longest makes room, and the bound is kept.
    let (_kept, downloads, mut relay) = agent(&machine, &address);
    for seed in 1..=4 {
        let small = bytes(400_000, 2 * seed + 1);
        let sha256 = artifact(&world, &small);
        assert!(relay.fetch(&downloads, (&sha256, 400_000), now()).await);
    }
    let kept = std::fs::read_dir(folder.path().join("artifacts")).unwrap();
    assert_eq!(kept.count(), 2);
    running.close().await;
}

/// Key and chain of a folder.
fn identity(folder: &Path) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::pem_file_iter(folder.join("relay.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("relay.key")).unwrap();
    (chain.map(Result::unwrap).collect(), key)
}

/// Connects to the collector with a relay's certificate and one of the names of protocols.
async fn as_relay(world: &World, folder: &Path, protocol: &[u8]) -> quinn::Connection {
    let (chain, key) = identity(folder);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(chain[1].clone()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain[..1].to_vec(), key)
        .unwrap();
    tls.alpn_protocols = vec![protocol.to_vec()];
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let mut endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
    let to = world.addresses[0].parse().unwrap();
    endpoint.connect(to, SERVER_NAME).unwrap().await.unwrap()
}

async fn closed(connection: &quinn::Connection) -> u64 {
    match connection.closed().await {
        quinn::ConnectionError::ApplicationClosed(closed) => closed.error_code.into_inner(),
        other => panic!("{other}"),
    }
}

/// Attack: a relay's certificate is no machine's and no collector's, and a machine's is no relay's.
#[tokio::test]
async fn a_relay_is_a_relay_and_nothing_else() {
    let world = world().await;
    let machine = world.enrolled(1).await;
    let folder = certified(&world, RELAY, 100);
    let as_machine = as_relay(&world, folder.path(), ALPN).await;
    assert_eq!(closed(&as_machine).await, u64::from(close::NO_CERTIFICATE));
    let link = as_relay(&world, folder.path(), ALPN_RELAY).await;
    let (mut send, mut receive) = link.open_bi().await.unwrap();
    let hello = Request::Hello(Box::new(machine.hello()));
    send.write_all(&codec::encode(&hello)).await.unwrap();
    send.finish().unwrap();
    let answer = receive.read_to_end(1_000).await.unwrap();
    let said = String::from_utf8_lossy(&answer).into_owned();
    assert!(said.contains("and nothing else"), "{said}");
    // One that the settings do not name.
    let other = certified(&world, "site-c", 100);
    let other = as_relay(&world, other.path(), ALPN_RELAY).await;
    assert_eq!(closed(&other).await, u64::from(close::NO_CERTIFICATE));
    // A machine at the collector under the relays' name of a protocol: the collector is no relay.
    let only = Ways::only(Carrier::Quic);
    let identity = Identity::AtRelay(machine.credentials());
    let at = Link::watched(&world.addresses, identity, Watch::Only, &only).await;
    assert!(matches!(at, Err(LinkError::Tls { .. })), "{at:?}");
    // A relay in a collector's place.
    let (running, address) = started(&folder).await;
    let identity = Identity::Machine(machine.credentials());
    let at = Link::watched(std::slice::from_ref(&address), identity, Watch::Only, &only).await;
    assert!(matches!(at, Err(LinkError::Tls { .. })), "{at:?}");
    // And it hands out artifacts alone.
    let identity = Identity::AtRelay(machine.credentials());
    let link = Link::watched(&[address], identity, Watch::Only, &only)
        .await
        .unwrap();
    let said = say(&link, machine.hello()).await.unwrap_err();
    assert!(said.contains("Forbidden"), "{said}");
    running.close().await;
}
