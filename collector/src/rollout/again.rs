//! Whether a job may get its next slot again. Pure.
//!
//! An approval lets each machine start its job once: an installer never starts a job that
//! has ended there. So only a job of which nothing was ever started can wait again, and
//! only for a slot that was signed.

use patchward_common::digest::Digest;
use patchward_common::job::State;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::check::may_start_at;

/// A job as it is judged here.
#[derive(Clone, Debug)]
pub struct Ended<'a> {
    /// Where it stands.
    pub state: &'a State,
    /// What its machine's own events say of it.
    pub told: &'a State,
    /// The word for its plan's state where that is not active.
    pub over: Option<&'static str>,
    /// The plan.
    pub approval: &'a Approval,
    /// The machine's slots in it.
    pub leaf: &'a PlanLeaf,
    /// Artifacts that this machine's own failures put in quarantine there.
    pub quarantined: &'a [Digest],
}

/// Why a job does not wait again, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the message above each variant is its documentation"
)]
pub enum NotAgain {
    #[error("it is {0} and waits for its slot already; nothing has to be done for it")]
    Waits(&'static str),
    #[error(
        "it is {0}: work is under way. Where the machine was lost and is up, `job free` says so"
    )]
    Open(&'static str),
    #[error("it is {0}: there is nothing left to do")]
    Done(&'static str),
    #[error("its plan is {0}, and no work is done outside of one. Make a new plan: `plan new`")]
    Plan(&'static str),
    #[error(
        "its machine began it and goes on by itself once it is up: then it measures, and that \
         counts. No machine starts a job twice; if this one does not come back, make a new plan: \
         `plan new`"
    )]
    Begun,
    #[error(
        "it ended on the machine ({word}), and no machine starts a job twice: this approval is \
         used up there. Mend the cause and make a new plan. The machine keeps the release in \
         quarantine, which only a new approval lifts, signed with what it clears: \
         `plan new … {clears}`"
    )]
    Quarantined { word: &'static str, clears: String },
    #[error(
        "it was stopped at the machine itself, and no machine starts a job twice. Ask there why; \
         then make a new plan: `plan new`"
    )]
    StoppedThere,
    #[error(
        "no slot of its approval is left that is long enough, and no work is done outside of \
         those that were signed. Make a new plan: `plan new`"
    )]
    NoSlot,
}

/// The slot for which a job waits again.
pub fn again(job: &Ended<'_>, now: UtcMs) -> Result<Interval, NotAgain> {
    let word = job.state.word();
    match job.state {
        State::Assigned | State::Staged | State::Armed | State::Deferred(_) => {
            return Err(NotAgain::Waits(word));
        }
        State::Verified | State::Attested | State::InService => return Err(NotAgain::Done(word)),
        open if open.is_open() => return Err(NotAgain::Open(word)),
        _ => {}
    }
    match job.told {
        State::Stopped(_) => return Err(NotAgain::StoppedThere),
        told if told.is_final() => return Err(quarantined(job, told.word())),
        told if told.is_open() => return Err(NotAgain::Begun),
        _ => {}
    }
    match job.over {
        Some(word) => return Err(NotAgain::Plan(word)),
        None if job.approval.expires <= now => return Err(NotAgain::Plan("expired")),
        None => {}
    }
    let is_barred =
        |digest: &Digest| job.quarantined.contains(digest) && !job.approval.clears.contains(digest);
    if job
        .approval
        .artifacts()
        .any(|artifact| is_barred(&artifact.sha256))
    {
        return Err(quarantined(job, "by an earlier job"));
    }
    next_slot(job, now).ok_or(NotAgain::NoSlot)
}

/// The first slot in which the job can still start.
fn next_slot(job: &Ended<'_>, now: UtcMs) -> Option<Interval> {
    let longest_ms = job.approval.longest_run_ms();
    let mut slots = job.leaf.slots.iter().copied();
    slots.find(|slot| may_start_at(job.leaf, longest_ms, slot.start().max(now)).is_ok())
}

fn quarantined(job: &Ended<'_>, word: &'static str) -> NotAgain {
    let mut digests: Vec<Digest> = job.approval.artifacts().map(|one| one.sha256).collect();
    digests.sort();
    digests.dedup();
    let clears = digests.iter().map(|digest| format!("--clear {digest}"));
    NotAgain::Quarantined {
        word,
        clears: clears.collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests;
