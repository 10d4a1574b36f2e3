//! Go or not now. Pure.
//!
//! Everything that forbids a start is looked at again here, at the last moment before the
//! installer's own checks: a stop, a freeze, a hold, a halt, the failure limit, and above
//! all that enough other members of each coverage group are ready.

use crate::rollout::clocks::{self, AHEAD_MS};
use crate::rollout::forbid::{halt_of, is_stopped};
use crate::rollout::{model, wave};
use crate::schedule::opening;
use crate::store::go::{GoSnapshot, GroupSnapshot, Member};
use crate::store::machines::{MachineState, Readiness};
use crate::store::places::SwitchedOff;
use crate::store::plans::PlanState;
use crate::store::windows::{Area, Feed};
use patchward_common::id::{JobId, MachineId, Name};
use patchward_common::job::State;
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf, START_ALLOWANCE_MS};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::check::may_start_at;

/// A machine that was not heard for so long is not ready: a few hellos were missed.
pub const READY_WITHIN_MS: i64 = 10 * MINUTE_MS;
/// A calendar that was not read for so long says nothing about tonight, where its freezes
/// would hold.
pub const FEED_LIFE_MS: i64 = 7 * DAY_MS;
/// When to ask again while others have to come back first.
const SOON_MS: u64 = MINUTE_MS as u64;
/// When to ask again after reports were read, which takes no longer than a moment.
const MOMENT_MS: u64 = 2_000;
/// When to ask again after what only a person ends.
const LATER_MS: u64 = 10 * MINUTE_MS as u64;

/// After so long nothing starts with a go that was issued: the nonce lives five minutes, and
/// hashing everything again is part of the start allowance.
pub const GO_LIFE_MS: i64 = START_ALLOWANCE_MS;

/// Whether a go that was there at `since` was never used: its machine says hello after the go's life, and everything
/// that it had journalled by then has been turned into states, while the go has not ended.
/// A start would have been the first of that. Without this a go whose answer was lost, or
/// that the installer refused for the same reason as before, would count as down for ever.
pub fn is_unused(since: UtcMs, journalled: u64, consumed: u64, now: UtcMs) -> bool {
    now.since_ms(since) > GO_LIFE_MS && journalled <= consumed
}

/// What stands in the plan's signed bytes, beside the snapshot of what may change.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The approval.
    pub approval: Approval,
    /// The machine's leaf.
    pub leaf: PlanLeaf,
    /// The vendors of the approval's repositories.
    pub vendors: Vec<Name>,
    /// Whether the machine's watermark fell back to one that was seen before.
    pub is_regressed: bool,
    /// Whether the machine has said that it holds everything that was signed for it, so
    /// that it knows its mode.
    pub is_told: bool,
    /// What is wrong with the clocks of the collectors on the database.
    pub clocks: Option<clocks::Wrong>,
}

/// Why not now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the message above each variant is its documentation"
)]
pub enum Not {
    #[error("the collector was restored, and nobody has confirmed yet that it is the one")]
    Restored,
    #[error("{0}")]
    Clocks(clocks::Wrong),
    #[error("the machine is {}", .0.word())]
    Machine(MachineState),
    #[error("a copy of this machine may be about; a person must look first")]
    Clone,
    #[error("the installer's record of what it has seen fell back; a person must look first")]
    Watermark,
    #[error("the machine's mode is observe")]
    Mode,
    #[error("the machine is worked on by hand; no agent starts anything on it")]
    ByHand,
    #[error("the plan is {}", .0.word())]
    Plan(PlanState),
    #[error("the job is {0}")]
    Job(&'static str),
    #[error("what this machine reported last is still being read")]
    Unread,
    #[error("another job of this machine is under way: {0}")]
    AtWork(JobId),
    #[error("{0}")]
    Slot(String),
    #[error("stopped")]
    Stopped,
    #[error("halted: {0}")]
    Halted(String),
    #[error(
        "{found} of its machines went wrong (failed or rolled back), and the plan halts at {limit}"
    )]
    FailureLimit { found: u64, limit: u32 },
    #[error("{found} machines of the model {model} failed or were rolled back; HTM judges first")]
    Model { model: Name, found: u32 },
    #[error("its wave is not open: {0}")]
    Wave(wave::Closed),
    #[error("no window of the unit is open long enough now; it was shortened or removed since")]
    Window,
    #[error("held by the ward until {0}")]
    Held(UtcMs),
    #[error("frozen until {until}: {reason}")]
    Frozen { until: UtcMs, reason: String },
    #[error("a freeze begins at {from}, before the whole run would be over: {reason}")]
    FreezeBegins { from: UtcMs, reason: String },
    #[error("the calendar {0} was not read for more than 7 days; nobody knows its freezes")]
    Feed(Name),
    #[error("in {group} {ready} other machines are ready, and {minimum} must stay ready")]
    Group {
        group: Name,
        ready: u32,
        minimum: u32,
    },
}

impl Not {
    /// When to ask again, in milliseconds.
    pub fn again_ms(&self, now: UtcMs) -> u64 {
        let until = |at: UtcMs| u64::try_from(at.since_ms(now)).unwrap_or(0).max(1_000);
        match self {
            Self::Held(at)
            | Self::Frozen { until: at, .. }
            | Self::Wave(wave::Closed::Soak { until: at }) => until(*at).min(LATER_MS),
            Self::Group { .. } | Self::Job(_) | Self::AtWork(_) => SOON_MS,
            Self::Clocks(clocks::Wrong::Apart { .. }) => SOON_MS,
            Self::Unread | Self::Clocks(clocks::Wrong::Unknown) => MOMENT_MS,
            _ => LATER_MS,
        }
    }
}

/// Whether a job may start now.
pub fn decide(snapshot: &GoSnapshot, planned: &Planned, now: UtcMs) -> Result<(), Not> {
    machine(snapshot, planned)?;
    // What follows holds stamps of all collectors against this one's clock.
    if let Some(wrong) = &planned.clocks {
        return Err(Not::Clocks(wrong.clone()));
    }
    plan(snapshot, planned, now)?;
    stops(snapshot, planned)?;
    halts(snapshot, planned)?;
    wave(snapshot, planned, now)?;
    holds(snapshot, now)?;
    let run = run_from(now, planned.approval.longest_run_ms()).ok_or(Not::Window)?;
    windows(snapshot, run)?;
    freezes(snapshot, planned, run)?;
    let machine = &snapshot.machine.id;
    snapshot
        .groups
        .iter()
        .try_for_each(|group| enough_ready(group, machine, now))
}

fn machine(snapshot: &GoSnapshot, planned: &Planned) -> Result<(), Not> {
    if snapshot.awaits_confirmation {
        return Err(Not::Restored);
    }
    if snapshot.machine.state != MachineState::Enrolled {
        return Err(Not::Machine(snapshot.machine.state));
    }
    if snapshot.machine.clone_suspected_at.is_some() {
        return Err(Not::Clone);
    }
    if planned.is_regressed {
        return Err(Not::Watermark);
    }
    if snapshot.machine.mode == Mode::Observe {
        return Err(Not::Mode);
    }
    // The report of how an older go ended would end this one.
    if snapshot.is_unread {
        return Err(Not::Unread);
    }
    snapshot.at_work.map_or(Ok(()), |job| Err(Not::AtWork(job)))
}

fn plan(snapshot: &GoSnapshot, planned: &Planned, now: UtcMs) -> Result<(), Not> {
    match snapshot.plan.state {
        PlanState::Active if now < snapshot.plan.expires_at => {}
        PlanState::Active => return Err(Not::Plan(PlanState::Expired)),
        other => return Err(Not::Plan(other)),
    }
    match snapshot.job.state {
        State::Assigned | State::Staged | State::Armed | State::Deferred(_) => {}
        State::RebootPending => {}
        ref other => return Err(Not::Job(other.word())),
    }
    let longest = planned.approval.longest_run_ms();
    may_start_at(&planned.leaf, longest, now)
        .map(|_| ())
        .map_err(|why| Not::Slot(why.to_string()))
}

fn stops(snapshot: &GoSnapshot, planned: &Planned) -> Result<(), Not> {
    let (unit, plan) = (&snapshot.machine.unit, &snapshot.plan.id);
    match is_stopped(
        &snapshot.stops,
        unit,
        plan,
        &planned.approval,
        &planned.vendors,
    ) {
        true => Err(Not::Stopped),
        false => Ok(()),
    }
}

fn halts(snapshot: &GoSnapshot, planned: &Planned) -> Result<(), Not> {
    let (plan, wave) = (&snapshot.plan.id, snapshot.job.wave);
    let (halts, of) = (&snapshot.halts, Some(&snapshot.machine.model));
    if let Some(halt) = halt_of(halts, plan, wave, &planned.approval, of) {
        return Err(Not::Halted(halt.reason.clone()));
    }
    // The halt that says so may not be written yet.
    let found = snapshot.of_model;
    if model::is_halted(found) {
        let model = snapshot.machine.model.clone();
        return Err(Not::Model { model, found });
    }
    failure_limit(snapshot.failures, &planned.approval)
}

/// A rehearsal waits for no wave: it changes nothing, and a wave before that rehearses too
/// has no outcomes. That a machine rehearses is known here by what HTM signed last, so the
/// machine must have said that it holds that. A restart waits: it is what a bad release
/// breaks, and a machine that waits for it works.
fn wave(snapshot: &GoSnapshot, planned: &Planned, now: UtcMs) -> Result<(), Not> {
    let rehearses = snapshot.machine.mode == Mode::Rehearse && planned.is_told;
    if rehearses && snapshot.job.state != State::RebootPending {
        return Ok(());
    }
    match &snapshot.before {
        None => Ok(()),
        Some(before) => wave::is_open(before, now).map_err(Not::Wave),
    }
}

/// Whether so many failures halt a plan.
pub fn failure_limit(found: u64, approval: &Approval) -> Result<(), Not> {
    // A limit of 0 would never let anything start.
    let limit = approval.failure_limit.max(1);
    if found >= u64::from(limit) {
        return Err(Not::FailureLimit { found, limit });
    }
    Ok(())
}

/// The time that a run from now on may take: what windows and freezes are asked about.
pub fn run_from(now: UtcMs, longest_run_ms: i64) -> Option<Interval> {
    Interval::new(now, now.plus_ms(longest_run_ms.max(1))).ok()
}

/// The whole run must lie in the unit's windows as they are now: one that was shortened
/// or removed stops signed work at once.
fn windows(snapshot: &GoSnapshot, run: Interval) -> Result<(), Not> {
    let mut open = Vec::new();
    for window in &snapshot.windows {
        // What cannot be understood opens nothing.
        let openings = window.understood().ok().and_then(|w| w.openings(run).ok());
        open.extend(openings.into_iter().flatten());
    }
    let holds_run = |open: &Interval| open.start() <= run.start() && run.end() <= open.end();
    match opening::union(open).iter().any(holds_run) {
        true => Ok(()),
        false => Err(Not::Window),
    }
}

fn holds(snapshot: &GoSnapshot, now: UtcMs) -> Result<(), Not> {
    let here = snapshot
        .status
        .as_ref()
        .and_then(|status| status.hold_until);
    let said = snapshot
        .holds
        .iter()
        .filter(|hold| covers(hold.area, &hold.subject, snapshot));
    let until = said.map(|hold| hold.until).chain(here).max();
    match until {
        Some(until) if until > now => Err(Not::Held(until)),
        _ => Ok(()),
    }
}

/// No freeze may begin before the whole run would be over: only the start is asked for,
/// and what runs goes on to its end.
fn freezes(snapshot: &GoSnapshot, planned: &Planned, run: Interval) -> Result<(), Not> {
    let now = run.start();
    let emergency = planned.approval.emergency.as_ref();
    let is_overridden = |id| emergency.is_some_and(|emergency| emergency.freezes.contains(id));
    for freeze in &snapshot.freezes {
        let is_met = freeze.start < run.end() && now < freeze.end;
        let is_here = covers(freeze.area, &freeze.subject, snapshot);
        if !is_met || !is_here || is_overridden(&freeze.id) {
            continue;
        }
        let (from, until, reason) = (freeze.start, freeze.end, freeze.reason.clone());
        return Err(match from <= now {
            true => Not::Frozen { until, reason },
            false => Not::FreezeBegins { from, reason },
        });
    }
    let is_old = |feed: &&Feed| {
        let is_here = covers(feed.area, &feed.subject, snapshot);
        is_here && now.since_ms(feed.read_at) > FEED_LIFE_MS
    };
    match snapshot.feeds.iter().find(is_old) {
        Some(feed) => Err(Not::Feed(feed.source.clone())),
        None => Ok(()),
    }
}

fn covers(area: Area, subject: &str, snapshot: &GoSnapshot) -> bool {
    match area {
        Area::All => true,
        Area::Site => subject == snapshot.unit.site.as_str(),
        Area::Unit => subject == snapshot.unit.name.as_str(),
        Area::Machine => subject == snapshot.machine.id.to_string(),
    }
}

/// The *other* ready members, less those with a go or an open job.
fn enough_ready(snapshot: &GroupSnapshot, machine: &MachineId, now: UtcMs) -> Result<(), Not> {
    let rule = snapshot.group.switched_off;
    let others = snapshot.members.iter().filter(|m| m.machine != *machine);
    let ready = others.filter(|member| is_ready(member, rule, now)).count();
    let ready = u32::try_from(ready).unwrap_or(u32::MAX);
    let minimum = snapshot.group.minimum_ready;
    if ready < minimum {
        return Err(Not::Group {
            group: snapshot.group.name.clone(),
            ready,
            minimum,
        });
    }
    Ok(())
}

/// Whether a member could take a patient now. One without a readiness probe is ready
/// while it is heard; one that is not heard only where the group counts machines that
/// are switched off. One without an agent is ready while a person's dated word for it counts.
/// When one was heard whose stamp lies ahead nobody knows: it is neither heard nor switched off.
pub fn is_ready(member: &Member, rule: SwitchedOff, now: UtcMs) -> bool {
    if member.state != MachineState::Enrolled || member.go.is_some() || member.open_job.is_some() {
        return false;
    }
    if member.mode == Mode::Manual {
        return member.vouched_until.is_some_and(|until| now < until);
    }
    let heard = member.heard_at.map(|at| now.since_ms(at));
    if heard.is_some_and(|ago| ago < -AHEAD_MS) {
        return false;
    }
    if heard.is_some_and(|ago| ago <= READY_WITHIN_MS) {
        return member.readiness != Some(Readiness::NotReady);
    }
    rule == SwitchedOff::Counts && heard.is_some()
}

#[cfg(test)]
mod tests;
