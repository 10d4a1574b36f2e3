//! Jobs: what is where, and why.

pub(crate) mod about;
mod beside;
mod free;
mod manual;
mod order;
mod person;
mod show;
mod told;

pub(super) use person::stop_waiting;

use super::listed::Paged;
use super::zones::Zones;
use super::{Caller, begun, machine, plan, service};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::item::down::down;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::listed::{JobsOf, ListedJob, SEARCHED_ROWS, Wanted};
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::job::{Event, Reason};
use patchward_common::plan::wave_number;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Most jobs of one answer: those of a plan over a whole large hospital.
const MOST_LISTED: u32 = 100_000;
/// Most jobs where nobody says whose: two years of a large hospital are half a million.
const MOST_OF_ALL: u32 = 1_000;
/// What is not in the database, so that no page sorts by it.
const UNSORTED: &[&str] = &["why", "down_since", "down_because"];

/// What can be done with jobs.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum JobCommand {
    /// Show the jobs of a plan or of a machine; of all, those that moved last
    List {
        /// The plan's id, or the first digits of it
        #[arg(long)]
        plan: Option<String>,
        /// The machine's name or id
        #[arg(long)]
        machine: Option<String>,
    },
    /// Show one job: where it stands, since when and why; where its machine is not in service,
    /// whether it is safe to use, who stands in, whom to call and what to do
    Show {
        /// Its id, or the first digits of it
        job: String,
    },
    /// Show what the machine's installer recorded of a job, event by event
    Journal {
        /// Its id, or the first digits of it
        job: String,
    },
    /// Return the machine of a verified job to service, as HTM
    Return {
        /// The job's id, or the first digits of it
        job: String,
        /// A step of its checklist that was looked at; may be given several times
        #[arg(long = "done")]
        done: Vec<Name>,
    },
    /// Say that a machine is up that was lost in the middle of its job, or whose go was
    /// never reported to have ended: others of its groups need not wait for it any more
    Free {
        /// The job's id, or the first digits of it
        job: String,
        /// How that is known
        #[arg(long)]
        reason: Label,
    },
    /// Begin the work of a manual job in its slot: its machine counts as down from then on
    Start {
        /// The job's id, or the first digits of it
        job: String,
    },
    /// Record the work of a manual job: what was there before and after
    Done(Box<manual::Done>),
    /// Write the photo of a manual job's work to a file
    Photo {
        /// The job's id, or the first digits of it
        job: String,
        /// The new file
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the work order of a manual job: what, where, when, stand-ins, steps, signatures
    Order {
        /// The job's id, or the first digits of it
        job: String,
        /// The new file; its ending says the form: .csv or .pdf
        #[arg(long)]
        out: PathBuf,
    },
    /// Let a job that a person stopped wait for its next slot of the same approval
    Retry {
        /// The job's id, or the first digits of it
        job: String,
        /// Why it may go on now
        #[arg(long)]
        reason: Label,
    },
    /// Say who takes the open item of a job
    Assign {
        /// The job's id, or the first digits of it
        job: String,
        /// A person of the roster, or local: with the number of a user of this computer
        #[arg(long, required_unless_present = "nobody")]
        to: Option<String>,
        /// Nobody has it any more
        #[arg(long, conflicts_with = "to")]
        nobody: bool,
    },
    /// End a job that has not started, or close the open item of one that did not succeed
    Close {
        /// The job's id, or the first digits of it
        job: String,
        /// Why nothing more is done for it
        #[arg(long)]
        reason: Label,
    },
}

/// Carries out a command on jobs.
pub async fn job(app: &App, caller: &Caller, command: JobCommand) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    match command {
        JobCommand::List {
            plan: of_plan,
            machine: of_machine,
        } => {
            let is_all = of_plan.is_none() && of_machine.is_none();
            let wanted = Wanted {
                limit: if is_all { MOST_OF_ALL } else { MOST_LISTED },
                ..Wanted::default()
            };
            let page = listed(&mut view, of_plan, of_machine, &wanted).await?;
            Ok(Output::Table(page.with_note("jobs").table))
        }
        JobCommand::Show { job } => {
            let job = named(&mut view, &job).await?;
            show::show(app, &mut view, &job).await
        }
        JobCommand::Journal { job } => {
            let job = named(&mut view, &job).await?;
            journal(&mut view, &job).await
        }
        JobCommand::Return { job, done } => {
            let found = named(&mut view, &job).await?;
            let machine = about::machine(&mut view, &found).await?;
            drop(view);
            service::return_to_service(app, caller, &found, &machine, &done).await
        }
        JobCommand::Free { job, reason } => {
            let job = named(&mut view, &job).await?.id;
            drop(view);
            free::free(app, caller, &job, &reason).await
        }
        JobCommand::Start { job } => {
            let job = named(&mut view, &job).await?.id;
            drop(view);
            manual::start(app, caller, &job).await
        }
        JobCommand::Done(said) => {
            let job = named(&mut view, &said.job).await?.id;
            drop(view);
            manual::done(app, caller, &job, &said).await
        }
        JobCommand::Photo { job, .. } => {
            let job = named(&mut view, &job).await?;
            manual::photo(app, &mut view, &job).await
        }
        JobCommand::Order { job, out } => {
            drop(view);
            order::run(app, &job, &out).await
        }
        JobCommand::Retry { job, reason } => {
            let job = named(&mut view, &job).await?.id;
            drop(view);
            person::retry(app, caller, &job, &reason).await
        }
        JobCommand::Assign { job, to, .. } => {
            let job = named(&mut view, &job).await?.id;
            drop(view);
            person::assign(app, caller, &job, to.as_deref()).await
        }
        JobCommand::Close { job, reason } => {
            let job = named(&mut view, &job).await?.id;
            drop(view);
            person::close(app, caller, &job, &reason).await
        }
    }
}

/// A page of the jobs of a plan, of a machine, of a machine within a plan, or of all.
pub(super) async fn listed(
    view: &mut View,
    of_plan: Option<String>,
    of_machine: Option<String>,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
    let mut whose = JobsOf::default();
    if let Some(text) = &of_plan {
        whose.plan = Some(plan::find(view, text).await?.id);
    }
    if let Some(text) = &of_machine {
        whose.machine = Some(machine::find(view, text).await?.id);
    }
    let page = view.listed_jobs(whose, wanted).await?;
    let mut table = jobs_table(view, &page.rows).await?;
    if whose == JobsOf::default() && wanted.seeks("since") && page.total > SEARCHED_ROWS {
        table.note = Some(format!(
            "Of {} jobs those were looked through that moved last, {SEARCHED_ROWS} at most. A \
             plan or a machine has all of its own.",
            page.total
        ));
    }
    Ok(Paged {
        unsorted: UNSORTED,
        ..Paged::of(table, &page)
    })
}

async fn find(view: &mut View, id: &JobId) -> Result<Job, Failure> {
    let job = view.job(id).await?;
    job.ok_or_else(|| Failure::not_found(missing(id)))
}

fn missing(id: impl std::fmt::Display) -> String {
    format!("There is no job {id}. `job list --machine NAME` shows a machine's.")
}

/// The job whose id begins with what was typed.
pub(crate) async fn named(view: &mut View, text: &str) -> Result<Job, Failure> {
    if let Ok(id) = text.parse::<JobId>() {
        return find(view, &id).await;
    }
    let digits = begun::digits(text, "the job's id")?;
    let mut found: Vec<(Job, String)> = Vec::new();
    for job in view.jobs_beginning(&digits).await? {
        let machine = name(view, &job.machine).await?;
        found.push((job, machine));
    }
    let described =
        |(job, machine): &(Job, String)| format!("{} on {machine}, {}", job.id, job.state.word());
    let (job, _) = begun::only(found, || missing(text), described)?;
    Ok(job)
}

/// What the installer signed of a job, oldest first.
async fn journal(view: &mut View, job: &Job) -> Result<Output, Failure> {
    let machine = view.machine(&job.machine).await?;
    let unit = machine.map(|machine| machine.unit);
    let zones = Zones::read(view).await?;
    let mut table = Table::new(&["event", "at", "what", "why", "received"]);
    for (event, received) in told::events(view, job).await? {
        table.row(vec![
            Cell::Number(event.sequence as i64),
            zones.cell(unit.as_ref(), event.at),
            Cell::of(event.event.word()),
            Cell::maybe(detail(&event.event)),
            zones.cell(unit.as_ref(), received),
        ]);
    }
    Ok(Output::Table(table))
}

/// What an event says beside its word.
fn detail(event: &Event) -> Option<String> {
    match event {
        Event::StepEnded(end) => Some(format!("{} {:?}", end.step, end.outcome)),
        other => other.reason().map(words),
    }
}

async fn jobs_table(view: &mut View, jobs: &[ListedJob]) -> Result<Table, Failure> {
    let goes = view.outstanding_goes().await?;
    let goes: BTreeMap<JobId, UtcMs> = goes.iter().map(|go| (go.job, go.issued_at)).collect();
    let mut table = Table::new(&[
        "job",
        "machine",
        "plan_title",
        "wave",
        "state",
        "since",
        "why",
        "down_since",
        "down_because",
    ]);
    let zones = Zones::read(view).await?;
    for listed in jobs {
        let ListedJob {
            job,
            machine,
            unit,
            title,
        } = listed;
        let down = down(&job.state, job.since, goes.get(&job.id).copied());
        let unit = Some(unit);
        table.row(vec![
            Cell::of(job.id),
            Cell::of(machine),
            Cell::of(title),
            Cell::Number(wave_number(job.wave).into()),
            Cell::of(job.state.word()),
            zones.cell(unit, job.since),
            Cell::maybe(job.state.reason().map(words)),
            zones.maybe(unit, down.as_ref().map(|down| down.since)),
            Cell::maybe(down.as_ref().map(|down| &down.because)),
        ]);
    }
    Ok(table)
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
