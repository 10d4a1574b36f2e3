//! Which of a machine's jobs counts, and which were replaced by a later one.
//!
//! A job's last change of state says nothing of that: returning a machine to service for
//! an older job moves the older one last.

use crate::store::jobs::{Job, Standing};
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::job::State;
use patchward_common::time::UtcMs;
use std::collections::BTreeMap;

/// When every plan was made: a newer plan is the one that was made later.
#[derive(Debug)]
pub(super) struct Made(BTreeMap<Digest, UtcMs>);

impl Made {
    /// Reads it.
    pub(super) async fn read(view: &mut View) -> Result<Self, StoreError> {
        let plans = view.plans(None).await?.into_iter();
        Ok(Self(plans.map(|plan| (plan.id, plan.created_at)).collect()))
    }

    /// The same of the plans of these jobs alone.
    pub(super) async fn of_jobs<'a>(
        view: &mut View,
        jobs: impl IntoIterator<Item = &'a Job>,
    ) -> Result<Self, StoreError> {
        let plans = jobs.into_iter().map(|job| job.plan);
        Ok(Self(view.plans_made(plans).await?))
    }

    fn of(&self, job: &Job) -> UtcMs {
        self.0.get(&job.plan).copied().unwrap_or(UtcMs(i64::MIN))
    }

    /// The job of a machine by which it is judged: the one of its newest plan.
    pub(super) fn newest<'a>(&self, jobs: impl IntoIterator<Item = &'a Job>) -> Option<&'a Job> {
        let jobs = jobs.into_iter();
        jobs.max_by_key(|job| (self.of(job), job.id))
    }

    /// Whether another of its machine's jobs took the place of one that has ended.
    pub(super) fn is_replaced(&self, job: &Job, others: &[Job]) -> bool {
        let key = |job: &Job| (self.of(job), job.id);
        let mut newer = others.iter().filter(|other| key(other) > key(job));
        newer.any(|newer| match &job.state {
            // Returning the machine for the newer one returns it for both.
            State::Verified | State::Attested | State::InService => {
                is_done(&newer.state) && began(newer) >= began(job)
            }
            // A plan that was made before the failure knew nothing of it.
            State::Failed(_) | State::RolledBack(_) | State::Freed(_) => {
                self.of(newer) > job.since || began(newer) > began(job)
            }
            _ => true,
        })
    }
}

fn is_done(state: &State) -> bool {
    matches!(state, State::Verified | State::Attested | State::InService)
}

/// When work on a job began, by its slot.
fn began(job: &Job) -> Option<UtcMs> {
    let has_begun = job.attempt > 0 && Standing::of(&job.state) != Standing::Waiting;
    job.slot.filter(|_| has_begun).map(|slot| slot.start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::{JobId, MachineId};
    use patchward_common::job::Reason;
    use patchward_common::time::Interval;

    const OLD: Digest = Digest([1; 32]);
    const NEW: Digest = Digest([2; 32]);

    fn made() -> Made {
        Made(BTreeMap::from([(OLD, UtcMs(100)), (NEW, UtcMs(200))]))
    }

    /// A job of a plan that began at `began` and is in its state since `since`.
    fn job(plan: Digest, state: State, began: Option<i64>, since: i64) -> Job {
        let machine = MachineId([1; 32]);
        let slot = began.and_then(|at| Interval::new(UtcMs(at), UtcMs(at + 10)).ok());
        Job {
            id: JobId::of(plan, machine),
            plan,
            machine,
            wave: 0,
            state,
            since: UtcMs(since),
            attempt: u32::from(slot.is_some()),
            slot,
            generation: 1,
        }
    }

    fn rolled_back() -> State {
        State::RolledBack(Reason::new("it does not start"))
    }

    #[test]
    fn the_job_of_the_newest_plan_counts_whichever_moved_last() {
        let older = job(OLD, State::InService, Some(110), 900);
        let newer = job(NEW, rolled_back(), Some(210), 220);
        let made = made();
        for jobs in [[&older, &newer], [&newer, &older]] {
            assert_eq!(made.newest(jobs).map(|job| job.plan), Some(NEW));
        }
        let both = [older.clone(), newer.clone()];
        assert!(!made.is_replaced(&newer, &both));
        assert!(
            !made.is_replaced(&older, &both),
            "the newer did not succeed"
        );
    }

    #[test]
    fn what_went_wrong_is_replaced_by_what_was_planned_or_ran_afterwards() {
        let made = made();
        let early = job(OLD, rolled_back(), Some(110), 120);
        let late = job(OLD, rolled_back(), Some(300), 310);
        let waits = job(NEW, State::Armed, None, 205);
        let ran = job(NEW, State::Verified, Some(400), 999);
        for (job, other, replaced) in [
            (&early, &waits, true),
            (&late, &waits, false),
            (&late, &ran, true),
            (&waits, &late, false),
        ] {
            let found = made.is_replaced(job, std::slice::from_ref(other));
            assert_eq!(found, replaced, "{job:?} by {other:?}");
        }
        // What a newer job did before an older one failed does not mend that.
        let before = job(NEW, State::InService, Some(210), 999);
        assert!(!made.is_replaced(&late, &[before]));
        let missed = job(OLD, State::Missed, None, 310);
        assert!(made.is_replaced(&missed, &[waits]));
    }

    #[test]
    fn a_machine_is_returned_once_for_all_that_was_verified_on_it() {
        let made = made();
        let older = job(OLD, State::Verified, Some(110), 120);
        let newer = |state, began| [job(NEW, state, began, 220)];
        assert!(made.is_replaced(&older, &newer(State::Verified, Some(210))));
        assert!(made.is_replaced(&older, &newer(State::InService, Some(210))));
        assert!(!made.is_replaced(&older, &newer(State::Armed, None)));
        assert!(!made.is_replaced(&older, &newer(rolled_back(), Some(210))));
        assert!(!made.is_replaced(&older, &newer(State::Verified, Some(105))));
    }
}
