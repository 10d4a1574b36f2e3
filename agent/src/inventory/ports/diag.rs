//! Listening TCP sockets by netlink (sock_diag(7)).
//!
//! `/proc/net/tcp` walks the table of all connections, 4 ms each for IPv4 and IPv6 on a
//! machine with 24 GB, however few there are; the kernel answers this in 30 µs.

use super::reach;
use crate::netlink::Netlink;
use patchward_common::facts::{Port, Transport};
use rustix::net::netlink;
use std::io::Error;
use std::net::IpAddr;

/// Length of `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// `SOCK_DIAG_BY_FAMILY`: the type of the messages that tell of sockets.
pub const BY_FAMILY: u16 = 20;
/// `1 << TCP_LISTEN`.
const LISTENING: u32 = 1 << 10;
/// `IPPROTO_TCP`, `AF_INET`, `AF_INET6`.
const TCP: u8 = 6;
const INET: u8 = 2;
const INET6: u8 = 10;

/// The ports that TCP sockets listen on, in the kernel's order.
pub(super) fn listening() -> Result<Vec<Port>, Error> {
    let kernel = Netlink::open(Some(netlink::SOCK_DIAG))?;
    let mut ports = Vec::new();
    for family in [INET, INET6] {
        kernel.dump(BY_FAMILY, &request(family), BY_FAMILY, |socket| {
            ports.push(port(socket)?);
            Some(())
        })?;
    }
    Ok(ports)
}

fn request(family: u8) -> [u8; REQUEST] {
    let mut bytes = [0; REQUEST];
    bytes[0] = family;
    bytes[1] = TCP;
    bytes[4..8].copy_from_slice(&LISTENING.to_ne_bytes());
    bytes
}

/// Reads `struct inet_diag_msg`: family, then from byte 4 the local port and from byte 8
/// the local address, both in network order.
pub fn port(body: &[u8]) -> Option<Port> {
    let address = body.get(8..24)?;
    let address: IpAddr = match *body.first()? {
        INET => IpAddr::from(*address.first_chunk::<4>()?),
        INET6 => IpAddr::from(*address.first_chunk::<16>()?),
        _ => return None,
    };
    Some(Port {
        transport: Transport::Tcp,
        port: u16::from_be_bytes(*body.get(4..6)?.first_chunk()?),
        reach: reach(address),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::facts::Reach;

    #[test]
    fn a_socket_is_its_port_and_reach() {
        let mut socket = [0; 72];
        socket[0] = INET;
        socket[4..6].copy_from_slice(&22u16.to_be_bytes());
        socket[8..12].copy_from_slice(&[127, 0, 0, 1]);
        let expected = Port {
            transport: Transport::Tcp,
            port: 22,
            reach: Reach::Loopback,
        };
        assert_eq!(port(&socket), Some(expected));
        for cut in 0..24 {
            assert_eq!(port(&socket[..cut]), None, "cut at {cut}");
        }
        assert_eq!(port(&[99; 72]), None, "a family that was not asked for");
    }

    /// Those that listen, and not those that are connected.
    #[test]
    fn sockets_of_ours_are_found() {
        let v4 = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let number = v4.local_addr().unwrap().port();
        let found = listening().unwrap();
        assert!(found.contains(&Port {
            transport: Transport::Tcp,
            port: number,
            reach: Reach::Loopback,
        }));
        let connected = std::net::TcpStream::connect(v4.local_addr().unwrap()).unwrap();
        let client = connected.local_addr().unwrap().port();
        assert!(listening().unwrap().iter().all(|port| port.port != client));
    }
}
