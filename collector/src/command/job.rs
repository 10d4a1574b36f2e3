//! Jobs and rollouts: what is where, and why.

use super::{Caller, machine, plan};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::stops::{EVERY_WAVE, HaltScope};
use patchward_common::id::{JobId, Label, MachineId};
use patchward_common::job::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be done with jobs.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum JobCommand {
    /// Show the jobs of a plan or of a machine
    List {
        /// The plan's id, or the first digits of it
        #[arg(long, required_unless_present = "machine")]
        plan: Option<String>,
        /// The machine's name or id
        #[arg(long)]
        machine: Option<String>,
    },
    /// Show one job: where it stands, since when and why
    Show {
        /// Its id
        job: JobId,
    },
}

/// What can be done with rollouts.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum RolloutCommand {
    /// Show how far a plan is, by wave
    Show {
        /// The plan's id, or the first digits of it
        plan: String,
    },
    /// Give no go for a plan until a person resumes it
    Halt {
        /// The plan's id, or the first digits of it
        plan: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Go on with a plan that was halted
    Resume {
        /// The plan's id, or the first digits of it
        plan: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
}

/// Carries out a command on jobs.
pub async fn job(app: &App, command: JobCommand) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    match command {
        JobCommand::List {
            plan: of_plan,
            machine: of_machine,
        } => {
            let mut jobs = match &of_plan {
                Some(text) => {
                    let found = plan::find(&mut view, text).await?;
                    view.jobs_of_plan(&found.id).await?
                }
                None => Vec::new(),
            };
            if let Some(text) = &of_machine {
                let found = machine::find(&mut view, text).await?;
                match of_plan {
                    Some(_) => jobs.retain(|job| job.machine == found.id),
                    None => jobs = view.jobs_of_machine(&found.id).await?,
                }
            }
            jobs_table(&mut view, &jobs).await
        }
        JobCommand::Show { job } => show(&mut view, &job).await,
    }
}

async fn jobs_table(view: &mut View, jobs: &[Job]) -> Result<Output, Failure> {
    let mut table = Table::new(&["job", "machine", "wave", "state", "since", "why"]);
    for job in jobs {
        table.row(vec![
            Cell::of(job.id),
            Cell::of(name(view, &job.machine).await?),
            Cell::Number(job.wave.into()),
            Cell::of(job.state.word()),
            Cell::of(job.since),
            Cell::maybe(job.state.reason().map(words)),
        ]);
    }
    Ok(Output::Table(table))
}

async fn name(view: &mut View, machine: &MachineId) -> Result<String, Failure> {
    let found = view.machine(machine).await?;
    Ok(found.map_or_else(|| machine.to_string(), |machine| machine.name.to_string()))
}

fn words(reason: &Reason) -> String {
    match reason.step {
        Some(step) => format!("step {}: {}", step.number(), reason.text),
        None => reason.text.clone(),
    }
}

async fn show(view: &mut View, id: &JobId) -> Result<Output, Failure> {
    let job = view.job(id).await?;
    let job = job.ok_or_else(|| Failure::not_found(format!("There is no job {id}.")))?;
    let plan = view.plan(&job.plan).await?;
    Ok(Output::record([
        ("job", Cell::of(job.id)),
        ("machine", Cell::of(name(view, &job.machine).await?)),
        ("plan", Cell::maybe(plan.map(|plan| plan.title))),
        ("plan_id", Cell::of(job.plan)),
        ("wave", Cell::Number(job.wave.into())),
        ("state", Cell::of(job.state.word())),
        ("why", Cell::maybe(job.state.reason().map(words))),
        ("since", Cell::of(job.since)),
        ("attempt", Cell::Number(job.attempt.into())),
        ("slot_from", Cell::maybe(job.slot.map(|slot| slot.start()))),
        ("slot_until", Cell::maybe(job.slot.map(|slot| slot.end()))),
    ]))
}

/// Carries out a command on rollouts.
pub async fn rollout(
    app: &App,
    caller: &Caller,
    command: RolloutCommand,
) -> Result<Output, Failure> {
    match command {
        RolloutCommand::Show { plan: text } => {
            let mut view = app.store.view().await?;
            let plan = plan::find(&mut view, &text).await?;
            let mut waves: BTreeMap<(u32, &'static str), i64> = BTreeMap::new();
            let jobs = view.jobs_of_plan(&plan.id).await?;
            for job in &jobs {
                *waves.entry((job.wave, job.state.word())).or_default() += 1;
            }
            let mut table = Table::new(&["wave", "state", "machines"]);
            for ((wave, state), count) in waves {
                table.row(vec![
                    Cell::Number(wave.into()),
                    Cell::of(state),
                    Cell::Number(count),
                ]);
            }
            let halts = view.halts_of(HaltScope::Plan, &plan.id.to_string()).await?;
            let halted = halts.iter().find(|halt| halt.resumed_at.is_none());
            table.note = Some(match halted {
                Some(halt) => format!("{}: halted since {}: {}.", plan.title, halt.at, halt.reason),
                None => format!("{}: {}.", plan.title, plan.state.word()),
            });
            Ok(Output::Table(table))
        }
        RolloutCommand::Halt { plan: text, reason } => {
            let plan = plan::find(&mut app.store.view().await?, &text).await?;
            let mut change = app.change(caller).await?;
            let subject = plan.id.to_string();
            change
                .halt(HaltScope::Plan, &subject, EVERY_WAVE, reason.as_str())
                .await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{} is halted: no go is given. Jobs that run go on to a safe end.",
                plan.title
            )))
        }
        RolloutCommand::Resume { plan: text, reason } => {
            let plan = plan::find(&mut app.store.view().await?, &text).await?;
            let mut change = app.change(caller).await?;
            let subject = plan.id.to_string();
            for halt in change.view().halts_of(HaltScope::Plan, &subject).await? {
                if halt.resumed_at.is_none() {
                    change
                        .resume(HaltScope::Plan, &subject, halt.wave, reason.as_str())
                        .await?;
                }
            }
            change.commit().await?;
            Ok(Output::Text(format!("{} goes on.", plan.title)))
        }
    }
}
