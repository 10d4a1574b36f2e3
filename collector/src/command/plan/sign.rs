//! `plan sign`: takes signatures back; signed by enough, a plan goes to its machines.

use crate::app::App;
use crate::authority::{self, stored_signatures};
use crate::command::Caller;
use crate::command::file::InputFile;
use crate::control::{Failure, Output};
use crate::planning;
use crate::store::plans::PlanState;
use patchward_common::plan::{PlanFile, Table, approvers};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::Approval;
use patchward_common::wire::collector::Nudge;

pub(super) async fn sign(app: &App, caller: &Caller, input: &InputFile) -> Result<Output, Failure> {
    let file = PlanFile::from_bytes(&input.bytes)
        .map_err(|error| Failure::input(format!("{}: {error}", input.name)))?;
    let now = app.now();
    let id = file.plan.signed.digest();
    let (plan, held, mut table) = {
        let mut view = app.store.view().await?;
        let plan = view.plan(&id).await?.ok_or_else(|| {
            Failure::not_found(
                "This plan was not made here; the file must come from `plan export`.",
            )
        })?;
        let held = authority::held(&mut view).await?;
        (plan, held, planning::table(&mut view, &id).await?)
    };
    let new = stored_signatures(&file.plan.signed, &held.roster.people_keys(now));
    if new.is_empty() {
        return Err(Failure::conflict(format!(
            "{} carries no signature of anybody in the roster.",
            input.name
        )));
    }
    let count = new.len();
    table
        .signed
        .add_signatures(new.iter().map(|signature| signature.bytes.clone()));
    let missing = missing(&table, &held, now)?;
    let mut change = app.change(caller).await?;
    change.add_signatures(&id, &new).await?;
    if missing.is_empty() && plan.state == PlanState::Draft {
        let jobs: Vec<_> = change
            .view()
            .leaves(&id)
            .await?
            .into_iter()
            .map(|leaf| (leaf.machine, leaf.wave))
            .collect();
        change
            .move_plan(&id, PlanState::Draft, PlanState::Signed, "signed by enough")
            .await?;
        change
            .move_plan(
                &id,
                PlanState::Signed,
                PlanState::Active,
                "given to its machines",
            )
            .await?;
        change.add_jobs(&id, &jobs).await?;
    }
    change.commit().await?;
    if !missing.is_empty() {
        return Ok(Output::Text(format!(
            "{count} signatures are stored. Still missing: {}.",
            missing.join("; ")
        )));
    }
    app.fleet.nudge_all(Nudge::OrdersChanged);
    Ok(Output::Text(format!(
        "Plan {} is signed by enough and goes to its machines.",
        plan.title
    )))
}

/// What is still to be signed, by unit and class.
fn missing(
    table: &Table<Approval>,
    held: &authority::Held,
    now: UtcMs,
) -> Result<Vec<String>, Failure> {
    let (approval, leaves) = table
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let mut missing: Vec<String> = Vec::new();
    for leaf in &leaves {
        let mut quorum = held.roster.quorum(leaf.class);
        if approval.emergency.is_some() {
            quorum.people = quorum.people.max(2);
        }
        let signed = approvers(&table.signed, &held.roster, &[&leaf.unit], now);
        if !signed.meets(quorum) {
            let text = format!(
                "{} of {} approvers of {} ({} with a file key)",
                quorum.people.saturating_sub(signed.people().len()),
                quorum.people,
                leaf.unit,
                quorum.with_file_key
            );
            if !missing.contains(&text) {
                missing.push(text);
            }
        }
    }
    Ok(missing)
}
