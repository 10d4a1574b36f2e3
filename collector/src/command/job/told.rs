//! What a machine told of a job, and what its plan says of it.

use crate::control::Failure;
use crate::quarantine;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::journal::MAX_EVENT_BYTES;
use patchward_common::codec;
use patchward_common::job::{JobEvent, State};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::Signed;

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
    let approval = quarantine::approval(view, &job.plan).await?;
    let leaves = view.leaves(&job.plan).await?;
    let leaf = leaves.iter().find(|leaf| leaf.machine == job.machine);
    let leaf = leaf.ok_or_else(|| damaged("it does not name the machine".into()))?;
    let leaf = codec::decode_deterministic(&leaf.bytes, MAX_LEAF_BYTES)
        .map_err(|error| damaged(error.to_string()))?;
    Ok((approval, leaf))
}
