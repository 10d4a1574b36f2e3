//! What people at the machine say: not now, or not now any more, and the machine handed
//! over for a job.

use super::Installer;
use crate::authorise::Denied;
use crate::clock;
use patchward_common::job::LocalHandover;
use patchward_common::time::UtcMs;
use patchward_common::wire::local::{Hold, MAX_HOLD_MS};
use patchward_steps::disk::{Disk, DiskError};
use serde::{Deserialize, Serialize};

const FILE: &str = "ward";
/// Largest file of holds and a handover.
const MAX_FILE_BYTES: usize = 4 * 1024;

/// Who says something about the ward's holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A person at the machine.
    Here,
    /// The agent.
    Agent,
}

/// What people at the machine said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ward {
    /// Said here; only people here end it.
    here: Option<Hold>,
    /// Carried by the agent, which also carries its end.
    carried: Option<Hold>,
    handover: Option<LocalHandover>,
}

impl Ward {
    /// Reads what was said.
    pub(super) fn load(disk: &Disk) -> Result<Self, DiskError> {
        let said = disk.read_value(FILE, MAX_FILE_BYTES)?;
        Ok(said.unwrap_or_default())
    }
}

impl Installer {
    /// Until when somebody holds this machine.
    pub fn held_until(&self) -> Option<UtcMs> {
        self.hold().map(|hold| hold.until)
    }

    /// The hold in force: the one that lasts longer.
    pub fn hold(&self) -> Option<Hold> {
        let core = self.core();
        let holds = [core.ward.here.clone(), core.ward.carried.clone()];
        let now = clock::now();
        let live = holds.into_iter().flatten().filter(|hold| now < hold.until);
        live.max_by_key(|hold| hold.until)
    }

    /// Holds the machine, or ends the hold of the same voice.
    pub fn set_hold(&self, voice: Voice, hold: Option<Hold>) -> Result<(), DiskError> {
        let latest = clock::now().plus_ms(MAX_HOLD_MS);
        let hold = hold.map(|hold| Hold {
            until: hold.until.min(latest),
            ..hold
        });
        self.change_ward(|ward| match (voice, &hold) {
            (Voice::Agent, _) => ward.carried = hold,
            (Voice::Here, Some(_)) => ward.here = hold,
            (Voice::Here, None) => (ward.here, ward.carried) = (None, None),
        })
    }

    /// Hands the machine over for a job, in its slot that is open now or comes next: with
    /// that slot it ends.
    pub fn hand_over(&self, handover: LocalHandover) -> Result<(), Denied> {
        let now = clock::now();
        let (_, papers) = self.snapshot();
        let slot = papers.slot(handover.job, self.pin.machine, now);
        let said = handover.within(slot, now).map_err(Denied::Wrong)?;
        Ok(self.change_ward(|ward| ward.handover = Some(said))?)
    }

    /// The handover that was said here.
    pub fn local_handover(&self) -> Option<LocalHandover> {
        self.core().ward.handover.clone()
    }

    fn change_ward(&self, change: impl FnOnce(&mut Ward)) -> Result<(), DiskError> {
        let mut core = self.core();
        let mut ward = core.ward.clone();
        change(&mut ward);
        self.disk.write_value(FILE, &ward, MAX_FILE_BYTES)?;
        core.ward = ward;
        Ok(())
    }
}
