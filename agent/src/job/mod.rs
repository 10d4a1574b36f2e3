//! What the agent does next for the jobs of this machine: staging and carrying. Pure; the
//! installer decides what may start.

use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name};
use patchward_common::job::State;
use patchward_common::time::{Interval, MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::check::Step;
use std::collections::{BTreeMap, BTreeSet};

/// How often an open job is looked at.
const LOOK_MS: i64 = 2 * SECOND_MS;
/// How often a waiting job is looked at while its slot is open: somebody may leave.
const OPEN_SLOT_MS: i64 = 20 * SECOND_MS;
/// When a start is tried again that was refused while the machine is idle.
const AGAIN_IDLE_MS: i64 = 20 * SECOND_MS;
/// When it is tried again while the machine is in use: each try is an event to store.
const AGAIN_IN_USE_MS: i64 = 5 * MINUTE_MS;
/// When preparing or fetching is tried again after it failed.
const AGAIN_PREPARE_MS: i64 = 5 * MINUTE_MS;

/// What an approval wants on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its job here.
    pub job: JobId,
    /// The approval.
    pub approval: Digest,
    /// The repositories whose metadata is needed.
    pub repositories: BTreeSet<Name>,
    /// Every artifact, rollback included, with its length.
    pub artifacts: BTreeMap<Digest, u64>,
}

impl Wanted {
    /// What `approval`, named by `digest`, wants on `machine`.
    pub fn of(digest: Digest, approval: &Approval, machine: MachineId) -> Self {
        let repositories = approval.releases.iter().map(|r| r.repository.clone());
        let artifacts = approval.artifacts().map(|a| (a.sha256, a.length));
        Self {
            job: JobId::of(digest, machine),
            approval: digest,
            repositories: repositories.collect(),
            artifacts: artifacts.collect(),
        }
    }
}

/// A job as it stands.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The job.
    pub job: JobId,
    /// What the installer says of it.
    pub state: State,
    /// Its slots.
    pub slots: Vec<Interval>,
    /// The longest that it may run.
    pub longest_run_ms: i64,
    /// Whether metadata and artifacts are all here, and fresh.
    pub is_fetched: bool,
    /// When it was last tried to move it on.
    pub tried_at: Option<UtcMs>,
    /// Before this, the collector does not want to be asked.
    pub not_before: UtcMs,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Fetch metadata and artifacts.
    Fetch(JobId),
    /// Let the installer prepare.
    Prepare(JobId),
    /// Ask for a go and let the installer start.
    Start(JobId),
    /// Ask for a go and let the installer restart the machine.
    Reboot(JobId),
}

impl Effect {
    /// Its job.
    pub fn job(self) -> JobId {
        match self {
            Self::Fetch(job) | Self::Prepare(job) | Self::Start(job) | Self::Reboot(job) => job,
        }
    }
}

/// What is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do this, then look again.
    Do(Effect),
    /// Look again after so many milliseconds.
    Wait(i64),
    /// Nothing will happen before something else changes.
    Nothing,
}

/// Decides over all jobs: the first that can be moved is moved, one starts at a time.
pub fn next(jobs: &[Seen], is_idle: bool, now: UtcMs) -> Next {
    let is_open = jobs.iter().any(|job| job.state.is_open());
    let mut wait_ms: Option<i64> = None;
    for job in jobs {
        match step(job, is_idle, is_open, now) {
            Next::Do(effect) => return Next::Do(effect),
            Next::Wait(ms) => wait_ms = Some(wait_ms.map_or(ms, |least| least.min(ms))),
            Next::Nothing => {}
        }
    }
    wait_ms.map_or(Next::Nothing, Next::Wait)
}

fn step(job: &Seen, is_idle: bool, is_open: bool, now: UtcMs) -> Next {
    match &job.state {
        State::RebootPending => at_slot(job, Effect::Reboot(job.job), is_idle, now),
        state if state.is_open() => Next::Wait(LOOK_MS),
        state if state.is_final() => Next::Nothing,
        // Its last slot is over: the collector will say so.
        _ if job.slots.iter().all(|slot| slot.end() <= now) => Next::Nothing,
        _ if !job.is_fetched => again(job, Effect::Fetch(job.job), AGAIN_PREPARE_MS, now),
        state if !is_prepared(state) => again(job, Effect::Prepare(job.job), AGAIN_PREPARE_MS, now),
        _ if is_open => Next::Wait(LOOK_MS),
        _ => at_slot(job, Effect::Start(job.job), is_idle, now),
    }
}

/// Whether steps 1 to 7 have passed, as far as the state tells.
fn is_prepared(state: &State) -> bool {
    match state {
        State::Assigned => false,
        State::Deferred(reason) => reason.step.is_none_or(|step| step >= Step::Go),
        _ => true,
    }
}

fn at_slot(job: &Seen, effect: Effect, is_idle: bool, now: UtcMs) -> Next {
    let needed_ms = job.longest_run_ms;
    let fits = |slot: &&Interval| slot.contains(now) && slot.end().since_ms(now) >= needed_ms;
    if job.slots.iter().any(|slot| fits(&slot)) {
        let again_ms = if is_idle {
            AGAIN_IDLE_MS
        } else {
            AGAIN_IN_USE_MS
        };
        return match again(job, effect, again_ms, now) {
            Next::Wait(ms) => Next::Wait(ms.min(OPEN_SLOT_MS)),
            other => other,
        };
    }
    let starts = job.slots.iter().map(|slot| slot.start().since_ms(now));
    match starts.filter(|ms| *ms > 0).min() {
        Some(ms) => Next::Wait(ms),
        None => Next::Nothing,
    }
}

fn again(job: &Seen, effect: Effect, again_ms: i64, now: UtcMs) -> Next {
    let tried = job.tried_at.map_or(now, |at| at.plus_ms(again_ms));
    // A clock that was set back must not hold us up for longer than the wait.
    let due_ms = tried.max(job.not_before).since_ms(now);
    if due_ms <= 0 {
        Next::Do(effect)
    } else {
        Next::Wait(due_ms)
    }
}

#[cfg(test)]
mod tests;
