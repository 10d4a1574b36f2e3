//! `plan again`: the same request, after windows, freezes or the fleet changed.
//!
//! A draft is made anew in its place. Of a plan that was signed, the machines that keep
//! a slot stay with it; the others get a new draft beside it, which has to be signed.

use super::NewPlanArguments;
use super::make::{self, Before};
use crate::app::App;
use crate::command::Caller;
use crate::control::{Failure, Output};
use crate::replan;
use crate::store::View;
use crate::store::plans::{Plan, PlanState};
use patchward_common::id::Name;

/// What was asked for when a plan was made.
pub(crate) async fn asked(
    view: &mut View,
    plan: &Plan,
) -> Result<Option<NewPlanArguments>, Failure> {
    let policy = view.plan_policy(&plan.id).await?;
    let text = policy.and_then(|policy| policy.asked);
    // A request of a newer version is as good as none.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The units of which a plan was to have all machines.
pub(crate) async fn units(view: &mut View, plan: &Plan) -> Result<Vec<Name>, Failure> {
    let asked = asked(view, plan).await?;
    Ok(asked.map_or_else(Vec::new, |asked| asked.units))
}

pub(super) async fn again(app: &App, caller: &Caller, plan: &Plan) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let Some(mut asked) = asked(&mut view, plan).await? else {
        return Err(Failure::conflict(format!(
            "What {} was asked for is not known here, or was asked by another version. Make it with \
             `plan new`; `plan show` says what it holds.",
            plan.title
        )));
    };
    let mut before = Before {
        draft: None,
        due: view.due_of(&plan.id).await?,
    };
    match plan.state {
        PlanState::Draft if !view.signatures(&plan.id).await?.is_empty() => {
            return Err(Failure::conflict(format!(
                "Somebody has signed {} already: let the others sign it, or make another with \
                 `plan new`.",
                plan.title
            )));
        }
        PlanState::Draft => {
            before.draft = Some(plan);
            drop(view);
            return make::new(app, caller, asked, before).await;
        }
        PlanState::Stopped => {
            return Err(Failure::conflict(format!(
                "{} was stopped for good; `plan new` makes another.",
                plan.title
            )));
        }
        PlanState::Signed | PlanState::Active | PlanState::Done | PlanState::Expired => {}
    }
    let machines = replan::enrolled(&mut view).await?;
    let left = replan::of_plan(&mut view, plan, &asked.units, &machines, app.now()).await?;
    drop(view);
    let needing: Vec<String> = left.needing().map(ToString::to_string).collect();
    if needing.is_empty() {
        return Ok(Output::Text(match left.kept {
            0 => format!(
                "No machine of {} waits for a slot: its jobs are done, failed or closed, and are not \
                 tried again by themselves. `plan new` with --machine makes a plan for those that \
                 do not have what was planned.",
                plan.title
            ),
            kept => format!(
                "{} still carries every machine that waits ({kept}); nothing has to be signed.",
                plan.title
            ),
        }));
    }
    asked.units.clear();
    asked.machines = needing;
    make::new(app, caller, asked, before).await
}
