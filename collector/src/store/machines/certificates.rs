//! The TLS certificates of machines, and which of them are revoked.

use super::MachineState;
use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use serde_json::json;

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

/// The newest certificate of a machine, which ends soon or has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The machine.
    pub machine: MachineId,
    /// When it was issued.
    pub issued_at: UtcMs,
    /// When it ends.
    pub expires_at: UtcMs,
}
from_row!(Ending {
    machine,
    issued_at,
    expires_at
});

impl View {
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

    /// When the first of the enrolled machines' newest certificates ends; `None` where no
    /// machine has one.
    pub async fn certificates_end(&mut self) -> Result<Option<UtcMs>, StoreError> {
        let (first,) = self
            .tx
            .one(
                "SELECT MIN(newest.ends) FROM
                     (SELECT MAX(c.expires_at) AS ends FROM certificates c
                      JOIN machines m ON m.id = c.machine
                      WHERE m.state = 'enrolled' AND c.revoked_at IS NULL
                      GROUP BY c.machine) AS newest",
                args![],
            )
            .await?;
        Ok(first)
    }

    /// The newest certificate of each enrolled machine, where it ends before `before`.
    pub async fn certificates_ending(&mut self, before: UtcMs) -> Result<Vec<Ending>, StoreError> {
        self.tx
            .all(
                "SELECT c.machine, MAX(c.issued_at), MAX(c.expires_at) FROM certificates c
                 JOIN machines m ON m.id = c.machine
                 WHERE m.state = 'enrolled' AND c.revoked_at IS NULL
                 GROUP BY c.machine HAVING MAX(c.expires_at) < $1 ORDER BY c.machine",
                args![before],
            )
            .await
    }
}

impl Change {
    /// Notes a certificate that was issued to an enrolled or stored machine. It is back with
    /// it, if it was away.
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
        let tx = self.step("certificate.issue", machine, detail);
        tx.execute(
            "INSERT INTO certificates (serial, machine, issued_at, expires_at)
             VALUES ($1, $2, $3, $4)",
            args![serial, machine, now, expires_at],
        )
        .await?;
        tx.execute(
            "DELETE FROM machine_returns WHERE machine = $1",
            args![machine],
        )
        .await?;
        self.done();
        Ok(())
    }
}
