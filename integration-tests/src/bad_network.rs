//! A network between agents and a collector that loses, doubles, delays, reorders and spoils
//! datagrams, as a seed has it, and that can be cut.

use crate::bench::report::clock;
use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How soon it notices that it is over.
const LOOK: Duration = Duration::from_millis(50);
/// Shortest wait for the next datagram; a socket takes no shorter one.
const SHORT: Duration = Duration::from_micros(100);
/// Largest datagram that UDP carries.
const MAX_BYTES: usize = 65_535;

/// What befalls datagrams, each in how many of a hundred.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// They never arrive.
    pub lost: u32,
    /// They arrive twice.
    pub doubled: u32,
    /// They arrive with a byte that is another.
    pub spoiled: u32,
    /// The longest that one is on its way; later ones overtake it.
    pub late_ms: u64,
}

/// What truly happened, in datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// Handed on as they came.
    pub carried: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Lost because the network was cut.
    pub cut: u64,
    /// Handed on twice.
    pub doubled: u64,
    /// Handed on with another byte.
    pub spoiled: u64,
    /// Handed on after one that came later.
    pub overtaken: u64,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    is_cut: AtomicBool,
    happened: Mutex<Happened>,
    agent: Mutex<Option<SocketAddr>>,
}

/// The running network of one agent; it ends when it is dropped.
pub struct BadNetwork {
    /// Where the agent connects to.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl BadNetwork {
    /// Starts one to `collector`. Answers go to whoever sent last.
    pub fn start(collector: SocketAddr, seed: u64, faults: Faults) -> anyhow::Result<Self> {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("binding a network");
        let (near, far) = (bind()?, bind()?);
        far.connect(collector)?;
        let address = near.local_addr()?;
        let shared = Arc::new(Shared::default());
        let (to_agent, to_collector) = (near.try_clone()?, far.try_clone()?);
        let told = shared.clone();
        let out = Way::new(near, seed, faults, &shared);
        let back = Way::new(far, !seed, faults, &shared);
        let threads = vec![
            // While the collector restarts nobody takes it.
            std::thread::spawn(move || out.run(true, |bytes| drop(to_collector.send(bytes)))),
            std::thread::spawn(move || {
                back.run(false, |bytes| {
                    if let Some(agent) = *locked(&told.agent) {
                        drop(to_agent.send_to(bytes, agent));
                    }
                });
            }),
        ];
        Ok(Self {
            address,
            shared,
            threads,
        })
    }

    /// Cuts the network, or mends it.
    pub fn cut(&self, is_cut: bool) {
        self.shared.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// What has happened so far.
    pub fn happened(&self) -> Happened {
        *locked(&self.shared.happened)
    }
}

impl Drop for BadNetwork {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One direction.
struct Way {
    from: UdpSocket,
    chance: StdRng,
    faults: Faults,
    shared: Arc<Shared>,
    /// By when they arrive, and by their numbers.
    waiting: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    number: u64,
    newest_sent: u64,
}

impl Way {
    fn new(from: UdpSocket, seed: u64, faults: Faults, shared: &Arc<Shared>) -> Self {
        Self {
            from,
            chance: StdRng::seed_from_u64(seed),
            faults,
            shared: shared.clone(),
            waiting: BinaryHeap::new(),
            number: 0,
            newest_sent: 0,
        }
    }

    fn run(mut self, is_agents: bool, mut send: impl FnMut(&[u8])) {
        let mut datagram = vec![0; MAX_BYTES];
        while !self.shared.is_over.load(Ordering::Relaxed) {
            let next = self.waiting.peek().map(|Reverse((due, ..))| *due);
            let wait = next.map_or(LOOK, |due| due.saturating_duration_since(clock()));
            let _ = self.from.set_read_timeout(Some(wait.clamp(SHORT, LOOK)));
            if let Ok((length, from)) = self.from.recv_from(&mut datagram) {
                if is_agents {
                    *locked(&self.shared.agent) = Some(from);
                }
                self.take(datagram[..length].to_vec());
            }
            self.hand_on(&mut send);
        }
    }

    /// Decides what becomes of a datagram.
    fn take(&mut self, mut bytes: Vec<u8>) {
        self.number += 1;
        let mut happens = |of_hundred: u32| self.chance.random_ratio(of_hundred.min(100), 100);
        let is_lost = happens(self.faults.lost);
        let is_doubled = happens(self.faults.doubled);
        let is_spoiled = happens(self.faults.spoiled);
        let mut happened = locked(&self.shared.happened);
        if self.shared.is_cut.load(Ordering::Relaxed) {
            happened.cut += 1;
            return;
        }
        if is_lost {
            happened.lost += 1;
            return;
        }
        happened.doubled += u64::from(is_doubled);
        if is_spoiled && !bytes.is_empty() {
            happened.spoiled += 1;
            let at = self.chance.random_range(0..bytes.len());
            bytes[at] ^= self.chance.random_range(1..=255_u8);
        } else {
            happened.carried += 1;
        }
        drop(happened);
        for _ in 0..=u8::from(is_doubled) {
            let late = Duration::from_millis(self.chance.random_range(0..=self.faults.late_ms));
            let waiting = (clock() + late, self.number, bytes.clone());
            self.waiting.push(Reverse(waiting));
        }
    }

    /// Hands on what is due.
    fn hand_on(&mut self, send: &mut impl FnMut(&[u8])) {
        while let Some(Reverse((due, ..))) = self.waiting.peek()
            && *due <= clock()
            && let Some(Reverse((_, number, bytes))) = self.waiting.pop()
        {
            if number < self.newest_sent {
                locked(&self.shared.happened).overtaken += 1;
            }
            self.newest_sent = self.newest_sent.max(number);
            send(&bytes);
        }
    }
}
