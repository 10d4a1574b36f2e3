//! The tasks that take no input: limits, and the ends of jobs and plans.

use crate::simulate::world::World;
use patchward_collector::reconcile::ending::{ended, is_missed};
use patchward_collector::rollout::go::failure_limit;
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::stops::{EVERY_WAVE, Halt, HaltScope};
use patchward_common::job::State;
use patchward_common::time::UtcMs;

impl World {
    /// The tasks that take no input: limits, ends, orders that ran out. They look at plans
    /// where anything changed since they last looked, or time has.
    pub(in crate::simulate) fn reconcile(&mut self) {
        if !self.collector.is_up {
            return;
        }
        let (seen, again_at) = self.collector.looked;
        if self.db.changes != seen || self.now >= again_at {
            for at in 0..self.db.plans.len() {
                if self.db.plans[at].state == PlanState::Active {
                    self.halt_at_limit(at);
                    self.bring_to_end(at);
                }
            }
            self.collector.looked = (self.db.changes, self.next_end());
        }
        for m in self.db.to_consume.clone() {
            let outbox = self.machines[m].agent.outbox;
            self.consume(m, outbox);
        }
    }

    fn halt_at_limit(&mut self, at: usize) {
        let plan = &self.db.plans[at];
        let Err(why) = failure_limit(self.db.failures(plan), &plan.approval) else {
            return;
        };
        let subject = plan.digest.to_string();
        if self.db.halts.iter().any(|halt| halt.subject == subject) {
            return;
        }
        self.db.halts.push(Halt {
            scope: HaltScope::Plan,
            subject,
            wave: EVERY_WAVE,
            at: self.now,
            reason: why.to_string(),
            resumed_at: None,
            resumed_by: None,
        });
    }

    fn bring_to_end(&mut self, at: usize) {
        let now = self.now;
        let plan = &self.db.plans[at];
        let (digest, expires, leaves) = (plan.digest, plan.approval.expires, &plan.leaves);
        let jobs = self.db.jobs.values().filter(|job| job.plan == digest);
        let over = jobs.filter(|job| {
            let leaf = leaves.binary_search_by_key(&job.machine, |leaf| leaf.machine);
            leaf.is_ok_and(|at| is_missed(&job.state, &leaves[at], now))
        });
        let over: Vec<_> = over.map(|job| (job.id, job.machine)).collect();
        let mut all_told = true;
        for (id, machine) in over {
            let go = self.db.outstanding(machine);
            if go.is_some_and(|go| go.job == id) {
                all_told = false;
            } else if let Some(job) = self.db.jobs.get_mut(&id) {
                (job.state, job.since) = (State::Missed, now);
            }
        }
        let jobs = self.db.jobs.values().filter(|job| job.plan == digest);
        let states = jobs.map(|job| &job.state);
        if all_told && let Some(state) = ended(states, expires, now) {
            self.db.plans[at].state = state;
            self.db.orders += 1;
        }
    }

    /// When time alone next ends a job or a plan.
    fn next_end(&self) -> UtcMs {
        let active = self.db.plans.iter();
        let active = active.filter(|plan| plan.state == PlanState::Active);
        let ends = active.flat_map(|plan| {
            let last = plan.leaves.iter().filter_map(|leaf| leaf.slots.last());
            last.map(|slot| slot.end()).chain([plan.approval.expires])
        });
        let ahead = ends.filter(|end| self.now < *end);
        ahead.min().unwrap_or(UtcMs(i64::MAX))
    }
}
