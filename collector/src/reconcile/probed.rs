//! Manual jobs that a device itself ends: work was begun on it, and asked since then it
//! answers with every version that was planned. It is a word as good as a person's, so the
//! job is `attested`: no installer measured it.

use crate::quarantine;
use crate::store::devices::DeviceAnswer;
use crate::store::jobs::{Job, Standing};
use crate::store::manual::{NewRecord, ReadVersions, RecordOutcome};
use crate::store::{Actor, Store, StoreError, View};
use patchward_common::component::ComponentSet;
use patchward_common::id::{Label, MachineId};
use patchward_common::job::Outside;
use patchward_common::plan::is_release;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, ApprovedRelease};

/// What is recorded where it is not known what was there before.
const NOT_KNOWN: &str = "not known";

/// Ends the jobs whose devices answer with what was planned.
pub async fn run(store: &Store, now: UtcMs) -> Result<(), StoreError> {
    let mut view = store.view().await?;
    let mut found = Vec::new();
    for job in view.jobs_standing(Standing::Open).await? {
        if view.manual_worker(&job.machine).await?.is_some()
            && let Some(read) = read(&mut view, &job).await?
        {
            found.push((job, read));
        }
    }
    drop(view);
    for (job, read) in found {
        end(store, &job, &read, now).await?;
        tracing::info!(machine = %job.machine, job = %job.id, "a device answers with what was planned; its job is attested");
    }
    Ok(())
}

/// What a device says of a job.
struct Read {
    versions: Vec<ReadVersions>,
    /// The machine that asked it.
    by: MachineId,
}

async fn read(view: &mut View, job: &Job) -> Result<Option<Read>, StoreError> {
    let Some(asset) = view.asset_of(&job.machine).await? else {
        return Ok(None);
    };
    let answers = view.device_answers_that_count(&asset.tag).await?;
    // Most manual jobs are on machines that nobody asks.
    let Some(newest) = answers.iter().max_by_key(|answer| answer.answered_at) else {
        return Ok(None);
    };
    let by = newest.machine;
    // Whoever looks at a damaged plan itself is told.
    let Ok(approval) = quarantine::approval(view, &job.plan).await else {
        return Ok(None);
    };
    let before = match view.set_at(&job.machine, job.since).await? {
        Some(set) => view.components_of(&set.digest).await?,
        None => None,
    };
    let versions = planned_and_read(&approval, &answers, before.as_ref(), job.since);
    Ok(versions.map(|versions| Read { versions, by }))
}

/// The versions of every product of the plan, where all of them were read since then and
/// are those that were planned.
fn planned_and_read(
    approval: &Approval,
    answers: &[DeviceAnswer],
    before: Option<&ComponentSet>,
    since: UtcMs,
) -> Option<Vec<ReadVersions>> {
    let is_last = |at: usize, one: &ApprovedRelease| {
        let mut later = approval.releases.iter().skip(at + 1);
        later.all(|other| other.release.product != one.release.product)
    };
    let last = approval.releases.iter().enumerate();
    let mut last = last.filter(|(at, one)| is_last(*at, one)).peekable();
    last.peek()?;
    let read = |approved: &ApprovedRelease| {
        let release = &approved.release;
        let of_product = answers
            .iter()
            .filter(|answer| answer.component == release.product.as_str());
        // Of two that ask, the newer counts.
        let newest = of_product.max_by_key(|answer| answer.answered_at)?;
        let after = newest.version.as_ref()?;
        let is_later = newest.answered_at? > since;
        let was = before.and_then(|set| {
            let mut components = set.iter();
            components.find(|one| one.name == release.product.as_str())
        });
        (is_later && is_release(release, after)).then(|| ReadVersions {
            product: release.product.clone(),
            before: was.map_or(NOT_KNOWN, |was| was.version.as_str()).to_owned(),
            after: after.clone(),
        })
    };
    last.map(|(_, approved)| read(approved)).collect()
}

async fn end(store: &Store, job: &Job, read: &Read, now: UtcMs) -> Result<(), StoreError> {
    let mut change = store.change(Actor::Collector, now).await?;
    let current = change.view().job(&job.id).await?;
    // A person recorded it meanwhile.
    let Some(current) = current.filter(|current| current.generation == job.generation) else {
        return Ok(());
    };
    let Ok(state) = current.state.after_outside(Outside::Attested) else {
        return Ok(());
    };
    let machine = change.view().machine(&read.by).await?;
    let name = machine.map_or_else(|| read.by.to_string(), |machine| machine.name.to_string());
    let words = format!("none; read by a probe of {name}");
    let work_order = Label::new(&words).map_err(|error| StoreError::Invalid(error.to_string()))?;
    let record = NewRecord {
        done_by: None,
        outcome: RecordOutcome::Attested,
        versions: &read.versions,
        work_order: &work_order,
        photo: None,
    };
    change.record_manual(&current, &record).await?;
    change
        .move_job(&current, &state, current.slot, current.attempt)
        .await?;
    change.commit().await?;
    Ok(())
}
