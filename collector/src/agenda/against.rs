//! What keeps a patient from machines, by all of their jobs and by what their inventories show.

use super::fallen::Measured;
use super::newest::Made;
use super::one::item_of;
use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::item::Kind;
use crate::item::against::Against;
use crate::store::View;
use crate::store::jobs::Job;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::State;
use patchward_common::time::UtcMs;
use std::collections::HashMap;

/// Of each of these machines the gravest, and the job that left it; of `but` only what is there
/// no more of what it verified.
pub async fn against(
    fleet: &FleetHandle,
    view: &mut View,
    machines: &[MachineId],
    but: Option<JobId>,
    now: UtcMs,
) -> Result<HashMap<MachineId, (Against, JobId)>, Failure> {
    let jobs = view.jobs_of_machines(machines).await?;
    let made = Made::of_jobs(view, jobs.values().flatten()).await?;
    let going = view.going(machines).await?;
    let sets = view.these_sets(machines).await?;
    let mut measured = Measured::default();
    let mut found = HashMap::new();
    for (machine, jobs) in &jobs {
        let mut gravest: Option<(Against, JobId)> = None;
        for job in jobs.iter().filter(|job| Some(job.id) != but) {
            let needs = match made.is_replaced(job, jobs) {
                true => None,
                false => needs(fleet, view, job, now).await?,
            };
            let is_going = going.get(machine) == Some(&job.id);
            let left = Against::of(&job.state, needs, is_going);
            gravest = gravest.max(left.map(|left| (left, job.id)));
        }
        if let Some(newest) = made.newest(jobs) {
            let fallen = measured.fallen(view, newest, sets.get(machine)).await?;
            let fallen = fallen.map(|fallen| (Against::Fallen(fallen.why), newest.id));
            gravest = gravest.max(fallen);
        }
        found.extend(gravest.map(|gravest| (*machine, gravest)));
    }
    Ok(found)
}

/// What a job that was not replaced needs of a person, where it has ended with work done.
async fn needs(
    fleet: &FleetHandle,
    view: &mut View,
    job: &Job,
    now: UtcMs,
) -> Result<Option<Kind>, Failure> {
    Ok(match job.state {
        State::Verified | State::Attested => Some(Kind::Return),
        State::Failed(_) | State::Freed(_) | State::RolledBack(_) => {
            item_of(fleet, view, job, now).await?.map(|item| item.kind)
        }
        _ => None,
    })
}
