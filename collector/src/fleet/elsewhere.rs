//! What the fleet does where other collectors serve machines out of the same store.

use super::handle::{FleetHandle, Target};
use super::{Fleet, locked};
use crate::rollout::clocks::Clocks;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::close;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// What another collector last said of its machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Whether a sign of its life came lately.
    pub is_moving: bool,
    /// How many are connected with it.
    pub connected: usize,
    /// Of each stop, by its digest: how many of those in its scope, and how many of them have
    /// acknowledged it.
    pub reach: BTreeMap<String, (usize, usize)>,
}

impl Fleet {
    /// A machine has connected: where it may have been with another collector, the store knows
    /// more of it than this process.
    pub(super) fn arrived(&self, machine: &MachineId) {
        if self.store().is_shared() {
            self.registry().arrived(machine);
        }
    }
}

impl FleetHandle {
    /// What other collectors said last of their machines.
    pub fn elsewhere(&self) -> Vec<Elsewhere> {
        locked(&self.fleet.elsewhere).clone()
    }

    /// They have said it anew.
    pub fn elsewhere_is(&self, elsewhere: Vec<Elsewhere>) {
        *locked(&self.fleet.elsewhere) = elsewhere;
    }

    /// The clocks of other collectors, as far as they are known. No go is given while they are
    /// apart.
    pub fn clocks(&self) -> Clocks {
        locked(&self.fleet.clocks).clone()
    }

    /// More is known of them.
    pub fn clocks_are(&self, clocks: Clocks) {
        *locked(&self.fleet.clocks) = clocks;
    }

    /// This collector is cut off from the database and others may not be: its machines, which
    /// would hear of no stop here, go to one of them. Gives back how many they are. Who knows no
    /// other comes again.
    pub fn send_away(&self) -> usize {
        let connections = self.fleet.registry().connections(None);
        for (_, connection) in &connections {
            connection.close(
                close::GOING_AWAY,
                b"this collector is cut off from its database",
            );
        }
        connections.len()
    }

    /// Documents or tables moved without anybody being told: orders are put together anew.
    pub fn orders_moved(&self) {
        self.fleet.tables.fetch_add(1, Ordering::AcqRel);
        self.fleet.documents.fetch_add(1, Ordering::AcqRel);
    }

    /// Tells the machines whose last ask for a go was refused to look again.
    pub fn ask_waiting_again(&self) {
        let waiting = self.fleet.registry().waiting();
        if !waiting.is_empty() {
            self.ask_again(Target::Machines(waiting));
        }
    }

    /// A machine has reported to another collector what it has.
    pub fn reported_elsewhere(&self, machine: &MachineId, set: Digest, members: &RoaringBitmap) {
        locked(&self.fleet.index).put(*machine, members);
        self.fleet.registry().has_set(machine, set);
    }

    /// Machines and when each was last heard, by whomever.
    pub fn heard_elsewhere(&self, heard: &[(MachineId, UtcMs)]) {
        let mut registry = self.fleet.registry();
        for (machine, at) in heard {
            registry.heard_elsewhere(machine, *at);
        }
    }
}
