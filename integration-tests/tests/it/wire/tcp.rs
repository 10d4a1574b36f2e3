//! The same over TCP, where UDP is blocked: the same requests, certificates, names of protocols
//! and limits, and a machine that finds this way by itself and back.

use super::carry::{orders, stop_all_for};
use super::driver::{settings, until};
use super::scene::planned;
use super::world::{Machine, World, now, nudged, say};
use patchward_agent::credentials::Credentials;
use patchward_agent::download::Downloads;
use patchward_agent::driver::{Driver, system_clock};
use patchward_agent::enrol::Asked;
use patchward_agent::link::{Identity, Link, LinkError, Told, Watch, Ways};
use patchward_carrier::Carrier;
use patchward_collector::fleet::{FleetSettings, Target};
use patchward_collector::store::Actor;
use patchward_collector::store::machines::MachineState;
use patchward_collector::store::tokens::Acceptance;
use patchward_common::digest::Digest;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{ALPN, ALPN_ENROLL, Answer, RefusedCode, SERVER_NAME, close};
use patchward_integration_tests::firewall::Firewall;
use patchward_integration_tests::fixture::Hospital;
use rustls_pki_types::{PrivatePkcs8KeyDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest wait for anything that comes about by itself.
const PATIENCE: Duration = Duration::from_secs(120);

async fn world() -> World {
    World::with(FleetSettings {
        tcp: true,
        hello_every_ms: 1_000,
        ..FleetSettings::default()
    })
    .await
}

/// Connects over TCP alone.
async fn connect(world: &World, identity: Identity<'_>) -> Result<Link, LinkError> {
    let only = Ways::only(Carrier::Tcp);
    Link::watched(&world.addresses, identity, Watch::Only, &only).await
}

/// The same as a machine that has said hello.
async fn linked(world: &World, machine: &Machine) -> Link {
    let identity = Identity::Machine(machine.credentials());
    let link = connect(world, identity).await.unwrap();
    say(&link, machine.hello()).await.unwrap();
    link
}

/// With what code the collector ends a connection.
async fn ended(link: &Link) -> u32 {
    loop {
        match link.told().await {
            Ok(_) => {}
            Err(LinkError::Closed { code, .. }) => return code,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn what_goes_over_quic_goes_over_tcp() {
    let world = world().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    planned(&world, &hospital, &[&machine]).await;
    let link = linked(&world, &machine).await;
    assert_eq!(link.carrier(), Carrier::Tcp);
    assert_eq!(world.fleet.carrier_of(&machine.id()), Some(Carrier::Tcp));
    assert_eq!(
        world.fleet.connected_over(),
        [(Carrier::Quic, 0), (Carrier::Tcp, 1)]
    );
    // Larger than a window of a stream and of a connection, and a request as large as they get.
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let sha256 = Digest::of(&bytes);
    let artifacts = world.folder.path().join("artifacts");
    std::fs::write(artifacts.join(sha256.to_string()), &bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let downloads = Downloads::new(folder.path(), 0);
    let fetch = downloads.artifact(&link, &sha256, bytes.len() as u64);
    let large = link.ask_raw(&[0xa0; 4 * 1024 * 1024]);
    let (fetched, large) = tokio::join!(fetch, large);
    fetched.unwrap();
    assert!(
        matches!(large.unwrap(), Answer::Refused(refused) if refused.code == RefusedCode::BadRequest)
    );
    assert!(downloads.has(&sha256, bytes.len() as u64));
    // What the collector says first.
    let nudge = world.fleet.nudge(&Target::All, Nudge::ReportNow);
    assert_eq!(nudge.await, 1);
    assert_eq!(nudged(&link).await, Nudge::ReportNow);
    // A stop is brought, and acknowledged on its own stream.
    let mut hello = machine.hello();
    hello.orders = orders(&link, 0).await.digest.into();
    say(&link, hello).await.unwrap();
    stop_all_for(&world, &hospital, "a test").await;
    let Told::Stopped(stops, reply) = link.told().await.unwrap() else {
        panic!("the stop is not brought");
    };
    assert_eq!(stops.stops.len(), 1);
    assert!(reply.holds(stops.digest).await);
    let holds = || {
        let holding = world.fleet.holding();
        holding.iter().any(|one| one.since.is_some())
    };
    tokio::time::timeout(PATIENCE, until(holds)).await.unwrap();
    // The collector ends in order.
    world.fleet.shutdown().await;
    let told = nudged(&link).await;
    assert!(matches!(told, Nudge::GoingAway(_)), "{told:?}");
    assert_eq!(ended(&link).await, close::GOING_AWAY);
}

#[tokio::test]
async fn one_machine_is_one_machine_whatever_it_comes_over() {
    let world = world().await;
    let machine = world.enrolled(1).await;
    let by_quic = machine.link(&world).await;
    let by_tcp = linked(&world, &machine).await;
    assert_eq!(ended(&by_quic).await, close::REPLACED);
    let by_quic = machine.link(&world).await;
    assert_eq!(ended(&by_tcp).await, close::REPLACED);
    assert_eq!(world.fleet.carrier_of(&machine.id()), Some(Carrier::Quic));
    // Four connections at most, of both together.
    let mut more = Vec::new();
    for _ in 0..6 {
        let identity = Identity::Machine(machine.credentials());
        more.push(connect(&world, identity).await.unwrap());
    }
    let open = || more.iter().filter(|link| link.is_open()).count();
    tokio::time::timeout(PATIENCE, until(|| open() == 3))
        .await
        .unwrap();
    assert!(by_quic.is_open(), "who said hello makes way for nobody");
}

/// Whom TLS lets in is the same: a revoked machine is cut off and does not come back.
#[tokio::test]
async fn a_revoked_machine_is_cut_off_and_stays_out() {
    let world = world().await;
    let machine = world.enrolled(1).await;
    let link = linked(&world, &machine).await;
    let (from, to) = (MachineState::Enrolled, MachineState::Revoked);
    let id = machine.id();
    let revoked = world.fleet.revoke(&id, from, to, "x", Actor::Local(0));
    revoked.await.unwrap();
    assert_eq!(ended(&link).await, close::REVOKED);
    let identity = Identity::Machine(machine.credentials());
    let refused = match connect(&world, identity).await {
        Err(error) => error,
        // The collector judges our certificate after our handshake is over.
        Ok(link) => link.ask_raw(b"").await.unwrap_err(),
    };
    assert!(refused.is_revoked(), "{refused}");
}

#[tokio::test]
async fn who_has_no_certificate_enrols_and_nothing_else() {
    let world = world().await;
    let pinned = Identity::Pinned(world.fleet.ca_fingerprint());
    let link = connect(&world, pinned).await.unwrap();
    let machine = Machine::new(world.folder.path(), 7);
    match say(&link, machine.hello()).await {
        Err(said) => assert!(said.contains("Forbidden"), "{said}"),
        Ok(_) => panic!("it is answered"),
    }
    let other = Identity::Pinned(Digest([1; 32]));
    let error = connect(&world, other).await.unwrap_err();
    assert!(matches!(error, LinkError::Tls { .. }), "{error}");
    // Whoever does not open it does not have it.
    let closed = World::new().await;
    let pinned = Identity::Pinned(closed.fleet.ca_fingerprint());
    let error = connect(&closed, pinned).await.unwrap_err();
    assert!(matches!(error, LinkError::Silent { .. }), "{error}");
}

/// A client that trusts the collector's authority and offers what it likes.
fn client(machine: &Credentials, protocols: &[&[u8]], shows: bool) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for authority in machine.authorities() {
        roots.add(authority).unwrap();
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut tls = match shows {
        false => builder.with_no_client_auth(),
        true => {
            let key = PrivatePkcs8KeyDer::from(machine.key.to_vec());
            let certificate = machine.certificate.certificate.to_vec();
            let chain = vec![certificate.into()];
            builder.with_client_auth_cert(chain, key.into()).unwrap()
        }
    };
    tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    tls
}

async fn tls(world: &World, config: rustls::ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(&world.addresses[0]).await?;
    let name = ServerName::try_from(SERVER_NAME).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Everything that the collector says until it closes.
async fn said(mut stream: TlsStream<TcpStream>) -> String {
    let mut all = Vec::new();
    // It may cut off who does not listen.
    let _ = stream.read_to_end(&mut all).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// Attack "hostile machine": other protocols, missing certificates, older TLS.
#[tokio::test]
async fn other_protocols_and_missing_certificates_get_nothing() {
    let world = world().await;
    let machine = world.enrolled(1).await;
    let credentials = machine.credentials();
    for protocols in [&[b"h2".as_slice()][..], &[b"patchward/0".as_slice()]] {
        let refused = tls(&world, client(credentials, protocols, true)).await;
        let problem = refused.unwrap_err().to_string();
        assert!(problem.contains("NoApplicationProtocol"), "{problem}");
    }
    for (protocols, shows, why) in [
        (&[][..], true, "unknown protocol"),
        (&[ALPN][..], false, "no machine's certificate"),
    ] {
        let stream = tls(&world, client(credentials, protocols, shows))
            .await
            .unwrap();
        let said = said(stream).await;
        assert!(said.contains(why), "{said}");
    }
    // Another port would speak it: the page's does.
    let mut old = TcpStream::connect(&world.addresses[0]).await.unwrap();
    // A first message of TLS 1.2 that offers one cipher suite and no later version.
    let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    old.write_all(&hello).await.unwrap();
    let mut alert = Vec::new();
    let _ = old.read_to_end(&mut alert).await;
    assert_eq!(
        alert.first(),
        Some(&0x15),
        "an alert and nothing else: {alert:x?}"
    );
    assert_eq!(world.fleet.connected(), 0);
}

/// Attack "hostile machine": what is no frame, and more than was granted, ends the connection and
/// nothing else.
#[tokio::test]
async fn who_keeps_to_no_rule_is_cut_off_alone() {
    let world = world().await;
    let machine = world.enrolled(1).await;
    let honest = linked(&world, &machine).await;
    let hostile = world.enrolled(2).await;
    let settings = [&[0, 0, 0, 16, 0, 0, 0, 0][..], &[0, 1, 0, 0].repeat(4)].concat();
    let with = |frame: &[u8]| [&settings[..], frame].concat();
    for (protocol, bytes, why) in [
        (ALPN, b"GET / HTTP/1.1\r\n\r\n".to_vec(), "not used"),
        (ALPN, with(&[1, 0, 0xff, 0xff, 0, 0, 0, 0]), "16 KiB"),
        (ALPN_ENROLL, with(&[1, 0, 0x40, 0, 0, 0, 0, 0]), "16 KiB"),
        (ALPN, with(&[1, 0, 0, 1, 0, 0, 0x10, 0, 9]), "granted"),
        (
            ALPN,
            with(&[2, 0, 0, 1, 0, 0, 0, 0, 9].repeat(2)),
            "after the last",
        ),
    ] {
        let shows = protocol == ALPN;
        let config = client(hostile.credentials(), &[protocol], shows);
        let mut stream = tls(&world, config).await.unwrap();
        let _ = stream.write_all(&bytes).await;
        let said = said(stream).await;
        assert!(said.contains(why), "{said} does not say {why}");
    }
    say(&honest, machine.hello()).await.unwrap();
}

/// Attack "hostile machine": handshakes that are begun and never ended, from one address. They
/// have their part of the places, and others come in at once.
#[tokio::test]
async fn handshakes_that_hang_keep_nobody_out() {
    let world = world().await;
    let machine = world.enrolled(1).await;
    let to = world.addresses[0].parse().unwrap();
    let mut hanging = Vec::new();
    for _ in 0..300 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        hanging.push(socket.connect(to).await.unwrap());
    }
    let link = linked(&world, &machine).await;
    say(&link, machine.hello()).await.unwrap();
    // Some were let go of at once, and the others are when their time is over.
    for mut stream in hanging {
        let mut nothing = Vec::new();
        let _ = stream.read_to_end(&mut nothing).await;
        assert_eq!(nothing, b"");
    }
    assert!(link.is_open());
}

/// Attack "hostile machine": as many places to enrol as over QUIC, and together.
#[tokio::test]
async fn so_many_enrol_at_once_over_both() {
    let world = world().await;
    let pinned = || Identity::Pinned(world.fleet.ca_fingerprint());
    let mut links = Vec::new();
    for n in 0..256 {
        links.push(match n % 2 {
            0 => connect(&world, pinned()).await.unwrap(),
            _ => Link::connect(&world.addresses, pinned()).await.unwrap(),
        });
    }
    let one_more = connect(&world, pinned()).await.unwrap();
    assert_eq!(ended(&one_more).await, close::GOING_AWAY);
}

/// Attack "slow retrieval", the other way round: a request that never ends is given up.
#[tokio::test]
async fn a_request_has_to_arrive_in_time() {
    let world = world().await;
    let machine = world.enrolled(1).await;
    let identity = Identity::Machine(machine.credentials());
    let link = connect(&world, identity).await.unwrap();
    let (mut send, mut receive) = link.open().await.unwrap();
    send.write_all(&[0xa1]).await.unwrap();
    // From here on the clock moves as soon as everybody waits.
    tokio::time::pause();
    let answer = receive.read_to_end(1_024).await.unwrap();
    let said = String::from_utf8_lossy(&answer).into_owned();
    assert!(said.contains("not here within 60 s"), "{said}");
}

/// A machine enrols and reports where no UDP gets through, remembers it, and goes back to QUIC
/// once that answers, without a gap.
#[tokio::test]
async fn a_machine_finds_the_way_by_itself_and_back() {
    let world = world().await;
    let firewall = Firewall::start(world.fleet.local_address().unwrap()).unwrap();
    let through = vec![firewall.address().to_string()];
    let token = world.token("t1", 1, Acceptance::Automatic).await;
    let mut machine = Machine::new(world.folder.path(), 1);
    match machine.enrol(token, &through).await.unwrap() {
        Asked::Certified(credentials) => machine.credentials = Some(*credentials),
        Asked::Wait(_) => panic!("the token's rule accepts"),
    }
    assert!(firewall.dropped() > 0, "QUIC is tried first");
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), &machine, machine.credentials());
    settings.collectors = through;
    let over = |carrier| world.fleet.carrier_of(&machine.id()) == Some(carrier);
    let (by_tcp, by_quic) = (|| over(Carrier::Tcp), || over(Carrier::Quic));
    let remembered = |carrier| {
        let mut ways = Ways::default();
        ways.note(&settings.collectors[0], carrier);
        ways == Ways::load(&settings.state_dir)
    };
    let driver = |back_ms| {
        let driver = Driver::new(settings.clone(), system_clock).unwrap();
        driver.back_after(back_ms).run(std::future::pending())
    };
    tokio::select! {
        ended = driver(60_000) => panic!("it ended: {ended:?}"),
        reached = tokio::time::timeout(PATIENCE, until(|| by_tcp() && remembered(Carrier::Tcp))) => reached.unwrap(),
    }
    tokio::time::timeout(PATIENCE, until(|| !by_tcp()))
        .await
        .unwrap();
    let connections = firewall.connections();
    let there_and_back = async {
        until(&by_tcp).await;
        assert_eq!(firewall.connections(), connections + 1);
        firewall.lets_udp_through(true);
        until(|| by_quic() && remembered(Carrier::Quic)).await;
    };
    tokio::select! {
        ended = driver(1_000) => panic!("it ended: {ended:?}"),
        reached = tokio::time::timeout(PATIENCE, there_and_back) => reached.unwrap(),
    }
}
