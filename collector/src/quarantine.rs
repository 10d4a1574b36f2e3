//! What machines keep in quarantine, as far as their jobs tell.

use crate::control::Failure;
use crate::store::View;
use crate::store::jobs::Job;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::job::State;
use patchward_common::time::Interval;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::sign::Document as _;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// The approval of a plan.
pub(crate) async fn approval(view: &mut View, plan: &Digest) -> Result<Approval, Failure> {
    let payload = view.plan_payload(plan).await?.unwrap_or_default();
    codec::decode_deterministic(&payload, Approval::MAX_BYTES).map_err(|error| {
        Failure::conflict(format!(
            "Plan {plan} is damaged: {error}. Compare the database with a backup."
        ))
    })
}

/// What a machine's own failures have put in quarantine there: a verified job lifts what
/// its approval clears.
pub async fn of_machine(view: &mut View, machine: &MachineId) -> Result<Vec<Digest>, Failure> {
    let mut found = of_machines(view, &[*machine]).await?;
    Ok(found.remove(machine).unwrap_or_default())
}

/// The same of many; those that keep nothing are left out.
pub async fn of_machines(
    view: &mut View,
    machines: &[MachineId],
) -> Result<HashMap<MachineId, Vec<Digest>>, Failure> {
    let mut ran: BTreeMap<MachineId, Vec<Job>> = BTreeMap::new();
    for job in view.jobs_of_failed(machines).await? {
        ran.entry(job.machine).or_default().push(job);
    }
    let mut approvals = HashMap::new();
    let mut found = HashMap::new();
    for (machine, mut jobs) in ran {
        // In the order in which they ran: returning a machine to service is a later change.
        jobs.sort_by_key(|job| (job.slot.map_or(job.since, Interval::start), job.id));
        let kept = kept(view, &mut approvals, &jobs).await?;
        if !kept.is_empty() {
            found.insert(machine, kept);
        }
    }
    Ok(found)
}

/// What is left in quarantine after these jobs of one machine. Approvals are read once.
async fn kept(
    view: &mut View,
    approvals: &mut HashMap<Digest, Approval>,
    jobs: &[Job],
) -> Result<Vec<Digest>, Failure> {
    let mut kept: Vec<Digest> = Vec::new();
    for job in jobs {
        let has_failed = matches!(job.state, State::RolledBack(_) | State::Failed(_));
        let may_lift = matches!(job.state, State::Verified | State::InService);
        if !has_failed && (!may_lift || kept.is_empty()) {
            continue;
        }
        let approval = match approvals.entry(job.plan) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(approval(view, &job.plan).await?),
        };
        match has_failed {
            true => {
                let releases = approval.releases.iter();
                let artifacts = releases.flat_map(|release| &release.release.artifacts);
                kept.extend(artifacts.map(|artifact| artifact.sha256));
            }
            false => kept.retain(|digest| !approval.clears.contains(digest)),
        }
    }
    Ok(kept)
}
