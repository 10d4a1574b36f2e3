//! A person says that a machine is up.

use super::super::Caller;
use super::{find, name};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::nudging;
use patchward_common::id::{JobId, Label};
use patchward_common::job::{Outside, Reason};
use serde_json::json;

/// Lets a machine count as up: ends the go whose end was not reported and, where work had
/// begun, the job. Nobody measured it, so the job counts as a failure of its plan until
/// the machine reports.
///
/// # Errors
/// A conflict where the machine does not count as down by this job.
pub(super) async fn free(
    app: &App,
    caller: &Caller,
    id: &JobId,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let machine = find(change.view(), id).await?.machine;
    // No go is decided on, and none begins to count, while the machine is let go.
    change.lock_groups_of(&machine).await?;
    let job = find(change.view(), id).await?;
    let name = name(change.view(), &machine).await?;
    let goes = change.view().goes_of(id).await?;
    let has_go = goes.iter().any(|go| go.ended_at.is_none());
    let until = match change.view().manual_worker(&machine).await? {
        Some(_) => "`job done` records it".to_owned(),
        None => format!("{name} reports"),
    };
    let detail = json!({ "reason": reason, "was": job.state.word(), "had_go": has_go });
    let freed = job
        .state
        .after_outside(Outside::Freed(Reason::new(reason.as_str())));
    let said = match freed {
        Ok(state) => {
            change.note("job.free", id, &detail);
            // Its go ends with it.
            change.move_job(&job, &state, job.slot, job.attempt).await?;
            format!(
                "{name} counts as up. Nobody measured what became of its job: it counts as a \
                 failure of its plan until {until}. Look at the machine before a patient \
                 depends on it."
            )
        }
        Err(_) if has_go => {
            change.note("job.free", id, &detail);
            change.end_go(id, reason.as_str()).await?;
            format!(
                "The go of {name} counts no more. What it reports of it later is still taken in."
            )
        }
        Err(_) => {
            return Err(Failure::conflict(format!(
                "{name} does not count as down by this job: it is {}, and no go is out for it. \
                 There is nothing to free; `job list --machine {name}` shows its other jobs.",
                job.state.word()
            )));
        }
    };
    let beside = nudging::beside(change.view(), &machine).await?;
    change.commit().await?;
    app.fleet.ask_again(beside);
    Ok(Output::Text(said))
}
