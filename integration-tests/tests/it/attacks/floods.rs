//! Floods, with the collector's memory measured: handshakes that never end, connections,
//! streams and large requests of one machine, and requests without a certificate.

use super::machines::{client, connect, credentials, endpoint, runtime};
use super::scene::Scene;
use patchward_agent::credentials::Credentials;
use patchward_agent::link::{Identity, Link};
use patchward_common::codec;
use patchward_common::id::OutboxId;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::{
    ALPN, ALPN_ENROLL, Answer, JournalReport, MAX_REQUEST_BYTES, RefusedCode, Request, SERVER_NAME,
};
use patchward_integration_tests::bench::process_costs::{forget_peak, peak};
use quinn::Connection;
use serde_bytes::ByteBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

const HONEST: &str = "station-1";
const HOSTILE: &str = "station-2";

const MIB: u64 = 1024 * 1024;
/// What a flood may add to the collector's memory. Machines: 16 large requests of 4 MiB,
/// each once as it came and once as it grew.
const MACHINES_BYTES: u64 = 160 * MIB;
/// Without a certificate: 256 connections with a request of 128 KiB and the 192 KiB that
/// QUIC holds before they are read.
const STRANGERS_BYTES: u64 = 112 * MIB;
/// Handshakes that hang, and connections that are closed again.
const CONNECTIONS_BYTES: u64 = 48 * MIB;

/// Connections of one machine that stay.
const OPEN: usize = 4;
/// Streams of one connection that are open at once.
const STREAMS: usize = 24;
/// Large requests that the collector reads at once.
const LARGE: usize = 16;
/// The largest request without a certificate.
const LARGEST_BYTES: usize = 128 * 1024;
/// What QUIC takes of a connection unread.
const TAKEN_BYTES: usize = 192 * 1024;
/// What a sender here keeps of what it has written.
const UNREAD_BYTES: u64 = 16 * 1024;
/// What is written at once.
const CHUNK_BYTES: usize = 4 * 1024;
/// Places for those without a certificate.
const STRANGERS: usize = 256;

/// The collector, and what it has needed.
struct Measured {
    pid: u32,
    address: String,
    before: u64,
}

impl Measured {
    fn new(scene: &Scene) -> Self {
        let mut measured = Self {
            pid: scene.hospital.collector_pid().unwrap(),
            address: scene.hospital.address(),
            before: 0,
        };
        measured.begin();
        measured
    }

    fn begin(&mut self) {
        forget_peak(self.pid).unwrap();
        self.before = peak(self.pid).unwrap();
    }

    /// What a flood needed since it began stays within its bound.
    #[track_caller]
    fn within(&mut self, what: &str, bound: u64) {
        // The kernel counts pages in batches: after it was forgotten, a peak may seem lower.
        let grown = peak(self.pid).unwrap().saturating_sub(self.before);
        eprintln!("{what}: {} MiB over {} MiB", grown / MIB, self.before / MIB);
        assert!(grown <= bound, "{what}: {grown} bytes, at most {bound}");
        self.begin();
    }
}

#[test]
fn floods_cost_a_bounded_amount_and_stop_nobody() {
    let both = [(HONEST, Class::Standard), (HOSTILE, Class::Standard)];
    let mut scene = Scene::bare(&both, &[]);
    scene.publish("1.0", 1);
    let plan = scene.plan("1.0", &[HONEST]);
    let machine = credentials(&mut scene, HOSTILE);
    // In order: a connection that said hello makes way for none that did not.
    scene.machine(HOSTILE).stop_agent().unwrap();
    let mut measured = Measured::new(&scene);
    let runtime = runtime();
    runtime.block_on(handshakes(&measured.address, &machine));
    measured.within("handshakes", CONNECTIONS_BYTES);
    runtime.block_on(connections(&measured.address, &machine));
    measured.within("connections", CONNECTIONS_BYTES);
    runtime.block_on(bombs(&measured.address, &machine));
    measured.within("bombs", MACHINES_BYTES);
    let held = runtime.block_on(strangers(&measured.address, &machine));
    measured.within("strangers", STRANGERS_BYTES);
    runtime.block_on(large(&measured.address, &machine));
    measured.within("large requests", MACHINES_BYTES);
    // While all of that is held, an honest machine does its job.
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.verified(&plan, HONEST, "1.0");
    assert_eq!(scene.machine(HOSTILE).tree_version("viewer"), None);
    drop(held);
}

async fn linked(collector: &str, machine: &Credentials) -> Link {
    let collector = [collector.to_owned()];
    Link::connect(&collector, Identity::Machine(machine))
        .await
        .unwrap()
}

/// A thousand first packets, whose senders never hear of an answer.
async fn handshakes(collector: &str, machine: &Credentials) {
    let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    far.connect(collector).await.unwrap();
    let endpoint = endpoint();
    let config = client(machine, &[ALPN], false);
    let to = near.local_addr().unwrap();
    let mut packet = vec![0; 2_048];
    let mut begun = Vec::new();
    for _ in 0..1_000 {
        let connecting = endpoint.connect_with(config.clone(), to, SERVER_NAME);
        begun.push(connecting.unwrap());
        let length = near.recv(&mut packet).await.unwrap();
        far.send(&packet[..length]).await.unwrap();
    }
}

/// Two hundred connections with one certificate: the oldest make way.
async fn connections(collector: &str, machine: &Credentials) {
    let mut links = Vec::new();
    for _ in 0..200 {
        links.push(linked(collector, machine).await);
    }
    while links.iter().filter(|link| link.is_open()).count() > OPEN {
        tokio::task::yield_now().await;
    }
}

/// Small bytes that would become large in memory.
async fn bombs(collector: &str, machine: &Credentials) {
    let link = linked(collector, machine).await;
    let events = JournalReport {
        outbox: OutboxId([1; 16]),
        first: 1,
        events: vec![ByteBuf::new(); 500_000],
    };
    let bombs = [
        codec::encode(&Request::Journal(events)),
        vec![0x81; MAX_REQUEST_BYTES],
        [&[0x9b][..], &[0xff; 8], &vec![0xa0; MAX_REQUEST_BYTES - 9]].concat(),
        vec![0xa0; MAX_REQUEST_BYTES + 1],
    ];
    for bomb in bombs {
        match link.ask_raw(&bomb).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
}

/// Streams that were begun, each with so many bytes of a request that never ends; they are
/// held until this is dropped.
struct Held {
    connections: Vec<Connection>,
    opened: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
}

impl Held {
    fn new() -> Self {
        Self {
            connections: Vec::new(),
            opened: Arc::default(),
            written: Arc::default(),
        }
    }

    /// Tries to open so many streams and to write so much on each.
    fn open(&mut self, connection: Connection, streams: usize, bytes: usize) {
        for _ in 0..streams {
            let (connection, opened) = (connection.clone(), self.opened.clone());
            let written = self.written.clone();
            tokio::spawn(async move {
                let Ok((mut send, _receive)) = connection.open_bi().await else {
                    return;
                };
                opened.fetch_add(1, Ordering::Relaxed);
                for chunk in vec![0x40; bytes].chunks(CHUNK_BYTES) {
                    if send.write_all(chunk).await.is_err() {
                        return;
                    }
                    written.fetch_add(chunk.len(), Ordering::Relaxed);
                }
                // Neither ended nor dropped.
                let _ = send.stopped().await;
            });
        }
        self.connections.push(connection);
    }

    async fn until_written(&self, bytes: usize) {
        while self.written.load(Ordering::Relaxed) < bytes {
            tokio::task::yield_now().await;
        }
        let opened = self.opened.load(Ordering::Relaxed);
        assert!(opened <= self.connections.len() * STREAMS, "{opened}");
    }
}

/// Somebody without a certificate in every place there is, with as many requests as are
/// taken, each as long as it may be.
async fn strangers(collector: &str, machine: &Credentials) -> Held {
    let (mut held, endpoint) = (Held::new(), endpoint());
    for _ in 0..STRANGERS {
        let config = almost_read(client(machine, &[ALPN_ENROLL], false));
        let connection = connect(&endpoint, collector, config).await.unwrap();
        held.open(connection, 2 * STREAMS, LARGEST_BYTES);
    }
    held.until_written(STRANGERS * TAKEN_BYTES).await;
    held
}

/// One machine sends as many of the largest requests as are read at once.
async fn large(collector: &str, machine: &Credentials) {
    let mut asked = JoinSet::new();
    for _ in 0..OPEN {
        let link = linked(collector, machine).await;
        for _ in 0..LARGE / OPEN {
            let link = link.clone();
            asked.spawn(async move { link.ask_raw(&vec![0xa0; MAX_REQUEST_BYTES]).await });
        }
    }
    for answer in asked.join_all().await {
        match answer.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
}

/// So little waits here that what was written has arrived over there.
fn almost_read(mut config: quinn::ClientConfig) -> quinn::ClientConfig {
    let mut transport = quinn::TransportConfig::default();
    transport
        .send_window(UNREAD_BYTES)
        .mtu_discovery_config(None);
    config.transport_config(Arc::new(transport));
    config
}
