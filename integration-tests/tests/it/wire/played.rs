//! A collector that does what a test says, for an agent that believes it.

use patchward_agent::credentials::Credentials;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::DAY_MS;
use patchward_common::wire::collector::{Held, MAX_HELD_BYTES, Nudge};
use patchward_common::wire::machine::{
    ALPN, Answer, Certificate, HelloAnswer, MAX_REQUEST_BYTES, Orders, Request, SERVER_NAME,
    ShortDigest, Stale, close,
};
use quinn::Connection;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_bytes::ByteBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does about a request.
pub(crate) enum Does {
    Answers(Answer),
    /// Raw bytes, and the stream stays open.
    Trickles(Vec<u8>),
    /// These, and then one byte a second for as long as anybody listens.
    Drips(Vec<u8>),
    BreaksOff,
}

/// What it does on which connection, counted from 0.
type Script = dyn FnMut(usize, &Request) -> Does + Send;

/// A played collector.
pub(crate) struct Collector {
    pub(crate) address: String,
    pub(crate) credentials: Credentials,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: Mutex<Vec<Connection>>,
    requests: Mutex<Vec<(usize, Request)>>,
}

/// An answer to a hello.
pub(crate) fn answered(stale: Stale, journal: u64) -> Does {
    Does::Answers(Answer::Hello(Box::new(HelloAnswer {
        clock: super::world::now(),
        stale,
        audit: Digest::default(),
        again_ms: 1,
        journal,
        relay: None,
    })))
}

impl Collector {
    pub(crate) fn new(script: impl FnMut(usize, &Request) -> Does + Send + 'static) -> Self {
        Self::valid_until(2096, script)
    }

    /// One whose certificate ends with the beginning of a year.
    pub(super) fn valid_until(
        year: i32,
        script: impl FnMut(usize, &Request) -> Does + Send + 'static,
    ) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let server = params.signed_by(&key, &issuer).unwrap();
        let own = KeyPair::generate().unwrap();
        let client = CertificateParams::default().self_signed(&own).unwrap();
        let endpoint = quinn::Endpoint::server(
            config(server.der().clone(), &key),
            "127.0.0.1:0".parse().unwrap(),
        )
        .unwrap();
        let address = endpoint.local_addr().unwrap().to_string();
        let credentials = Credentials {
            addresses: vec![address.clone()],
            machine: MachineId([1; 32]),
            key: ByteBuf::from(own.serialize_der()),
            certificate: Certificate {
                certificate: ByteBuf::from(client.der().to_vec()),
                authorities: vec![ByteBuf::from(authority.der().to_vec())],
            },
            expires: super::world::now().plus_ms(80 * DAY_MS),
        };
        let seen = Arc::new(Seen::default());
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(script));
        tokio::spawn(serve(endpoint, seen.clone(), script));
        Self {
            address,
            credentials,
            seen,
        }
    }

    /// The requests so far, each with its connection.
    pub(crate) fn requests(&self) -> Vec<(usize, Request)> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How many hellos came so far.
    pub(crate) fn hellos(&self) -> usize {
        let is_hello = |(_, request): &&(usize, Request)| matches!(request, Request::Hello(_));
        self.requests().iter().filter(is_hello).count()
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.lock().unwrap().len()
    }

    /// Whether the machine closed connection `number` in order.
    pub(super) fn is_closed(&self, number: usize) -> bool {
        let connections = self.seen.connections.lock().unwrap();
        let reason = connections.get(number).and_then(Connection::close_reason);
        matches!(
            reason,
            Some(quinn::ConnectionError::ApplicationClosed(closed))
                if closed.error_code == close::DONE.into()
        )
    }

    /// Sends a nudge on connection `number`.
    pub(super) async fn nudge(&self, number: usize, nudge: Nudge) {
        let connection = self.seen.connections.lock().unwrap()[number].clone();
        let mut stream = connection.open_uni().await.unwrap();
        stream.write_all(&codec::encode(&nudge)).await.unwrap();
        stream.finish().unwrap();
    }

    /// Brings stops on connection `number`, and gives back what the machine says that it has.
    pub(super) async fn brings(&self, number: usize, stops: Orders) -> Option<ShortDigest> {
        let connection = self.seen.connections.lock().unwrap()[number].clone();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&codec::encode(&stops)).await.unwrap();
        send.finish().unwrap();
        let held = receive.read_to_end(MAX_HELD_BYTES).await.unwrap();
        let held: Option<Held> = codec::decode(&held, MAX_HELD_BYTES).ok();
        held.map(|held| held.orders)
    }
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> quinn::ServerConfig {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    quinn::ServerConfig::with_crypto(Arc::new(tls))
}

async fn serve(endpoint: quinn::Endpoint, seen: Arc<Seen>, script: Arc<Mutex<Script>>) {
    while let Some(incoming) = endpoint.accept().await {
        let Ok(connection) = incoming.await else {
            continue;
        };
        let number = {
            let mut connections = seen.connections.lock().unwrap();
            connections.push(connection.clone());
            connections.len() - 1
        };
        let (seen, script) = (seen.clone(), script.clone());
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut send, mut receive)) = connection.accept_bi().await {
                let Ok(bytes) = receive.read_to_end(MAX_REQUEST_BYTES).await else {
                    continue;
                };
                let request: Request = codec::decode(&bytes, MAX_REQUEST_BYTES).unwrap();
                let answer = (script.lock().unwrap())(number, &request);
                seen.requests.lock().unwrap().push((number, request));
                match answer {
                    Does::Answers(answer) => {
                        let _ = send.write_all(&codec::encode(&answer)).await;
                        let _ = send.finish();
                    }
                    Does::Trickles(bytes) => {
                        let _ = send.write_all(&bytes).await;
                        open.push(send);
                    }
                    Does::Drips(bytes) => {
                        tokio::spawn(drip(send, bytes));
                    }
                    Does::BreaksOff => {
                        let _ = send.reset(0u32.into());
                    }
                }
            }
        });
    }
}

async fn drip(mut send: quinn::SendStream, mut bytes: Vec<u8>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    while send.write_all(&bytes).await.is_ok() {
        second.tick().await;
        bytes = vec![0x40];
    }
}

/// The first byte of what a collector replies to a client's first packet, which never hears
/// of it: the handshake stays where it is.
pub(super) async fn first_reply(collector: &str) -> u8 {
    let (near, far) = (socket().await, socket().await);
    far.connect(collector).await.unwrap();
    let mut client = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    client.set_default_client_config(anyone());
    let to = near.local_addr().unwrap();
    let connecting = client.connect(to, SERVER_NAME).unwrap();
    let mut packet = vec![0; 2_048];
    let length = near.recv(&mut packet).await.unwrap();
    far.send(&packet[..length]).await.unwrap();
    far.recv(&mut packet).await.unwrap();
    drop(connecting);
    packet[0]
}

async fn socket() -> tokio::net::UdpSocket {
    tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

/// A client that believes nobody: it never comes as far as to believe.
fn anyone() -> quinn::ClientConfig {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    quinn::ClientConfig::new(Arc::new(tls))
}
