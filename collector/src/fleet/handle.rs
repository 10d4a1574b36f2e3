//! What the rest of the collector may do with the running fleet.

use super::ca::SERVER_LIFE_MS;
use super::carriers::{arrives, push};
use super::pace::Pace;
use super::registry::Holding;
use super::{Fleet, FleetError, enrolment, index::Index, locked, stops};
use crate::item::expiry::Life;
use crate::item::refused::Refusal;
use crate::store::machines::MachineState;
use crate::store::{Actor, StoreError};
use patchward_carrier::Connection;
use patchward_common::codec;
use patchward_common::component::ComponentSet;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name, OutboxId};
use patchward_common::time::UtcMs;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::close;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, atomic::Ordering};
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};

/// Nudges are sent in bursts of this length, so that a nudge to all neither floods the
/// network nor starves requests.
const BURST_MS: u64 = 5;
/// Longest wait until machines have heard that the collector stops.
const TELL_TIME: Duration = Duration::from_secs(1);
/// Longest wait for the last answers when the collector stops. Machines that were told have gone
/// by themselves; what they wait for is the next collector.
const DRAIN_TIME: Duration = Duration::from_millis(300);

/// Whom to nudge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One machine.
    Machine(MachineId),
    /// These machines.
    Machines(Vec<MachineId>),
    /// The machines of a unit.
    Unit(Name),
    /// Every machine that is connected.
    All,
}

/// What a machine last said of its installer's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journalled {
    /// When that was heard, by the collector's clock.
    pub heard_at: UtcMs,
    /// The outbox that the journal is sent from.
    pub outbox: OutboxId,
    /// The sequence of its last event; 0 for none.
    pub sequence: u64,
}

/// What was counted since the collector started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Hellos of machines.
    pub hellos: u64,
    /// Events of their journals that were stored.
    pub events: u64,
}

/// From when to when this collector's own certificates count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// The authority's; `None` where it says nothing.
    pub authority: Option<Life>,
    /// The one that machines see.
    pub own: Life,
    /// The page's, where there is a page.
    pub page: Option<Life>,
}

/// The running fleet. Clones share it.
#[derive(Clone)]
pub struct FleetHandle {
    pub(super) fleet: Arc<Fleet>,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl FleetHandle {
    pub(super) fn new(fleet: Arc<Fleet>, tasks: Vec<JoinHandle<()>>) -> Self {
        Self {
            fleet,
            tasks: Arc::new(Mutex::new(tasks)),
        }
    }

    /// The address that it listens on.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.fleet.endpoint.get()?.local_addr().ok()
    }

    /// What enrolment tokens pin: SHA-256 of the authority's certificate.
    pub fn ca_fingerprint(&self) -> Digest {
        self.fleet.authorities().current().fingerprint()
    }

    /// The time, by this collector's clock.
    pub fn now(&self) -> UtcMs {
        self.fleet.now()
    }

    /// How many machines are connected and said hello.
    pub fn connected(&self) -> usize {
        self.fleet.registry().count()
    }

    /// What was counted since the start.
    pub fn counted(&self) -> Counted {
        Counted {
            hellos: self.fleet.hellos.load(Ordering::Relaxed),
            events: self.fleet.stored.load(Ordering::Relaxed),
        }
    }

    /// Whether machines can connect, and what they report is worked on.
    pub fn is_serving(&self) -> bool {
        let tasks = locked(&self.tasks);
        !tasks.is_empty() && !tasks.iter().any(JoinHandle::is_finished)
    }

    /// Whether the component index has every machine that the store has.
    pub fn is_indexed(&self) -> bool {
        self.fleet.indexed.load(Ordering::Acquire)
    }

    /// The certificates of this collector.
    pub fn certificates(&self) -> Certificates {
        let context = &self.fleet.context;
        let issued = UtcMs(self.fleet.certified.load(Ordering::Relaxed));
        Certificates {
            authority: self.fleet.authorities().current().life(),
            own: Life {
                from: Some(issued),
                ends: issued.plus_ms(SERVER_LIFE_MS),
            },
            page: context
                .settings
                .page
                .as_ref()
                .and_then(|life| *life.borrow()),
        }
    }

    /// Whether a machine is connected.
    pub fn is_connected(&self, machine: &MachineId) -> bool {
        self.fleet.registry().connection(machine).is_some()
    }

    /// What a connected machine said of its journal in its last hello since the collector started.
    /// `None` where it is not here, where it said nothing, where its installer did not answer its
    /// agent, and where it may not be the machine, or not as it was: its word is then no proof.
    pub fn journalled(&self, machine: &MachineId) -> Option<Journalled> {
        let registry = self.fleet.registry();
        // Another collector may have heard it since.
        registry.connection(machine)?;
        if registry.is_regressed(machine) {
            return None;
        }
        let known = registry.known(machine).filter(|known| !known.is_suspect)?;
        let said = known.said.as_ref()?;
        let hello = &said.hello;
        // An agent whose installer is silent names neither its watermark nor its journal.
        (hello.watermark != Digest::default()).then_some(Journalled {
            heard_at: said.at,
            outbox: hello.outbox,
            sequence: hello.journal,
        })
    }

    /// Every job whose machine got no go when it asked last, and why.
    pub fn refusals(&self) -> HashMap<JobId, Refusal> {
        let registry = self.fleet.registry();
        let refusals = registry.refusals();
        refusals.map(|one| (one.job, one.clone())).collect()
    }

    /// The connected machines, each with when it last held all of its orders: who did after
    /// a document came has it.
    pub fn holding(&self) -> Vec<Holding> {
        self.fleet.registry().holding().collect()
    }

    /// Whether a machine's watermark fell back to one that was seen before.
    pub fn is_regressed(&self, machine: &MachineId) -> bool {
        self.fleet.registry().is_regressed(machine)
    }

    /// A person has confirmed that this restored collector is the one: machines are not asked
    /// any more what they remember.
    pub fn confirmed(&self) {
        *locked(&self.fleet.witnesses) = None;
    }

    /// Stores what a machine has, and puts it into the component index.
    ///
    /// # Errors
    /// Where the store did not take it; the index has what it had then.
    pub async fn record_inventory(
        &self,
        machine: &MachineId,
        set: &ComponentSet,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        self.fleet.record_inventory(machine, set, now).await
    }

    /// Looks something up in the component index; `ask` should be quick.
    pub fn index<T>(&self, ask: impl FnOnce(&Index) -> T) -> T {
        ask(&locked(&self.fleet.index))
    }

    /// Sends a nudge to everybody in `target` who is connected, at the pace of the
    /// settings. Gives back how many; those who miss it find out with their next hello.
    pub async fn nudge(&self, target: &Target, nudge: Nudge) -> usize {
        let bytes = codec::encode(&nudge);
        self.each(target, |_, connection| push(connection, bytes.clone()))
            .await
    }

    /// Does something with the connection of everybody in `target`, at the pace of nudges,
    /// and gives back how many they were.
    pub(super) async fn each(
        &self,
        target: &Target,
        mut act: impl FnMut(&MachineId, Connection),
    ) -> usize {
        let connections: Vec<(MachineId, Connection)> = {
            let registry = self.fleet.registry();
            let one = |machine: &MachineId| Some((*machine, registry.connection(machine)?));
            match target {
                Target::Machine(machine) => one(machine).into_iter().collect(),
                Target::Machines(machines) => machines.iter().filter_map(one).collect(),
                Target::Unit(unit) => registry.connections(Some(unit)),
                Target::All => registry.connections(None),
            }
        };
        let count = connections.len();
        let a_second = u64::from(self.fleet.context.settings.nudges_per_second.max(1));
        let burst = usize::try_from(a_second * BURST_MS / 1_000).unwrap_or(1);
        let mut timer = tokio::time::interval(Duration::from_millis(BURST_MS));
        for (at, (machine, connection)) in connections.into_iter().enumerate() {
            if at % burst.max(1) == 0 {
                timer.tick().await;
            }
            act(&machine, connection);
        }
        count
    }

    /// Documents came or went: orders are put together anew, and every machine is told,
    /// without waiting for it.
    pub fn nudge_all(&self, nudge: Nudge) {
        // A stop puts no machine into another table.
        if nudge != Nudge::Stop {
            self.fleet.tables.fetch_add(1, Ordering::AcqRel);
        }
        self.fleet.documents.fetch_add(1, Ordering::AcqRel);
        if nudge == Nudge::Stop {
            // Who said hello since it was stored, and before this, did not have it.
            self.fleet.registry().nobody_holds();
        }
        let handle = self.clone();
        tokio::spawn(async move {
            match nudge {
                Nudge::Stop => stops::bring(&handle).await,
                nudge => handle.nudge(&Target::All, nudge).await,
            }
        });
    }

    /// What kept machines from starting is gone: they are told to look again, without
    /// waiting for it. A machine puts off what it was refused until then.
    pub fn ask_again(&self, target: Target) {
        let handle = self.clone();
        tokio::spawn(async move { handle.nudge(&target, Nudge::OrdersChanged).await });
    }

    /// A machine's row was changed (name, unit, suspicion cleared): what is remembered of
    /// it is read again.
    pub fn machine_changed(&self, machine: &MachineId) {
        self.fleet.registry().forget(machine);
    }

    /// A machine is served no more, or served again: what is remembered of it is forgotten,
    /// and its connections are closed. Its certificate stays; where it is not served, its
    /// requests are refused.
    pub fn disconnect(&self, machine: &MachineId) {
        self.close(
            machine,
            close::GOING_AWAY,
            b"the machine's state was changed",
        );
    }

    fn close(&self, machine: &MachineId, code: u32, reason: &[u8]) {
        let connections = {
            let mut registry = self.fleet.registry();
            registry.forget(machine);
            registry.all_of(machine)
        };
        for connection in connections {
            connection.close(code, reason);
        }
    }

    /// Accepts a machine that waits, as [`enrolment::propose`] has it, under another name
    /// where one is given.
    pub async fn accept(
        &self,
        machine: &MachineId,
        name: Option<Name>,
        actor: Actor,
    ) -> Result<(), StoreError> {
        let store = self.fleet.store();
        let mut change = store.change(actor, self.fleet.now()).await?;
        let waiting = change.view().enrolment(machine).await?;
        let waiting = waiting.ok_or_else(|| StoreError::NotFound {
            what: "machine that waits",
            name: machine.to_string(),
        })?;
        let mut new = enrolment::propose(change.view(), waiting).await?;
        if let Some(name) = name {
            new.name = name;
        }
        change.accept_enrolment(&new).await?;
        change.commit().await?;
        self.machine_changed(machine);
        Ok(())
    }

    /// Takes a machine out of the fleet for good: its certificates are revoked, its
    /// connection is closed, and no handshake with them succeeds any more.
    pub async fn revoke(
        &self,
        machine: &MachineId,
        from: MachineState,
        to: MachineState,
        reason: &str,
        actor: Actor,
    ) -> Result<(), FleetError> {
        let mut change = self.fleet.store().change(actor, self.fleet.now()).await?;
        change.move_machine(machine, from, to, reason).await?;
        change.commit().await?;
        self.revoked(&[*machine]).await
    }

    /// Certificates of machines were revoked in the store: makes it felt.
    pub async fn revoked(&self, machines: &[MachineId]) -> Result<(), FleetError> {
        self.fleet.reconfigure().await?;
        for machine in machines {
            self.close(machine, close::REVOKED, b"revoked");
        }
        Ok(())
    }

    /// Writes what is batched now instead of within seconds.
    pub async fn flush(&self) -> Result<(), FleetError> {
        self.fleet.write_interlocks().await?;
        self.fleet.flush().await
    }

    /// Tells every machine to come again, writes what is batched and closes the port. The
    /// store stays open.
    pub async fn shutdown(&self) {
        self.lets_nobody_in();
        let (mut told, mut at) = (JoinSet::new(), 0);
        let pace = Pace::measured();
        self.each(&Target::All, |_, connection| {
            let bytes = codec::encode(&Nudge::GoingAway(pace.retry_after_ms(at)));
            told.spawn(arrives(connection, bytes));
            at += 1;
        })
        .await;
        let _ = tokio::time::timeout(TELL_TIME, told.join_all()).await;
        tracing::debug!(machines = at, ?pace, "machines were told to come again");
        for task in locked(&self.tasks).drain(..) {
            task.abort();
        }
        let _ = tokio::time::timeout(DRAIN_TIME, self.close_carriers()).await;
        tracing::debug!("the port is closed");
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "could not write when machines were last seen");
        }
    }
}
