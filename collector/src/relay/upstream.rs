//! The way to a collector: QUIC, or TLS over TCP where UDP is blocked. One connection is kept for
//! all that is fetched.

use super::identity::Identity;
use anyhow::{Context as _, bail};
use patchward_carrier::mux::{self, Keeping, Limits};
use patchward_carrier::{Connection, RecvStream};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{
    ALPN_RELAY, Answer, ArtifactAsked, ArtifactHeader, MAX_METADATA_BYTES, MetadataAsked, Refused,
    Request, SERVER_NAME,
};
use quinn::{Endpoint, IdleTimeout, VarInt};
use rustls_pki_types::ServerName;
use serde_bytes::ByteBuf;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

/// Longest handshake by either carrier.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Longest wait until a request has left: connecting by each carrier to some collectors.
const ASK_TIME: Duration = Duration::from_secs(60);
/// Longest wait for a role file: it is small beside artifacts.
const ROLE_TIME: Duration = Duration::from_secs(60);
/// Largest answer with one.
const MAX_ROLE_ANSWER_BYTES: usize = MAX_METADATA_BYTES + 1_024;
/// Keeps the connection, and the way through firewalls, open.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Nothing heard for so long: it is gone.
const IDLE_MS: u32 = 60_000;
/// Unread bytes of one artifact: 40 MB/s over a line of 50 ms.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
/// Longest wait for the next bytes.
const PIECE_TIME: Duration = Duration::from_secs(30);
/// Longest header before an artifact's bytes, or refusal instead of them.
const MAX_HEADER_BYTES: usize = 2_048;
/// Most bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The collectors, and the connection to one of them.
pub(super) struct Upstream {
    addresses: Vec<String>,
    quic: quinn::ClientConfig,
    tls: Arc<rustls::ClientConfig>,
    held: Mutex<Option<Held>>,
    /// Which of them is asked first: after one that did not do, the next.
    first: AtomicUsize,
}

#[derive(Clone)]
struct Held {
    connection: Connection,
    /// Of QUIC's connection: it lives as long as that.
    _endpoint: Option<Endpoint>,
}

/// What a collector says of a range.
pub(super) enum Found {
    /// It has it.
    Range(ArtifactHeader, Bytes),
    /// It does not give it.
    Refused(Refused),
}

/// The bytes of a range, as they come.
pub(super) struct Bytes {
    stream: RecvStream,
    /// What came with the header.
    first: Vec<u8>,
}

impl Bytes {
    /// The next of them; nothing at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Vec<u8>> {
        if !self.first.is_empty() {
            return Ok(std::mem::take(&mut self.first));
        }
        let next = tokio::time::timeout(PIECE_TIME, self.stream.read_chunk(PIECE_BYTES)).await;
        let next = next.context("the collector sends nothing more")??;
        Ok(next.map_or_else(Vec::new, |bytes| bytes.to_vec()))
    }
}

impl Upstream {
    pub(super) fn new(identity: &Identity, addresses: Vec<String>) -> anyhow::Result<Self> {
        let mut tls = rustls::ClientConfig::builder_with_provider(Identity::provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(identity.roots.clone())
            .with_client_auth_cert(vec![identity.certificate.clone()], identity.key.clone_key())
            .context("the relay's certificate and key")?;
        tls.alpn_protocols = vec![ALPN_RELAY.to_vec()];
        tls.resumption = rustls::client::Resumption::disabled();
        let quic = quinn::crypto::rustls::QuicClientConfig::try_from(tls.clone())?;
        let mut quic = quinn::ClientConfig::new(Arc::new(quic));
        let mut transport = quinn::TransportConfig::default();
        transport
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
            .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
            .keep_alive_interval(Some(KEEP_ALIVE))
            .datagram_receive_buffer_size(None);
        quic.transport_config(Arc::new(transport));
        Ok(Self {
            addresses,
            quic,
            tls: Arc::new(tls),
            held: Mutex::new(None),
            first: AtomicUsize::new(0),
        })
    }

    /// The collector that was asked does not do: the next one is asked from now on.
    pub(super) async fn give_up(&self) {
        *self.held.lock().await = None;
        self.first.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a collector lets this relay in; why not.
    pub(super) async fn reach(&self) -> anyhow::Result<()> {
        let asked = ArtifactAsked {
            sha256: Digest::default(),
            offset: 0,
            length: 1,
        };
        // No artifact has that digest. That this is what is said is all that is asked for.
        self.ask(&asked).await.map(drop)
    }

    async fn send(&self, request: &Request) -> anyhow::Result<RecvStream> {
        let asking = async {
            let (mut send, stream) = self.connection().await?.open_bi().await?;
            send.write_all(&codec::encode(request)).await?;
            send.finish()?;
            anyhow::Ok(stream)
        };
        let asking = tokio::time::timeout(ASK_TIME, asking).await;
        asking.context("no collector can be asked")?
    }

    /// Asks for a role file; `None` where the collector has none of that name.
    pub(super) async fn role(&self, asked: MetadataAsked) -> anyhow::Result<Option<Vec<u8>>> {
        let mut stream = self.send(&Request::Metadata(asked)).await?;
        let read = stream.read_to_end(MAX_ROLE_ANSWER_BYTES);
        let read = tokio::time::timeout(ROLE_TIME, read).await;
        let bytes = read.context("the collector does not answer")??;
        match codec::decode(&bytes, MAX_ROLE_ANSWER_BYTES)? {
            Answer::Metadata(bytes) => Ok(bytes.map(ByteBuf::into_vec)),
            Answer::Refused(refused) => bail!("the collector refuses: {}", refused.text),
            _ => bail!("the collector answers something else than a role file"),
        }
    }

    /// Asks for a range.
    pub(super) async fn ask(&self, asked: &ArtifactAsked) -> anyhow::Result<Found> {
        let mut stream = self.send(&Request::Artifact(asked.clone())).await?;
        let mut first = Vec::new();
        loop {
            let more = tokio::time::timeout(PIECE_TIME, stream.read_chunk(PIECE_BYTES)).await;
            let more = more.context("the collector does not answer")??;
            let is_end = more.is_none();
            first.extend(more.unwrap_or_default());
            // CBOR says itself where it ends.
            for end in 1..=first.len().min(MAX_HEADER_BYTES) {
                match codec::decode(&first[..end], MAX_HEADER_BYTES) {
                    Ok(Answer::Artifact(header)) => {
                        first.drain(..end);
                        return Ok(Found::Range(header, Bytes { stream, first }));
                    }
                    Ok(Answer::Refused(refused)) => return Ok(Found::Refused(refused)),
                    Ok(_) => bail!("the collector answers something else than an artifact"),
                    Err(_) => {}
                }
            }
            if is_end || first.len() >= MAX_HEADER_BYTES {
                bail!("the collector's answer cannot be read");
            }
        }
    }

    async fn connection(&self) -> anyhow::Result<Connection> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref()
            && held.connection.close_reason().is_none()
        {
            return Ok(held.connection.clone());
        }
        let mut failed = Vec::new();
        let first = self.first.load(Ordering::Relaxed) % self.addresses.len().max(1);
        let (later, sooner) = self.addresses.split_at(first);
        for address in sooner.iter().chain(later) {
            match self.connect(address).await {
                Ok(new) => return Ok(held.insert(new).connection.clone()),
                Err(error) => failed.push(format!("{address}: {error:#}")),
            }
        }
        bail!("no collector answers: {}", failed.join("; "))
    }

    async fn connect(&self, address: &str) -> anyhow::Result<Held> {
        let mut failed = anyhow::anyhow!("the name has no address");
        let resolved = tokio::net::lookup_host(address).await;
        for to in resolved.context("the name cannot be resolved")? {
            match self.by_quic(to).await {
                Ok(held) => return Ok(held),
                Err(error) => failed = error.context("by UDP"),
            }
            match self.by_tcp(to).await {
                Ok(held) => return Ok(held),
                Err(error) => failed = failed.context(format!("by TCP: {error:#}")),
            }
        }
        Err(failed)
    }

    async fn by_quic(&self, to: SocketAddr) -> anyhow::Result<Held> {
        let any = match to {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let endpoint = Endpoint::client(any)?;
        let connecting = endpoint.connect_with(self.quic.clone(), to, SERVER_NAME)?;
        let connected = tokio::time::timeout(CONNECT_TIME, connecting).await;
        let connection = connected.context("nothing answers")??;
        Ok(Held {
            connection: Connection::Quic(connection),
            _endpoint: Some(endpoint),
        })
    }

    async fn by_tcp(&self, to: SocketAddr) -> anyhow::Result<Held> {
        let connecting = async {
            let stream = TcpStream::connect(to).await?;
            let name = ServerName::try_from(SERVER_NAME)?;
            let connector = TlsConnector::from(self.tls.clone());
            anyhow::Ok(connector.connect(name, stream).await?)
        };
        let connected = tokio::time::timeout(CONNECT_TIME, connecting).await;
        let stream = connected.context("nothing answers")??;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN_RELAY) {
            bail!("whoever answers does not speak this protocol");
        }
        let keeping = Keeping {
            limits: Limits {
                stream_window: STREAM_WINDOW,
                connection_window: 4 * STREAM_WINDOW,
                both_ways: 0,
                one_way: 0,
            },
            idle: Duration::from_millis(IDLE_MS.into()),
            keep_alive: Some(KEEP_ALIVE),
        };
        let begun = mux::Connection::begin(stream, to, mux::Side::Client, keeping);
        Ok(Held {
            connection: Connection::Tcp(begun),
            _endpoint: None,
        })
    }
}
