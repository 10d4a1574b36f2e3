//! Brings jobs and plans to their end when time does: a job whose last slot is over
//! without a start was missed; a plan without open jobs is done or has expired. A plan
//! that is done becomes active again where a machine goes on with a job that a person had
//! let go: its restart needs a go.
//!
//! A job with a go whose end nobody has reported is not missed: the machine may have
//! started in its last slot and lost its network. It counts as down until its report
//! comes, or it shows that it started nothing (`unused`), or a person says that it is up
//! (`job free`), and its plan has not ended.

use crate::store::jobs::Job;
use crate::store::plans::{Plan, PlanState};
use crate::store::{Actor, Store, StoreError};
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::job::State;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::PlanLeaf;
use std::collections::BTreeMap;

/// Whether a job can no longer start: it waits, and its last slot is over.
pub fn is_missed(state: &State, leaf: &PlanLeaf, now: UtcMs) -> bool {
    let over = leaf.slots.iter().all(|slot| slot.end() <= now);
    !state.is_final() && !state.is_open() && over
}

/// What becomes of an active plan with these jobs; `None` while something may happen.
pub fn ended<'a>(
    states: impl IntoIterator<Item = &'a State>,
    expires: UtcMs,
    now: UtcMs,
) -> Option<PlanState> {
    let mut all_final = true;
    for state in states {
        if state.is_open() {
            return None;
        }
        all_final &= state.is_final();
    }
    match (all_final, expires <= now) {
        (true, _) => Some(PlanState::Done),
        (false, true) => Some(PlanState::Expired),
        (false, false) => None,
    }
}

/// What is to be done about a plan that is done while a job of it has not ended: a report
/// that came late said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// It becomes active: the job may go on, and asks for go.
    Activate,
    /// It stays: nothing can start any more, and what waits was missed.
    Miss,
}

/// Says it for a plan that expires then.
pub fn late(expires: UtcMs, now: UtcMs) -> Late {
    match expires <= now {
        true => Late::Miss,
        false => Late::Activate,
    }
}

/// Looks at every active plan.
pub async fn run(store: &Store, now: UtcMs) -> Result<(), StoreError> {
    let active = store.view().await?.plans(Some(PlanState::Active)).await?;
    for plan in active {
        end(store, &plan, now).await?;
    }
    let again = store.view().await?.plans_at_work_again().await?;
    for plan in &again {
        if late(plan.expires_at, now) == Late::Miss {
            miss_late(store, plan, now).await?;
            continue;
        }
        let mut change = store.change(Actor::Collector, now).await?;
        let (done, active) = (PlanState::Done, PlanState::Active);
        change
            .move_plan(&plan.id, done, active, "a job is at work again")
            .await?;
        change.commit().await?;
    }
    Ok(())
}

/// Notes the jobs of a plan that were missed, and gives back all of them; `None` where a
/// machine may have started one.
async fn miss_late(store: &Store, plan: &Plan, now: UtcMs) -> Result<Option<Vec<Job>>, StoreError> {
    let (mut jobs, leaves) = {
        let mut view = store.view().await?;
        (
            view.jobs_of_plan(&plan.id).await?,
            view.leaves(&plan.id).await?,
        )
    };
    let leaves: BTreeMap<MachineId, PlanLeaf> = leaves
        .into_iter()
        .filter_map(|leaf| {
            let read = codec::decode_deterministic(&leaf.bytes, MAX_LEAF_BYTES).ok()?;
            Some((leaf.machine, read))
        })
        .collect();
    let mut all_told = true;
    for job in &mut jobs {
        let leaf = leaves.get(&job.machine);
        if leaf.is_some_and(|leaf| is_missed(&job.state, leaf, now)) {
            all_told &= miss(store, job, now).await?;
        }
    }
    Ok(all_told.then_some(jobs))
}

async fn end(store: &Store, plan: &Plan, now: UtcMs) -> Result<(), StoreError> {
    let Some(jobs) = miss_late(store, plan, now).await? else {
        return Ok(());
    };
    let states = jobs.iter().map(|job| &job.state);
    if let Some(state) = ended(states, plan.expires_at, now) {
        // One that a person stopped may have started with the go that it had.
        let goes = store.view().await?.outstanding_goes().await?;
        if goes
            .iter()
            .any(|go| jobs.iter().any(|job| job.id == go.job))
        {
            return Ok(());
        }
        let mut change = store.change(Actor::Collector, now).await?;
        change
            .move_plan(&plan.id, PlanState::Active, state, "no job is left")
            .await?;
        change.commit().await?;
    }
    Ok(())
}

/// Notes that a job was missed; `false` where the machine may have started it.
async fn miss(store: &Store, job: &mut Job, now: UtcMs) -> Result<bool, StoreError> {
    let mut change = store.change(Actor::Collector, now).await?;
    // A go that is being decided on is there afterwards, or never.
    match change.lock_groups_of(&job.machine).await {
        Err(StoreError::Busy) => return Ok(false),
        locked => locked?,
    }
    let goes = change.view().goes_of(&job.id).await?;
    if goes.iter().any(|go| go.ended_at.is_none()) {
        return Ok(false);
    }
    match change
        .move_job(job, &State::Missed, None, job.attempt)
        .await
    {
        Ok(missed) => {
            change.commit().await?;
            *job = missed;
            Ok(true)
        }
        // The machine's report was faster; the next look sees it.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::job::Reason;
    use patchward_common::time::Interval;
    use patchward_common::trust::roster::Class;

    fn leaf() -> PlanLeaf {
        let slot = |start, end| Interval::new(UtcMs(start), UtcMs(end)).unwrap();
        PlanLeaf {
            machine: MachineId([1; 32]),
            unit: patchward_common::id::Name::new("icu").unwrap(),
            class: Class::Standard,
            groups: Vec::new(),
            wave: 0,
            slots: vec![slot(10, 20), slot(30, 40)],
        }
    }

    #[test]
    fn only_a_job_that_waits_past_its_last_slot_was_missed() {
        let deferred = State::Deferred(Reason::new("in use"));
        for (state, now, missed) in [
            (&State::Assigned, 39, false),
            (&State::Assigned, 40, true),
            (&deferred, 25, false),
            (&deferred, 40, true),
            (&State::Installing, 40, false),
            (&State::RebootPending, 40, false),
            (&State::Verified, 40, false),
        ] {
            assert_eq!(
                is_missed(state, &leaf(), UtcMs(now)),
                missed,
                "{state:?} at {now}"
            );
        }
    }

    #[test]
    fn a_late_report_opens_a_plan_again_until_it_expires() {
        assert_eq!(late(UtcMs(10), UtcMs(9)), Late::Activate);
        assert_eq!(late(UtcMs(10), UtcMs(10)), Late::Miss);
    }

    #[test]
    fn a_plan_ends_when_nothing_more_can_happen() {
        let (open, done, waits) = (State::Installing, State::Verified, State::Staged);
        for (states, now, expected) in [
            (&[&done, &done][..], 5, Some(PlanState::Done)),
            (&[&done, &waits], 5, None),
            (&[&done, &waits], 10, Some(PlanState::Expired)),
            (&[&done, &open], 10, None),
        ] {
            assert_eq!(
                ended(states.iter().copied(), UtcMs(10), UtcMs(now)),
                expected
            );
        }
    }
}
