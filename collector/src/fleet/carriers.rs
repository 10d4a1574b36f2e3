//! What connections go over, QUIC or TCP, as the rest of the collector sees it; and how a few
//! bytes are handed to one.

use super::handle::FleetHandle;
use super::{Fleet, locked};
use futures_util::FutureExt as _;
use patchward_carrier::{Carrier, Connection, SendStream};
use patchward_common::id::MachineId;
use patchward_common::wire::machine::close;
use quinn::VarInt;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is said to all who are connected when the collector stops.
pub(super) const STOPS: &[u8] = b"the collector stops";

/// The port of TCP, where it is open.
pub(super) struct Tcp {
    /// TLS as it is now.
    pub(super) tls: Mutex<Option<Arc<rustls::ServerConfig>>>,
    /// Who accepts, and ends once all connections are closed.
    pub(super) serving: Mutex<Option<JoinHandle<()>>>,
    /// Whether they are to be closed.
    pub(super) stopping: watch::Sender<bool>,
}

impl Default for Tcp {
    fn default() -> Self {
        Self {
            tls: Mutex::default(),
            serving: Mutex::default(),
            stopping: watch::Sender::new(false),
        }
    }
}

impl FleetHandle {
    /// What a machine is connected over; `None` where it is not.
    pub fn carrier_of(&self, machine: &MachineId) -> Option<Carrier> {
        let connection = self.fleet.registry().connection(machine)?;
        Some(connection.carrier())
    }

    /// How many machines are connected over what, each once.
    pub fn connected_over(&self) -> [(Carrier, usize); 2] {
        let connections = self.fleet.registry().connections(None);
        Carrier::ALL.map(|carrier| {
            let over = connections.iter();
            let over = over.filter(|(_, connection)| connection.carrier() == carrier);
            (carrier, over.count())
        })
    }

    /// Who comes over QUIC from now on is not answered: not refused, so that they try on until
    /// the next collector is there. Whoever waits in line is left to it too.
    pub(super) fn lets_nobody_in(&self) {
        if let Some(accepting) = locked(&self.fleet.accepting).take() {
            accepting.abort();
        }
        self.fleet.lets_in(None);
    }

    /// Closes every connection and both ports.
    pub(super) async fn close_carriers(&self) {
        let fleet: &Fleet = &self.fleet;
        fleet.tcp.stopping.send_replace(true);
        let serving = locked(&fleet.tcp.serving).take();
        if let Some(endpoint) = fleet.endpoint.get() {
            endpoint.close(VarInt::from_u32(close::GOING_AWAY), STOPS);
            endpoint.wait_idle().await;
        }
        if let Some(serving) = serving {
            // One that ended with a fault has closed them too.
            let _ = serving.await;
        }
    }
}

/// Hands a nudge to a connection; nobody waits for it. Only one that has to wait for its
/// turn, behind nudges that were not taken yet, costs a task.
pub(super) fn push(connection: Connection, bytes: Vec<u8>) {
    let mut sending = Box::pin(async move { send(&connection, &bytes).await.map(drop) });
    if (&mut sending).now_or_never().is_none() {
        tokio::spawn(sending);
    }
}

/// Sends, and waits until it arrived or never will.
pub(super) async fn arrives(connection: Connection, bytes: Vec<u8>) {
    if let Some(mut stream) = send(&connection, &bytes).await {
        let _ = stream.stopped().await;
    }
}

async fn send(connection: &Connection, bytes: &[u8]) -> Option<SendStream> {
    let mut stream = connection.open_uni().await.ok()?;
    stream.write_all(bytes).await.ok()?;
    stream.finish().ok()?;
    Some(stream)
}
