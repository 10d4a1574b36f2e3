//! Machines that ask to be enrolled, and are.

use super::{UNIT, machine, now};
use patchward_collector::store::Change;
use patchward_collector::store::enrolments::{Enrolment, EnrolmentState};
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::tokens::{Acceptance, Token};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::DAY_MS;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_integration_tests::fixture::name;

/// The token `t`, with which machines are enrolled.
pub(in crate::commands) async fn add_token(change: &mut Change) {
    let token = Token {
        id: name("t"),
        secret_hash: Digest::of(b"t"),
        unit: name(UNIT),
        host_pattern: "*".into(),
        acceptance: Acceptance::Person,
        uses_left: 200,
        created_at: now(),
        expires_at: now().plus_ms(DAY_MS),
        revoked_at: None,
    };
    change.add_token(&token).await.unwrap();
}

/// Machine `number` asks to be enrolled, with the token `t`.
pub(in crate::commands) async fn asks(change: &mut Change, number: u8) -> Name {
    let host: Name = name(&format!("pc-{number}"));
    let asked = Enrolment {
        machine: machine(number),
        spki: vec![number; 44],
        host: host.clone(),
        unit: name(UNIT),
        token: name("t"),
        csr: vec![0x30],
        facts: vec![0xa0],
        asked_at: now(),
        state: EnrolmentState::Waiting,
        decided_at: None,
    };
    change.ask_enrolment(&asked).await.unwrap();
    host
}

/// Enrols machine `number` with the token `t`.
pub(in crate::commands) async fn enrol(change: &mut Change, number: u8) {
    let new = NewMachine {
        id: machine(number),
        name: asks(change, number).await,
        unit: name(UNIT),
        class: Class::Standard,
        model: name("station"),
        mode: Mode::Observe,
    };
    change.accept_enrolment(&new).await.unwrap();
}
