//! Notes what became of slots that are over: the history that forecasts are made from.

use crate::forecast::misses::judge;
use crate::store::jobs::Job;
use crate::store::journal::MAX_EVENT_BYTES;
use crate::store::manual::Worker;
use crate::store::plans::{Plan, PlanState};
use crate::store::{Store, StoreError, View};
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::job::{Event, JobEvent};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::sign::Signed;
use std::collections::BTreeMap;

/// How long after a slot its machine's report is waited for, and what interlocks said is
/// written.
const REPORTS_TAKE_MS: i64 = 20 * MINUTE_MS;
/// Slots that ended longer ago are not judged any more: the plan was over, or this
/// collector was.
const LONGEST_AGO_MS: i64 = 7 * DAY_MS;

/// Judges every slot that ended since it was done last.
#[derive(Debug, Default)]
pub struct Outcomes {
    until: Option<UtcMs>,
}

impl Outcomes {
    /// Looks at every plan that is active or has just ended.
    pub async fn run(&mut self, store: &Store, now: UtcMs) -> Result<(), StoreError> {
        let until = now.plus_ms(-REPORTS_TAKE_MS);
        let from = self.until.unwrap_or(until.plus_ms(-LONGEST_AGO_MS));
        let Ok(ended) = Interval::new(from, until) else {
            return Ok(());
        };
        let mut view = store.view().await?;
        let mut judged = Vec::new();
        let by_hand = view.manual_workers().await?;
        for state in [PlanState::Active, PlanState::Done, PlanState::Expired] {
            for plan in view.plans(Some(state)).await? {
                if ended.start() <= plan.expires_at {
                    of_plan(&mut view, &plan, ended, &by_hand, &mut judged).await?;
                }
            }
        }
        drop(view);
        if !judged.is_empty() {
            store.record_outcomes(&judged).await?;
        }
        self.until = Some(until);
        Ok(())
    }
}

type Judged = (
    patchward_common::id::JobId,
    UtcMs,
    MachineId,
    crate::forecast::Outcome,
);

async fn of_plan(
    view: &mut View,
    plan: &Plan,
    ended: Interval,
    by_hand: &BTreeMap<MachineId, Worker>,
    judged: &mut Vec<Judged>,
) -> Result<(), StoreError> {
    let jobs = view.jobs_of_plan(&plan.id).await?;
    let jobs: BTreeMap<MachineId, Job> = jobs.into_iter().map(|job| (job.machine, job)).collect();
    let known = view.judged(&plan.id).await?;
    let mut leaves = view.leaves(&plan.id).await?;
    // What people do by hand says nothing of machines that are in use or not heard.
    leaves.retain(|leaf| !by_hand.contains_key(&leaf.machine));
    for stored in leaves {
        let leaf = codec::decode_deterministic::<PlanLeaf>(&stored.bytes, MAX_LEAF_BYTES);
        let (Ok(leaf), Some(job)) = (leaf, jobs.get(&stored.machine)) else {
            continue;
        };
        let slots = leaf.slots.iter().filter(|slot| ended.contains(slot.end()));
        let slots = slots.filter(|slot| !known.contains(&(job.id, slot.start())));
        let slots: Vec<Interval> = slots
            .copied()
            .filter(|slot| was_needed(job, *slot))
            .collect();
        let Some(first) = slots.first() else {
            continue;
        };
        let events = events(view, job, first.start()).await?;
        let history = view.interlock_history(&job.machine).await?;
        let status = view.machine_status(&job.machine).await?;
        let held = status.and_then(|status| status.hold_until);
        judged.extend(slots.iter().map(|slot| {
            let outcome = judge(&events, *slot, &history, held);
            (job.id, slot.start(), job.machine, outcome)
        }));
    }
    Ok(())
}

/// Whether a job still waited when a slot began: spare slots of what is done say nothing.
fn was_needed(job: &Job, slot: Interval) -> bool {
    let has_moved_on = job.state.is_final() || job.state.is_open();
    !has_moved_on || job.since > slot.start()
}

async fn events(
    view: &mut View,
    job: &Job,
    from: UtcMs,
) -> Result<Vec<(UtcMs, Event)>, StoreError> {
    let stored = view.journal_since(&job.machine, from).await?;
    let read = stored.iter().filter_map(|bytes| {
        let signed = codec::decode::<Signed<JobEvent>>(bytes, MAX_EVENT_BYTES).ok()?;
        signed.peek().ok()
    });
    let own = read.filter(|event| event.job == job.id);
    Ok(own.map(|event| (event.at, event.event)).collect())
}
