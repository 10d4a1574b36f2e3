//! Machines that ask to be enrolled, and what was decided.

use super::machines::NewMachine;
use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

words! {
    /// How far an enrolment is.
    EnrolmentState {
        /// A person has to decide.
        Waiting = "waiting",
        /// The machine is enrolled.
        Accepted = "accepted",
        /// A person said no.
        Refused = "refused",
    }
}

/// A machine that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The machine.
    pub machine: MachineId,
    /// Its installer's key, SubjectPublicKeyInfo in DER.
    pub spki: Vec<u8>,
    /// The host name that it says it has.
    pub host: Name,
    /// The unit of its token.
    pub unit: Name,
    /// Its token.
    pub token: Name,
    /// The certificate request, as it came.
    pub csr: Vec<u8>,
    /// What it says of itself, as it came.
    pub facts: Vec<u8>,
    /// When it asked last.
    pub asked_at: UtcMs,
    /// What was decided.
    pub state: EnrolmentState,
    /// When that was.
    pub decided_at: Option<UtcMs>,
}
from_row!(Enrolment {
    machine,
    spki,
    host,
    unit,
    token,
    csr,
    facts,
    asked_at,
    state,
    decided_at
});

impl View {
    /// What a machine asked for.
    pub async fn enrolment(
        &mut self,
        machine: &MachineId,
    ) -> Result<Option<Enrolment>, StoreError> {
        self.tx
            .first(
                "SELECT machine, spki, host, unit, token, csr, facts, asked_at, state, decided_at
                 FROM enrolments WHERE machine = $1",
                args![machine],
            )
            .await
    }

    /// The machines that asked last with this token, whatever was decided, oldest first.
    pub async fn enrolments_by(&mut self, token: &Name) -> Result<Vec<Enrolment>, StoreError> {
        self.tx
            .all(
                "SELECT machine, spki, host, unit, token, csr, facts, asked_at, state, decided_at
                 FROM enrolments WHERE token = $1 ORDER BY asked_at, machine",
                args![token],
            )
            .await
    }

    /// Those that wait for a person, longest first.
    pub async fn enrolments_waiting(&mut self) -> Result<Vec<Enrolment>, StoreError> {
        self.tx
            .all(
                "SELECT machine, spki, host, unit, token, csr, facts, asked_at, state, decided_at
                 FROM enrolments WHERE state = 'waiting' ORDER BY asked_at, machine",
                args![],
            )
            .await
    }
}

impl Change {
    /// Notes that a machine asks; `asked_at`, `state` and `decided_at` are set here. A
    /// machine that asks again replaces what it asked before and waits again.
    pub async fn ask_enrolment(&mut self, ask: &Enrolment) -> Result<(), StoreError> {
        let now = self.now();
        let detail = json!({ "host": ask.host, "unit": ask.unit, "token": ask.token });
        self.step("enrolment.ask", ask.machine, detail)
            .execute(
                "INSERT INTO enrolments (machine, spki, host, unit, token, csr, facts, asked_at,
                                         state)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting')
                 ON CONFLICT (machine) DO UPDATE SET host = excluded.host,
                    unit = excluded.unit, token = excluded.token, csr = excluded.csr,
                    facts = excluded.facts, asked_at = excluded.asked_at,
                    state = 'waiting', decided_at = NULL",
                args![
                    ask.machine,
                    ask.spki,
                    ask.host,
                    ask.unit,
                    ask.token,
                    ask.csr,
                    ask.facts,
                    now
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Enrols a machine that waits. One that was enrolled before keeps its history; the key of
    /// one that was revoked or decommissioned never comes back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it does not wait, is gone for good, or its name is taken.
    pub async fn accept_enrolment(&mut self, new: &NewMachine) -> Result<(), StoreError> {
        let now = self.now();
        self.view().need_unit(&new.unit).await?;
        if let Some(known) = self.view().machine(&new.id).await?
            && known.state.is_gone()
        {
            return Err(StoreError::conflict(format!(
                "machine {} was {}; it needs a new key",
                new.id,
                known.state.word()
            )));
        }
        self.view().name_is_free(&new.name, &new.id).await?;
        let detail = json!({ "name": new.name, "unit": new.unit, "class": new.class.word() });
        let tx = self.step("enrolment.accept", new.id, detail);
        let spki: Option<(Vec<u8>,)> = tx
            .first(
                "UPDATE enrolments SET state = 'accepted', decided_at = $2
                 WHERE machine = $1 AND state = 'waiting' RETURNING spki",
                args![new.id, now],
            )
            .await?;
        let (spki,) = spki.ok_or_else(|| not_waiting(&new.id))?;
        tx.execute(
            "INSERT INTO machines (id, spki, name, unit, class, model, mode, state, enrolled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'enrolled', $8)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, unit = excluded.unit,
                class = excluded.class, model = excluded.model, mode = excluded.mode,
                state = 'enrolled', enrolled_at = excluded.enrolled_at,
                clone_suspected_at = NULL, clone_reason = NULL",
            args![
                new.id, spki, new.name, new.unit, new.class, new.model, new.mode, now
            ],
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Says no to a machine that waits.
    pub async fn refuse_enrolment(
        &mut self,
        machine: &MachineId,
        reason: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let changed = self
            .step("enrolment.refuse", machine, json!({ "reason": reason }))
            .execute(
                "UPDATE enrolments SET state = 'refused', decided_at = $2
                 WHERE machine = $1 AND state = 'waiting'",
                args![machine, now],
            )
            .await?;
        self.done_if(changed, || not_waiting(machine))
    }
}

fn not_waiting(machine: &MachineId) -> StoreError {
    StoreError::conflict(format!("machine {machine} does not wait to be enrolled"))
}
