//! Whose move a single job is.

use super::asked::refused;
use super::newest::Made;
use crate::authority;
use crate::command::plan::standing;
use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::item::{Item, job};
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::machines::MachineState;
use crate::store::manual::Worker;
use crate::store::plans::{Leaf, PlanState};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::PlanLeaf;

/// The item of a job, as [`super::gather`] has it; `None` where nobody has to do anything.
pub async fn item_of(
    fleet: &FleetHandle,
    view: &mut View,
    job: &Job,
    now: UtcMs,
) -> Result<Option<Item>, Failure> {
    let Some(machine) = view.machine(&job.machine).await? else {
        return Ok(None);
    };
    if machine.state != MachineState::Enrolled {
        return Ok(None);
    }
    let jobs = view.jobs_of_machine(&job.machine).await?;
    let made = Made::of_jobs(view, &jobs).await?;
    let closing = view.closing(&job.id).await?;
    let closing = closing.filter(|closing| closing.covers(job.since));
    let exceptions = view.exceptions().await?;
    let excepted = exceptions.get(&job.machine);
    let worker = view.manual_worker(&job.machine).await?;
    let slot = next_slot(view, job, now).await?;
    let refused = match slot.filter(|slot| slot.contains(now)) {
        Some(_) => refused(fleet, view, job, now).await?,
        None => None,
    };
    let unsigned = match authority::held(view).await {
        Ok(held) => standing::refuses(view, job, &held, now).await?,
        // Without a roster there is nobody to be asked for, and setup says so.
        Err(_) => false,
    };
    let facts = job::Facts {
        id: job.id,
        machine: machine.name.as_str(),
        unit: &machine.unit,
        class: machine.class,
        state: &job.state,
        since: job.since,
        slot,
        runs_in: job.slot.filter(|_| job.attempt > 0),
        refused: refused.as_ref(),
        is_replaced: made.is_replaced(job, &jobs),
        closed: closing
            .as_ref()
            .map(|closing| (closing.at, closing.reason.as_str())),
        excepted: excepted.is_some_and(|exception| now < exception.until),
        by_hand: worker.map(Worker::owner),
        unsigned,
    };
    Ok(job::item(&facts, now))
}

/// The job's next slot of an active plan, or the one that is open.
async fn next_slot(view: &mut View, job: &Job, now: UtcMs) -> Result<Option<Interval>, Failure> {
    let leaves = view.leaves_of(&job.machine, PlanState::Active).await?;
    Ok(slot_of(&leaves, job, now))
}

/// The same, by the machine's leaves in all plans that are in force.
pub fn slot_of(leaves: &[(Digest, Leaf)], job: &Job, now: UtcMs) -> Option<Interval> {
    let leaf = leaves.iter().find(|(plan, _)| *plan == job.plan);
    let leaf = leaf.and_then(|(_, leaf)| {
        codec::decode_deterministic::<PlanLeaf>(&leaf.bytes, MAX_LEAF_BYTES).ok()
    });
    let slots = leaf.map(|leaf| leaf.slots).unwrap_or_default();
    slots.into_iter().find(|slot| now < slot.end())
}
