//! `journal`: what machines' installers signed, stored exactly once.
//!
//! Each event is verified with the machine's own key and must follow from the one before
//! by sequence and digest. The acknowledgement leaves after COMMIT.

use super::Session;
use crate::fleet::Fleet;
use crate::fleet::registry::{JournalEnd, Known, Stored};
use crate::store::journal::{Append, JournalError, MAX_EVENT_BYTES};
use crate::store::machines::OutboxEnd;
use crate::store::{Actor, StoreError};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, OutboxId};
use patchward_common::job::JobEvent;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::machine::{Answer, JournalReport, MAX_EVENTS, Refused, RefusedCode};
use serde_bytes::ByteBuf;
use serde_json::json;
use std::sync::atomic::Ordering;

pub(super) async fn journal(
    fleet: &Fleet,
    session: &Session,
    known: &Known,
    report: JournalReport,
) -> Result<Answer, Refused> {
    let machine = session.machine;
    if report.events.is_empty() || report.events.len() > MAX_EVENTS || report.first == 0 {
        return Err(bad(&"1 to 256 events, numbered from 1"));
    }
    let end = end(fleet, &machine, known, report.outbox).await?;
    if report.first > end.sequence + 1 {
        // A gap: the machine begins again where we are.
        return Ok(Answer::Stored(end.sequence));
    }
    let mut previous = if report.first == end.sequence + 1 {
        end.digest
    } else {
        digest_at(fleet, &machine, report.outbox, report.first - 1).await?
    };
    for (sequence, bytes) in (report.first..).zip(&report.events) {
        let signed: Signed<JobEvent> =
            codec::decode(bytes, MAX_EVENT_BYTES).map_err(|error| bad(&error))?;
        let event = signed.verify_by(&known.key).map_err(|error| bad(&error))?;
        if event.machine != machine || event.sequence != sequence {
            return Err(bad(&"an event of another machine or place"));
        }
        if event.previous != previous {
            return Err(altered(fleet, &machine, report.outbox, sequence).await?);
        }
        previous = event.digest();
    }
    let last = report.first + report.events.len() as u64 - 1;
    let append = Append {
        machine,
        outbox: report.outbox,
        first: report.first,
        events: report.events.into_iter().map(ByteBuf::into_vec).collect(),
        received_at: fleet.now(),
    };
    let stored = match fleet.store().append_journal(append).await {
        Ok(stored) => stored,
        Err(JournalError::Altered { sequence }) => {
            return Err(altered(fleet, &machine, report.outbox, sequence).await?);
        }
        Err(JournalError::Refused(why)) => return Err(bad(&why)),
        Err(JournalError::Store(error)) => return Err(error.into()),
    };
    fleet.registry().update(&machine, |known| {
        // What was sent twice says nothing of the end.
        known.journal = match stored == last {
            true => Stored::UpTo(JournalEnd {
                outbox: report.outbox,
                sequence: stored,
                digest: previous,
            }),
            false => Stored::Unread,
        };
    });
    // What was sent twice was stored once.
    let new = stored.saturating_sub(end.sequence);
    fleet.stored.fetch_add(new, Ordering::Relaxed);
    fleet.events.notify_one();
    Ok(Answer::Stored(stored))
}

/// How far an outbox is stored, from memory or from the store.
pub(super) async fn end(
    fleet: &Fleet,
    machine: &MachineId,
    known: &Known,
    outbox: OutboxId,
) -> Result<JournalEnd, Refused> {
    if let Some(end) = known.journal.end_of(outbox) {
        return Ok(end);
    }
    let mut view = fleet.store().view().await?;
    let sequence = view.journal_position(machine, &outbox).await?;
    drop(view);
    let end = JournalEnd {
        outbox,
        sequence,
        digest: digest_at(fleet, machine, outbox, sequence).await?,
    };
    fleet
        .registry()
        .update(machine, |known| known.journal = Stored::UpTo(end));
    Ok(end)
}

/// The digest of a stored event; zeros for none.
async fn digest_at(
    fleet: &Fleet,
    machine: &MachineId,
    outbox: OutboxId,
    sequence: u64,
) -> Result<Digest, Refused> {
    let Some(before) = sequence.checked_sub(1) else {
        return Ok(Digest::default());
    };
    let mut view = fleet.store().view().await?;
    let events = view.journal_after(machine, &outbox, before, 1).await?;
    let stored = events.into_iter().next();
    let damaged = || StoreError::Corrupt(format!("event {sequence} of machine {machine}"));
    let stored = stored.ok_or_else(damaged)?;
    Ok(digest_of(&stored.bytes).ok_or_else(damaged)?)
}

/// The digest of an event that is stored; `None` where it is damaged.
fn digest_of(bytes: &[u8]) -> Option<Digest> {
    let signed: Signed<JobEvent> = codec::decode(bytes, MAX_EVENT_BYTES).ok()?;
    Some(signed.digest())
}

/// How far a machine's journal is stored, by the end of its newest outbox. Where that event is
/// missing or damaged the store is asked again, and who needs it is told.
pub(super) fn stored(newest: Option<OutboxEnd>) -> Stored {
    let Some(end) = newest else {
        return Stored::Nothing;
    };
    let digest = match (end.sequence, end.event) {
        (0, _) => Some(Digest::default()),
        (_, event) => event.and_then(|event| digest_of(&event)),
    };
    digest.map_or(Stored::Unread, |digest| {
        Stored::UpTo(JournalEnd {
            outbox: end.outbox,
            sequence: end.sequence,
            digest,
        })
    })
}

/// An event that is stored came with other bytes, or does not follow from the stored one:
/// never acknowledged, and a person is told.
async fn altered(
    fleet: &Fleet,
    machine: &MachineId,
    outbox: OutboxId,
    sequence: u64,
) -> Result<Refused, Refused> {
    let mut change = fleet
        .store()
        .change(Actor::Machine(*machine), fleet.now())
        .await?;
    let detail = json!({ "outbox": outbox, "sequence": sequence });
    change.note("journal.conflict", machine, &detail);
    change.commit().await?;
    tracing::error!(%machine, sequence, "a machine's journal was altered");
    Ok(Refused::new(
        RefusedCode::JournalConflict,
        format!("event {sequence} contradicts what is stored; IT must look"),
    ))
}

fn bad(problem: &dyn std::fmt::Display) -> Refused {
    Refused::new(RefusedCode::BadRequest, format!("the journal: {problem}"))
}
