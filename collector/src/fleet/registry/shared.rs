//! What changes of what is remembered where machines may have been with another collector, which
//! writes into the same store.

use super::{BOOTS, Entry, Known, Registry};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, MachineId};
use patchward_common::time::UtcMs;

impl<C> Entry<C> {
    /// The store is read anew. Where it has another boot than the machine last said here, that
    /// one is over: two machines that take turns with two collectors are told by it.
    pub(super) fn booted_elsewhere(&mut self, known: &Known) {
        let said = known.said.as_ref().map(|said| said.hello.boot);
        if let (Some(own), Some(said)) = (self.boot, said)
            && own != said
            && !self.boots.contains(&own)
        {
            self.boots.insert(0, own);
            self.boots.truncate(BOOTS);
        }
    }
}

impl<C: Clone> Registry<C> {
    /// A machine came that had no connection here: it may have been anywhere.
    pub(in crate::fleet) fn arrived(&mut self, machine: &MachineId) {
        if let Some(entry) = self.machines.get_mut(machine)
            && entry.open.len() == 1
        {
            self.asking.remove(machine);
            entry.known = None;
        }
    }

    /// What a machine said of its boot is in the store.
    pub(in crate::fleet) fn booted(&mut self, machine: &MachineId, boot: BootId) {
        if let Some(entry) = self.machines.get_mut(machine) {
            entry.boot = Some(boot);
        }
    }

    /// A machine was heard at an instant, by whomever. Where it is connected here and said nothing
    /// since before that, it was another collector that heard it.
    pub(in crate::fleet) fn heard_elsewhere(&mut self, machine: &MachineId, at: UtcMs) {
        let Some(entry) = self.machines.get_mut(machine) else {
            return;
        };
        let said = entry.known.as_ref().and_then(|known| known.said.as_ref());
        if entry.live.is_some() && said.is_some_and(|said| said.at < at) {
            self.asking.remove(machine);
            entry.known = None;
        }
    }

    /// What a machine reported to whomever that it has.
    pub(in crate::fleet) fn has_set(&mut self, machine: &MachineId, set: Digest) {
        self.update(machine, |known| known.set = set);
    }

    /// The connected machines whose last ask for a go was refused.
    pub(in crate::fleet) fn waiting(&self) -> Vec<MachineId> {
        let waits = self
            .machines
            .iter()
            .filter(|(_, entry)| entry.live.is_some() && entry.refused.is_some());
        waits.map(|(machine, _)| *machine).collect()
    }
}
