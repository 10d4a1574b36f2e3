//! Ports that stay free until the program starts that is to have them: below those of which the
//! system gives one to whoever asks for any, as many tests do at the same time.

use anyhow::Context as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first port that is tried: below it programs have ports of their own.
const FIRST: u16 = 10_000;
/// Where the system says of which ports it gives any.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// How many ports were tried; it begins anywhere, for several programs look at the same time. In
/// one program no port is found twice before all are.
static TRIED: LazyLock<AtomicUsize> =
    LazyLock::new(|| AtomicUsize::new(rand::random::<u16>().into()));

/// A TCP port that is free now.
pub fn free_tcp_port() -> anyhow::Result<u16> {
    free(|at| TcpListener::bind(at)?.local_addr())
}

/// A UDP port that is free now.
pub fn free_port() -> anyhow::Result<u16> {
    free(|at| UdpSocket::bind(at)?.local_addr())
}

fn free(bind: impl Fn(SocketAddr) -> std::io::Result<SocketAddr>) -> anyhow::Result<u16> {
    let range = std::fs::read_to_string(RANGE).unwrap_or_default();
    let below = usize::from(end(&range).saturating_sub(FIRST));
    let others = (0..below).map(|_| TRIED.fetch_add(1, Ordering::Relaxed) % below);
    let others = others.filter_map(|number| FIRST.checked_add(u16::try_from(number).ok()?));
    // Where there are none below, any.
    for port in others.chain([0]) {
        match bind((Ipv4Addr::LOCALHOST, port).into()) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            bound => return Ok(bound.context("looking for a free port")?.port()),
        }
    }
    anyhow::bail!("no port is free")
}

/// The first port that the system gives to whoever asks for any.
fn end(range: &str) -> u16 {
    let first = range.split_ascii_whitespace().next();
    first.and_then(|port| port.parse().ok()).unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::BTreeSet;

    #[test]
    fn nobody_who_asks_for_any_port_gets_one_of_these() {
        assert_eq!(end("32768\t60999\n"), 32_768);
        assert_eq!((end("1024\t65535\n"), end("")), (1_024, 32_768));
        let below = end(&std::fs::read_to_string(RANGE).unwrap());
        let found: Vec<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        let different: BTreeSet<&u16> = found.iter().collect();
        if below > FIRST + 1_000 {
            assert!(found.iter().all(|port| (FIRST..below).contains(port)));
            assert_eq!(different.len(), found.len(), "two tests would have one");
        }
    }

    #[test]
    fn one_that_is_taken_is_passed_over() {
        let tried = Cell::new(0);
        let found = free(|at| {
            tried.set(tried.get() + 1);
            match tried.get() {
                1..=3 => Err(ErrorKind::AddrInUse.into()),
                _ => Ok(at),
            }
        });
        assert!(found.is_ok() && tried.get() == 4, "{found:?}");
        assert!(free(|_| Err(ErrorKind::PermissionDenied.into())).is_err());
    }
}
