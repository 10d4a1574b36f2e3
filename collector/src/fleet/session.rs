//! One connection: who it is, its requests, and its end.

use super::registry::Revoked;
use super::requests::{self, Peer, Reply};
use super::{Fleet, ca};
use patchward_carrier::{Connection, RecvStream, SendStream};
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::wire::machine::{
    ALPN, ALPN_ENROLL, ALPN_RELAY, Answer, MAX_REQUEST_BYTES, Refused, RefusedCode, Request, close,
};
use rustls_pki_types::CertificateDer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests up to here are read without asking; a hello takes 200 bytes, a changed
/// package 300, the inventory of an image 10,000.
pub(super) const SMALL_REQUEST_BYTES: usize = 64 * 1024;
/// Largest request of somebody without a certificate.
const MAX_ENROL_BYTES: usize = 128 * 1024;
/// Requests of one machine that are worked on at once; it has nine kinds of them and
/// downloads two at once.
pub(super) const REQUESTS: usize = 8;
/// Longest time for one request to arrive: the largest one at 1 Mbit/s.
const READ_TIME: Duration = Duration::from_secs(60);
/// Longest time for one answer to leave.
const WRITE_TIME: Duration = Duration::from_secs(120);
/// Longest time for one range of an artifact to leave: 8 MiB at 150 kbit/s.
const ARTIFACT_TIME: Duration = Duration::from_secs(450);
/// Longest life of a connection that may only enrol.
const ENROL_TIME: Duration = Duration::from_secs(30);
/// Longest wait until a refused copy has its answer: a round trip over a satellite, twice.
const CLONE_TIME: Duration = Duration::from_secs(5);
/// The stream is not read to its end: the request was refused.
const STOPPED: u32 = close::PROTOCOL;

/// A connection whose handshake is over, and what TLS says of it.
pub(super) struct Arrived {
    pub(super) connection: Connection,
    pub(super) protocol: Option<Vec<u8>>,
    /// Checked against the authority and its revocation list.
    pub(super) certificate: Option<CertificateDer<'static>>,
}

impl Arrived {
    /// Over QUIC.
    pub(super) fn quic(connection: quinn::Connection) -> Self {
        let data = connection.handshake_data();
        let data = data.and_then(|data| {
            let data = data.downcast::<quinn::crypto::rustls::HandshakeData>();
            data.ok()
        });
        let chain = connection.peer_identity();
        let chain = chain.and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
        Self {
            protocol: data.and_then(|data| data.protocol),
            certificate: chain.and_then(|chain| chain.into_iter().next()),
            connection: Connection::Quic(connection),
        }
    }
}

/// Serves a connection to its end.
pub(super) async fn run(fleet: Arc<Fleet>, arrived: Arrived) {
    let Arrived {
        connection,
        protocol,
        certificate,
    } = arrived;
    match protocol.as_deref() {
        Some(ALPN) => {
            let who = certificate.as_ref().and_then(ca::identity_of);
            let (Some(who), Some(certificate)) = (who, certificate) else {
                return end(
                    &connection,
                    close::NO_CERTIFICATE,
                    "no machine's certificate",
                );
            };
            of_machine(&fleet, &connection, who, &certificate).await;
        }
        Some(ALPN_RELAY) => {
            let name = certificate.as_ref().and_then(|one| fleet.relays.by(one));
            let Some(name) = name else {
                let why = "no certificate of a relay that the collector's settings name";
                return end(&connection, close::NO_CERTIFICATE, why);
            };
            let Ok(_place) = fleet.relays.places.try_acquire() else {
                return end(&connection, close::GOING_AWAY, "too many relays at once");
            };
            serve(&fleet, &connection, &Arc::new(Peer::Relay(name))).await;
        }
        Some(ALPN_ENROLL) => {
            let Ok(_place) = fleet.enrolling.try_acquire() else {
                return end(&connection, close::GOING_AWAY, "too many enrol at once");
            };
            let peer = Arc::new(Peer::Unknown);
            let served = serve(&fleet, &connection, &peer);
            if tokio::time::timeout(ENROL_TIME, served).await.is_err() {
                end(&connection, close::DONE, "ask again on a new connection");
            }
        }
        // TLS agrees on one of ours; over TCP there may be none that was offered.
        _ => end(&connection, close::PROTOCOL, "unknown protocol"),
    }
}

async fn of_machine(
    fleet: &Arc<Fleet>,
    connection: &Connection,
    (machine, serial): (MachineId, String),
    certificate: &CertificateDer<'_>,
) {
    let id = connection.stable_id();
    let joined = fleet.registry().join(machine, &serial, (id, connection));
    match joined {
        Err(Revoked) => {
            return end(connection, close::REVOKED, "the certificate was revoked");
        }
        Ok(Some(oldest)) => end(&oldest, close::REPLACED, "too many connections"),
        Ok(None) => {}
    }
    fleet.arrived(&machine);
    fleet.came(machine, certificate);
    let peer = Peer::Machine(requests::Session {
        machine,
        serial,
        connection: connection.clone(),
    });
    serve(fleet, connection, &Arc::new(peer)).await;
    fleet.registry().left(&machine, id);
}

fn end(connection: &Connection, code: u32, reason: &str) {
    connection.close(code, reason.as_bytes());
}

/// Each request of a machine is a stream and a task of its own, [`REQUESTS`] at once. What a
/// request needs is in its task, so a connection that only waits stays small.
/// Who has no certificate is served one request after another: all that such connections
/// make the collector hold is one request each, and what QUIC has not given out yet.
async fn serve(fleet: &Arc<Fleet>, connection: &Connection, peer: &Arc<Peer>) {
    let places = Arc::new(Semaphore::new(REQUESTS));
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            // Where all places are taken, nothing else would tell.
            _ = connection.closed() => break,
        };
        let (Ok(place), Ok((send, receive))) = (place, connection.accept_bi().await) else {
            break;
        };
        let connection = connection.clone();
        let stream = Stream {
            send,
            receive,
            _place: place,
        };
        let request = request(fleet.clone(), peer.clone(), connection, stream);
        match **peer {
            Peer::Machine(_) | Peer::Relay(_) => {
                tokio::spawn(request);
            }
            Peer::Unknown => Box::pin(request).await,
        }
    }
}

/// A request's stream, and its place among those that are worked on.
struct Stream {
    send: SendStream,
    receive: RecvStream,
    _place: OwnedSemaphorePermit,
}

async fn request(fleet: Arc<Fleet>, peer: Arc<Peer>, connection: Connection, stream: Stream) {
    let Stream {
        mut send,
        mut receive,
        _place,
    } = stream;
    let reply = match read(&fleet, &peer, &mut receive).await {
        Ok(request) => Box::pin(requests::answer(&fleet, &peer, request)).await,
        Err(Some(refused)) => {
            receive.stop(STOPPED);
            Reply::Answer(Answer::Refused(refused))
        }
        Err(None) => return,
    };
    let (answer, artifact) = match reply {
        Reply::Answer(answer) => (answer, None),
        Reply::Artifact(header, bytes) => (Answer::Artifact(header), Some(bytes)),
    };
    let limit = if artifact.is_some() {
        ARTIFACT_TIME
    } else {
        WRITE_TIME
    };
    let is_clone =
        matches!(&answer, Answer::Refused(refused) if refused.code == RefusedCode::Clone);
    let write = async {
        let is_relay = matches!(*peer, Peer::Relay(_));
        let sent = |bytes| fleet.relays.sends(is_relay, bytes);
        send.write_all(&codec::encode(&answer)).await.ok()?;
        if let Answer::Metadata(Some(file)) = &answer {
            sent(file.len() as u64);
        }
        if let Some(bytes) = artifact {
            requests::artifact::write(*bytes, &mut send, sent).await?;
        }
        send.finish().ok()
    };
    if let Err(_) | Ok(None) = tokio::time::timeout(limit, write).await {
        // Cut off rather than finished: the machine must not take it for whole.
        send.reset(STOPPED);
    }
    if is_clone {
        // What is refused for good does not stay connected: such connections would add up
        // beside the genuine machine's. It may read why first.
        let _ = tokio::time::timeout(CLONE_TIME, send.stopped()).await;
        end(&connection, close::CLONE, "another machine is this one");
    }
}

/// Reads a request: bounded in size, time and, for large ones, in number. `Err(None)`
/// where the peer went away.
async fn read(
    fleet: &Fleet,
    peer: &Peer,
    receive: &mut RecvStream,
) -> Result<Request, Option<Refused>> {
    let is_machine = matches!(peer, Peer::Machine(_));
    let limit = if is_machine {
        MAX_REQUEST_BYTES
    } else {
        MAX_ENROL_BYTES
    };
    let refuse = |text: String| Some(Refused::new(RefusedCode::BadRequest, text));
    let read = async {
        let mut bytes = Vec::new();
        let mut permit = None;
        while let Some(chunk) = receive.read_chunk(limit + 1).await.map_err(|_| None)? {
            if bytes.len() + chunk.len() > limit {
                return Err(refuse(format!("larger than {limit} bytes")));
            }
            // Those without a certificate wait for none, so that they hold up no machine.
            let is_large = bytes.len() + chunk.len() > SMALL_REQUEST_BYTES;
            if is_large && is_machine && permit.is_none() {
                permit = Some(fleet.large.acquire().await.map_err(|_| None)?);
            }
            bytes.extend_from_slice(&chunk);
        }
        codec::decode(&bytes, limit).map_err(|error| refuse(error.to_string()))
    };
    match tokio::time::timeout(READ_TIME, read).await {
        Ok(request) => request,
        Err(_) => Err(refuse(format!("not here within {} s", READ_TIME.as_secs()))),
    }
}
