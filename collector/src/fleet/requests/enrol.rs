//! `enroll` and `renew`: how a machine comes to a certificate.
//!
//! The statement is signed by the machine's own key, and the machine's id is that key's
//! digest: an id cannot be chosen, and a stolen request is worth nothing without the TLS
//! key that it is for.

use super::{Peer, busy};
use crate::fleet::enrolment::{self, Ask};
use crate::fleet::{Fleet, locked};
use crate::store::enrolments::{Enrolment, EnrolmentState};
use crate::store::machines::{Machine, MachineState};
use crate::store::tokens::{Acceptance, Token};
use crate::store::{Actor, Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::facts::Facts;
use patchward_common::id::MachineId;
use patchward_common::time::{DAY_MS, MINUTE_MS, UtcMs};
use patchward_common::trust::sign::{Signed, Verified};
use patchward_common::wire::machine::{
    Answer, Certificate, Enroll, EnrolmentStatement, Refused, RefusedCode,
};
use serde_bytes::ByteBuf;

/// How far a statement's clock may be from ours: an old one cannot be used again for an
/// old TLS key.
const STATEMENT_LIFE_MS: i64 = 10 * MINUTE_MS;
/// How long a person's yes counts for a machine that comes back: from the desk where it was
/// said to the room where the machine is switched on again.
const YES_LIFE_MS: i64 = 30 * DAY_MS;
/// When a machine that waits for a person asks again.
const WAIT_MS: u64 = 5_000;

/// First enrolment. The answer for a token that is unknown, used up, expired, revoked or
/// for other hosts is always the same.
pub(super) async fn enroll(fleet: &Fleet, ask: Enroll) -> Result<Answer, Refused> {
    let now = fleet.now();
    let (machine, statement) = verify(&ask.statement, now)?;
    let secret = Digest::of(&ask.secret);
    if statement.token != Some(secret) {
        return Err(Refused::new(
            RefusedCode::BadRequest,
            "the statement was signed for another token",
        ));
    }
    let facts = ask
        .facts
        .unpack()
        .map_err(|error| Refused::new(RefusedCode::BadRequest, error.to_string()))?;
    let mut view = fleet.store().view().await?;
    let token = view
        .token_by_secret(&secret)
        .await?
        .ok_or_else(not_let_in)?;
    let before = view.enrolment(&machine).await?;
    let known = view.machine(&machine).await?;
    drop(view);
    if let Some(gone) = known.as_ref().filter(|known| known.state.is_gone()) {
        let word = gone.state.word();
        return Err(forbidden(&format!(
            "this machine was {word}; it needs a new key"
        )));
    }
    let before = before.filter(|before| before.token == token.id);
    let decided_at = before.as_ref().and_then(|before| before.decided_at);
    match before.map(|before| before.state) {
        Some(EnrolmentState::Waiting) => Ok(Answer::Wait(WAIT_MS)),
        Some(EnrolmentState::Refused) => Err(forbidden("a person refused this machine")),
        Some(EnrolmentState::Accepted) if is_due(fleet, &machine, decided_at).await? => {
            let change = change(fleet, machine, now).await?;
            certify(fleet, change, machine, &statement, now).await
        }
        Some(EnrolmentState::Accepted) | None => {
            let ask = Ask {
                enrolment: enrolment(machine, &statement, &token, &facts, &ask, now),
                facts,
            };
            first(fleet, &token, ask, &statement, known.as_ref(), now).await
        }
    }
}

/// Whether an accepted machine has a certificate to come: none was issued since it was
/// accepted, or the one that was may have been lost on the way, because nobody was heard
/// since. That it was known before says nothing: a machine enrols again with a lost disk.
async fn is_due(
    fleet: &Fleet,
    machine: &MachineId,
    decided_at: Option<UtcMs>,
) -> Result<bool, Refused> {
    let Some(decided_at) = decided_at else {
        return Ok(false);
    };
    let mut view = fleet.store().view().await?;
    let newest = view.certificates_of(machine).await?.into_iter().next();
    // A token's rule decides and certifies at one instant.
    if newest.is_none_or(|newest| newest.issued_at < decided_at) {
        return Ok(true);
    }
    let written = view.seen_at(machine).await?;
    let heard = locked(&fleet.seen).get(machine).map(|seen| seen.at);
    let heard = heard.max(written);
    Ok(heard.is_none_or(|heard| heard < decided_at))
}

/// A machine that uses a token for the first time.
async fn first(
    fleet: &Fleet,
    token: &Token,
    ask: Ask,
    statement: &EnrolmentStatement,
    known: Option<&Machine>,
    now: UtcMs,
) -> Result<Answer, Refused> {
    if !enrolment::matches(&token.host_pattern, &ask.facts.hostname) {
        return Err(not_let_in());
    }
    let machine = ask.enrolment.machine;
    let mut change = change(fleet, machine, now).await?;
    match change.use_token(&token.id).await {
        Ok(_) => {}
        Err(StoreError::Conflict(_)) => return Err(not_let_in()),
        Err(error) => return Err(error.into()),
    }
    change.ask_enrolment(&ask.enrolment).await?;
    // A machine that is enrolled already comes again with a lost disk, or is a copy of
    // one: a person looks, whatever the token says.
    if token.acceptance == Acceptance::Person || known.is_some() {
        change.commit().await?;
        return Ok(Answer::Wait(WAIT_MS));
    }
    let new = enrolment::proposal(change.view(), &ask).await?;
    change.accept_enrolment(&new).await?;
    certify(fleet, change, machine, statement, now).await
}

/// The next certificate of a machine that is enrolled.
pub(super) async fn renew(
    fleet: &Fleet,
    peer: &Peer,
    statement: &Signed<EnrolmentStatement>,
) -> Result<Answer, Refused> {
    let now = fleet.now();
    let (machine, statement) = verify(statement, now)?;
    if let Peer::Machine(session) = peer
        && session.machine != machine
    {
        return Err(forbidden("a machine renews only its own certificate"));
    }
    if statement.token.is_some() {
        return Err(Refused::new(
            RefusedCode::BadRequest,
            "the statement was signed for an enrolment",
        ));
    }
    let mut view = fleet.store().view().await?;
    let row = view.machine(&machine).await?;
    let row = row.ok_or_else(|| forbidden("this machine is not enrolled here"))?;
    if row.state.is_gone() {
        return Err(forbidden(&format!(
            "this machine was {}; it needs a new key",
            row.state.word()
        )));
    }
    // With a copy about: after a person looked.
    if row.clone_suspected_at.is_some() {
        return Ok(Answer::Wait(WAIT_MS));
    }
    let comes = comes(&mut view, &row, now).await?;
    drop(view);
    match comes {
        Comes::Renews => {
            let change = change(fleet, machine, now).await?;
            certify(fleet, change, machine, &statement, now).await
        }
        Comes::Waits => Ok(Answer::Wait(WAIT_MS)),
        Comes::Asks => {
            let mut change = change(fleet, machine, now).await?;
            change.ask_return(&machine).await?;
            change.commit().await?;
            Ok(Answer::Wait(WAIT_MS))
        }
    }
}

/// How a machine comes that wants its next certificate.
enum Comes {
    /// It was never away, or a person said that it may come back.
    Renews,
    /// It was away, and asks for the first time.
    Asks,
    /// It was away, and a person has not said yes.
    Waits,
}

/// A machine that was put away, or whose last certificate ended meanwhile, was somewhere for
/// weeks: a person says that it is where it belongs before it is one of the fleet again.
async fn comes(view: &mut View, machine: &Machine, now: UtcMs) -> Result<Comes, StoreError> {
    let is_enrolled = machine.state == MachineState::Enrolled;
    let newest = view.certificates_of(&machine.id).await?.into_iter().next();
    if is_enrolled && newest.is_none_or(|newest| newest.expires_at > now) {
        return Ok(Comes::Renews);
    }
    let asked = view.return_of(&machine.id).await?;
    Ok(match asked.map(|asked| asked.accepted_at) {
        Some(None) => Comes::Waits,
        Some(Some(at)) if is_enrolled && now.since_ms(at) < YES_LIFE_MS => Comes::Renews,
        Some(Some(_)) | None => Comes::Asks,
    })
}

async fn change(fleet: &Fleet, machine: MachineId, now: UtcMs) -> Result<Change, Refused> {
    let store = fleet.store();
    Ok(store.change(Actor::Machine(machine), now).await?)
}

/// Issues a certificate and commits; the machine gets it only once it is on record.
async fn certify(
    fleet: &Fleet,
    mut change: Change,
    machine: MachineId,
    statement: &EnrolmentStatement,
    now: UtcMs,
) -> Result<Answer, Refused> {
    let authorities = fleet.authorities();
    let issued = authorities
        .certifies()
        .issue(machine, &statement.csr, rand::random(), now)
        .map_err(|error| Refused::new(RefusedCode::BadRequest, error.to_string()))?;
    change
        .add_certificate(&machine, &issued.serial, issued.expires)
        .await?;
    change.commit().await?;
    fleet.registry().forget(&machine);
    Ok(Answer::Certificate(Certificate {
        certificate: ByteBuf::from(issued.certificate),
        authorities: authorities
            .trusted()
            .map(|authority| ByteBuf::from(authority.certificate().to_vec()))
            .collect(),
    }))
}

/// A statement that was signed now by the key that it names, and that key's machine.
fn verify(
    signed: &Signed<EnrolmentStatement>,
    now: UtcMs,
) -> Result<(MachineId, Verified<EnrolmentStatement>), Refused> {
    let bad = |text: String| Refused::new(RefusedCode::BadRequest, text);
    let key = signed.peek().map_err(|error| bad(error.to_string()))?.key;
    let statement = signed
        .verify([&key])
        .map_err(|error| bad(format!("the statement: {error}")))?;
    let apart_ms = statement.at.since_ms(now);
    if apart_ms.saturating_abs() > STATEMENT_LIFE_MS {
        return Err(bad(format!(
            "the machine's clock says {}, the collector's {now}; set the machine's clock",
            statement.at
        )));
    }
    Ok((MachineId(key.id().0), statement))
}

fn enrolment(
    machine: MachineId,
    statement: &EnrolmentStatement,
    token: &Token,
    facts: &Facts,
    ask: &Enroll,
    now: UtcMs,
) -> Enrolment {
    Enrolment {
        machine,
        spki: statement.key.spki(),
        host: enrolment::host_name(&facts.hostname, &machine),
        unit: token.unit.clone(),
        token: token.id.clone(),
        csr: statement.csr.to_vec(),
        facts: ask.facts.as_bytes().to_vec(),
        asked_at: now,
        state: EnrolmentState::Waiting,
        decided_at: None,
    }
}

fn not_let_in() -> Refused {
    Refused::new(
        RefusedCode::Token,
        "this token does not let this machine in: it is unknown, used up, expired, revoked \
         or for other hosts; ask IT for a new one",
    )
}

fn forbidden(text: &str) -> Refused {
    Refused::new(RefusedCode::Forbidden, text)
}

impl From<super::super::ca::CaError> for Refused {
    fn from(error: super::super::ca::CaError) -> Self {
        busy(&error)
    }
}
