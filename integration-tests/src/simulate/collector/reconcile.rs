//! The tasks that take no input: limits, and the ends of jobs and plans.

use crate::simulate::world::World;
use patchward_collector::reconcile::ending::{Late, ended, is_missed, late};
use patchward_collector::store::plans::PlanState;
use patchward_common::job::State;
use patchward_common::time::UtcMs;
use std::rc::Rc;

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
                match self.db.plans[at].state {
                    PlanState::Active => {
                        self.halt_at_limit(at);
                        self.bring_to_end(at);
                    }
                    PlanState::Done => self.look_again(at),
                    _ => {}
                }
            }
            self.halt_models();
            self.collector.looked = (self.db.changes, self.next_end());
        }
        for m in self.db.to_consume.clone() {
            let outbox = self.machines[m].agent.outbox;
            self.consume(m, outbox);
        }
    }

    /// Notes the jobs of a plan that were missed; `false` where a machine may have started
    /// one.
    fn miss_late(&mut self, at: usize) -> bool {
        let now = self.now;
        let plan = &self.db.plans[at];
        let (digest, leaves) = (plan.digest, Rc::clone(&plan.leaves));
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
        all_told
    }

    fn bring_to_end(&mut self, at: usize) {
        if !self.miss_late(at) {
            return;
        }
        let plan = &self.db.plans[at];
        let (digest, expires) = (plan.digest, plan.approval.expires);
        let jobs = self.db.jobs.values().filter(|job| job.plan == digest);
        let Some(state) = ended(jobs.clone().map(|job| &job.state), expires, self.now) else {
            return;
        };
        // One that a person stopped may have started with the go that it had.
        let mut goes = jobs.filter_map(|job| Some((job.id, self.db.outstanding(job.machine)?)));
        if !goes.any(|(job, go)| go.job == job) {
            self.db.plans[at].state = state;
            self.db.orders += 1;
        }
    }

    /// A report that came late says that a job of a plan that is done has not ended.
    fn look_again(&mut self, at: usize) {
        let plan = &self.db.plans[at];
        let (digest, expires) = (plan.digest, plan.approval.expires);
        let mut jobs = self.db.jobs.values().filter(|job| job.plan == digest);
        if jobs.all(|job| job.state.is_final()) {
            return;
        }
        match late(expires, self.now) {
            Late::Miss => {
                self.miss_late(at);
            }
            Late::Activate => {
                self.db.plans[at].state = PlanState::Active;
                self.db.orders += 1;
                self.db.changes += 1;
            }
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
