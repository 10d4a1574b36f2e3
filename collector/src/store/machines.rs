//! Machines: what people decided about them, and what they last said of themselves.

use super::value::{args, from_row, words};
use super::{Change, Store, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::InterlockWord;
use serde_json::json;

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

words! {
    /// What a machine's readiness probes say.
    Readiness {
        /// They pass.
        Ready = "ready",
        /// One fails.
        NotReady = "not_ready",
        /// It has none.
        Unknown = "unknown",
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

/// What a machine last said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineStatus {
    /// Its boot.
    pub boot: BootId,
    /// Version of its agent.
    pub agent_version: String,
    /// Version of its installer; empty while it is not known.
    pub installer_version: String,
    /// What its readiness probes say.
    pub readiness: Readiness,
    /// What its interlock says.
    pub interlock: InterlockWord,
    /// Until when the ward holds it.
    pub hold_until: Option<UtcMs>,
    /// Digest of its watermark.
    pub watermark: Digest,
    /// Digest of the documents that it has.
    pub orders: Digest,
    /// Digest of the facts by which a clone is told.
    pub fingerprint: Digest,
}
from_row!(MachineStatus {
    boot,
    agent_version,
    installer_version,
    readiness,
    interlock,
    hold_until,
    watermark,
    orders,
    fingerprint
});

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

/// A machine's TLS certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its serial number in lower-case hex.
    pub serial: String,
    /// Its machine.
    pub machine: MachineId,
    /// When it was issued.
    pub issued_at: UtcMs,
    /// When it ends.
    pub expires_at: UtcMs,
    /// When it was revoked.
    pub revoked_at: Option<UtcMs>,
}
from_row!(Certificate {
    serial,
    machine,
    issued_at,
    expires_at,
    revoked_at
});

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
        self.tx
            .all(
                "SELECT m.id, m.name, m.unit, m.class, m.model, m.mode, m.state,
                        m.clone_suspected_at, seen.at, s.agent_version, s.readiness,
                        s.interlock, s.hold_until,
                        (SELECT MAX(c.expires_at) FROM certificates c WHERE c.machine = m.id)
                 FROM machines m
                 LEFT JOIN machine_status s ON s.machine = m.id
                 LEFT JOIN machine_seen seen ON seen.machine = m.id
                 WHERE ($1 IS NULL OR m.unit = $1) AND ($2 IS NULL OR m.id > $2)
                 ORDER BY m.id LIMIT $3",
                args![unit, after, limit],
            )
            .await
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

    /// What a machine last said of itself.
    pub async fn machine_status(
        &mut self,
        id: &MachineId,
    ) -> Result<Option<MachineStatus>, StoreError> {
        self.tx
            .first(
                "SELECT boot, agent_version, installer_version, readiness, interlock,
                        hold_until, watermark, orders, fingerprint
                 FROM machine_status WHERE machine = $1",
                args![id],
            )
            .await
    }

    /// The facts that a machine reported last, as they came, and when.
    pub async fn machine_facts(
        &mut self,
        id: &MachineId,
    ) -> Result<Option<(Vec<u8>, UtcMs)>, StoreError> {
        self.tx
            .first(
                "SELECT facts, changed_at FROM machine_facts WHERE machine = $1",
                args![id],
            )
            .await
    }

    /// When a machine was last heard.
    pub async fn seen_at(&mut self, id: &MachineId) -> Result<Option<UtcMs>, StoreError> {
        let row: Option<(UtcMs,)> = self
            .tx
            .first("SELECT at FROM machine_seen WHERE machine = $1", args![id])
            .await?;
        Ok(row.map(|(at,)| at))
    }

    /// The certificates of a machine, newest first.
    pub async fn certificates_of(
        &mut self,
        id: &MachineId,
    ) -> Result<Vec<Certificate>, StoreError> {
        self.tx
            .all(
                "SELECT serial, machine, issued_at, expires_at, revoked_at FROM certificates
                 WHERE machine = $1 ORDER BY issued_at DESC, serial",
                args![id],
            )
            .await
    }

    /// What a revocation list has to name now: revoked, and not expired by itself.
    pub async fn revoked_certificates(
        &mut self,
        now: UtcMs,
    ) -> Result<Vec<Certificate>, StoreError> {
        self.tx
            .all(
                "SELECT serial, machine, issued_at, expires_at, revoked_at FROM certificates
                 WHERE revoked_at IS NOT NULL AND expires_at > $1 ORDER BY serial",
                args![now],
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
    /// connections.
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
        if matches!(to, MachineState::Revoked | MachineState::Decommissioned) {
            tx.execute(
                "UPDATE certificates SET revoked_at = $2
                 WHERE machine = $1 AND revoked_at IS NULL",
                args![id, now],
            )
            .await?;
        }
        self.done_if(changed, || {
            StoreError::conflict(format!("machine {name} is not {}", from.word()))
        })
    }

    /// Notes a certificate that was issued to an enrolled or stored machine.
    pub async fn add_certificate(
        &mut self,
        machine: &MachineId,
        serial: &str,
        expires_at: UtcMs,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let state = self.view().need_machine(machine).await?.state;
        if !matches!(state, MachineState::Enrolled | MachineState::Stored) {
            return Err(StoreError::conflict(format!(
                "machine {machine} is {}",
                state.word()
            )));
        }
        let detail = json!({ "serial": serial, "expires": expires_at.to_string() });
        self.step("certificate.issue", machine, detail)
            .execute(
                "INSERT INTO certificates (serial, machine, issued_at, expires_at)
                 VALUES ($1, $2, $3, $4)",
                args![serial, machine, now, expires_at],
            )
            .await?;
        self.done();
        Ok(())
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

/// Reports of machines; see the module `store` for why they are not audited.
impl Store {
    /// Notes when machines were last heard; an older time never replaces a newer one.
    pub async fn record_seen(&self, seen: &[(MachineId, UtcMs)]) -> Result<(), StoreError> {
        // The newest of each, in one order for everybody: PostgreSQL takes a row once per
        // statement, and two that lock in different orders would wait for each other.
        let mut newest = std::collections::BTreeMap::new();
        for (machine, at) in seen {
            let entry = newest.entry(machine).or_insert(at);
            *entry = (*entry).max(at);
        }
        let rows = newest.iter().map(|(m, at)| args![m, at]).collect();
        let mut tx = self.engine.begin().await?;
        tx.execute_many(
            (
                "INSERT INTO machine_seen (machine, at) VALUES",
                "ON CONFLICT (machine) DO UPDATE SET at = excluded.at
                 WHERE excluded.at > machine_seen.at",
            ),
            rows,
        )
        .await?;
        tx.commit().await
    }

    /// Notes what a machine says of itself. Call it when something changed.
    pub async fn record_status(
        &self,
        machine: &MachineId,
        status: &MachineStatus,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "INSERT INTO machine_status (machine, boot, agent_version, installer_version,
                readiness, interlock, hold_until, watermark, orders, fingerprint, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (machine) DO UPDATE SET boot = excluded.boot,
                agent_version = excluded.agent_version,
                installer_version = excluded.installer_version,
                readiness = excluded.readiness, interlock = excluded.interlock,
                hold_until = excluded.hold_until, watermark = excluded.watermark,
                orders = excluded.orders, fingerprint = excluded.fingerprint,
                changed_at = excluded.changed_at",
            args![
                machine,
                status.boot,
                status.agent_version,
                status.installer_version,
                status.readiness,
                status.interlock,
                status.hold_until,
                status.watermark,
                status.orders,
                status.fingerprint,
                now
            ],
        )
        .await?;
        tx.commit().await
    }

    /// Notes the facts that a machine reported, as they came.
    pub async fn record_facts(
        &self,
        machine: &MachineId,
        facts: &[u8],
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "INSERT INTO machine_facts (machine, facts, changed_at) VALUES ($1, $2, $3)
             ON CONFLICT (machine) DO UPDATE SET facts = excluded.facts,
                changed_at = excluded.changed_at",
            args![machine, facts, now],
        )
        .await?;
        tx.commit().await
    }
}
