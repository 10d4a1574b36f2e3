//! Listening ports: TCP by netlink where this machine is meant and the kernel answers,
//! otherwise, and UDP, by `/proc/net`.

pub(super) mod diag;

use patchward_common::facts::{Port, Reach, Transport};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::Path;

/// State of a TCP socket that listens (`TCP_LISTEN`).
const TCP_LISTEN: &str = "0A";
/// State of a UDP socket without a peer (`TCP_CLOSE`).
const UDP_UNCONNECTED: &str = "07";
/// First port that Linux gives to clients unless it is told otherwise.
const FIRST_CLIENT_PORT: u16 = 32_768;

/// The ports that somebody listens on, sorted, and the tables that could not be read.
pub(super) fn read(root: &Path) -> (Vec<Port>, Vec<String>) {
    let range = super::read_small(&root.join("proc/sys/net/ipv4/ip_local_port_range"));
    let first_client = range
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(FIRST_CLIENT_PORT);
    let mut found = BTreeMap::new();
    let mut gaps = Vec::new();
    let mut tables = vec![("udp", Transport::Udp), ("udp6", Transport::Udp)];
    let by_netlink = (root == Path::new("/")).then(diag::listening);
    match by_netlink {
        Some(Ok(ports)) => merge(ports, &mut found),
        _ => tables.extend([("tcp", Transport::Tcp), ("tcp6", Transport::Tcp)]),
    }
    for (table, transport) in tables {
        let path = root.join("proc/net").join(table);
        let ports =
            File::open(path).and_then(|file| parse(BufReader::new(file), transport, first_client));
        match ports {
            Ok(ports) => merge(ports, &mut found),
            // Without IPv6 its tables do not exist.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => gaps.push(format!("/proc/net/{table}: {error}")),
        }
    }
    let ports = found.into_iter().map(|((transport, port), reach)| Port {
        transport,
        port,
        reach,
    });
    (ports.collect(), gaps)
}

/// Of several sockets on one port the widest reach counts.
fn merge(ports: Vec<Port>, found: &mut BTreeMap<(Transport, u16), Reach>) {
    for port in ports {
        let reach = found
            .entry((port.transport, port.port))
            .or_insert(port.reach);
        *reach = port.reach.max(*reach);
    }
}

/// Reads one table, row by row: a busy server has 50,000 sockets. UDP ports from
/// `first_client` on belong to clients and change all the time; they are left out.
fn parse(
    table: impl BufRead,
    transport: Transport,
    first_client: u16,
) -> std::io::Result<Vec<Port>> {
    let mut ports = Vec::new();
    for row in table.lines().skip(1) {
        ports.extend(port(&row?, transport, first_client));
    }
    Ok(ports)
}

fn port(row: &str, transport: Transport, first_client: u16) -> Option<Port> {
    let mut fields = row.split_ascii_whitespace().skip(1);
    let (local, port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let is_listening = match transport {
        Transport::Tcp => state == TCP_LISTEN,
        Transport::Udp => state == UDP_UNCONNECTED && (1..first_client).contains(&port),
    };
    let address = address(local)?;
    is_listening.then(|| Port {
        transport,
        port,
        reach: reach(address),
    })
}

/// An address of `/proc/net`: words of 32 bits, printed in the byte order of the
/// machine.
fn address(digits: &str) -> Option<IpAddr> {
    let mut bytes = [0; 16];
    let word = |at: usize| u32::from_str_radix(digits.get(at..at + 8)?, 16).ok();
    for (at, slot) in (0..digits.len().min(32))
        .step_by(8)
        .zip(bytes.chunks_mut(4))
    {
        slot.copy_from_slice(&word(at)?.to_ne_bytes());
    }
    match digits.len() {
        8 => Some(IpAddr::from(*bytes.first_chunk::<4>()?)),
        32 => Some(IpAddr::from(bytes)),
        _ => None,
    }
}

fn reach(address: IpAddr) -> Reach {
    if address.to_canonical().is_loopback() {
        Reach::Loopback
    } else {
        Reach::Network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue\n";

    fn rows(rows: &[&str]) -> String {
        let rows = rows
            .iter()
            .enumerate()
            .map(|(at, row)| format!("{at:4}: {row} 0:0 0\n"));
        HEAD.to_owned() + &rows.collect::<String>()
    }

    fn listens(transport: Transport, port: u16, reach: Reach) -> Port {
        Port {
            transport,
            port,
            reach,
        }
    }

    #[test]
    fn listening_sockets_are_found_and_joined() {
        let root = tempfile::tempdir().unwrap();
        let net = root.path().join("proc/net");
        std::fs::create_dir_all(&net).unwrap();
        let write = |name: &str, text: String| std::fs::write(net.join(name), text).unwrap();
        write(
            "tcp",
            rows(&[
                "0100007F:0016 00000000:0000 0A",
                "0100007F:1F90 00000000:0000 0A",
                "0100007F:8F90 0100007F:0016 01",
                "garbage",
                "0100007F:XXXX 00000000:0000 0A",
            ]),
        );
        write(
            "tcp6",
            rows(&[
                "00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A",
                "00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A",
                "0000000000000000FFFF00000100007F:0278 00000000000000000000000000000000:0000 0A",
                "0000000000000000FFFF00000101A8C0:0279 00000000000000000000000000000000:0000 0A",
            ]),
        );
        write(
            "udp",
            rows(&[
                "00000000:0044 00000000:0000 07",
                "00000000:C350 00000000:0000 07",
                "0100007F:0045 0100007F:0035 01",
            ]),
        );
        let (found, gaps) = read(root.path());
        assert_eq!(
            found,
            [
                listens(Transport::Tcp, 22, Reach::Network),
                listens(Transport::Tcp, 631, Reach::Loopback),
                listens(Transport::Tcp, 632, Reach::Loopback),
                listens(Transport::Tcp, 633, Reach::Network),
                listens(Transport::Tcp, 8080, Reach::Loopback),
                listens(Transport::Udp, 68, Reach::Network),
            ]
        );
        assert!(gaps.is_empty(), "udp6 does not exist without IPv6");
    }

    #[test]
    fn a_table_that_cannot_be_read_is_a_gap() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/net/tcp")).unwrap();
        let (found, gaps) = read(root.path());
        assert!(found.is_empty());
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].starts_with("/proc/net/tcp: "));
    }

    #[test]
    fn a_socket_of_ours_is_found_on_this_computer() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let number = socket.local_addr().unwrap().port();
        let (found, _) = read(Path::new("/"));
        assert!(found.contains(&listens(Transport::Tcp, number, Reach::Loopback)));
    }
}
