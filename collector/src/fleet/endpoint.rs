//! The port of machines: lets connections in at a rate that the collector can bear, and the
//! small work that is done every few seconds. What comes over TCP is in [`super::tcp`].

use super::ca::{BACKDATED_MS, SERVER_LIFE_MS};
use super::line::Line;
use super::registry::Registry;
use super::session::{self, Arrived};
use super::{
    Authorities, Fleet, FleetContext, FleetError, FleetHandle, FleetSettings, consume, index,
    locked, tcp, tls,
};
use crate::clock;
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::wire::machine::ARTIFACTS_CID_BYTES;
use quinn::ConnectionError;
use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often "last seen" is written and the audit head is read.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// How often it is written what interlocks said: forecasts look at hours.
const WATCH_EVERY_MS: i64 = 15 * MINUTE_MS;
/// Longest handshake: three round trips over a satellite.
pub(super) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// The same of machines that know several collectors: they take one that says nothing for so long
/// for gone, from their first packet on (`IDLE_OF_SEVERAL_MS` in the agent's `link.rs`).
const HANDSHAKE_TIME_OF_SEVERAL: Duration = Duration::from_millis(3_500);
/// Receive buffer of the socket, where the system allows it: a hospital that reconnects
/// at once sends 20,000 first packets.
const SOCKET_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Listens on `address` and serves machines until [`FleetHandle::shutdown`].
pub async fn serve(context: FleetContext, address: SocketAddr) -> Result<FleetHandle, FleetError> {
    let now = (context.clock)();
    let revoked = revoked(&context, now).await?;
    let registry = Registry::new(revoked.iter().map(|(serial, _)| serial.clone()).collect());
    let index = index::load(&context.store).await?;
    let config = config(&context.authorities, &context.settings, &revoked, now)?;
    let is_by_tcp = context.settings.tcp;
    let socket = bind(address).map_err(|source| FleetError::Bind { address, source })?;
    let endpoint = quinn::Endpoint::new(
        quinn::EndpointConfig::default(),
        Some(tls::quic(config.clone())?),
        socket,
        Arc::new(quinn::TokioRuntime),
    )
    .map_err(|source| FleetError::Bind { address, source })?;
    let door = match is_by_tcp {
        true => Some(tcp::bind(endpoint.local_addr().unwrap_or(address)).await?),
        false => None,
    };
    let fleet = Arc::new(Fleet::new(context, registry, index));
    fleet.certified.store(now.0, Ordering::Relaxed);
    if fleet.store().view().await?.awaits_confirmation().await? {
        *locked(&fleet.witnesses) = Some(HashSet::new());
    }
    fleet.flush().await?;
    let _ = fleet.endpoint.set(endpoint.clone());
    fleet.shows(config)?;
    if let Some(door) = door {
        let serving = tokio::spawn(tcp::serve(fleet.clone(), door));
        *locked(&fleet.tcp.serving) = Some(serving);
    }
    let accepting = tokio::spawn(accept(fleet.clone(), endpoint));
    *locked(&fleet.accepting) = Some(accepting);
    let tasks = vec![
        tokio::spawn(keep(fleet.clone(), now)),
        tokio::spawn(consume::run(fleet.clone())),
    ];
    Ok(FleetHandle::new(fleet, tasks))
}

fn bind(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    // Less than asked for is what the system gives; it works, with more repeats.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    Ok(socket)
}

/// Serial numbers that are revoked and not expired, with when.
pub(super) async fn revoked(
    context: &FleetContext,
    now: UtcMs,
) -> Result<Vec<(String, UtcMs)>, FleetError> {
    let rows = context
        .store
        .view()
        .await?
        .revoked_certificates(now)
        .await?;
    let pairs = rows.into_iter().map(|row| {
        let at = row.revoked_at.unwrap_or(now);
        (row.serial, at)
    });
    Ok(pairs.collect())
}

/// Settings with a new certificate and new revocation lists.
pub(super) fn config(
    authorities: &Authorities,
    settings: &FleetSettings,
    revoked: &[(String, UtcMs)],
    now: UtcMs,
) -> Result<rustls::ServerConfig, FleetError> {
    let serial = rand::random();
    let identity = authorities
        .current()
        .server(&settings.addresses, serial, now)?;
    // Nobody compares numbers of lists, but each is higher than the one before.
    let number = now.0.unsigned_abs();
    // Each authority's list names all: a certificate is looked for in its own authority's.
    let lists = authorities.trusted();
    let lists = lists.map(|authority| authority.revocation_list(revoked, number, now));
    tls::server_config(authorities, identity, lists.collect::<Result<_, _>>()?)
}

/// Lets connections in. While few handshakes may still begin, an address has to show first that
/// it is its own (a Retry packet), and is told so at once: it waits in line only after that. Who has
/// waited for longer than a machine waits is not answered any more, and comes again.
async fn accept(fleet: Arc<Fleet>, endpoint: quinn::Endpoint) {
    let limit = fleet.context.settings.handshakes;
    let handshakes = Arc::new(Semaphore::new(limit));
    let patience = match fleet.store().is_shared() {
        true => HANDSHAKE_TIME_OF_SEVERAL,
        false => HANDSHAKE_TIME,
    };
    let mut waiting = Waiting(Line::new(patience));
    loop {
        tokio::select! {
            permit = handshakes.clone().acquire_owned(), if !waiting.0.is_empty() => {
                let Ok(permit) = permit else {
                    return;
                };
                waiting.forget_late();
                if let Some(incoming) = waiting.0.next(clock::begin()) {
                    let shaking = shake_hands(fleet.clone(), incoming, patience, permit);
                    tokio::spawn(shaking);
                }
            }
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else {
                    return;
                };
                let is_busy = handshakes.available_permits() < limit / 2;
                if is_busy && !incoming.remote_address_validated() {
                    // Cannot fail: only a validated address may not be asked again.
                    let _ = incoming.retry();
                } else {
                    // Their places are needed: how many may wait, QUIC counts itself.
                    waiting.forget_late();
                    waiting.0.joins(incoming, clock::begin());
                }
            }
        }
    }
}

/// Who waits for a handshake. Where the collector ends they are left to the next one: let go of
/// they would be refused.
struct Waiting(Line<quinn::Incoming>);

impl Waiting {
    /// Does not answer those who do not wait any more.
    fn forget_late(&mut self) {
        while let Some(incoming) = self.0.late(clock::begin()) {
            incoming.ignore();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.leave().for_each(quinn::Incoming::ignore);
    }
}

async fn shake_hands(
    fleet: Arc<Fleet>,
    incoming: quinn::Incoming,
    patience: Duration,
    permit: OwnedSemaphorePermit,
) {
    let Ok(connecting) = fleet.admit(incoming) else {
        return;
    };
    let connected = tokio::time::timeout(patience, connecting).await;
    drop(permit);
    match connected {
        Ok(Ok(connection)) => session::run(fleet, Arrived::quic(connection)).await,
        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
        Err(_) => tracing::debug!("a handshake took too long"),
    }
}

/// Writes what is batched, and renews the collector's own certificate in time.
async fn keep(fleet: Arc<Fleet>, started: UtcMs) {
    let mut timer = clock::every(FLUSH_EVERY);
    let mut watched = started;
    loop {
        timer.tick().await;
        if let Err(error) = fleet.flush().await {
            tracing::warn!(%error, "could not write when machines were last seen");
        }
        let now = fleet.now();
        // The clock may have been set back.
        if now.since_ms(watched).saturating_abs() >= WATCH_EVERY_MS {
            watched = now;
            if let Err(error) = fleet.write_interlocks().await {
                tracing::warn!(%error, "a quarter of an hour of what interlocks said is lost");
            }
        }
        if is_due(UtcMs(fleet.certified.load(Ordering::Relaxed)), now)
            && let Err(error) = fleet.reconfigure().await
        {
            tracing::error!(%error, "could not renew the collector's own certificate");
        }
    }
}

/// Whether the collector's own certificate is to be made anew: two thirds of its life are over,
/// or it was made while the clock was ahead, and begins later than now. A computer whose clock
/// is set right after it started would else be a stranger to every machine for months.
fn is_due(certified: UtcMs, now: UtcMs) -> bool {
    now.since_ms(certified) > SERVER_LIFE_MS / 3 * 2 || certified.since_ms(now) > BACKDATED_MS / 2
}

impl Fleet {
    /// Writes when machines were last seen, and reads the head of the audit log.
    pub(super) async fn flush(&self) -> Result<(), FleetError> {
        let seen: Vec<_> = locked(&self.seen).drain().collect();
        if !seen.is_empty()
            && let Err(error) = self.store().record_seen(&seen, self.now()).await
        {
            // Newer times stay.
            let mut waiting = locked(&self.seen);
            for (machine, at) in seen {
                waiting.entry(machine).or_insert(at);
            }
            return Err(error.into());
        }
        self.flush_reached().await?;
        self.place_relays().await?;
        let head = self.store().audit_head().await?;
        *locked(&self.audit) = head.hash;
        Ok(())
    }

    /// Writes what interlocks said since the last time.
    pub(super) async fn write_interlocks(&self) -> Result<(), FleetError> {
        let now = self.now();
        let said = locked(&self.watch).take(now);
        if !said.is_empty() {
            self.store().record_interlocks(&said, now).await?;
        }
        Ok(())
    }

    /// Reads the revoked certificates, and admits no handshake with them any more.
    pub(super) async fn reconfigure(&self) -> Result<(), FleetError> {
        let now = self.now();
        let revoked = revoked(&self.context, now).await?;
        // Sessions look here too: a handshake that began before finds itself revoked.
        self.registry()
            .set_revoked(revoked.iter().map(|(serial, _)| serial.clone()).collect());
        let config = config(&self.authorities(), &self.context.settings, &revoked, now)?;
        self.lets_in(Some(tls::quic(config.clone())?));
        self.shows(config)?;
        self.certified.store(now.0, Ordering::Relaxed);
        Ok(())
    }

    /// Lets in over QUIC who comes from now on, or nobody; once nobody is let in it stays so.
    pub(super) fn lets_in(&self, config: Option<quinn::ServerConfig>) {
        let ends = locked(&self.accepting).is_none();
        if let (Some(endpoint), true) = (self.endpoint.get(), config.is_none() || !ends) {
            endpoint.set_server_config(config);
        }
    }

    /// Takes settings with a certificate for all that is not the endpoint's own.
    fn shows(&self, config: rustls::ServerConfig) -> Result<(), FleetError> {
        *locked(&self.of_artifacts) = Some(Arc::new(tls::of_artifacts(config.clone())?));
        *locked(&self.tcp.tls) = Some(Arc::new(config));
        Ok(())
    }

    /// Lets somebody in; who will fetch artifacts with the settings for it.
    fn admit(&self, incoming: quinn::Incoming) -> Result<quinn::Connecting, ConnectionError> {
        let fetches = incoming.orig_dst_cid().len() == ARTIFACTS_CID_BYTES;
        let config = fetches.then(|| locked(&self.of_artifacts).clone());
        match config.flatten() {
            Some(config) => incoming.accept_with(config),
            None => incoming.accept(),
        }
    }
}
