//! The way back into service: what HTM looks at, by class and model, and the return.

use super::rows::{self, FromFile, Step};
use super::{Caller, place};
use crate::agenda;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::View;
use crate::store::items::ChecklistStep;
use crate::store::jobs::Job;
use crate::store::machines::Machine;
use patchward_common::id::{Label, Name};
use patchward_common::job::State;
use patchward_common::trust::roster::Class;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most steps of a checklist: more are not read.
const MOST_STEPS: usize = 32;

/// What can be done with checklists.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ChecklistCommand {
    /// Say what is looked at before a machine returns to service; replaces what was there
    Set {
        /// standard, critical, life_support
        #[arg(long, value_parser = place::class)]
        class: Class,
        /// Only for this model; it comes after the steps of its class
        #[arg(long)]
        model: Option<Name>,
        /// NAME=TEXT, in their order; without any, the list is removed
        #[arg(long = "step", value_parser = step)]
        steps: Vec<(Name, Label)>,
    },
    /// Set steps out of a CSV file as `checklist list` gives it: class, step, what, and model where it is
    /// only for one: all of it, or nothing. Steps that the file does not have stay
    Import(FromFile),
    /// Show every step of every checklist
    List,
    /// Show what is looked at for a class and model
    Show {
        /// standard, critical, life_support
        #[arg(long, value_parser = place::class)]
        class: Class,
        /// The model
        #[arg(long)]
        model: Option<Name>,
    },
}

fn step(text: &str) -> Result<(Name, Label), String> {
    let (name, title) = text
        .split_once('=')
        .ok_or("write it as NAME=TEXT, such as image=\"A test image is shown\"")?;
    let name = Name::new(name).map_err(|error| format!("\"{name}\" {error}"))?;
    let title = Label::new(title).map_err(|error| format!("\"{title}\" {error}"))?;
    Ok((name, title))
}

/// Carries out a command on checklists.
pub async fn checklist(
    app: &App,
    caller: &Caller,
    command: ChecklistCommand,
) -> Result<Output, Failure> {
    match command {
        ChecklistCommand::Set {
            class,
            model,
            steps,
        } => {
            let steps: Vec<_> = steps
                .into_iter()
                .map(|(step, title)| ChecklistStep { step, title })
                .collect();
            is_short(&steps)?;
            let mut change = app.change(caller).await?;
            change.set_checklist(class, model.as_ref(), &steps).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{} steps are confirmed before a {} machine{} returns to service.",
                steps.len(),
                class.word(),
                model.map_or_else(String::new, |model| format!(" of model {model}")),
            )))
        }
        ChecklistCommand::Import(from) => rows::import::<Step>(app, caller, from).await,
        ChecklistCommand::List => list(app).await,
        ChecklistCommand::Show { class, model } => {
            let mut view = app.store.view().await?;
            let steps = steps(&mut view, class, model.as_ref()).await?;
            Ok(Output::Table(steps_table(&steps)))
        }
    }
}

/// Refuses a list that nobody goes through, or that names a step twice.
pub(super) fn is_short(steps: &[ChecklistStep]) -> Result<(), Failure> {
    let names: BTreeSet<&Name> = steps.iter().map(|one| &one.step).collect();
    match names.len() < steps.len() || steps.len() > MOST_STEPS {
        false => Ok(()),
        true => Err(Failure::input(format!(
            "a checklist has up to {MOST_STEPS} steps, each with another name"
        ))),
    }
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&["class", "model", "step", "what"]);
    for (class, model, step) in app.store.view().await?.checklists().await? {
        table.row(vec![
            Cell::of(class.word()),
            Cell::maybe(model),
            Cell::of(step.step),
            Cell::of(step.title),
        ]);
    }
    Ok(Output::Table(table))
}

fn steps_table(steps: &[ChecklistStep]) -> Table {
    let mut table = Table::new(&["step", "what"]);
    for step in steps {
        table.row(vec![Cell::of(&step.step), Cell::of(&step.title)]);
    }
    table
}

/// The steps of a class, then those of the model.
pub(super) async fn steps(
    view: &mut View,
    class: Class,
    model: Option<&Name>,
) -> Result<Vec<ChecklistStep>, Failure> {
    let mut steps = view.checklist(class, None).await?;
    if let Some(model) = model {
        let own = view.checklist(class, Some(model)).await?;
        // Where a model says the same step its own way, that counts.
        steps.retain(|step| own.iter().all(|other| other.step != step.step));
        steps.extend(own);
    }
    Ok(steps)
}

/// Returns the machine of a verified job to service: every step must be confirmed.
pub(super) async fn return_to_service(
    app: &App,
    caller: &Caller,
    job: &Job,
    machine: &Machine,
    done: &[Name],
) -> Result<Output, Failure> {
    if !matches!(job.state, State::Verified | State::Attested) {
        return Err(Failure::conflict(format!(
            "The job of {} is {}: only a verified or attested one returns to service.",
            machine.name,
            job.state.word()
        )));
    }
    let mut view = app.store.view().await?;
    if let Some(why) = agenda::fallen(&mut view, job).await? {
        return Err(Failure::conflict(format!(
            "{} is not returned to service: {why}. Mend that first, or plan it again; once its \
             inventory shows what was verified it can be returned.",
            machine.name
        )));
    }
    let steps = steps(&mut view, machine.class, Some(&machine.model)).await?;
    drop(view);
    if let Some(unknown) = done
        .iter()
        .find(|name| steps.iter().all(|s| s.step != **name))
    {
        return Err(Failure::input(format!(
            "The checklist of {} has no step {unknown}. Its steps:\n{}",
            machine.name,
            lines(steps.iter())
        )));
    }
    let missing: Vec<_> = steps.iter().filter(|s| !done.contains(&s.step)).collect();
    if !missing.is_empty() {
        return Err(Failure::conflict(format!(
            "{} is not returned to service. Look at these, then name each with --done:\n{}",
            machine.name,
            lines(missing.into_iter())
        )));
    }
    let mut change = app.change(caller).await?;
    change.return_to_service(job, &steps).await?;
    change.commit().await?;
    Ok(Output::Text(match steps.len() {
        0 => format!(
            "{} is in service. No checklist is set for its class and model: `checklist set`.",
            machine.name
        ),
        count => format!(
            "{} is in service; {count} steps were confirmed.",
            machine.name
        ),
    }))
}

fn lines<'a>(steps: impl Iterator<Item = &'a ChecklistStep>) -> String {
    let lines = steps.map(|step| format!("  {}: {}", step.step, step.title));
    lines.collect::<Vec<_>>().join("\n")
}
