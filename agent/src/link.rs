//! The way to the collector: one QUIC connection, a stream per request.

use crate::credentials::Credentials;
use patchward_common::codec::{self, DecodeError};
use patchward_common::digest::Digest;
use patchward_common::wire::collector::{MAX_NUDGE_BYTES, Nudge};
use patchward_common::wire::machine::{
    ALPN, ALPN_ENROLL, Answer, MAX_ANSWER_BYTES, Request, SERVER_NAME, close,
};
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, VarInt};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub mod trust;

/// Longest handshake with one address.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Longest wait for an answer that is not an artifact's.
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// Keeps the connection, and the way through firewalls, open.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// Nothing heard for so long: the connection is gone.
const IDLE_MS: u32 = 60_000;
/// Unread bytes of one answer: 12 MB/s at 20 ms.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Nudges that may be on their way at once.
const NUDGES: u32 = 4;
/// Largest packet that is received. The collector probes for none above QUIC's minimum
/// but when told to; room for a whole Ethernet frame, not for the 64 KB of the default.
const MAX_PACKET_BYTES: u16 = 1_472;

/// The TLS alert for it.
const CERTIFICATE_REVOKED: u64 = 44;

/// Whom to be, and whom to believe.
pub enum Identity<'a> {
    /// An enrolled machine.
    Machine(&'a Credentials),
    /// A machine without a certificate that knows its authority from a token.
    Pinned(Digest),
    /// A machine whose certificate is over; it knows its authorities.
    Expired(&'a Credentials),
}

/// A connection to a collector.
#[derive(Clone, Debug)]
pub struct Link {
    endpoint: Endpoint,
    connection: Connection,
    address: SocketAddr,
}

/// Why there is no connection, or no answer on it.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The name is not known.
    #[error("{address}: the name cannot be resolved ({source}); check DNS")]
    Resolve {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// No socket, or no route.
    #[error("{address}: {problem}; check the network and its routes")]
    Route {
        /// The address.
        address: String,
        /// Why.
        problem: String,
    },
    /// Nothing comes back.
    #[error(
        "{address}: nothing answers; is the collector running, and is UDP to this port \
         allowed on the way?"
    )]
    Silent {
        /// The address.
        address: String,
    },
    /// TLS does not come to terms: certificate, clock or protocol.
    #[error("{address}: TLS: {problem}")]
    Tls {
        /// The address.
        address: String,
        /// What does not fit.
        problem: String,
        /// The collector's alert (RFC 8446 §6), where the collector does not like us.
        alert: Option<u64>,
    },
    /// The collector closed the connection.
    #[error("the collector closed the connection: {reason} (code {code})")]
    Closed {
        /// One of [`close`].
        code: u32,
        /// Its words.
        reason: String,
    },
    /// The connection was lost.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The answer cannot be read.
    #[error("the collector's answer cannot be read: {0}")]
    Answer(#[from] DecodeError),
    /// The answer did not come in time.
    #[error("the collector did not answer within {} s", ANSWER_TIME.as_secs())]
    Late,
    /// It answered another question.
    #[error("the collector answered something else than {0}")]
    Unexpected(&'static str),
    /// Our own key or certificate is not usable.
    #[error("this machine's certificate cannot be used: {0}; enrol it again")]
    Own(String),
    /// There is no address to try.
    #[error("no collector address is known; set `collectors` in the settings")]
    NoAddress,
}

impl LinkError {
    /// Whether the collector says that this machine's certificate was revoked.
    pub fn is_revoked(&self) -> bool {
        match self {
            Self::Closed { code, .. } => *code == close::REVOKED,
            Self::Tls { alert, .. } => *alert == Some(CERTIFICATE_REVOKED),
            _ => false,
        }
    }
}

impl Link {
    /// Connects to the first address that answers.
    pub async fn connect(addresses: &[String], identity: Identity<'_>) -> Result<Self, LinkError> {
        let config = client_config(identity)?;
        let mut last = LinkError::NoAddress;
        for address in addresses {
            match Self::to(address, &config).await {
                Ok(link) => return Ok(link),
                Err(error) => {
                    tracing::debug!(%error, "this address does not work");
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn to(name: &str, config: &ClientConfig) -> Result<Self, LinkError> {
        let resolved = tokio::net::lookup_host(name).await;
        let resolved = resolved.map_err(|source| LinkError::Resolve {
            address: name.to_owned(),
            source,
        })?;
        let mut last = LinkError::Silent {
            address: name.to_owned(),
        };
        for address in resolved {
            match Self::to_one(name, address, config).await {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn to_one(
        name: &str,
        address: SocketAddr,
        config: &ClientConfig,
    ) -> Result<Self, LinkError> {
        let route = |problem: &dyn std::fmt::Display| LinkError::Route {
            address: name.to_owned(),
            problem: problem.to_string(),
        };
        let endpoint = endpoint(address).map_err(|error| route(&error))?;
        let connecting = endpoint
            .connect_with(config.clone(), address, SERVER_NAME)
            .map_err(|error| route(&error))?;
        let connection = match tokio::time::timeout(CONNECT_TIME, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(of_handshake(name, error)),
            Err(_) => {
                return Err(LinkError::Silent {
                    address: name.to_owned(),
                });
            }
        };
        Ok(Self {
            endpoint,
            connection,
            address,
        })
    }

    /// The collector's address.
    pub fn address(&self) -> SocketAddr {
        self.address
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

    /// Asks, and leaves the reading of the answer to the caller.
    pub async fn send(&self, request: &[u8]) -> Result<RecvStream, LinkError> {
        let (mut send, receive) = self
            .connection
            .open_bi()
            .await
            .map_err(|error| of_connection(&error))?;
        // A collector that refuses early answers before it has read all: its answer says
        // why, the broken stream does not.
        if send.write_all(request).await.is_ok() {
            let _ = send.finish();
        }
        Ok(receive)
    }

    /// Waits for the next nudge; what cannot be read is passed over.
    pub async fn nudge(&self) -> Result<Nudge, LinkError> {
        loop {
            let mut stream = self
                .connection
                .accept_uni()
                .await
                .map_err(|error| of_connection(&error))?;
            if let Ok(bytes) = stream.read_to_end(MAX_NUDGE_BYTES).await
                && let Ok(nudge) = codec::decode(&bytes, MAX_NUDGE_BYTES)
            {
                return Ok(nudge);
            }
        }
    }

    /// Why the connection ended: the connection's own reason, or else `error`.
    pub fn lost(&self, error: &dyn std::fmt::Display) -> LinkError {
        match self.connection.close_reason() {
            Some(reason) => of_connection(&reason),
            None => LinkError::Lost(error.to_string()),
        }
    }

    /// Ends the connection in order.
    pub async fn close(self) {
        self.connection
            .close(VarInt::from_u32(close::DONE), b"done");
        self.endpoint.wait_idle().await;
    }
}

fn of_connection(error: &ConnectionError) -> LinkError {
    match error {
        ConnectionError::ApplicationClosed(closed) => LinkError::Closed {
            code: u32::try_from(closed.error_code.into_inner()).unwrap_or(u32::MAX),
            reason: String::from_utf8_lossy(&closed.reason).into_owned(),
        },
        // The collector judges our certificate after our handshake is over.
        ConnectionError::ConnectionClosed(closed) => match alert(closed.error_code) {
            None => LinkError::Lost(error.to_string()),
            alert => LinkError::Tls {
                address: "the collector".into(),
                problem: closed.to_string(),
                alert,
            },
        },
        other => LinkError::Lost(other.to_string()),
    }
}

fn of_handshake(address: &str, error: ConnectionError) -> LinkError {
    let address = address.to_owned();
    match error {
        ConnectionError::TimedOut => LinkError::Silent { address },
        ConnectionError::TransportError(error) => LinkError::Tls {
            address,
            problem: error.to_string(),
            alert: None,
        },
        ConnectionError::ConnectionClosed(closed) => LinkError::Tls {
            address,
            problem: closed.to_string(),
            alert: alert(closed.error_code),
        },
        other => of_connection(&other),
    }
}

/// The TLS alert that a QUIC error carries (RFC 9001 §4.8).
fn alert(code: quinn::TransportErrorCode) -> Option<u64> {
    let code = u64::from(code);
    (0x100..0x200).contains(&code).then(|| code - 0x100)
}

fn endpoint(to: SocketAddr) -> std::io::Result<Endpoint> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    let mut config = quinn::EndpointConfig::default();
    config
        .max_udp_payload_size(MAX_PACKET_BYTES)
        .map_err(std::io::Error::other)?;
    Endpoint::new(config, None, socket, Arc::new(quinn::TokioRuntime))
}

fn client_config(identity: Identity<'_>) -> Result<ClientConfig, LinkError> {
    let own = |error: &dyn std::fmt::Display| LinkError::Own(error.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = match identity {
        Identity::Pinned(authority) => trust::pinned(authority, provider.clone()),
        Identity::Machine(credentials) | Identity::Expired(credentials) => {
            trust::known(credentials, provider.clone()).map_err(|error| own(&error))?
        }
    };
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| own(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut tls = match identity {
        Identity::Machine(credentials) => {
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
        Identity::Pinned(_) | Identity::Expired(_) => ALPN_ENROLL.to_vec(),
    }];
    tls.resumption = rustls::client::Resumption::disabled();
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).map_err(|e| own(&e))?;
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport()));
    Ok(config)
}

fn transport() -> quinn::TransportConfig {
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(NUDGES))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(2 * STREAM_WINDOW))
        .send_window(u64::from(STREAM_WINDOW))
        .max_idle_timeout(Some(quinn::IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(None);
    transport
}

/// The name by which every collector's certificate is checked.
fn server_name() -> ServerName<'static> {
    #[expect(clippy::expect_used, reason = "our own constant is a DNS name")]
    ServerName::try_from(SERVER_NAME).expect("our own constant is a DNS name")
}
