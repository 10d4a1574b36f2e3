//! Machines that are enrolled without having asked: what the filled hospital and the
//! benchmarks of single questions share.

use crate::fixture::name;
use patchward_collector::store::enrolments::{Enrolment, EnrolmentState};
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::tokens::{Acceptance, Token};
use patchward_collector::store::{Change, StoreError};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{DAY_MS, UtcMs};

/// The id of a machine that is told by these parts.
pub fn id(parts: &[&[u8]]) -> MachineId {
    MachineId(Digest::of_parts(parts).0)
}

/// The token `all`, with which machines are enrolled here.
pub fn token(unit: &Name, now: UtcMs) -> Token {
    Token {
        id: name("all"),
        secret_hash: Digest::of(b"all"),
        unit: unit.clone(),
        host_pattern: "*".into(),
        acceptance: Acceptance::Person,
        uses_left: u32::MAX,
        created_at: now,
        expires_at: now.plus_ms(DAY_MS),
        revoked_at: None,
    }
}

/// Enrols a machine with the token `all`, as if it had asked and a person had said yes.
pub async fn enrol(change: &mut Change, new: &NewMachine) -> Result<(), StoreError> {
    let asked = Enrolment {
        machine: new.id,
        // No key of anybody: such a machine never connects.
        spki: new.id.0.to_vec(),
        host: new.name.clone(),
        unit: new.unit.clone(),
        token: name("all"),
        csr: vec![0x30],
        facts: vec![0xa0],
        asked_at: change.now(),
        state: EnrolmentState::Waiting,
        decided_at: None,
    };
    change.ask_enrolment(&asked).await?;
    change.accept_enrolment(new).await
}
