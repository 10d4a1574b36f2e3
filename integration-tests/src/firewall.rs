//! A firewall between agents and a collector: TCP goes through, and UDP to the same port only
//! where it is let.

use crate::bad_network::{BadNetwork, Faults};
use anyhow::Context as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const FAULTLESS: Faults = Faults {
    lost: 0,
    doubled: 0,
    spoiled: 0,
    late_ms: 0,
};
/// How often a port is tried that has to be free for UDP and TCP alike.
const TRIES: usize = 32;

/// A running firewall; it ends when it is dropped, the connections with their ends.
pub struct Firewall {
    udp: BadNetwork,
    is_over: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
}

impl Firewall {
    /// Starts one before `collector`; no UDP gets through.
    pub fn start(collector: SocketAddr) -> anyhow::Result<Self> {
        let (udp, listener) = (0..TRIES)
            .find_map(|_| {
                let udp = BadNetwork::start(collector, 1, FAULTLESS).ok()?;
                let listener = TcpListener::bind(udp.address).ok()?;
                Some((udp, listener))
            })
            .context("no port is free for UDP and TCP")?;
        udp.cut(true);
        let is_over = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicUsize::new(0));
        let (over, counted) = (is_over.clone(), connections.clone());
        std::thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // While the collector restarts nobody takes it.
                if let Ok(far) = TcpStream::connect(collector) {
                    counted.fetch_add(1, Ordering::Relaxed);
                    join(near, far);
                }
            }
        });
        Ok(Self {
            udp,
            is_over,
            connections,
        })
    }

    /// Where agents connect to.
    pub fn address(&self) -> SocketAddr {
        self.udp.address
    }

    /// Lets UDP through, or not.
    pub fn lets_udp_through(&self, does: bool) {
        self.udp.cut(!does);
    }

    /// How many connections went through by TCP.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many datagrams were dropped.
    pub fn dropped(&self) -> u64 {
        self.udp.happened().cut
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // It wakes who accepts.
        let _ = TcpStream::connect(self.udp.address);
    }
}

/// Copies both ways, each in a thread that ends with its direction.
fn join(near: TcpStream, far: TcpStream) {
    let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else {
        return;
    };
    for (mut from, mut to) in [(near, far), (far_too, near_too)] {
        std::thread::spawn(move || {
            let _ = to.set_nodelay(true);
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
