//! Whose move a job is.

use super::refused::{self, Refusal};
use super::{Item, Kind, Owner, age};
use patchward_common::id::{JobId, Name};
use patchward_common::job::{Reason, State};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;

/// A job as it is judged here.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Its id.
    pub id: JobId,
    /// Its machine's name.
    pub machine: &'a str,
    /// Its machine's unit.
    pub unit: &'a Name,
    /// Its machine's class.
    pub class: Class,
    /// Where it stands.
    pub state: &'a State,
    /// Since when.
    pub since: UtcMs,
    /// Its next slot, where it has one to come or runs in one.
    pub slot: Option<Interval>,
    /// The slot that it was started in, once it was.
    pub runs_in: Option<Interval>,
    /// Why it got no go when its machine asked last.
    pub refused: Option<&'a Refusal>,
    /// Whether a later job of the machine took its place, once it has ended.
    pub is_replaced: bool,
    /// When a person closed it as it stands, and why.
    pub closed: Option<(UtcMs, &'a str)>,
    /// Whether the machine is left as it is on purpose.
    pub excepted: bool,
    /// Who does the work, where it is done by hand.
    pub by_hand: Option<Owner>,
    /// Whether its plan was given out and those who must have not signed it.
    pub unsigned: bool,
}

/// The item of a job; `None` where nothing more is to be done.
pub fn item(job: &Facts<'_>, now: UtcMs) -> Option<Item> {
    let waits = !job.state.is_open() && !job.state.is_final();
    match job.unsigned && waits {
        true => Some(unsigned(job)),
        false => by_state(job, now),
    }
}

fn by_state(job: &Facts<'_>, now: UtcMs) -> Option<Item> {
    let why = || job.state.reason().map(|reason| reason.text.clone());
    let told = |otherwise: &str| why().unwrap_or_else(|| otherwise.to_owned());
    let (kind, owner, why) = match job.state {
        State::Assigned | State::Staged | State::Armed => match job.by_hand {
            Some(worker) => waits_for_a_person(job, worker, now),
            None => waits(job, now),
        },
        State::Deferred(reason) => deferred(reason, job, now),
        // A state that waits for a person is not lost, however long it takes.
        State::RebootPending => restart(job, now),
        State::Installing if let Some(worker) = job.by_hand => at_work(job, worker, now),
        State::Installing | State::Rebooting | State::Measuring | State::Recovering(_) => {
            open(job, now)
        }
        _ if job.is_replaced => return None,
        State::Verified => (
            Kind::Return,
            Owner::Htm,
            "measured and verified; not yet returned to service".to_owned(),
        ),
        State::Attested => (
            Kind::Return,
            Owner::Htm,
            "attested by a person, not measured; not yet returned to service".to_owned(),
        ),
        State::InService => return None,
        State::Stopped(reason) => return behind(job, job.since, &reason.text),
        _ if let Some((at, why)) = job.closed => return behind(job, at, why),
        State::Failed(_) => (
            Kind::Failed,
            Owner::It,
            format!(
                "{}; look at the machine before a patient depends on it, then `job close`",
                told("it failed")
            ),
        ),
        State::Freed(reason) => (
            Kind::Freed,
            Owner::It,
            format!(
                "what is on it is not known: it was let count as up ({}), and nobody measured it",
                reason.text
            ),
        ),
        State::RolledBack(_) => (
            Kind::RolledBack,
            Owner::Htm,
            format!(
                "{}; the version before is back. Judge whether the release is fit for it: a new \
                 plan tries again, `job close` leaves it",
                told("it went back")
            ),
        ),
        State::Missed => (
            Kind::Missed,
            Owner::Htm,
            "its last slot passed without a start; a new plan is needed".to_owned(),
        ),
    };
    // A machine is lost from when it should have been heard.
    let since = match kind {
        Kind::Lost => job.since.plus_ms(age::lost_ms(job.class)),
        Kind::Overrun => job.runs_in.map_or(job.since, Interval::end),
        _ => job.since,
    };
    Some(of(job, kind, owner, since, why))
}

fn of(job: &Facts<'_>, kind: Kind, owner: Owner, since: UtcMs, why: String) -> Item {
    Item {
        kind,
        subject: job.id.to_string(),
        about: job.machine.to_owned(),
        unit: Some(job.unit.clone()),
        class: Some(job.class),
        owner,
        since,
        raise_at: None,
        why,
    }
}

/// The machine refuses what was given to it, and waits for nothing else.
fn unsigned(job: &Facts<'_>) -> Item {
    let why = "its plan is refused: not signed by those who must. Nothing of it starts".to_owned();
    of(job, Kind::Waiting, Owner::Security, job.since, why)
}

/// A person gave a job up: the machine still lacks what was planned for it.
fn behind(job: &Facts<'_>, since: UtcMs, closed: &str) -> Option<Item> {
    let why = format!(
        "it does not have what was planned, and its job was closed ({closed}); plan it with `plan new`, or \
         make an exception"
    );
    let item = of(job, Kind::Behind, Owner::Htm, since, why);
    Some(item).filter(|_| !job.excepted)
}

fn waits(job: &Facts<'_>, now: UtcMs) -> (Kind, Owner, String) {
    let next = job.slot.filter(|slot| now < slot.end());
    let (owner, why) = match (next, refused_now(job, now)) {
        (Some(_), Some(refusal)) => (refused::owner(&refusal.not), refusal.text()),
        (Some(slot), None) if slot.contains(now) => (
            Owner::Time,
            format!("its slot is open until {}", slot.end()),
        ),
        (Some(slot), None) => (Owner::Time, format!("its slot begins at {}", slot.start())),
        (None, _) => (
            Owner::Htm,
            "no slot is left; a new plan is needed".to_owned(),
        ),
    };
    (Kind::Waiting, owner, why)
}

/// Why a job gets no go in the slot that is open.
fn refused_now<'a>(job: &Facts<'a>, now: UtcMs) -> Option<&'a Refusal> {
    let is_open = job.slot.is_some_and(|slot| slot.contains(now));
    job.refused
        .filter(|refusal| is_open && refusal.counts(job.since, now))
}

fn restart(job: &Facts<'_>, now: UtcMs) -> (Kind, Owner, String) {
    let (owner, why) = match refused_now(job, now) {
        Some(refusal) => (refused::owner(&refusal.not), refusal.text()),
        None => (
            Owner::Ward,
            "its restart waits for an idle machine".to_owned(),
        ),
    };
    let why = format!("{why}; until then it counts as down");
    (Kind::Restart, owner, why)
}

/// Work by hand begins with a person, in its slot.
fn waits_for_a_person(job: &Facts<'_>, worker: Owner, now: UtcMs) -> (Kind, Owner, String) {
    match (
        job.slot.filter(|slot| slot.contains(now)),
        refused_now(job, now),
    ) {
        (Some(slot), None) => (
            Kind::Waiting,
            worker,
            format!(
                "its slot is open until {}; begin the work with `job start`",
                slot.end()
            ),
        ),
        _ => waits(job, now),
    }
}

/// Work by hand is going on; what it has beyond its slot is its worker's.
fn at_work(job: &Facts<'_>, worker: Owner, now: UtcMs) -> (Kind, Owner, String) {
    let why = "work by hand is going on; `job done` records it".to_owned();
    let is_in_slot = job
        .runs_in
        .or(job.slot)
        .is_some_and(|slot| slot.contains(now));
    match open(job, now) {
        (kind @ (Kind::Lost | Kind::Overrun), _, why) if !is_in_slot => (kind, worker, why),
        _ => (Kind::Waiting, worker, why),
    }
}

fn deferred(reason: &Reason, job: &Facts<'_>, now: UtcMs) -> (Kind, Owner, String) {
    if refused_now(job, now).is_some() {
        return waits(job, now);
    }
    let owner = match reason.step {
        Some(Step::Interlock | Step::HoldAndStop) => Owner::Ward,
        Some(Step::Vendor | Step::Artifacts | Step::Time) => Owner::It,
        Some(
            Step::Roster
            | Step::Assignment
            | Step::Approval
            | Step::Placement
            | Step::Applicability,
        ) => Owner::Htm,
        Some(Step::Go) | None => {
            let (kind, owner, next) = waits(job, now);
            return (kind, owner, format!("{}; {next}", reason.text));
        }
    };
    (Kind::Waiting, owner, reason.text.clone())
}

fn open(job: &Facts<'_>, now: UtcMs) -> (Kind, Owner, String) {
    if now.since_ms(job.since) >= age::lost_ms(job.class) {
        let why = format!(
            "nothing was heard of it since it was {}; it counts as down",
            job.state.word()
        );
        return (Kind::Lost, Owner::It, why);
    }
    match job.runs_in.filter(|slot| slot.end() <= now) {
        Some(slot) => {
            let why = format!(
                "it is {} beyond its slot, which ended at {}; it counts as down",
                job.state.word(),
                slot.end()
            );
            (Kind::Overrun, Owner::It, why)
        }
        None => (Kind::Waiting, Owner::Time, "work is going on".to_owned()),
    }
}
