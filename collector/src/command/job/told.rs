//! What a machine told of a job, and what its plan says of it.

use crate::control::Failure;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::journal::MAX_EVENT_BYTES;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::job::{JobEvent, State};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::{Document as _, Signed};

/// Events that are read at once.
const PAGE: u32 = 1_000;

/// The events of a job with when they were received, oldest first. Each was verified
/// before it was stored.
pub(super) async fn events(view: &mut View, job: &Job) -> Result<Vec<(JobEvent, UtcMs)>, Failure> {
    let mut events = Vec::new();
    let mut from = 0;
    loop {
        let page = view.journal_of(&job.machine, from, PAGE).await?;
        for stored in &page {
            let signed = codec::decode::<Signed<JobEvent>>(&stored.bytes, MAX_EVENT_BYTES);
            let event = signed.ok().and_then(|signed| signed.peek().ok());
            let event = event.filter(|event| event.job == job.id);
            events.extend(event.map(|event| (event, stored.received_at)));
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => from = last.sequence + 1,
            _ => return Ok(events),
        }
    }
}

/// The state that the machine's own events make of a job, whatever anybody else said.
pub(super) async fn state(view: &mut View, job: &Job) -> Result<State, Failure> {
    let events = events(view, job).await?;
    Ok(events.iter().fold(State::Assigned, |state, (event, _)| {
        state.after(&event.event).unwrap_or(state)
    }))
}

/// The approval of a job, and its machine's slots in it.
pub(super) async fn planned(view: &mut View, job: &Job) -> Result<(Approval, PlanLeaf), Failure> {
    let damaged = |problem: String| {
        Failure::conflict(format!(
            "The plan of job {} is damaged: {problem}. Compare the database with a backup.",
            job.id
        ))
    };
    let approval = approval(view, &job.plan).await?;
    let leaves = view.leaves(&job.plan).await?;
    let leaf = leaves.iter().find(|leaf| leaf.machine == job.machine);
    let leaf = leaf.ok_or_else(|| damaged("it does not name the machine".into()))?;
    let leaf = codec::decode_deterministic(&leaf.bytes, MAX_LEAF_BYTES)
        .map_err(|error| damaged(error.to_string()))?;
    Ok((approval, leaf))
}

async fn approval(view: &mut View, plan: &Digest) -> Result<Approval, Failure> {
    let payload = view.plan_payload(plan).await?.unwrap_or_default();
    codec::decode_deterministic(&payload, Approval::MAX_BYTES).map_err(|error| {
        Failure::conflict(format!(
            "Plan {plan} is damaged: {error}. Compare the database with a backup."
        ))
    })
}

/// What a machine's own failures have put in quarantine there, as far as its jobs tell: a
/// verified job lifts what its approval clears.
pub(crate) async fn quarantined(
    view: &mut View,
    machine: &MachineId,
) -> Result<Vec<Digest>, Failure> {
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
