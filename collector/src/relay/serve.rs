//! The port of a relay: machines with a certificate by the collector's authority ask for artifacts
//! and role files, and for nothing else.

use super::Relay;
use super::fetch::{Told, Wanted};
use super::identity::Identity;
use crate::fleet::{self, pieces};
use anyhow::Context as _;
use patchward_carrier::{Connection, RecvStream, SendStream};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{
    ALPN_RELAY, Answer, ArtifactAsked, ArtifactHeader, MAX_METADATA_BYTES, MAX_RANGE_BYTES,
    MetadataAsked, NotNow, Refused, RefusedCode, Request, close, is_role_file,
};
use quinn::{Endpoint, VarInt};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls_pki_types::CertificateDer;
use serde_bytes::ByteBuf;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;

/// Handshakes in flight.
const HANDSHAKES: usize = 256;
/// Longest handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Machines at once: those of a large site. Who comes beyond that goes to the collector.
const CONNECTIONS: usize = 8_192;
/// Requests of one machine that are worked on at once.
const REQUESTS: usize = 4;
/// Largest request: a digest and two numbers.
const MAX_REQUEST_BYTES: usize = 1_024;
/// Longest time for one to arrive.
const READ_TIME: Duration = Duration::from_secs(10);
/// Longest time for a range to leave, as at the collector.
const WRITE_TIME: Duration = Duration::from_secs(450);
/// When a machine asks again for what is being fetched.
const AGAIN_MS: u64 = 1_000;
/// Longest wait for the last answers when the relay ends.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Opens the port.
pub(super) fn open(identity: &Identity, listen: SocketAddr) -> anyhow::Result<Endpoint> {
    let provider = Identity::provider();
    let roots = Arc::new(identity.roots.clone());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .clear_root_hint_subjects()
        .build()?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .context("the relay's certificate and key")?;
    tls.alpn_protocols = vec![ALPN_RELAY.to_vec()];
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    let config = fleet::of_relay(tls)?;
    let opened = Endpoint::server(config, listen);
    opened.with_context(|| format!("opening UDP {listen}; is another program there?"))
}

/// Closes it in order.
pub(super) async fn close(endpoint: &Endpoint) {
    endpoint.close(VarInt::from_u32(close::GOING_AWAY), b"the relay stops");
    let _ = tokio::time::timeout(DRAIN_TIME, endpoint.wait_idle()).await;
}

/// Lets machines in until the port is closed.
pub(super) async fn accept(relay: Arc<Relay>, endpoint: Endpoint) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(permit) = handshakes.clone().acquire_owned().await {
        let Some(incoming) = endpoint.accept().await else {
            return;
        };
        let is_busy = handshakes.available_permits() < HANDSHAKES / 2;
        if is_busy && !incoming.remote_address_validated() {
            // Cannot fail: only a validated address may not be asked again.
            let _ = incoming.retry();
            continue;
        }
        let Ok(place) = connections.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let relay = relay.clone();
        tokio::spawn(async move {
            let Ok(connecting) = incoming.accept() else {
                return;
            };
            let connected = tokio::time::timeout(HANDSHAKE_TIME, connecting).await;
            drop(permit);
            if let Ok(Ok(connection)) = connected {
                session(relay, connection).await;
            }
            drop(place);
        });
    }
}

async fn session(relay: Arc<Relay>, connection: quinn::Connection) {
    let chain = connection.peer_identity();
    let chain = chain.and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
    let is_machine = chain
        .as_ref()
        .and_then(|chain| chain.first())
        .is_some_and(fleet::is_machine);
    let connection = Connection::Quic(connection);
    if !is_machine {
        return connection.close(close::NO_CERTIFICATE, b"no machine's certificate");
    }
    let places = Arc::new(Semaphore::new(REQUESTS));
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((send, receive)) = connection.accept_bi().await else {
            return;
        };
        let relay = relay.clone();
        tokio::spawn(async move {
            answer(&relay, send, receive).await;
            drop(place);
        });
    }
}

async fn answer(relay: &Arc<Relay>, mut send: SendStream, mut receive: RecvStream) {
    let read = receive.read_to_end(MAX_REQUEST_BYTES);
    let (answer, range) = match tokio::time::timeout(READ_TIME, read).await {
        Ok(Ok(bytes)) => match codec::decode(&bytes, MAX_REQUEST_BYTES) {
            Ok(Request::Artifact(asked)) => artifact(relay, &asked).await,
            Ok(Request::Metadata(asked)) => role(relay, asked).await,
            Ok(_) => {
                let text = "a relay hands out artifacts, role files and nothing else";
                refused(Refused::new(RefusedCode::Forbidden, text))
            }
            Err(error) => refused(Refused::new(RefusedCode::BadRequest, error.to_string())),
        },
        _ => return send.reset(close::PROTOCOL),
    };
    let write = async {
        send.write_all(&codec::encode(&answer)).await.ok()?;
        if let Some(range) = range {
            range.write(&mut send).await?;
        }
        send.finish().ok()
    };
    if let Err(_) | Ok(None) = tokio::time::timeout(WRITE_TIME, write).await {
        // Cut off rather than finished: the machine must not take it for whole.
        send.reset(close::PROTOCOL);
    }
}

/// A part of a whole artifact.
struct Range {
    file: File,
    offset: u64,
    length: u64,
}

impl Range {
    async fn write(self, send: &mut SendStream) -> Option<()> {
        let range = self.offset..self.offset.checked_add(self.length)?;
        pieces::send(self.file, range, send, |_| ()).await
    }
}

fn refused(refused: Refused) -> (Answer, Option<Range>) {
    (Answer::Refused(refused), None)
}

/// What is said of what is not here.
fn fetched(relay: &Arc<Relay>, sha256: Digest, wanted: Wanted) -> Answer {
    match relay.want(sha256, wanted) {
        Told::Refused(why) => Answer::Refused(why),
        Told::NotYet => Answer::NotNow(NotNow {
            reason: "the relay is fetching it".into(),
            again_ms: AGAIN_MS,
        }),
    }
}

/// A role file with the digest that the collector named: the relay need not know what is new.
async fn role(relay: &Arc<Relay>, asked: MetadataAsked) -> (Answer, Option<Range>) {
    let bad = |text: &str| refused(Refused::new(RefusedCode::BadRequest, text));
    let Some(sha256) = asked.sha256.filter(|_| is_role_file(&asked.file)) else {
        return bad("a role file is asked for with its digest and a role's name");
    };
    let Some((file, length)) = relay.cache.open_whole(&sha256) else {
        return (fetched(relay, sha256, Wanted::Role(asked)), None);
    };
    if length > MAX_METADATA_BYTES as u64 {
        return bad("what has that digest is no role file");
    }
    let mut bytes = Vec::new();
    let read = tokio::fs::File::from_std(file);
    match read.take(length).read_to_end(&mut bytes).await {
        Ok(_) => (Answer::Metadata(Some(ByteBuf::from(bytes))), None),
        Err(error) => refused(Refused::new(RefusedCode::Busy, error.to_string())),
    }
}

async fn artifact(relay: &Arc<Relay>, asked: &ArtifactAsked) -> (Answer, Option<Range>) {
    let bad = |text: &str| refused(Refused::new(RefusedCode::BadRequest, text));
    if asked.length == 0 || asked.length > MAX_RANGE_BYTES {
        return bad("a range has 1 byte to 8 MiB");
    }
    let Some((file, total)) = relay.cache.open_whole(&asked.sha256) else {
        return (fetched(relay, asked.sha256, Wanted::Artifact), None);
    };
    if asked.offset >= total {
        return bad("the range begins after the artifact's end");
    }
    let length = asked.length.min(total - asked.offset);
    let range = Range {
        file,
        offset: asked.offset,
        length,
    };
    (
        Answer::Artifact(ArtifactHeader { total, length }),
        Some(range),
    )
}
