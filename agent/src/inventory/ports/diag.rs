//! Listening TCP sockets by netlink (sock_diag(7)).
//!
//! `/proc/net/tcp` walks the table of all connections, 4 ms each for IPv4 and IPv6 on a
//! machine with 24 GB, however few there are; the kernel answers this in 30 µs.

use super::reach;
use patchward_common::facts::{Port, Transport};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto,
    socket_with,
};
use std::io::{Error, ErrorKind};
use std::net::IpAddr;
use std::time::Duration;

/// Lengths of `struct nlmsghdr` and `struct inet_diag_req_v2`.
const HEADER: usize = 16;
const REQUEST: usize = 56;
/// `SOCK_DIAG_BY_FAMILY`, `NLMSG_ERROR`, `NLMSG_DONE`.
const BY_FAMILY: u16 = 20;
const FAILED: u16 = 2;
const DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
/// `1 << TCP_LISTEN`.
const LISTENING: u32 = 1 << 10;
/// `IPPROTO_TCP`, `AF_INET`, `AF_INET6`.
const TCP: u8 = 6;
const INET: u8 = 2;
const INET6: u8 = 10;
/// Largest answer the kernel gives at once.
const ANSWER_BYTES: usize = 32 * 1_024;
/// The kernel answers at once; a filter between us might not.
const PATIENCE: Duration = Duration::from_secs(1);

/// The ports that TCP sockets listen on, in the kernel's order.
pub(super) fn listening() -> Result<Vec<Port>, Error> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let kernel = netlink::SocketAddrNetlink::new(0, 0);
    let mut ports = Vec::new();
    let mut answer = vec![0; ANSWER_BYTES];
    for family in [INET, INET6] {
        sendto(&socket, &request(family), SendFlags::empty(), &kernel)?;
        loop {
            let (length, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
            let messages = answer.get(..length).unwrap_or_default();
            if !take(messages, &mut ports)? {
                break;
            }
        }
    }
    Ok(ports)
}

fn request(family: u8) -> [u8; HEADER + REQUEST] {
    let mut bytes = [0; HEADER + REQUEST];
    let length = (HEADER + REQUEST) as u32;
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    bytes[HEADER] = family;
    bytes[HEADER + 1] = TCP;
    bytes[HEADER + 4..HEADER + 8].copy_from_slice(&LISTENING.to_ne_bytes());
    bytes
}

/// Reads the messages of one answer; false after the last.
fn take(mut messages: &[u8], ports: &mut Vec<Port>) -> Result<bool, Error> {
    let short = || Error::new(ErrorKind::InvalidData, "the kernel's answer is cut off");
    while !messages.is_empty() {
        let header = messages.first_chunk::<HEADER>().ok_or_else(short)?;
        let [a, b, c, d, kind @ .., _, _, _, _, _, _, _, _, _, _] = *header;
        let length = u32::from_ne_bytes([a, b, c, d]) as usize;
        let body = messages.get(HEADER..length).ok_or_else(short)?;
        match u16::from_ne_bytes(kind) {
            DONE => return Ok(false),
            FAILED => {
                let code = body
                    .first_chunk()
                    .map_or(0, |code| i32::from_ne_bytes(*code));
                return Err(Error::from_raw_os_error(code.saturating_neg()));
            }
            BY_FAMILY => ports.push(port(body).ok_or_else(short)?),
            _ => {}
        }
        // Messages are aligned to four bytes.
        let next = length.next_multiple_of(4).min(messages.len());
        messages = &messages[next..];
    }
    Ok(true)
}

/// Reads `struct inet_diag_msg`: family, then from byte 4 the local port and from byte 8
/// the local address, both in network order.
fn port(body: &[u8]) -> Option<Port> {
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

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn answers_are_read() {
        let mut socket = [0; 72];
        socket[0] = INET;
        socket[4..6].copy_from_slice(&22u16.to_be_bytes());
        socket[8..12].copy_from_slice(&[127, 0, 0, 1]);
        let mut ports = Vec::new();
        let answer = [message(BY_FAMILY, &socket), message(3, &[0; 4])].concat();
        assert!(!take(&answer, &mut ports).unwrap());
        let expected = Port {
            transport: Transport::Tcp,
            port: 22,
            reach: Reach::Loopback,
        };
        assert_eq!(ports, [expected]);
        assert!(take(&message(BY_FAMILY, &socket), &mut ports).unwrap());
        let refused = take(&message(FAILED, &(-1i32).to_ne_bytes()), &mut ports);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn damaged_answers_are_refused() {
        let good = message(BY_FAMILY, &[INET; 72]);
        for cut in 1..good.len() {
            assert!(take(&good[..cut], &mut Vec::new()).is_err(), "cut at {cut}");
        }
        let mut lying = good.clone();
        lying[..4].copy_from_slice(&3u32.to_ne_bytes());
        assert!(
            take(&lying, &mut Vec::new()).is_err(),
            "shorter than its header"
        );
        assert!(take(&message(BY_FAMILY, &[INET; 20]), &mut Vec::new()).is_err());
        assert!(take(&message(BY_FAMILY, &[99; 72]), &mut Vec::new()).is_err());
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
