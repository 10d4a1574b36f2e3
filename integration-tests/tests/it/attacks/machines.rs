//! The hostile machine: it floods, lies, speaks for others and in other protocols. It
//! reaches its own rows only, and costs the collector a bounded amount of memory.

use super::scene::Scene;
use ed25519_dalek::SigningKey;
use patchward_agent::credentials::Credentials;
use patchward_agent::link::{Identity, Link};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Nonce, OutboxId};
use patchward_common::job::{Event, JobEvent, Measurement, Reason, Start, Verdict};
use patchward_common::time::{HOUR_MS, Interval};
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::machine::{
    ALPN, ALPN_ENROLL, Answer, GoAsked, JournalReport, MAX_ANSWER_BYTES, OrdersAsked, RefusedCode,
    Request, SERVER_NAME, close,
};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::plan_digest;
use patchward_integration_tests::process::wait_until;
use quinn::{Connection, ConnectionError, Endpoint};
use rustls::NamedGroup;
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_bytes::ByteBuf;
use std::sync::Arc;
use tokio::runtime::Runtime;

const HONEST: &str = "station-1";
const HOSTILE: &str = "station-2";

/// The TLS alert for a protocol that is not spoken (RFC 7301 §3.2), as QUIC carries it.
const NO_APPLICATION_PROTOCOL: u64 = 0x0100 + 120;

/// Where what talks to a collector runs.
pub(super) fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// A machine's credentials, as whoever owns its agent has them.
pub(super) fn credentials(scene: &mut Scene, name: &str) -> Credentials {
    Credentials::load(&scene.machine(name).path("agent")).unwrap()
}

/// A connection with a machine's certificate.
pub(super) async fn link(scene: &mut Scene, name: &str) -> Link {
    let credentials = credentials(scene, name);
    let collector = [scene.hospital.address()];
    Link::connect(&collector, Identity::Machine(&credentials))
        .await
        .unwrap()
}

/// The first event of an outbox that nobody knows yet.
pub(super) fn journal(
    key: &SigningKey,
    machine: MachineId,
    approval: Digest,
    job: JobId,
    event: Event,
) -> Request {
    let event = JobEvent {
        machine,
        sequence: 1,
        previous: Digest::default(),
        at: now(),
        job,
        approval,
        event,
    };
    Request::Journal(JournalReport {
        outbox: OutboxId(rand::random()),
        first: 1,
        events: vec![ByteBuf::from(codec::encode(&Signed::new(&event, key)))],
    })
}

/// A client of these protocols that trusts the collector's authority, with a machine's
/// certificate or without.
pub(super) fn client(
    machine: &Credentials,
    protocols: &[&[u8]],
    shows: bool,
) -> quinn::ClientConfig {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // One packet for the first message of a handshake.
    let large = NamedGroup::X25519MLKEM768;
    provider.kx_groups.retain(|group| group.name() != large);
    let mut roots = rustls::RootCertStore::empty();
    for authority in machine.authorities() {
        roots.add(authority).unwrap();
    }
    let builder = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut tls = if shows {
        let key = PrivatePkcs8KeyDer::from(machine.key.to_vec());
        let certificate = machine.certificate.certificate.to_vec();
        builder
            .with_client_auth_cert(vec![certificate.into()], key.into())
            .unwrap()
    } else {
        builder.with_no_client_auth()
    };
    tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    quinn::ClientConfig::new(Arc::new(tls))
}

/// A socket to connect from.
pub(super) fn endpoint() -> Endpoint {
    Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap()
}

/// Connects to a collector.
pub(super) async fn connect(
    endpoint: &Endpoint,
    collector: &str,
    config: quinn::ClientConfig,
) -> Result<Connection, ConnectionError> {
    let to = collector.parse().unwrap();
    endpoint
        .connect_with(config, to, SERVER_NAME)
        .unwrap()
        .await
}

/// Asks on a connection that may speak any protocol.
async fn ask(connection: &Connection, request: &Request) -> Answer {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&codec::encode(request)).await.unwrap();
    send.finish().unwrap();
    let bytes = receive.read_to_end(MAX_ANSWER_BYTES).await.unwrap();
    codec::decode(&bytes, MAX_ANSWER_BYTES).unwrap()
}

#[test]
fn other_protocols_and_missing_certificates_get_nothing() {
    let mut scene = Scene::bare(&[(HOSTILE, Class::Standard)], &[]);
    let own = credentials(&mut scene, HOSTILE);
    let collector = scene.hospital.address();
    runtime().block_on(async {
        let endpoint = endpoint();
        let others: [&[&[u8]]; 5] = [
            &[],
            &[b"h3"],
            &[b"patchward/0"],
            &[b"patchward/2", b"patchward"],
            &[b"patchward-enroll/0"],
        ];
        for protocols in others {
            let config = client(&own, protocols, true);
            match connect(&endpoint, &collector, config).await {
                Err(ConnectionError::ConnectionClosed(closed))
                    if u64::from(closed.error_code) == NO_APPLICATION_PROTOCOL => {}
                other => panic!("{protocols:?}: {other:?}"),
            }
        }
        // The right protocol, and nobody.
        let config = client(&own, &[ALPN], false);
        let nobody = connect(&endpoint, &collector, config).await.unwrap();
        match nobody.closed().await {
            ConnectionError::ApplicationClosed(closed) => {
                assert_eq!(closed.error_code, close::NO_CERTIFICATE.into());
            }
            other => panic!("{other:?}"),
        }
        // A machine's certificate is worth nothing where machines only enrol.
        let config = client(&own, &[ALPN_ENROLL], true);
        let enrols = connect(&endpoint, &collector, config).await.unwrap();
        let orders = Request::Orders(OrdersAsked::default());
        match ask(&enrols, &orders).await {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::Forbidden),
            other => panic!("{other:?}"),
        }
        // Of several it is the one that both speak.
        let config = client(&own, &[b"patchward/2", ALPN], true);
        let machine = connect(&endpoint, &collector, config).await.unwrap();
        assert!(matches!(ask(&machine, &orders).await, Answer::Orders(_)));
    });
}

/// Own certificate, own key, and another machine's job in everything that it says.
#[test]
fn a_hostile_machine_reaches_its_own_rows_only() {
    let both = [(HONEST, Class::Standard), (HOSTILE, Class::Standard)];
    let mut scene = Scene::bare(&both, &[]);
    scene.publish("1.0", 1);
    let plan = scene.plan("1.0", &[HONEST]);
    scene.machine(HONEST).kill_agent();
    scene.machine(HOSTILE).kill_agent();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    let seed = std::fs::read(scene.machine(HOSTILE).path("installer/machine.key")).unwrap();
    let key = SigningKey::from_bytes(&seed.try_into().unwrap());
    let own: MachineId = scene.hospital.id_of(HOSTILE).unwrap().parse().unwrap();
    let other: MachineId = scene.hospital.id_of(HONEST).unwrap().parse().unwrap();
    let approval = plan_digest(&scene.hospital, &plan).unwrap();
    let job = scene.job(&plan, HONEST);
    let boot = scene.boot(HONEST);
    let before = scene.hospital.ask(&["machine", "show", HONEST]).unwrap();
    runtime().block_on(async {
        let link = link(&mut scene, HOSTILE).await;
        // In the other's name, and in its own name about the other's job.
        let stopped = || Event::Stopped(Reason::new("its battery burns"));
        let forged = journal(&key, other, approval, job, stopped());
        match link.ask(&forged).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
        let about = journal(&key, own, approval, job, stopped());
        assert_eq!(link.ask(&about).await.unwrap(), Answer::Stored(1));
        // A go for the other's job, with which it could count as down.
        let asked = GoAsked {
            job,
            approval,
            boot,
            nonce: Nonce([1; 32]),
        };
        match link.ask(&Request::Go(asked)).await.unwrap() {
            Answer::Refused(_) | Answer::NotNow(_) => {}
            other => panic!("{other:?}"),
        }
        match link.ask(&Request::Orders(OrdersAsked::default())).await {
            Ok(Answer::Orders(orders)) => assert_eq!(orders.approvals, []),
            other => panic!("{other:?}"),
        }
    });
    let noted = ["audit", "list"];
    wait_until("the lie is noted", || {
        let shown = scene.hospital.ask(&noted).unwrap_or_default();
        shown.contains("job.event_foreign")
    })
    .unwrap();
    assert_eq!(scene.hospital.job(&plan, HONEST).unwrap().0, "assigned");
    let after = scene.hospital.ask(&["machine", "show", HONEST]).unwrap();
    assert_eq!(after, before);
    scene.machine(HONEST).start_agent().unwrap();
    scene.verified(&plan, HONEST, "1.0");
}

/// A collector that was restored lacks plans that it gave out. What was reported of one
/// meanwhile counts as soon as it is signed again.
#[test]
fn what_is_reported_of_a_plan_that_is_not_signed_here_counts_once_it_is() {
    let mut scene = Scene::bare(&[(HOSTILE, Class::Standard)], &[]);
    scene.publish("1.0", 1);
    scene.machine(HOSTILE).kill_agent();
    let mut machine = Liar::of(&mut scene, HOSTILE);
    let boot = scene.boot(HOSTILE);
    let plan = scene.plan("1.0", &[HOSTILE]);
    let approval = plan_digest(&scene.hospital, &plan).unwrap();
    let told = machine.rolled_back(approval, boot);
    runtime().block_on(async {
        let link = link(&mut scene, HOSTILE).await;
        assert_eq!(link.ask(&told).await.unwrap(), Answer::Stored(3));
    });
    wait_until("it was read", || {
        let shown = scene.hospital.ask(&["audit", "list"]).unwrap_or_default();
        shown.matches("job.event_unknown").count() == 3
    })
    .unwrap();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    // With the signature itself, not some time after it.
    assert_eq!(scene.hospital.job(&plan, HOSTILE).unwrap().0, "rolled_back");
}

/// A machine that signs what it likes, event after event.
struct Liar {
    key: SigningKey,
    machine: MachineId,
    outbox: OutboxId,
    sequence: u64,
    previous: Digest,
}

impl Liar {
    /// One with a machine's key and a new outbox.
    fn of(scene: &mut Scene, name: &str) -> Self {
        let seed = std::fs::read(scene.machine(name).path("installer/machine.key")).unwrap();
        Self {
            key: SigningKey::from_bytes(&seed.try_into().unwrap()),
            machine: scene.hospital.id_of(name).unwrap().parse().unwrap(),
            outbox: OutboxId(rand::random()),
            sequence: 0,
            previous: Digest::default(),
        }
    }

    /// What it says of a job.
    fn says(&mut self, approval: Digest, events: Vec<Event>) -> Request {
        let first = self.sequence + 1;
        let events = events.into_iter().map(|event| {
            self.sequence += 1;
            let event = JobEvent {
                machine: self.machine,
                sequence: self.sequence,
                previous: self.previous,
                at: now(),
                job: JobId::of(approval, self.machine),
                approval,
                event,
            };
            let signed = Signed::new(&event, &self.key);
            self.previous = signed.digest();
            ByteBuf::from(codec::encode(&signed))
        });
        Request::Journal(JournalReport {
            outbox: self.outbox,
            first,
            events: events.collect(),
        })
    }

    /// A whole install that went wrong, of which nothing is true.
    fn rolled_back(&mut self, approval: Digest, boot: BootId) -> Request {
        let reason = Reason::new("it broke");
        let start = Start {
            slot: Interval::new(now(), now().plus_ms(HOUR_MS)).unwrap(),
            boot,
            go: Digest::default(),
            approved_by: Vec::new(),
            roster: Digest::default(),
            charter: Digest::default(),
            assignment: Digest::default(),
            versions_before: Vec::new(),
            interlock: "idle".to_owned(),
        };
        let measured = Measurement {
            verdict: Verdict::RolledBack(reason.clone()),
            versions_after: Vec::new(),
            checks: Vec::new(),
            boot,
        };
        let events = [
            Event::Started(start),
            Event::RecoveryBegan(reason),
            Event::Measured(measured),
        ];
        self.says(approval, events.to_vec())
    }
}

/// Two rollbacks of one release on one machine are one machine's word: the others of its
/// model go on.
#[test]
fn a_hostile_machine_alone_halts_no_model() {
    let both = [(HONEST, Class::Standard), (HOSTILE, Class::Standard)];
    let mut scene = Scene::bare(&both, &[]);
    let bytes = Some(scene.publish("1.0", 1));
    scene.machine(HOSTILE).kill_agent();
    let mut liar = Liar::of(&mut scene, HOSTILE);
    let boot = scene.boot(HOSTILE);
    for told in 1..=2 {
        // The second one clears the quarantine of the first: HTM believed that it was mended.
        let cleared = bytes.clone().filter(|_| told > 1);
        let plan = scene.plan_clearing("1.0", &[HOSTILE], cleared.as_deref());
        scene.hospital.approve(&plan, &["ada"]).unwrap();
        let approval = plan_digest(&scene.hospital, &plan).unwrap();
        let lie = liar.rolled_back(approval, boot);
        let answer = runtime().block_on(async {
            let link = link(&mut scene, HOSTILE).await;
            link.ask(&lie).await.unwrap()
        });
        assert_eq!(answer, Answer::Stored(3 * told));
        scene
            .hospital
            .wait_for_job(&plan, HOSTILE, "rolled_back")
            .unwrap();
    }
    let plan = scene.plan("1.0", &[HONEST]);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.verified(&plan, HONEST, "1.0");
    let halts = scene.hospital.ask_json(&["rollout", "halts"]).unwrap();
    let halts = halts.as_array().unwrap();
    let of_a_model = |halt: &&serde_json::Value| halt["halted"] == "release_on_model";
    assert_eq!(halts.iter().find(of_a_model), None);
}
