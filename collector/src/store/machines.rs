//! Machines: what people decided about them, the certificates that they got, and what
//! they last said of themselves.

mod certificates;
mod of_plan;
mod reports;
mod returns;
mod together;

pub use certificates::{Certificate, Ending};
use reports::MAX_GROUP;
pub(super) use reports::Report;
pub use reports::{MachineStatus, Readiness, Seen};
pub use returns::Return;
pub(super) use together::{Acquaintance, Stands};
pub use together::{Acquainted, OutboxEnd, Reported, Standing};

use super::conditions::Conditions;
use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::InterlockWord;
use serde_json::json;
use sqlx::AssertSqlSafe;

words! {
    /// Whether a machine belongs to the fleet.
    MachineState {
        /// It does.
        Enrolled = "enrolled",
        /// It is put away, and renews after a person's yes.
        Stored = "stored",
        /// Its key is worth nothing any more.
        Revoked = "revoked",
        /// It is gone.
        Decommissioned = "decommissioned",
    }
}

impl MachineState {
    /// Whether its key is worth nothing any more, whatever happens.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Revoked | Self::Decommissioned)
    }
}

/// A machine to enrol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMachine {
    /// Its id.
    pub id: MachineId,
    /// What people call it.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// Its class.
    pub class: Class,
    /// Its model.
    pub model: Name,
    /// How far we may go on it.
    pub mode: Mode,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its id.
    pub id: MachineId,
    /// Its installer's key, SubjectPublicKeyInfo in DER.
    pub spki: Vec<u8>,
    /// What people call it.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// Its class.
    pub class: Class,
    /// Its model.
    pub model: Name,
    /// How far we may go on it.
    pub mode: Mode,
    /// Whether it belongs to the fleet.
    pub state: MachineState,
    /// Since when.
    pub enrolled_at: UtcMs,
    /// When two machines seemed to have its identity; a person has to look.
    pub clone_suspected_at: Option<UtcMs>,
    /// What made it seem so.
    pub clone_reason: Option<String>,
}
from_row!(Machine {
    id,
    spki,
    name,
    unit,
    class,
    model,
    mode,
    state,
    enrolled_at,
    clone_suspected_at,
    clone_reason
});

impl Machine {
    /// Whether it has no agent, and people work on it: then it has no key either.
    pub fn is_manual(&self) -> bool {
        self.spki.is_empty()
    }
}

/// A machine as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineLine {
    /// Its id.
    pub id: MachineId,
    /// What people call it.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// Its class.
    pub class: Class,
    /// Its model.
    pub model: Name,
    /// How far we may go on it.
    pub mode: Mode,
    /// Whether it belongs to the fleet.
    pub state: MachineState,
    /// When a clone was suspected.
    pub clone_suspected_at: Option<UtcMs>,
    /// When it was last heard.
    pub seen_at: Option<UtcMs>,
    /// Version of its agent.
    pub agent_version: Option<String>,
    /// What its readiness probes say.
    pub readiness: Option<Readiness>,
    /// What its interlock says.
    pub interlock: Option<InterlockWord>,
    /// Until when the ward holds it.
    pub hold_until: Option<UtcMs>,
    /// When its last certificate ends.
    pub certificate_expires: Option<UtcMs>,
}
from_row!(MachineLine {
    id,
    name,
    unit,
    class,
    model,
    mode,
    state,
    clone_suspected_at,
    seen_at,
    agent_version,
    readiness,
    interlock,
    hold_until,
    certificate_expires
});

/// What a [`MachineLine`] is read from.
macro_rules! lines {
    () => {
        "SELECT m.id, m.name, m.unit, m.class, m.model, m.mode, m.state, m.clone_suspected_at,
                seen.at, s.agent_version, s.readiness, s.interlock, s.hold_until,
                (SELECT MAX(c.expires_at) FROM certificates c WHERE c.machine = m.id)
         FROM machines m
         LEFT JOIN machine_status s ON s.machine = m.id
         LEFT JOIN machine_seen seen ON seen.machine = m.id"
    };
}
use lines;

impl View {
    /// One machine.
    pub async fn machine(&mut self, id: &MachineId) -> Result<Option<Machine>, StoreError> {
        self.tx
            .first(
                "SELECT id, spki, name, unit, class, model, mode, state, enrolled_at,
                        clone_suspected_at, clone_reason
                 FROM machines WHERE id = $1",
                args![id],
            )
            .await
    }

    /// The machine of the fleet with this name.
    pub async fn machine_named(&mut self, name: &Name) -> Result<Option<Machine>, StoreError> {
        self.tx
            .first(
                "SELECT id, spki, name, unit, class, model, mode, state, enrolled_at,
                        clone_suspected_at, clone_reason
                 FROM machines WHERE name = $1 AND state IN ('enrolled', 'stored')",
                args![name],
            )
            .await
    }

    /// Up to `limit` machines after the id `after`, of one unit or of all, in every state.
    pub async fn machines(
        &mut self,
        unit: Option<&Name>,
        after: Option<&MachineId>,
        limit: u32,
    ) -> Result<Vec<MachineLine>, StoreError> {
        let mut of = Conditions::default()
            .and("m.unit = ?", unit.map(|unit| args![unit]))
            .and("m.id > ?", after.map(|after| args![after]));
        let limit = of.arg(&limit);
        let sql = format!("{} {of} ORDER BY m.id LIMIT {limit}", lines!());
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// How many machines are in each state.
    pub async fn machine_counts(&mut self) -> Result<Vec<(MachineState, u64)>, StoreError> {
        self.tx
            .all(
                "SELECT state, COUNT(*) FROM machines GROUP BY state ORDER BY state",
                args![],
            )
            .await
    }

    pub(super) async fn need_machine(&mut self, id: &MachineId) -> Result<Machine, StoreError> {
        self.machine(id)
            .await?
            .ok_or_else(|| StoreError::missing("machine", id))
    }

    /// Whether no other machine of the fleet has the name.
    pub(super) async fn name_is_free(
        &mut self,
        name: &Name,
        of: &MachineId,
    ) -> Result<(), StoreError> {
        match self.machine_named(name).await? {
            Some(other) if other.id != *of => Err(StoreError::conflict(format!(
                "another machine ({}) is called {name}",
                other.id
            ))),
            _ => Ok(()),
        }
    }
}

impl Change {
    /// Changes a machine's name.
    pub async fn rename_machine(&mut self, id: &MachineId, name: &Name) -> Result<(), StoreError> {
        self.view().name_is_free(name, id).await?;
        let changed = self
            .step("machine.rename", id, json!({ "name": name }))
            .execute(
                "UPDATE machines SET name = $2 WHERE id = $1",
                args![id, name],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("machine", id))
    }

    /// Changes what an assignment says of a machine; its groups are
    /// [`Change::set_groups_of`].
    pub async fn place_machine(
        &mut self,
        id: &MachineId,
        unit: &Name,
        class: Class,
        model: &Name,
        mode: Mode,
    ) -> Result<(), StoreError> {
        self.view().need_unit(unit).await?;
        let detail =
            json!({ "unit": unit, "class": class.word(), "model": model, "mode": mode.word() });
        let changed = self
            .step("machine.place", id, detail)
            .execute(
                "UPDATE machines SET unit = $2, class = $3, model = $4, mode = $5 WHERE id = $1",
                args![id, unit, class, model, mode],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("machine", id))
    }

    /// Moves a machine from one state to another. With `Revoked` and `Decommissioned` all
    /// its certificates are revoked; the caller issues a revocation list and closes its
    /// connections. Out of storage it may come back without being asked about again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is not in the state `from`.
    pub async fn move_machine(
        &mut self,
        id: &MachineId,
        from: MachineState,
        to: MachineState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let name = self.view().need_machine(id).await?.name;
        if matches!(to, MachineState::Enrolled | MachineState::Stored) {
            self.view().name_is_free(&name, id).await?;
        }
        let detail = json!({ "from": from, "to": to, "reason": reason });
        let tx = self.step("machine.move", id, detail);
        let changed = tx
            .execute(
                "UPDATE machines SET state = $3 WHERE id = $1 AND state = $2",
                args![id, from, to],
            )
            .await?;
        if to.is_gone() {
            tx.execute(
                "UPDATE certificates SET revoked_at = $2
                 WHERE machine = $1 AND revoked_at IS NULL",
                args![id, now],
            )
            .await?;
        }
        if (from, to) == (MachineState::Stored, MachineState::Enrolled) {
            // Whoever takes it out says yes to its coming back.
            tx.execute(returns::ACCEPT, args![id, now]).await?;
        }
        self.done_if(changed, || {
            StoreError::conflict(format!("machine {name} is not {}", from.word()))
        })
    }

    /// Notes that two machines seem to have this identity; the first suspicion stays.
    pub async fn suspect_clone(&mut self, id: &MachineId, reason: &str) -> Result<(), StoreError> {
        let now = self.now();
        let changed = self
            .step("machine.clone_suspected", id, json!({ "reason": reason }))
            .execute(
                "UPDATE machines SET clone_suspected_at = COALESCE(clone_suspected_at, $2),
                    clone_reason = COALESCE(clone_reason, $3)
                 WHERE id = $1",
                args![id, now, reason],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("machine", id))
    }

    /// A person looked: there is one machine only.
    pub async fn clear_clone(&mut self, id: &MachineId, reason: &str) -> Result<(), StoreError> {
        let changed = self
            .step("machine.clone_cleared", id, json!({ "reason": reason }))
            .execute(
                "UPDATE machines SET clone_suspected_at = NULL, clone_reason = NULL
                 WHERE id = $1 AND clone_suspected_at IS NOT NULL",
                args![id],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::conflict(format!("nobody suspects a clone of machine {id}"))
        })
    }
}
