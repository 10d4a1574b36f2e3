//! How a stop reaches the machines that are connected: brought, where nothing else is new to
//! a machine, and then acknowledged on the same stream; told with a nudge, where it has to ask.

use super::Fleet;
use super::carriers::push;
use super::handle::{FleetHandle, Target};
use super::registry::{Given, Took};
use super::requests::orders;
use futures_util::FutureExt as _;
use patchward_carrier::Connection;
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::wire::collector::{Held, MAX_HELD_BYTES, MAX_STOPPED_BYTES, Nudge};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Longest wait for a busy database before a stop is told without being brought.
const GATHER_TIME: Duration = Duration::from_secs(1);
/// Longest wait for a machine's word that it has a stop.
const HELD_TIME: Duration = Duration::from_secs(10);

/// Stops on their way to a machine.
struct Brought {
    machine: MachineId,
    connection: Connection,
    bytes: Vec<u8>,
    /// The orders that it has been given before and with them.
    before: Given,
    after: Given,
}

/// Tells every machine that there is a stop, and gives back how many were told.
pub(super) async fn bring(handle: &FleetHandle) -> usize {
    let fleet = &handle.fleet;
    let common = orders::common::common(fleet, fleet.now());
    let common = tokio::time::timeout(GATHER_TIME, common).await;
    let common = common.ok().and_then(Result::ok);
    let brought = |machine: &MachineId, connection: &Connection| {
        let (stops, before, after) = orders::stopped(fleet, common.as_ref()?, machine)?;
        let bytes = codec::encode(&stops);
        (bytes.len() <= MAX_STOPPED_BYTES).then(|| Brought {
            machine: *machine,
            connection: connection.clone(),
            bytes,
            before,
            after,
        })
    };
    let tell = |machine: &MachineId, connection| match brought(machine, &connection) {
        Some(stops) => {
            tokio::spawn(acknowledged(Arc::clone(fleet), stops));
        }
        None => nudge(connection),
    };
    handle.each(&Target::All, tell).await
}

fn nudge(connection: Connection) {
    push(connection, codec::encode(&Nudge::Stop));
}

/// Brings the stops, and notes that the machine has them once it says so. Where it does not,
/// it is told to ask.
async fn acknowledged(fleet: Arc<Fleet>, mut stops: Brought) {
    let held = held(&stops.connection, std::mem::take(&mut stops.bytes));
    let held = tokio::time::timeout(HELD_TIME, held).await;
    if !matches!(held, Ok(Some(Held { orders })) if orders == stops.after.digest.into()) {
        return nudge(stops.connection);
    }
    let mut registry = fleet.registry();
    let generation = fleet.documents.load(Ordering::Acquire);
    let took = Took {
        before: stops.before,
        after: stops.after,
        generation,
        at: fleet.now(),
    };
    registry.took(&stops.machine, stops.connection.stable_id(), took);
}

/// What the machine answers to stops; nothing where it takes no more of them now.
async fn held(connection: &Connection, stops: Vec<u8>) -> Option<Held> {
    let opened = connection.open_bi().now_or_never()?;
    let (mut send, mut receive) = opened.ok()?;
    send.write_all(&stops).await.ok()?;
    send.finish().ok()?;
    drop(stops);
    let held = receive.read_to_end(MAX_HELD_BYTES).await.ok()?;
    codec::decode(&held, MAX_HELD_BYTES).ok()
}
