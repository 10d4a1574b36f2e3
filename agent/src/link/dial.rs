//! Connecting to one address: by QUIC, and by TLS over TCP where UDP is blocked on the way.

use super::error::{of_handshake, of_io};
use super::ways::Way;
use super::{Link, LinkError, server_name};
use patchward_carrier::{Connection, mux};
use patchward_common::wire::machine::{ARTIFACTS_CID_BYTES, MAX_ARTIFACT_PACKET_BYTES};
use quinn::{ConnectionId, Endpoint};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Longest handshake with one address.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long an address has to answer by QUIC before TCP is tried beside it: three round trips
/// over a satellite and one packet lost. Nobody who can use QUIC waits for it.
const FALL_BACK_TIME: Duration = Duration::from_secs(3);
/// Largest packet that is received where no artifacts are fetched. The collector probes there for
/// none above QUIC's minimum; room for a whole Ethernet frame, not for the 64 KB of the default.
pub(super) const MAX_PACKET_BYTES: u16 = 1_472;

/// Who to be, for either carrier.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) quic: quinn::ClientConfig,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) keeping: mux::Keeping,
    /// Largest packet that is received.
    pub(super) packet_bytes: u16,
    /// The name that must stand in the certificate of who answers.
    pub(super) name: &'static str,
}

impl Config {
    /// Says with the first packet what the connection is for.
    pub(super) fn fetches_artifacts(&mut self) {
        let id = || ConnectionId::new(&rand::random::<[u8; ARTIFACTS_CID_BYTES]>());
        self.quic.initial_dst_cid_provider(Arc::new(id));
        self.packet_bytes = MAX_ARTIFACT_PACKET_BYTES;
    }
}

/// An address by its name and its number.
#[derive(Clone, Copy)]
struct To<'a> {
    name: &'a str,
    address: SocketAddr,
}

/// Connects to an address in the way that is known of it.
pub(super) async fn dial(
    name: &str,
    address: SocketAddr,
    config: &Config,
    way: Way,
) -> Result<Link, LinkError> {
    let to = To { name, address };
    match way {
        Way::OnlyQuic => quic(to, config).await,
        Way::OnlyTcp => tcp(to, config).await,
        Way::Unknown => beside(quic(to, config), tcp(to, config), FALL_BACK_TIME).await,
        Way::Quic => beside(quic(to, config), tcp(to, config), CONNECT_TIME).await,
        Way::Tcp => match tcp(to, config).await {
            Err(by_tcp) => quic(to, config).await.map_err(|quic| worse(quic, by_tcp)),
            connected => connected,
        },
    }
}

/// QUIC, and TCP beside it where QUIC fails or has not answered after so long. Whichever is there
/// first. What fails over TCP ends nothing that QUIC may still win: a box on the way that answers
/// there is not the collector.
async fn beside<T>(
    by_quic: impl Future<Output = Result<T, LinkError>>,
    by_tcp: impl Future<Output = Result<T, LinkError>>,
    after: Duration,
) -> Result<T, LinkError> {
    let mut by_quic = std::pin::pin!(by_quic);
    match tokio::time::timeout(after, &mut by_quic).await {
        Ok(Err(failed)) if is_no_way(&failed) => {
            return by_tcp.await.map_err(|tcp| worse(failed, tcp));
        }
        Ok(ended) => return ended,
        Err(_) => {}
    }
    let mut by_tcp = std::pin::pin!(by_tcp);
    tokio::select! {
        ended = &mut by_quic => match ended {
            Err(failed) if is_no_way(&failed) => by_tcp.await.map_err(|tcp| worse(failed, tcp)),
            ended => ended,
        },
        ended = &mut by_tcp => match ended {
            Err(failed) => by_quic.await.map_err(|quic| worse(quic, failed)),
            connected => connected,
        },
    }
}

/// Whether it may be the way that failed, and not who answers on it.
fn is_no_way(error: &LinkError) -> bool {
    matches!(
        error,
        LinkError::Silent { .. } | LinkError::Route { .. } | LinkError::Lost(_)
    )
}

/// What to say where both failed: what was answered by UDP, or else by TCP, or that nobody answers.
fn worse(quic: LinkError, tcp: LinkError) -> LinkError {
    match is_no_way(&quic) && !is_no_way(&tcp) {
        true => tcp,
        false => quic,
    }
}

async fn quic(to: To<'_>, config: &Config) -> Result<Link, LinkError> {
    let endpoint = endpoint(to.address, config.packet_bytes).map_err(|error| route(to, &error))?;
    let connecting = endpoint
        .connect_with(config.quic.clone(), to.address, config.name)
        .map_err(|error| route(to, &error))?;
    let connection = match tokio::time::timeout(CONNECT_TIME, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(of_handshake(to.name, error)),
        Err(_) => return Err(silent(to)),
    };
    Ok(Link {
        endpoint: Some(endpoint),
        connection: Connection::Quic(connection),
        address: to.address,
        name: to.name.into(),
    })
}

async fn tcp(to: To<'_>, config: &Config) -> Result<Link, LinkError> {
    let connecting = async {
        let stream = TcpStream::connect(to.address).await;
        let stream = stream.map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::ConnectionReset => {
                silent(to)
            }
            _ => route(to, &error),
        })?;
        // Small requests leave at once.
        let _ = stream.set_nodelay(true);
        let connector = TlsConnector::from(config.tls.clone());
        let stream = connector.connect(server_name(config.name), stream).await;
        stream.map_err(|error| of_io(to.name, &error))
    };
    let connected = tokio::time::timeout(CONNECT_TIME, connecting).await;
    let stream = connected.unwrap_or_else(|_| Err(silent(to)))?;
    let agreed = stream.get_ref().1.alpn_protocol();
    if agreed.is_none_or(|agreed| !config.tls.alpn_protocols.iter().any(|own| own == agreed)) {
        return Err(LinkError::Tls {
            address: to.name.to_owned(),
            problem: "whoever answers does not speak this protocol".into(),
            alert: None,
        });
    }
    let connection = mux::Connection::begin(stream, to.address, mux::Side::Client, config.keeping);
    Ok(Link {
        endpoint: None,
        connection: Connection::Tcp(connection),
        address: to.address,
        name: to.name.into(),
    })
}

fn silent(to: To<'_>) -> LinkError {
    LinkError::Silent {
        address: to.name.to_owned(),
    }
}

fn route(to: To<'_>, problem: &dyn std::fmt::Display) -> LinkError {
    LinkError::Route {
        address: to.name.to_owned(),
        problem: problem.to_string(),
    }
}

fn endpoint(to: SocketAddr, packet_bytes: u16) -> std::io::Result<Endpoint> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    let mut config = quinn::EndpointConfig::default();
    config
        .max_udp_payload_size(packet_bytes)
        .map_err(std::io::Error::other)?;
    Endpoint::new(config, None, socket, Arc::new(quinn::TokioRuntime))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After so many seconds, as a clock goes that nobody waits for.
    async fn after(
        seconds: u64,
        ended: Result<&'static str, LinkError>,
    ) -> Result<&'static str, LinkError> {
        let wait = Duration::from_secs(seconds);
        let _ = tokio::time::timeout(wait, std::future::pending::<()>()).await;
        ended
    }

    fn silent() -> LinkError {
        LinkError::Silent {
            address: "a:1".into(),
        }
    }

    /// As a box on the way answers, with a certificate of its own.
    fn stranger() -> LinkError {
        LinkError::Tls {
            address: "a:1".into(),
            problem: "a stranger".into(),
            alert: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_over_tcp_ends_nothing_that_quic_wins() {
        for by_tcp in [silent(), stranger(), LinkError::Lost("reset".into())] {
            let won = beside(after(5, Ok("quic")), after(0, Err(by_tcp)), FALL_BACK_TIME).await;
            assert_eq!(won.unwrap(), "quic");
        }
        let won = beside(after(5, Ok("quic")), after(1, Ok("tcp")), FALL_BACK_TIME).await;
        assert_eq!(won.unwrap(), "tcp");
        let won = beside(after(1, Ok("quic")), after(0, Ok("tcp")), FALL_BACK_TIME).await;
        assert_eq!(won.unwrap(), "quic");
    }

    #[tokio::test(start_paused = true)]
    async fn where_both_fail_who_answered_is_told() {
        type Fails = fn() -> LinkError;
        let cases: [(Fails, Fails, bool); 3] = [
            (silent, silent, false),
            (silent, stranger, true),
            (stranger, silent, true),
        ];
        for (by_quic, by_tcp, is_answered) in cases {
            for seconds in [1, 5] {
                let by_quic = after(seconds, Err(by_quic()));
                let failed = beside(by_quic, after(4, Err(by_tcp())), FALL_BACK_TIME).await;
                let failed = failed.unwrap_err();
                assert_eq!(!is_no_way(&failed), is_answered, "{failed}");
            }
        }
    }
}
