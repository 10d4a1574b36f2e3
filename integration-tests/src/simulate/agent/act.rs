//! What the agent does next for the jobs of its machine: the product's `job::next` says it.

use super::{PACE_MS, Stage};
use crate::simulate::collector::HELLO_TAKES_MS;
use crate::simulate::fault::Fault;
use crate::simulate::installer::Denied;
use crate::simulate::machine::Known;
use crate::simulate::mutant::Mutant;
use crate::simulate::network::Ask;
use crate::simulate::world::{Event, World};
use patchward_agent::job::{self, Effect, Next, Seen};
use patchward_collector::rollout::go::GO_LIFE_MS;
use patchward_common::id::JobId;
use patchward_common::time::{HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::check::Step;
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;

/// Longest time without a look, in a machine with nothing to do.
const LOOK_MS: i64 = 8 * HOUR_MS;
/// Shortest time between two looks while a slot is open. The product looks every 20 s; each
/// look that finds nothing new is one more of the same.
const OPEN_LOOK_MS: i64 = 90 * SECOND_MS;
/// Metadata older than this is fetched again, as in the product.
const METADATA_LIFE_MS: i64 = HOUR_MS;

impl World {
    /// In how long the next slot of a job that has been looked at comes near.
    fn far_ms(&self, m: usize, known: &Known) -> i64 {
        let machine = &self.machines[m];
        let state = machine.state(known.job);
        let now = machine.clock(self.now);
        if state.word() == "assigned" || state.is_open() || state.is_final() {
            return 0;
        }
        let mut slots = known.slots.iter().filter(|slot| now < slot.end());
        let next = slots.next().map_or(0, |slot| slot.start().since_ms(now));
        (next - HOUR_MS).max(0)
    }

    fn seen(&self, m: usize) -> Vec<Seen> {
        let machine = &self.machines[m];
        let now = machine.clock(self.now);
        let known = machine.known.iter();
        let known = known.filter(|known| self.far_ms(m, known) == 0);
        known
            .map(|known| {
                let agent = &machine.agent;
                let tried = agent.tries.get(&known.job).copied().unwrap_or_default();
                let is_fresh = agent.edition.is_some()
                    && (0..METADATA_LIFE_MS).contains(&now.since_ms(agent.edition_at));
                let mut artifacts = known.artifacts.iter();
                let mut slots = known.slots.clone();
                if self.mutant == Some(Mutant::NextSlotForgotten) {
                    slots.truncate(1);
                }
                Seen {
                    job: known.job,
                    state: machine.state(known.job),
                    slots,
                    longest_run_ms: known.longest_run_ms,
                    is_fetched: is_fresh && artifacts.all(|a| agent.fetched.contains_key(a)),
                    tried_at: tried.at,
                    not_before: tried.not_before,
                }
            })
            .collect()
    }

    /// In how long a quiet hello of this machine would end a go that nobody used. Others are
    /// not played.
    fn quiet_hello_ms(&self, m: usize) -> Option<i64> {
        let go = self.db.outstanding(self.machines[m].id)?;
        let job = self.db.jobs.get(&go.job);
        let at = go.issued_at.plus_ms(GO_LIFE_MS + HELLO_TAKES_MS + 1);
        let ms = at.since_ms(self.now).max(PACE_MS);
        (!job.is_some_and(|job| job.state.is_open())).then_some(ms)
    }

    /// Does what is next for the jobs of this machine.
    pub(super) fn act(&mut self, m: usize) {
        if !self.machines[m].answers() {
            return self.wake_in(m, 2 * MINUTE_MS);
        }
        let now = self.clock_of(m);
        let is_idle = matches!(
            self.interlock(m, false),
            patchward_common::trust::check::Interlock::Idle
        );
        let far = self.machines[m].known.iter();
        let far = far.map(|known| self.far_ms(m, known)).filter(|ms| *ms > 0);
        let longest_ms = far.min().unwrap_or(LOOK_MS).clamp(OPEN_LOOK_MS, LOOK_MS);
        let longest_ms = self
            .quiet_hello_ms(m)
            .map_or(longest_ms, |ms| ms.min(longest_ms));
        let effect = match job::next(&self.seen(m), is_idle, now) {
            Next::Do(effect) => effect,
            Next::Wait(ms) => return self.wake_in(m, ms.clamp(OPEN_LOOK_MS, longest_ms)),
            Next::Nothing => return self.wake_in(m, longest_ms),
        };
        let job = effect.job();
        self.machines[m].agent.tries.entry(job).or_default().at = Some(now);
        match effect {
            Effect::Fetch(job) => {
                let known = self.machines[m].known.iter().find(|known| known.job == job);
                let artifacts = known.map_or_else(Vec::new, |known| known.artifacts.clone());
                let fetched = &self.machines[m].agent.fetched;
                let lacks = artifacts.into_iter().filter(|a| !fetched.contains_key(a));
                let ask = Ask::Fetch(lacks.collect());
                self.ask(m, Stage::Fetch(job), ask);
            }
            Effect::Prepare(job) => {
                let before = self.machines[m].state(job).word();
                let prepared = self.prepare(m, job);
                self.looked(m, job, before, prepared.err());
            }
            Effect::Start(_) if self.lies_in_wait(m) => self.wake_in(m, MINUTE_MS),
            Effect::Start(_) | Effect::Reboot(_) => {
                let approval = self.machines[m].known.iter().find(|known| known.job == job);
                let approval = approval.map(|known| known.approval);
                let (Some(approval), Ok(nonce)) = (approval, self.nonce(m, job)) else {
                    return self.wake_in(m, MINUTE_MS);
                };
                let boot = self.machines[m].boot;
                let ask = Ask::Go {
                    job,
                    approval,
                    boot,
                    nonce,
                };
                self.ask(m, Stage::Go(effect), ask);
            }
        }
    }

    /// A go came: the installer decides.
    pub(super) fn go_came(&mut self, m: usize, effect: Effect, go: Signed<Go>) {
        let job = effect.job();
        self.machines[m].agent.last_go = Some((job, go.clone()));
        if self.machines[m].is_hostile && self.chance.of_10k(3_000) {
            // It holds the go back for as long as it likes.
            let ms = self.chance.within(0, 310 * SECOND_MS);
            self.count(Fault::Delayed);
            return self.after(ms, Event::HeldGo(m, effect, Box::new(go)));
        }
        self.carry_go(m, effect, &go);
    }

    pub(in crate::simulate) fn carry_go(&mut self, m: usize, effect: Effect, go: &Signed<Go>) {
        let job = effect.job();
        let before = self.machines[m].state(job).word();
        let done = match effect {
            Effect::Reboot(_) => self.reboot(m, job, go),
            _ => self.start(m, job, go),
        };
        self.looked(m, job, before, done.err());
    }

    /// What the agent does after its installer said how it went.
    fn looked(&mut self, m: usize, job: JobId, before: &'static str, denied: Option<Denied>) {
        if let Some(Denied::Refused(reason)) = denied {
            let agent = &mut self.machines[m].agent;
            match reason.step {
                Some(Step::Vendor) => agent.edition_at = UtcMs(0),
                // Artifacts that are not what their names say are fetched anew.
                Some(Step::Artifacts) => agent.fetched.retain(|name, bytes| name == bytes),
                _ => {}
            }
        }
        let machine = &mut self.machines[m];
        if before == "assigned" && before != machine.state(job).word() {
            machine.agent.tries.remove(&job);
        }
        self.wake_in(m, SECOND_MS);
    }
}
