//! Where assets stand in their life, and how they leave.

use super::super::Caller;
use super::find;
use crate::app::App;
use crate::asset::leaving::{self, BY_PEOPLE, Machine, Step};
use crate::asset::life;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::assets::{Asset, LifeCycle};
use crate::store::jobs::Standing;
use crate::store::machines::MachineState;
use crate::store::{Change, View};
use patchward_common::id::Label;

/// Reads the word of a step that people do.
pub(super) fn step(word: &str) -> Result<String, String> {
    let words: Vec<&str> = BY_PEOPLE.iter().map(|(word, _)| *word).collect();
    match words.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(format!("one of {}", words.join(", "))),
    }
}

/// Moves an asset to another state.
pub(super) async fn moved(
    app: &App,
    caller: &Caller,
    tag: &Label,
    to: LifeCycle,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let asset = find(change.view(), tag).await?;
    let from = asset.life_cycle;
    life::by_hand(from, to, asset.accepted_at.is_some())
        .map_err(|why| Failure::conflict(format!("Asset {tag} stays {}: {why}.", from.word())))?;
    change.move_asset(tag, from, to, reason.as_str()).await?;
    change.commit().await?;
    let silence = match (asset.machine, to.is_away()) {
        (Some(_), true) => " That its machine is silent is nobody's task meanwhile.",
        _ => "",
    };
    Ok(Output::Text(format!(
        "Asset {tag} is {}.{silence}",
        to.word()
    )))
}

/// Shows the checklist of an asset that leaves, notes what people did, and with a reason
/// does what is left.
///
/// # Errors
/// A conflict where there is a reason, and a step that is not the collector's is open.
pub(super) async fn decommission(
    app: &App,
    caller: &Caller,
    tag: &Label,
    done: &[String],
    reason: Option<&Label>,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let asset = find(change.view(), tag).await?;
    if asset.life_cycle == LifeCycle::Decommissioned {
        return Err(Failure::conflict(format!(
            "Asset {tag} is decommissioned already."
        )));
    }
    for step in done {
        change.leaving_step_done(tag, step).await?;
    }
    let machine = machine(change.view(), &asset).await?;
    let steps = steps(change.view(), &asset, machine.as_ref()).await?;
    let open = leaving::open(&steps);
    let Some(reason) = reason else {
        if !done.is_empty() {
            change.commit().await?;
        }
        let text = match open.len() {
            0 => format!("Everything is done. With --reason asset {tag} leaves for good."),
            count => format!("{count} steps are open; then --reason ends the rest."),
        };
        return Ok(Output::Report(report(&steps, text)));
    };
    if !open.is_empty() {
        let open = open
            .iter()
            .map(|one| format!("{}: {}; {}", one.step, one.what, one.how));
        let open: Vec<_> = open.collect();
        return Err(Failure::conflict(format!(
            "Asset {tag} does not leave yet, and nothing was changed:\n{}",
            open.join("\n")
        )));
    }
    end(&mut change, &asset, machine.as_ref(), reason).await?;
    change.commit().await?;
    if let Some(id) = &asset.machine {
        app.fleet.revoked(&[*id]).await?;
    }
    let text = format!("Asset {tag} is decommissioned. Its evidence and audit rows stay.");
    let mut steps = steps;
    for step in &mut steps {
        if !step.is_done {
            step.is_done = true;
            step.how = "done now".to_owned();
        }
    }
    Ok(Output::Report(report(&steps, text)))
}

/// What is the collector's to do: the key is revoked, link and group end.
async fn end(
    change: &mut Change,
    asset: &Asset,
    machine: Option<&Machine>,
    reason: &Label,
) -> Result<(), Failure> {
    if let (Some(id), Some(machine)) = (&asset.machine, machine) {
        if machine.state != MachineState::Decommissioned {
            let gone = MachineState::Decommissioned;
            change
                .move_machine(id, machine.state, gone, reason.as_str())
                .await?;
        }
        change.link_asset(&asset.tag, None).await?;
    }
    if asset.group.is_some() {
        let left = Asset {
            group: None,
            machine: None,
            ..asset.clone()
        };
        change.put_assets(&[left]).await?;
    }
    let gone = LifeCycle::Decommissioned;
    change
        .move_asset(&asset.tag, asset.life_cycle, gone, reason.as_str())
        .await?;
    Ok(())
}

async fn machine(view: &mut View, asset: &Asset) -> Result<Option<Machine>, Failure> {
    let Some(id) = &asset.machine else {
        return Ok(None);
    };
    let Some(machine) = view.machine(id).await? else {
        return Ok(None);
    };
    let jobs = view.jobs_of_machine(id).await?;
    Ok(Some(Machine {
        name: machine.name.to_string(),
        state: machine.state,
        groups: view.groups_of(id).await?,
        has_open_job: jobs
            .iter()
            .any(|job| Standing::of(&job.state) != Standing::Ended),
        kept: view.kept_of_machine(id).await?,
    }))
}

async fn steps(
    view: &mut View,
    asset: &Asset,
    machine: Option<&Machine>,
) -> Result<Vec<Step>, Failure> {
    let done = view.leaving_steps(&asset.tag).await?.into_iter();
    let done: Vec<String> = done.map(|(step, ..)| step).collect();
    Ok(leaving::steps(machine, asset.group.as_ref(), &done))
}

fn report(steps: &[Step], text: String) -> Report {
    let mut table = Table::new(&["step", "what", "who", "done", "how"]);
    for step in steps {
        table.row(vec![
            Cell::of(step.step),
            Cell::of(&step.what),
            Cell::of(step.who),
            Cell::Flag(step.is_done),
            Cell::of(&step.how),
        ]);
    }
    let open = leaving::open(steps).len();
    Report::new([("open", Cell::Number(open as i64))], text).with("steps", table)
}
