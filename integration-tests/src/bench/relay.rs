//! A UDP relay between one agent and the collector that counts what would be IP packets.

use super::report::clock;
use anyhow::Context as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Headers of IPv4 without options and of UDP, per datagram.
const HEADER_BYTES: usize = 20 + 8;
/// How soon the relay notices that it is over.
const LOOK: Duration = Duration::from_millis(100);
/// Largest datagram that UDP carries.
const MAX_BYTES: usize = 65_535;

/// Packets that follow one another without a longer pause.
#[derive(Clone, Debug)]
pub struct Burst {
    /// Bytes in IP, both ways.
    pub bytes: usize,
    /// Packets, both ways.
    pub packets: usize,
    /// When the last came.
    pub ended: Instant,
}

struct Packet {
    at: Instant,
    bytes: usize,
}

/// The running relay; it ends when it is dropped.
pub struct Relay {
    /// Where the agent connects to.
    pub address: SocketAddr,
    packets: Arc<Mutex<Vec<Packet>>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay to `collector`. Answers go to whoever sent last.
    pub fn start(collector: SocketAddr) -> anyhow::Result<Self> {
        let bind = || -> anyhow::Result<UdpSocket> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("binding a relay")?;
            socket.set_read_timeout(Some(LOOK))?;
            Ok(socket)
        };
        let (near, far) = (bind()?, bind()?);
        far.connect(collector)?;
        let address = near.local_addr()?;
        let packets: Arc<Mutex<Vec<Packet>>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let agent: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let out = {
            let (near, far) = (near.try_clone()?, far.try_clone()?);
            let agent = agent.clone();
            move |datagram: &mut [u8]| {
                let (length, from) = near.recv_from(datagram).ok()?;
                *agent.lock().unwrap_or_else(PoisonError::into_inner) = Some(from);
                // While the collector restarts nobody takes it; the agent sends again.
                let _ = far.send(&datagram[..length]);
                Some(length)
            }
        };
        let back = move |datagram: &mut [u8]| {
            let length = far.recv(datagram).ok()?;
            let to = *agent.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = near.send_to(&datagram[..length], to?);
            Some(length)
        };
        let threads = vec![
            pump(packets.clone(), is_over.clone(), out),
            pump(packets.clone(), is_over.clone(), back),
        ];
        Ok(Self {
            address,
            packets,
            is_over,
            threads,
        })
    }

    /// The bursts since `since`, each ended by a pause of at least `pause`. One that may
    /// still go on is left out.
    pub fn bursts(&self, since: Instant, pause: Duration) -> Vec<Burst> {
        let packets = self.packets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bursts: Vec<Burst> = Vec::new();
        for packet in packets.iter().filter(|packet| packet.at >= since) {
            match bursts.last_mut() {
                Some(burst) if packet.at.duration_since(burst.ended) < pause => {
                    burst.bytes += packet.bytes;
                    burst.packets += 1;
                    burst.ended = packet.at;
                }
                _ => bursts.push(Burst {
                    bytes: packet.bytes,
                    packets: 1,
                    ended: packet.at,
                }),
            }
        }
        if bursts
            .last()
            .is_some_and(|last| last.ended.elapsed() < pause)
        {
            bursts.pop();
        }
        bursts
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Carries datagrams in a thread of its own and notes them.
fn pump(
    packets: Arc<Mutex<Vec<Packet>>>,
    is_over: Arc<AtomicBool>,
    mut carry: impl FnMut(&mut [u8]) -> Option<usize> + Send + 'static,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut datagram = vec![0; MAX_BYTES];
        while !is_over.load(Ordering::Relaxed) {
            if let Some(length) = carry(&mut datagram) {
                let packet = Packet {
                    at: clock(),
                    bytes: length + HEADER_BYTES,
                };
                packets
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(packet);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::wait_until;

    #[test]
    fn both_ways_are_carried_and_counted_with_their_headers() {
        let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(collector.local_addr().unwrap()).unwrap();
        let began = clock();
        let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
        agent.send_to(&[1; 100], relay.address).unwrap();
        let mut datagram = [0; 200];
        let (length, from) = collector.recv_from(&mut datagram).unwrap();
        assert_eq!(length, 100);
        collector.send_to(&[2; 50], from).unwrap();
        assert_eq!(agent.recv(&mut datagram).unwrap(), 50);
        let pause = Duration::from_millis(50);
        wait_until("the burst is over", || {
            relay.bursts(began, pause).len() == 1
        })
        .unwrap();
        let burst = &relay.bursts(began, pause)[0];
        assert_eq!((burst.bytes, burst.packets), (150 + 2 * 28, 2));
    }
}
