//! The way to the collector: one connection, a stream per request. Over QUIC, and over TLS on
//! TCP where UDP is blocked.

use crate::credentials::Credentials;
use dial::Config;
use error::of_ended;
use patchward_carrier::mux::{Keeping, Limits};
use patchward_carrier::{Carrier, Connection, RecvStream, SendStream};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::wire::collector::{Held, MAX_NUDGE_BYTES, MAX_STOPPED_BYTES, Nudge};
use patchward_common::wire::machine::{
    ALPN, ALPN_ENROLL, ALPN_RELAY, Answer, MAX_ANSWER_BYTES, MAX_ARTIFACT_PACKET_BYTES, Orders,
    RELAY_NAME, Request, SERVER_NAME, close,
};
use quinn::{ClientConfig, Endpoint, VarInt};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

mod dial;
mod error;
mod first;
pub mod trust;
mod ways;

pub use error::LinkError;
use ways::Way;
pub use ways::Ways;

/// Longest wait for an answer that is not an artifact's.
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// Longest time for the few bytes that say that a stop is here.
const HELD_TIME: Duration = Duration::from_secs(1);
/// Keeps the connection, and the way through firewalls, open.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// Nothing heard for so long: the connection is gone.
const IDLE_MS: u32 = 60_000;
/// The same where another collector could be asked instead: a fleet is with it within ten
/// seconds. QUIC repeats what is lost several times before the connection is given up, and never
/// gives it up before three such waits.
const KEEP_ALIVE_OF_SEVERAL: Duration = Duration::from_secs(2);
/// See [`KEEP_ALIVE_OF_SEVERAL`]; QUIC counts from what was asked last (RFC 9000, 10.1).
const IDLE_OF_SEVERAL_MS: u32 = 3_500;
/// Over TCP it is counted from what was heard last.
const IDLE_OF_SEVERAL_OVER_TCP_MS: u32 = 6_000;
/// Unread bytes of one answer: 12 MB/s at 20 ms.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Nudges, and stops, that may be on their way at once. QUIC gives used streams back in
/// eighths, each time in a packet.
const NUDGES: u32 = 16;

/// What the collector says without being asked.
#[derive(Debug)]
pub enum Told {
    /// A nudge.
    Nudge(Nudge),
    /// Stops that are all that this machine may lack, and the way to answer.
    Stopped(Box<Orders>, Reply),
}

/// The way to answer; dropped, it says nothing.
#[derive(Debug)]
pub struct Reply(SendStream);

impl Reply {
    /// Says that the machine has the orders that this names, and whether it could be said.
    pub async fn holds(mut self, orders: Digest) -> bool {
        let held = Held {
            orders: orders.into(),
        };
        let held = codec::encode(&held);
        // A collector may let nobody write.
        let written = tokio::time::timeout(HELD_TIME, self.0.write_all(&held)).await;
        matches!(written, Ok(Ok(()))) && self.0.finish().is_ok()
    }
}

/// Whom to be, and whom to believe.
pub enum Identity<'a> {
    /// An enrolled machine.
    Machine(&'a Credentials),
    /// A machine without a certificate that knows its authority from a token.
    Pinned(Digest),
    /// A machine whose certificate is over; it knows its authorities.
    Expired(&'a Credentials),
    /// An enrolled machine, at the relay of its site: whoever is there is no collector.
    AtRelay(&'a Credentials),
}

/// How soon it is noticed that a collector is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// There is no other to go to.
    Only,
    /// There are others.
    Several,
}

impl Watch {
    /// Of a machine that knows these addresses.
    pub fn of(addresses: &[String]) -> Self {
        match addresses {
            [] | [_] => Self::Only,
            _ => Self::Several,
        }
    }
}

/// A connection to a collector.
#[derive(Clone, Debug)]
pub struct Link {
    /// Of QUIC's connection.
    endpoint: Option<Endpoint>,
    connection: Connection,
    address: SocketAddr,
    name: Arc<str>,
}

impl Link {
    /// Connects to the first address that answers; those that stand first have a head start.
    pub async fn connect(addresses: &[String], identity: Identity<'_>) -> Result<Self, LinkError> {
        Self::watched(addresses, identity, Watch::of(addresses), &Ways::default()).await
    }

    /// The same, watched as closely as is said (where it is one of the addresses that a machine
    /// knows and not all of them), and tried in the ways that are remembered.
    pub async fn watched(
        addresses: &[String],
        identity: Identity<'_>,
        watch: Watch,
        ways: &Ways,
    ) -> Result<Self, LinkError> {
        let config = client_config(identity, watch)?;
        first::first(addresses, &config, ways).await
    }

    async fn to(name: &str, config: &Config, ways: &Ways) -> Result<Self, LinkError> {
        let resolved = tokio::net::lookup_host(name).await;
        let resolved = resolved.map_err(|source| LinkError::Resolve {
            address: name.to_owned(),
            source,
        })?;
        let mut last = LinkError::Silent {
            address: name.to_owned(),
        };
        for address in resolved {
            match dial::dial(name, address, config, ways.of(name)).await {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A second connection to the same place, for artifacts: it asks for large packets, and many
    /// at once, and says hello to nobody.
    pub async fn for_artifacts(&self, credentials: &Credentials) -> Result<Self, LinkError> {
        let mut config = client_config(Identity::Machine(credentials), Watch::Only)?;
        config.fetches_artifacts();
        dial::dial(&self.name, self.address, &config, Way::OnlyQuic).await
    }

    /// The collector's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it goes over.
    pub fn carrier(&self) -> Carrier {
        self.connection.carrier()
    }

    /// Asks and reads the whole answer.
    pub async fn ask(&self, request: &Request) -> Result<Answer, LinkError> {
        self.ask_raw(&codec::encode(request)).await
    }

    /// Asks with bytes that may be no request at all, as tests do.
    pub async fn ask_raw(&self, request: &[u8]) -> Result<Answer, LinkError> {
        let ask = async {
            let mut receive = self.send(request).await?;
            let bytes = receive.read_to_end(MAX_ANSWER_BYTES).await;
            let bytes = bytes.map_err(|error| self.lost(&error))?;
            Ok(codec::decode(&bytes, MAX_ANSWER_BYTES)?)
        };
        let answer = tokio::time::timeout(ANSWER_TIME, ask).await;
        answer.unwrap_or(Err(LinkError::Late))
    }

    /// A stream of a request's own, both ways, as tests use it.
    pub async fn open(&self) -> Result<(SendStream, RecvStream), LinkError> {
        let opened = self.connection.open_bi().await;
        opened.map_err(of_ended)
    }

    /// Asks, and leaves the reading of the answer to the caller.
    pub async fn send(&self, request: &[u8]) -> Result<RecvStream, LinkError> {
        let (mut send, receive) = self.open().await?;
        // A collector that refuses early answers before it has read all: its answer says
        // why, the broken stream does not.
        if send.write_all(request).await.is_ok() {
            let _ = send.finish();
        }
        Ok(receive)
    }

    /// Waits for what the collector says next; what cannot be read is passed over.
    pub async fn told(&self) -> Result<Told, LinkError> {
        loop {
            let told = tokio::select! {
                // The collector's last nudge says when to come again: it is read although the
                // connection is closed.
                biased;
                stream = self.connection.accept_uni() => {
                    let stream = stream.map_err(of_ended)?;
                    read(stream, MAX_NUDGE_BYTES).await.map(Told::Nudge)
                }
                streams = self.connection.accept_bi() => {
                    let (send, receive) = streams.map_err(of_ended)?;
                    let stops = read(receive, MAX_STOPPED_BYTES).await;
                    stops.map(|stops| Told::Stopped(Box::new(stops), Reply(send)))
                }
            };
            if let Some(told) = told {
                return Ok(told);
            }
        }
    }

    /// Whether the connection stands, as far as is known.
    pub fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    /// Why the connection ended: the connection's own reason, or else `error`.
    pub fn lost(&self, error: &dyn std::fmt::Display) -> LinkError {
        match self.connection.close_reason() {
            Some(reason) => of_ended(reason),
            None => LinkError::Lost(error.to_string()),
        }
    }

    /// Ends the connection in order.
    pub async fn close(self) {
        self.connection.close(close::DONE, b"done");
        match (&self.connection, &self.endpoint) {
            (Connection::Tcp(tcp), _) => tcp.gone().await,
            (Connection::Quic(_), Some(endpoint)) => endpoint.wait_idle().await,
            (Connection::Quic(_), None) => {}
        }
    }
}

async fn read<T: DeserializeOwned>(mut stream: RecvStream, limit: usize) -> Option<T> {
    let bytes = stream.read_to_end(limit).await.ok()?;
    codec::decode(&bytes, limit).ok()
}

fn client_config(identity: Identity<'_>, watch: Watch) -> Result<Config, LinkError> {
    let own = |error: &dyn std::fmt::Display| LinkError::Own(error.to_string());
    // Its key exchanges are the classic ones (ADR 0018), and it is small (ADR 0035).
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = match identity {
        Identity::Pinned(authority) => trust::pinned(authority, provider.clone()),
        Identity::Machine(credentials)
        | Identity::AtRelay(credentials)
        | Identity::Expired(credentials) => {
            trust::known(credentials, provider.clone()).map_err(|error| own(&error))?
        }
    };
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| own(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut tls = match identity {
        Identity::Machine(credentials) | Identity::AtRelay(credentials) => {
            let key = PrivatePkcs8KeyDer::from(credentials.key.to_vec());
            let certificate = credentials.certificate.certificate.to_vec();
            builder
                .with_client_auth_cert(vec![certificate.into()], PrivateKeyDer::from(key))
                .map_err(|error| own(&error))?
        }
        Identity::Pinned(_) | Identity::Expired(_) => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![match identity {
        Identity::Machine(_) => ALPN.to_vec(),
        Identity::AtRelay(_) => ALPN_RELAY.to_vec(),
        Identity::Pinned(_) | Identity::Expired(_) => ALPN_ENROLL.to_vec(),
    }];
    tls.resumption = rustls::client::Resumption::disabled();
    let quic = quinn::crypto::rustls::QuicClientConfig::try_from(tls.clone());
    let mut quic = ClientConfig::new(Arc::new(quic.map_err(|error| own(&error))?));
    quic.transport_config(Arc::new(transport(watch)));
    Ok(Config {
        quic,
        tls: Arc::new(tls),
        keeping: keeping(watch),
        packet_bytes: match identity {
            Identity::AtRelay(_) => MAX_ARTIFACT_PACKET_BYTES,
            _ => dial::MAX_PACKET_BYTES,
        },
        name: match identity {
            Identity::AtRelay(_) => RELAY_NAME,
            _ => SERVER_NAME,
        },
    })
}

/// How often the collector is asked whether it is there, and when it is gone, in milliseconds.
fn kept(watch: Watch) -> (Duration, u32) {
    match watch {
        Watch::Only => (KEEP_ALIVE, IDLE_MS),
        Watch::Several => (KEEP_ALIVE_OF_SEVERAL, IDLE_OF_SEVERAL_MS),
    }
}

/// The limits of QUIC for a connection over TCP.
fn keeping(watch: Watch) -> Keeping {
    let (keep_alive, idle_ms) = kept(watch);
    let idle_ms = match watch {
        Watch::Only => idle_ms,
        Watch::Several => IDLE_OF_SEVERAL_OVER_TCP_MS,
    };
    Keeping {
        limits: Limits {
            stream_window: STREAM_WINDOW,
            connection_window: 2 * STREAM_WINDOW,
            both_ways: NUDGES,
            one_way: NUDGES,
        },
        idle: Duration::from_millis(idle_ms.into()),
        keep_alive: Some(keep_alive),
    }
}

fn transport(watch: Watch) -> quinn::TransportConfig {
    let (keep_alive, idle_ms) = kept(watch);
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(NUDGES))
        .max_concurrent_uni_streams(VarInt::from_u32(NUDGES))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(2 * STREAM_WINDOW))
        .send_window(u64::from(STREAM_WINDOW))
        .max_idle_timeout(Some(quinn::IdleTimeout::from(VarInt::from_u32(idle_ms))))
        .keep_alive_interval(Some(keep_alive))
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(None);
    transport
}

/// A name by which certificates are checked: one of our own constants.
fn server_name(name: &'static str) -> ServerName<'static> {
    #[expect(clippy::expect_used, reason = "our own constants are DNS names")]
    ServerName::try_from(name).expect("our own constants are DNS names")
}
