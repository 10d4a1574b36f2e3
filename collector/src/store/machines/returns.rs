//! Machines that come back: from storage, or with a certificate that ended while they were
//! away. A person says yes; how long that counts is decided where it is asked.

use super::MachineState;
use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

/// A machine that asked to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// The machine.
    pub machine: MachineId,
    /// What people call it.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// Whether it was put away.
    pub state: MachineState,
    /// When its last certificate ended, or ends.
    pub ends_at: Option<UtcMs>,
    /// Since when it asks.
    pub asked_at: UtcMs,
    /// When a person said yes.
    pub accepted_at: Option<UtcMs>,
}
from_row!(Return {
    machine,
    name,
    unit,
    state,
    ends_at,
    asked_at,
    accepted_at
});

/// What a [`Return`] is read from.
macro_rules! returns {
    () => {
        "SELECT r.machine, m.name, m.unit, m.state,
                (SELECT MAX(c.expires_at) FROM certificates c WHERE c.machine = r.machine),
                r.asked_at, r.accepted_at
         FROM machine_returns r JOIN machines m ON m.id = r.machine"
    };
}

/// Notes a person's yes, whether the machine has asked by now or not.
pub(super) const ACCEPT: &str =
    "INSERT INTO machine_returns (machine, asked_at, accepted_at) VALUES ($1, $2, $2)
     ON CONFLICT (machine) DO UPDATE SET accepted_at = excluded.accepted_at";

impl View {
    /// What became of a machine's wish to come back.
    pub async fn return_of(&mut self, id: &MachineId) -> Result<Option<Return>, StoreError> {
        self.tx
            .first(concat!(returns!(), " WHERE r.machine = $1"), args![id])
            .await
    }

    /// Those that wait for a person's yes, longest first.
    pub async fn returns_waiting(&mut self) -> Result<Vec<Return>, StoreError> {
        self.tx
            .all(
                concat!(
                    returns!(),
                    " WHERE r.accepted_at IS NULL AND m.state IN ('enrolled', 'stored')
                 ORDER BY r.asked_at, r.machine"
                ),
                args![],
            )
            .await
    }
}

impl Change {
    /// Notes that a machine asks to come back; an earlier yes counts no more.
    pub async fn ask_return(&mut self, id: &MachineId) -> Result<(), StoreError> {
        let now = self.now();
        self.view().need_machine(id).await?;
        self.step("machine.return_ask", id, json!({}))
            .execute(
                "INSERT INTO machine_returns (machine, asked_at) VALUES ($1, $2)
                 ON CONFLICT (machine) DO UPDATE SET asked_at = excluded.asked_at,
                    accepted_at = NULL",
                args![id, now],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// A person says yes to a machine that asks to come back. One that was put away is
    /// enrolled again by [`Change::move_machine`], which says yes too.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it does not ask, or is not enrolled.
    pub async fn accept_return(&mut self, id: &MachineId) -> Result<(), StoreError> {
        let now = self.now();
        let changed = self
            .step("machine.return_accept", id, json!({}))
            .execute(
                "UPDATE machine_returns SET accepted_at = $2
                 WHERE machine = $1 AND accepted_at IS NULL
                   AND EXISTS (SELECT 1 FROM machines m
                               WHERE m.id = $1 AND m.state = 'enrolled')",
                args![id, now],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::conflict(format!("machine {id} does not wait to come back"))
        })
    }
}
