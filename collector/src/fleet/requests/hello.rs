//! `hello`: the common case. Nothing new means no database access at all.

use super::{Session, journal, orders, witness};
use crate::fleet::registry::{Known, Noticed, Said};
use crate::fleet::{Fleet, locked};
use crate::store::Actor;
use crate::store::machines::{MachineStatus, Readiness, Seen};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, OutboxId};
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::{
    Answer, Hello, HelloAnswer, Refused, RefusedCode, ShortDigest, Stale, close,
};
use std::sync::atomic::Ordering;

/// Longest version of an agent or installer.
const MAX_VERSION_BYTES: usize = 64;

pub(super) async fn hello(
    fleet: &Fleet,
    session: &Session,
    known: Known,
    hello: Hello,
) -> Result<Answer, Refused> {
    let now = fleet.now();
    fleet.hellos.fetch_add(1, Ordering::Relaxed);
    if !is_version(&hello.version) {
        let text = "the agent's version is longer than 64 bytes, or has control characters";
        return Err(Refused::new(RefusedCode::BadRequest, text));
    }
    notice(fleet, session, &known, &hello, now).await?;
    let from = Some(session.connection.remote_address().ip());
    locked(&fleet.seen).insert(session.machine, Seen { at: now, from });
    locked(&fleet.watch).heard(session.machine, hello.interlock, now);
    let said = Said {
        installer: known
            .said
            .as_ref()
            .map_or_else(String::new, |s| s.installer.clone()),
        hello,
        at: now,
    };
    if known.said.as_ref().map(status) != Some(status(&said)) {
        let store = fleet.store();
        store
            .record_status(&session.machine, &status(&said), now)
            .await?;
    }
    let hello = &said.hello;
    let documents = fleet.documents.load(Ordering::Acquire);
    let (unit, said_orders) = (&known.unit, Some(hello.orders));
    let ordered = orders::digest(fleet, &session.machine, unit, known.orders, said_orders).await?;
    let stored = journal::end(fleet, &session.machine, &known, hello.outbox).await?;
    let mut stale = witness::asked(fleet, &session.machine);
    for (is_stale, what) in [
        (!has_inventory(hello, &known), Stale::INVENTORY),
        (hello.orders != ordered, Stale::ORDERS),
        (hello.journal > stored.sequence, Stale::JOURNAL),
    ] {
        if is_stale {
            stale = stale.with(what);
        }
    }
    let answer = HelloAnswer {
        clock: now,
        stale,
        audit: *locked(&fleet.audit),
        again_ms: spread(fleet.context.settings.hello_every_ms, session.machine, now),
        journal: stored.sequence,
        relay: fleet.relays.of(unit),
    };
    let mut registry = fleet.registry();
    // What came while this was looked at may be a stop that it does not have.
    let is_all = documents == fleet.documents.load(Ordering::Acquire);
    let holds = (is_all && hello.orders == ordered).then_some(now);
    registry.holds(&session.machine, holds);
    if fleet.store().is_shared() {
        registry.booted(&session.machine, said.hello.boot);
    }
    registry.update(&session.machine, |known| known.said = Some(said));
    drop(registry);
    Ok(Answer::Hello(Box::new(answer)))
}

/// Whether a text may be stored and shown as a program's version: it is the machine's word.
pub(super) fn is_version(text: &str) -> bool {
    text.len() <= MAX_VERSION_BYTES && !text.contains(char::is_control)
}

fn has_inventory(hello: &Hello, known: &Known) -> bool {
    hello.inventory != Digest::default() && hello.inventory == known.set
}

/// When to come again: a quarter earlier or later than asked for, differently each time
/// and for each machine, so that a fleet that started at once does not stay together.
fn spread(every_ms: u64, machine: MachineId, now: UtcMs) -> u64 {
    let hash = Digest::of_parts(&[&machine.0, &now.0.to_be_bytes()]);
    let part = u64::from(hash.0[0]) * every_ms / 2 / 256;
    every_ms - every_ms / 4 + part
}

/// Judges who says hello: a copy is refused, and what a person has to look at is stored.
async fn notice(
    fleet: &Fleet,
    session: &Session,
    known: &Known,
    hello: &Hello,
    now: UtcMs,
) -> Result<(), Refused> {
    let noticed = fleet.registry().heard(
        session.machine,
        (session.connection.stable_id(), &session.connection),
        hello,
        now,
    );
    match noticed {
        Noticed::Itself => {}
        Noticed::Again(old) => old.close(close::REPLACED, b"connected again"),
        Noticed::Changed(reason) => suspect(fleet, session, known, &reason, now).await?,
        Noticed::Clone(reason) => {
            suspect(fleet, session, known, &reason, now).await?;
            let text = format!("another machine has this identity ({reason}); a person must look");
            return Err(Refused::new(RefusedCode::Clone, text));
        }
    }
    if fleet.registry().is_regressed(&session.machine) {
        let reason = "its installer's record of what it has seen fell back to an earlier one";
        suspect(fleet, session, known, reason, now).await?;
    }
    Ok(())
}

async fn suspect(
    fleet: &Fleet,
    session: &Session,
    known: &Known,
    reason: &str,
    now: UtcMs,
) -> Result<(), Refused> {
    if known.is_suspect {
        return Ok(());
    }
    let actor = Actor::Machine(session.machine);
    let mut change = fleet.store().change(actor, now).await?;
    change.suspect_clone(&session.machine, reason).await?;
    change.commit().await?;
    fleet.registry().suspect(&session.machine);
    Ok(())
}

/// The stored form of a hello. Half digests are filled up with zeros.
pub(super) fn status(said: &Said) -> MachineStatus {
    let hello = &said.hello;
    MachineStatus {
        boot: hello.boot,
        agent_version: hello.version.clone(),
        installer_version: said.installer.clone(),
        readiness: match hello.ready {
            Some(true) => Readiness::Ready,
            Some(false) => Readiness::NotReady,
            None => Readiness::Unknown,
        },
        interlock: hello.interlock,
        hold_until: hello.held_until,
        watermark: hello.watermark,
        fingerprint: full(hello.fingerprint),
    }
}

fn full(short: ShortDigest) -> Digest {
    let mut digest = Digest::default();
    digest.0[..16].copy_from_slice(&short.0);
    digest
}

/// What a machine said before this collector started.
pub(super) fn said_before(status: MachineStatus) -> Said {
    Said {
        installer: status.installer_version,
        at: UtcMs(0),
        hello: Hello {
            version: status.agent_version,
            boot: status.boot,
            clock: UtcMs(0),
            inventory: Digest::default(),
            // It says so with its first hello.
            orders: ShortDigest::default(),
            watermark: status.watermark,
            outbox: OutboxId([0; 16]),
            journal: 0,
            interlock: status.interlock,
            held_until: status.hold_until,
            ready: match status.readiness {
                Readiness::Ready => Some(true),
                Readiness::NotReady => Some(false),
                Readiness::Unknown => None,
            },
            fingerprint: status.fingerprint.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_short_and_plain() {
        assert!(is_version("0.1.0") && is_version("") && is_version(&"x".repeat(64)));
        for bad in [
            "x".repeat(65),
            "1\n2".into(),
            "\u{1b}[2J".into(),
            "\u{7f}".into(),
        ] {
            assert!(!is_version(&bad), "{bad:?}");
        }
    }

    #[test]
    fn a_fleet_is_spread_over_the_interval() {
        let mut buckets = [0u32; 8];
        for n in 0..4_000u32 {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let again = spread(80_000, MachineId(id), UtcMs(5));
            assert!((60_000..100_000).contains(&again));
            buckets[usize::try_from((again - 60_000) / 5_000).unwrap()] += 1;
        }
        assert!(
            buckets.iter().all(|n| (350..650).contains(n)),
            "{buckets:?}"
        );
    }
}
