//! What a job is about, for people who see its id.

use super::{name, named};
use crate::command::{machine, service};
use crate::control::Failure;
use crate::store::View;
use crate::store::items::ChecklistStep;
use crate::store::jobs::Job;
use crate::store::machines::Machine;

/// A job in words: its machine, what its plan is called, and its state.
pub(crate) async fn said(view: &mut View, text: &str) -> Result<String, Failure> {
    let job = named(view, text).await?;
    let machine = name(view, &job.machine).await?;
    let plan = view.plan(&job.plan).await?;
    let title = plan.map_or_else(|| job.plan.to_string(), |plan| plan.title.to_string());
    Ok(format!("{machine}, {title}: {}.", job.state.word()))
}

/// The steps that whoever returns a job's machine to service looks at.
pub(crate) async fn checklist(view: &mut View, text: &str) -> Result<Vec<ChecklistStep>, Failure> {
    let job = named(view, text).await?;
    let machine = machine(view, &job).await?;
    service::steps(view, machine.class, Some(&machine.model)).await
}

/// A job's machine.
pub(super) async fn machine(view: &mut View, job: &Job) -> Result<Machine, Failure> {
    machine::find(view, &job.machine.to_string()).await
}
