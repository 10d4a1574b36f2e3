//! Which orders machines hold, as they say it.

use super::{Given, Registry};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;

/// What a connected machine holds of the documents that it is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The machine.
    pub machine: MachineId,
    /// Its care area; `None` where that has to be asked of the store again.
    pub unit: Option<Name>,
    /// When it last said that it has all of them. Where its care area is not known, what it is to
    /// have is not either.
    pub since: Option<UtcMs>,
}

/// Stops that a machine took.
pub(in crate::fleet) struct Took {
    /// The orders that it had been given before, and has been with them.
    pub(in crate::fleet) before: Given,
    pub(in crate::fleet) after: Given,
    /// The generation of documents by now: others may have come since.
    pub(in crate::fleet) generation: u64,
    /// Now.
    pub(in crate::fleet) at: UtcMs,
}

impl<C: Clone> Registry<C> {
    /// A machine said which orders it holds: at `at` all that it is to hold, or not.
    pub(in crate::fleet) fn holds(&mut self, machine: &MachineId, at: Option<UtcMs>) {
        if let Some(entry) = self.machines.get_mut(machine) {
            entry.holds = at;
        }
    }

    /// A machine said on connection `id`, without a hello, that it took stops.
    pub(in crate::fleet) fn took(&mut self, machine: &MachineId, id: usize, took: Took) {
        let Took { before, after, .. } = took;
        let Some(entry) = self.machines.get_mut(machine) else {
            return;
        };
        // It may have been given others meanwhile, or have said that it has others.
        if let Some(known) = &mut entry.known
            && known.orders == Some(before)
            && let Some(said) = &mut known.said
            && said.hello.orders == before.digest.into()
            && entry.live.as_ref().is_some_and(|live| live.id == id)
        {
            known.orders = Some(after);
            said.hello.orders = after.digest.into();
            if after.generation == took.generation {
                entry.holds = Some(took.at);
            }
        }
    }

    /// There are other orders: nobody holds all of them until it says so.
    pub(in crate::fleet) fn nobody_holds(&mut self) {
        for entry in self.machines.values_mut() {
            entry.holds = None;
        }
    }

    /// The connected machines, each with its unit and since when it holds its orders.
    pub(in crate::fleet) fn holding(&self) -> impl Iterator<Item = Holding> {
        self.machines.iter().filter_map(|(machine, entry)| {
            entry.live.as_ref()?;
            let known = entry.known.as_ref();
            Some(Holding {
                machine: *machine,
                unit: known.map(|known| known.unit.clone()),
                since: known.and(entry.holds),
            })
        })
    }
}
