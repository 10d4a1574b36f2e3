//! The machines on the network: one port for QUIC, and for TCP where it is open, a session per
//! connection, and what is remembered of each machine.
//!
//! A machine's certificate is its identity; ids inside messages are claims. Every row
//! that a session writes is that machine's own.

mod authorities;
pub mod ca;
mod carriers;
pub(crate) mod consume;
mod elsewhere;
mod endpoint;
pub mod enrolment;
mod go;
mod handle;
pub mod index;
mod line;
mod pace;
pub(crate) mod pieces;
mod registry;
mod relays;
mod requests;
mod rollover;
mod session;
mod stops;
mod tcp;
mod tls;
mod watch;

pub use authorities::Authorities;
pub use ca::Authority;
pub use elsewhere::Elsewhere;
pub use endpoint::serve;
pub use handle::{Certificates, Counted, FleetHandle, Journalled, Target};
pub use registry::Holding;
pub use relays::Sent;
pub(crate) use relays::{is_machine, of_relay};

use crate::item::expiry::Life;
use crate::rollout::clocks::Clocks;
use crate::store::machines::Seen;
use crate::store::{Store, StoreError};
use index::Index;
use object_store::ObjectStore;
use patchward_carrier::Connection;
use patchward_common::component::ComponentSet;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::{MINUTE_MS, UtcMs};
use registry::Registry;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch::Receiver;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// The clock: one read per request.
pub type Clock = Arc<dyn Fn() -> UtcMs + Send + Sync>;

/// Requests of machines above [`session::SMALL_REQUEST_BYTES`] that are read at once: bounds
/// what these together can make the collector hold to 64 MB.
const LARGE_REQUESTS: usize = 16;
/// Connections without a certificate at once: a unit that is enrolled together. Who comes
/// beyond that asks again.
const ENROLLING: usize = 256;

/// What a fleet is made of.
pub struct FleetContext {
    /// The collector's memory.
    pub store: Store,
    /// The authority that certifies machines, and the one that follows it.
    pub authorities: Authorities,
    /// The key that signs go.
    pub go_key: ed25519_dalek::SigningKey,
    /// Artifacts, each an object named by its SHA-256 in lower-case hex.
    pub artifacts: Arc<dyn ObjectStore>,
    /// The clock.
    pub clock: Clock,
    /// Settings.
    pub settings: FleetSettings,
}

/// How the fleet is kept.
#[derive(Clone, Debug)]
pub struct FleetSettings {
    /// Host names and IP addresses by which people know the collector; they go into its
    /// certificate.
    pub addresses: Vec<String>,
    /// How often a connected machine says hello, in milliseconds.
    pub hello_every_ms: u64,
    /// How many machines are nudged in a second when all are.
    pub nudges_per_second: u32,
    /// Handshakes in flight, over UDP and over TCP.
    pub handshakes: usize,
    /// Whether machines that cannot use UDP are let in over TCP, at the port of the same number.
    pub tcp: bool,
    /// The relays, and whose machines each is for.
    pub relays: Vec<crate::config::RelaySetting>,
    /// The life of the page's certificate, where there is a page: who asks which certificates
    /// of this collector end finds all of them in one place.
    pub page: Option<Receiver<Option<Life>>>,
}

impl Default for FleetSettings {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            // Ready means heard within minutes; nudges carry what is urgent.
            hello_every_ms: 2 * MINUTE_MS as u64,
            nudges_per_second: 40_000,
            handshakes: 256,
            tcp: false,
            relays: Vec::new(),
            page: None,
        }
    }
}

/// Why the fleet does not run.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The port is not to be had.
    #[error("cannot listen on UDP {address}: {source}; is another collector running there?")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The port is not to be had for TCP.
    #[error(
        "cannot listen on TCP {address}: {source}; is the page, or another program, there? \
         `listen_tcp = false` goes without it"
    )]
    BindTcp {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The authority did not sign.
    #[error(transparent)]
    Authority(#[from] ca::CaError),
    /// TLS settings that do not fit together.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The running fleet, shared by all its tasks.
pub(crate) struct Fleet {
    context: FleetContext,
    endpoint: OnceLock<quinn::Endpoint>,
    /// Who lets connections in over QUIC; nobody, once the collector ends.
    accepting: Mutex<Option<JoinHandle<()>>>,
    tcp: carriers::Tcp,
    /// With what connections are let in on which artifacts are fetched.
    of_artifacts: Mutex<Option<Arc<quinn::ServerConfig>>>,
    relays: relays::Relays,
    registry: Mutex<Registry<Connection>>,
    index: Mutex<Index>,
    /// Machines heard since the last flush.
    seen: Mutex<HashMap<MachineId, Seen>>,
    /// What interlocks said since it was last written.
    watch: Mutex<watch::Watch>,
    /// Raised whenever a document came, so that orders are put together anew.
    documents: AtomicU64,
    /// Raised before that whenever an assignment or a plan may have come.
    tables: AtomicU64,
    /// Head of the audit log, as of the last flush.
    audit: Mutex<Digest>,
    large: Semaphore,
    enrolling: Semaphore,
    /// What every machine's orders have in common.
    common: Mutex<Option<Arc<requests::orders::common::Common>>>,
    /// Held by who reads it anew.
    gathering: tokio::sync::Mutex<()>,
    /// Trees of plans and assignments, by the digest of the document.
    trees: Mutex<HashMap<Digest, Arc<requests::orders::placement::Placement>>>,
    /// Events were stored.
    events: Notify,
    /// As they are now.
    authorities: Mutex<Authorities>,
    /// Machines that came with a certificate of the next authority.
    reached: Mutex<rollover::Reached>,
    /// Which machines have said what they remember, while this is a collector that was put
    /// back to a backup and that nobody has confirmed.
    witnesses: Mutex<Option<HashSet<MachineId>>>,
    /// Hellos since the start, and events of journals that were stored.
    hellos: AtomicU64,
    stored: AtomicU64,
    /// When the collector's own certificate was issued.
    certified: AtomicI64,
    /// Whether the index has every machine that the store has.
    indexed: AtomicBool,
    /// What other collectors on the same database said last.
    elsewhere: Mutex<Vec<Elsewhere>>,
    /// Their clocks, as far as they are known.
    clocks: Mutex<Clocks>,
}

impl Fleet {
    fn new(context: FleetContext, registry: Registry<Connection>, index: Index) -> Self {
        let clocks = match context.store.is_shared() {
            true => Clocks::default(),
            false => Clocks::alone(),
        };
        let relays = relays::Relays::new(&context.settings.relays);
        Self {
            authorities: Mutex::new(context.authorities.clone()),
            reached: Mutex::default(),
            context,
            endpoint: OnceLock::new(),
            accepting: Mutex::default(),
            tcp: carriers::Tcp::default(),
            of_artifacts: Mutex::default(),
            relays,
            registry: Mutex::new(registry),
            index: Mutex::new(index),
            seen: Mutex::new(HashMap::new()),
            watch: Mutex::default(),
            documents: AtomicU64::new(1),
            tables: AtomicU64::new(1),
            audit: Mutex::new(Digest::default()),
            large: Semaphore::new(LARGE_REQUESTS),
            enrolling: Semaphore::new(ENROLLING),
            common: Mutex::new(None),
            gathering: tokio::sync::Mutex::new(()),
            trees: Mutex::new(HashMap::new()),
            events: Notify::new(),
            witnesses: Mutex::default(),
            hellos: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            certified: AtomicI64::new(0),
            indexed: AtomicBool::new(true),
            elsewhere: Mutex::default(),
            clocks: Mutex::new(clocks),
        }
    }

    fn now(&self) -> UtcMs {
        (self.context.clock)()
    }

    fn store(&self) -> &Store {
        &self.context.store
    }

    /// Stores what a machine has, and puts it into the index: both or neither.
    async fn record_inventory(
        &self,
        machine: &MachineId,
        set: &ComponentSet,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let members = self.store().record_inventory(machine, set, now).await?;
        locked(&self.index).put(*machine, &members);
        Ok(())
    }

    fn registry(&self) -> MutexGuard<'_, Registry<Connection>> {
        locked(&self.registry)
    }
}

/// A lock whose holder panicked still guards whole values: nothing here is changed in
/// steps that could be left half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
