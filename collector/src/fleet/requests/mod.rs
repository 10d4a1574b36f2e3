//! What is done for each request.

pub(super) mod artifact;
mod devices;
mod enrol;
mod hello;
mod inventory;
mod journal;
mod metadata;
pub(super) mod orders;
mod witness;

use super::registry::Known;
use super::{Fleet, go};
use crate::store::StoreError;
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::sign::PublicKey;
use patchward_common::wire::machine::{Answer, ArtifactHeader, Refused, RefusedCode, Request};
use std::sync::Arc;

/// Who asks.
pub(super) enum Peer {
    /// A machine, by its certificate.
    Machine(Session),
    /// A relay, by its certificate.
    Relay(Name),
    /// Somebody without a certificate.
    Unknown,
}

/// A machine's connection.
pub(super) struct Session {
    pub(super) machine: MachineId,
    pub(super) serial: String,
    pub(super) connection: patchward_carrier::Connection,
}

/// What is sent back.
pub(super) enum Reply {
    Answer(Answer),
    /// A header, then raw bytes.
    Artifact(ArtifactHeader, Box<artifact::Bytes>),
}

tokio::task_local! {
    /// Who asks: for the line of the log that says what went wrong. A span would say the same,
    /// and cost every hello its text.
    static ASKS: Option<MachineId>;
}

/// Answers a request; a refusal is an answer too.
pub(super) async fn answer(fleet: &Fleet, peer: &Peer, request: Request) -> Reply {
    let machine = match peer {
        Peer::Machine(session) => Some(session.machine),
        Peer::Relay(_) | Peer::Unknown => None,
    };
    ASKS.scope(machine, answered(fleet, peer, request)).await
}

async fn answered(fleet: &Fleet, peer: &Peer, request: Request) -> Reply {
    let answered = match (peer, request) {
        (Peer::Relay(name), Request::Artifact(asked)) => {
            match artifact::artifact(fleet, &asked).await {
                Ok(reply) => {
                    tracing::debug!(relay = %name, sha256 = %asked.sha256, "a relay fetches");
                    return reply;
                }
                Err(refused) => Err(refused),
            }
        }
        (Peer::Relay(_), Request::Metadata(asked)) => metadata::metadata(fleet, &asked).await,
        (Peer::Relay(_), _) => Err(Refused::new(
            RefusedCode::Forbidden,
            "a relay is answered artifacts, role files and nothing else",
        )),
        (_, Request::Enroll(ask)) => enrol::enroll(fleet, *ask).await,
        (peer, Request::Renew(statement)) => enrol::renew(fleet, peer, &statement).await,
        (Peer::Unknown, _) => Err(Refused::new(
            RefusedCode::Forbidden,
            "without a machine's certificate only enroll and renew are answered",
        )),
        (Peer::Machine(session), request) => match of_machine(fleet, session, request).await {
            Ok(reply) => return reply,
            Err(refused) => Err(refused),
        },
    };
    Reply::Answer(answered.unwrap_or_else(Answer::Refused))
}

async fn of_machine(fleet: &Fleet, session: &Session, request: Request) -> Result<Reply, Refused> {
    // A revocation closes connections; this catches a request that was on its way.
    if fleet.registry().is_revoked(&session.serial) {
        return Err(Refused::new(
            RefusedCode::Forbidden,
            "the certificate was revoked",
        ));
    }
    let known = fleet.known(&session.machine).await?;
    let answer = match request {
        Request::Hello(hello) => hello::hello(fleet, session, known, *hello).await?,
        Request::Inventory(report) => inventory::inventory(fleet, session, &known, *report).await?,
        Request::Orders(asked) => {
            orders::orders(fleet, &session.machine, &known.unit, &asked).await?
        }
        Request::Metadata(asked) => metadata::metadata(fleet, &asked).await?,
        Request::Artifact(asked) => return artifact::artifact(fleet, &asked).await,
        Request::Go(asked) => go::go(fleet, session, &known, &asked).await?,
        Request::Journal(report) => journal::journal(fleet, session, &known, report).await?,
        Request::Devices(report) => devices::devices(fleet, session, report).await?,
        Request::Witness(said) => witness::witness(fleet, session, *said).await?,
        // Answered before it is asked whose machine this is.
        Request::Enroll(_) | Request::Renew(_) => {
            return Err(Refused::new(RefusedCode::BadRequest, "not of a machine"));
        }
    };
    Ok(Reply::Answer(answer))
}

impl Fleet {
    /// What is known of a machine, from memory or from the store.
    pub(super) async fn known(&self, machine: &MachineId) -> Result<Known, Refused> {
        if let Some(known) = self.registry().known(machine) {
            return Ok(known.clone());
        }
        let asked = self.registry().asks(*machine);
        let found = self.store().acquainted(machine).await?;
        let found = found.ok_or_else(|| {
            Refused::new(RefusedCode::Forbidden, "this machine is not enrolled here")
        })?;
        let known = Known {
            key: key_of(&found.spki)
                .and_then(|key| key.ready())
                .map(Arc::new)
                .ok_or_else(|| busy(&"a machine's key in the database is damaged"))?,
            unit: found.unit,
            is_suspect: found.clone_suspected_at.is_some(),
            set: found.set.unwrap_or_default(),
            said: found.status.map(hello::said_before),
            journal: journal::stored(found.journal),
            orders: None,
            tables: None,
        };
        self.registry().learn(*machine, known.clone(), asked);
        Ok(known)
    }
}

/// The key of a SubjectPublicKeyInfo that we stored.
fn key_of(spki: &[u8]) -> Option<PublicKey> {
    let key = PublicKey::from_slice(spki.last_chunk::<32>()?)?;
    (key.spki() == spki).then_some(key)
}

/// Nothing was stored; the reason is for our log, not for machines.
pub(super) fn busy(problem: &dyn std::fmt::Display) -> Refused {
    let machine = ASKS.try_with(|machine| *machine).ok().flatten();
    let machine = machine.map(tracing::field::display);
    tracing::warn!(machine, %problem, "a machine's request was not carried out");
    Refused::new(
        RefusedCode::Busy,
        "the collector cannot do this now; nothing was stored, ask again",
    )
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::new(
                RefusedCode::Busy,
                "the collector's disk is full; nothing was stored",
            ),
            other => busy(&other),
        }
    }
}
