//! What machines keep in quarantine, as far as their jobs tell.

use crate::control::Failure;
use crate::store::View;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::job::State;
use patchward_common::time::Interval;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::sign::Document as _;

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
    let mut jobs = view.jobs_of_machine(machine).await?;
    // In the order in which they ran: returning a machine to service is a later change.
    jobs.sort_by_key(|job| (job.slot.map_or(job.since, Interval::start), job.id));
    let mut found: Vec<Digest> = Vec::new();
    for job in jobs {
        match job.state {
            State::RolledBack(_) | State::Failed(_) => {
                let approval = approval(view, &job.plan).await?;
                let releases = approval.releases.iter();
                let artifacts = releases.flat_map(|release| &release.release.artifacts);
                found.extend(artifacts.map(|artifact| artifact.sha256));
            }
            State::Verified | State::InService => {
                let approval = approval(view, &job.plan).await?;
                found.retain(|digest| !approval.clears.contains(digest));
            }
            _ => {}
        }
    }
    Ok(found)
}
