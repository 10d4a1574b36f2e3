//! The tasks that take no input: limits, and the ends of jobs and plans.

use crate::simulate::world::World;
use patchward_collector::reconcile::ending::{ended, is_missed};
use patchward_collector::rollout::go::failure_limit;
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::stops::{EVERY_WAVE, Halt, HaltScope};
use patchward_common::job::State;
use patchward_common::time::UtcMs;

impl World {
    /// The tasks that take no input: limits, ends, orders that ran out.
    pub(in crate::simulate) fn reconcile(&mut self) {
        if !self.collector.is_up {
            return;
        }
        let now = self.now;
        for at in 0..self.db.plans.len() {
            let plan = &self.db.plans[at];
            if plan.state != PlanState::Active {
                continue;
            }
            let failures = self.db.failures(plan);
            let subject = plan.digest.to_string();
            let is_halted = self.db.halts.iter().any(|halt| halt.subject == subject);
            if let Err(why) = failure_limit(failures, &plan.approval)
                && !is_halted
            {
                self.db.halts.push(Halt {
                    scope: HaltScope::Plan,
                    subject,
                    wave: EVERY_WAVE,
                    at: now,
                    reason: why.to_string(),
                    resumed_at: None,
                    resumed_by: None,
                });
            }
            self.bring_to_end(at, now);
        }
        for m in 0..self.machines.len() {
            let outbox = self.machines[m].agent.outbox;
            self.consume(m, outbox);
        }
    }

    fn bring_to_end(&mut self, at: usize, now: UtcMs) {
        let plan = self.db.plans[at].clone();
        let mut all_told = true;
        for leaf in plan.leaves.iter() {
            let id = patchward_common::id::JobId::of(plan.digest, leaf.machine);
            let Some(job) = self.db.jobs.get(&id) else {
                continue;
            };
            if !is_missed(&job.state, leaf, now) {
                continue;
            }
            let go = self.db.outstanding(leaf.machine);
            if go.is_some_and(|go| go.job == id) {
                all_told = false;
                continue;
            }
            if let Some(job) = self.db.jobs.get_mut(&id) {
                (job.state, job.since) = (State::Missed, now);
            }
        }
        let jobs = self.db.jobs.values().filter(|job| job.plan == plan.digest);
        let states = jobs.map(|job| &job.state);
        if all_told && let Some(state) = ended(states, plan.approval.expires, now) {
            self.db.plans[at].state = state;
            self.db.orders += 1;
        }
    }
}
