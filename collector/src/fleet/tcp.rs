//! The port of the same number for TCP, where the settings open it: the same certificates, names
//! of protocols, requests and limits as over QUIC, for machines on whose way UDP is blocked.

use super::carriers::STOPS;
use super::endpoint::HANDSHAKE_TIME;
use super::session::{self, Arrived};
use super::{Fleet, FleetError, locked, tls};
use patchward_carrier::{Connection, mux};
use patchward_common::wire::machine::close;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Connections at once, each a file descriptor; `LimitNOFILE` of the unit has room for them. A
/// machine has one, and four at most.
const CONNECTIONS: usize = 32_768;
/// Handshakes in flight from one address, or from one network of IPv6: a quarter of all, so that one that begins them and
/// says nothing does not keep others out. A site behind one address still gets in, a few
/// hundred in a second.
const FROM_ONE_ADDRESS: usize = 64;
/// Bytes that wait in the system for one machine: what QUIC holds unacknowledged.
const SEND_BUFFER_BYTES: u32 = 256 * 1024;
/// Bytes that the system takes for one machine before they are read: what QUIC takes unread.
const RECEIVE_BUFFER_BYTES: u32 = 192 * 1024;
/// Handshakes that wait to be looked at, as many as QUIC's.
const BACKLOG: u32 = 4_096;
/// How long the other side may take to read why its handshake failed.
const ALERT_TIME: Duration = Duration::from_secs(1);
/// Most bytes that it may still send meanwhile.
const LET_GO_BYTES: u64 = 64 * 1024;
/// Wait after the system gave no connection: it has no descriptors, and has some again later.
const SHORT_OF: Duration = Duration::from_millis(100);

/// Opens the port.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, FleetError> {
    let open = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // A restart does not wait for the system to forget the connections before it.
        socket.set_reuseaddr(true)?;
        // Connections have them from the port.
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| FleetError::BindTcp { address, source })
}

/// Lets connections in until the fleet stops, and ends once all of them are closed.
pub(super) async fn serve(fleet: Arc<Fleet>, listener: TcpListener) {
    let mut stopping = fleet.tcp.stopping.subscribe();
    let mut tasks = JoinSet::new();
    tokio::select! {
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = accept(&fleet, listener, &mut tasks) => {}
    }
    tasks.join_all().await;
}

async fn accept(fleet: &Arc<Fleet>, listener: TcpListener, tasks: &mut JoinSet<()>) {
    let handshakes = Arc::new(Semaphore::new(fleet.context.settings.handshakes));
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let counted = Arc::new(PerAddress::default());
    loop {
        let places = tokio::join!(
            handshakes.clone().acquire_owned(),
            connections.clone().acquire_owned()
        );
        let (Ok(handshake), Ok(connection)) = places else {
            return;
        };
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a machine could not connect over TCP");
                tokio::time::sleep(SHORT_OF).await;
                continue;
            }
        };
        while tasks.try_join_next().is_some() {}
        let Some(counted) = counted.clone().another(remote.ip()) else {
            tracing::debug!(%remote, "too many handshakes from one address");
            continue;
        };
        let began = Began {
            _handshake: handshake,
            _counted: counted,
        };
        let fleet = fleet.clone();
        tasks.spawn(async move {
            serve_one(fleet, stream, remote, began).await;
            drop(connection);
        });
    }
}

/// The places of a handshake.
struct Began {
    _handshake: OwnedSemaphorePermit,
    _counted: Counted,
}

async fn serve_one(fleet: Arc<Fleet>, stream: TcpStream, remote: SocketAddr, began: Began) {
    let Some(tls) = locked(&fleet.tcp.tls).clone() else {
        return;
    };
    // Small answers leave at once.
    let _ = stream.set_nodelay(true);
    let accepting = TlsAcceptor::from(tls).accept(stream).into_fallible();
    let accepted = tokio::time::timeout(HANDSHAKE_TIME, accepting).await;
    drop(began);
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, stream))) => {
            tracing::debug!(%error, "a handshake failed");
            let _ = tokio::time::timeout(ALERT_TIME, alerted(stream)).await;
            return;
        }
        Err(_) => return tracing::debug!("a handshake took too long"),
    };
    let arrived = arrived(stream, remote);
    let connection = arrived.connection.clone();
    let mut stopping = fleet.tcp.stopping.subscribe();
    tokio::select! {
        () = session::run(fleet.clone(), arrived) => {}
        _ = stopping.wait_for(|stopping| *stopping) => {
            connection.close(close::GOING_AWAY, STOPS);
        }
    }
    if let Connection::Tcp(tcp) = connection {
        // Until then it counts.
        tcp.gone().await;
    }
}

/// The alert was written: lets go what the other side still says, or the system takes it back.
async fn alerted(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut rest = (&mut stream).take(LET_GO_BYTES);
    let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
}

fn arrived(stream: TlsStream<TcpStream>, remote: SocketAddr) -> Arrived {
    let (_, tls) = stream.get_ref();
    let protocol = tls.alpn_protocol().map(<[u8]>::to_vec);
    let certificate = tls.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.map(|certificate| certificate.clone().into_owned());
    let began = mux::Connection::begin(stream, remote, mux::Side::Server, tls::keeping());
    Arrived {
        connection: Connection::Tcp(began),
        protocol,
        certificate,
    }
}

/// Bits of an IPv6 address that one subscriber or one computer chooses freely: who has a network
/// of it has all of its addresses.
const CHOSEN_BITS: u32 = 64;

/// What handshakes are counted by.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() >> CHOSEN_BITS << CHOSEN_BITS).into()
        }
        address => address,
    }
}

/// Handshakes in flight, by [`counted_as`].
#[derive(Default)]
struct PerAddress(Mutex<HashMap<IpAddr, usize>>);

impl PerAddress {
    /// Counts another one; `None` where there are too many.
    fn another(self: Arc<Self>, address: IpAddr) -> Option<Counted> {
        let address = counted_as(address);
        let mut all = locked(&self.0);
        let count = all.entry(address).or_default();
        if *count >= FROM_ONE_ADDRESS {
            return None;
        }
        *count += 1;
        drop(all);
        Some(Counted { all: self, address })
    }
}

/// One handshake; dropped, it is over.
struct Counted {
    all: Arc<PerAddress>,
    address: IpAddr,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = locked(&self.all.0);
        if let Some(count) = all.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_a_network_of_ipv6_has_one_part() {
        let counted = |text: &str| counted_as(text.parse().unwrap());
        let one = counted("2001:db8:0:1::1");
        assert_eq!(one, counted("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(one, counted("2001:db8:0:2::1"));
        // As a socket for both hears from IPv4: each for itself.
        assert_eq!(counted("::ffff:10.0.0.1"), counted("10.0.0.1"));
        assert_ne!(counted("::ffff:10.0.0.1"), counted("::ffff:10.0.0.2"));
    }

    #[test]
    fn one_address_has_its_part_and_gives_it_back() {
        let all = Arc::new(PerAddress::default());
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let another = |address| all.clone().another(address);
        let held: Vec<_> = (0..FROM_ONE_ADDRESS).map_while(|_| another(one)).collect();
        assert_eq!(held.len(), FROM_ONE_ADDRESS);
        assert!(another(one).is_none() && another(other).is_some());
        drop(held);
        assert!(another(one).is_some());
        assert!(locked(&all.0).is_empty(), "nobody is remembered");
    }
}
