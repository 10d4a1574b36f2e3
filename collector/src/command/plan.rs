//! Plans: made, shown, handed to those who sign, taken back signed.

pub(crate) mod again;
mod answers;
mod cleared;
pub(super) mod findings;
mod held;
mod installs;
mod make;
mod releases;
mod report;
mod risks;
mod show;
mod sign;
pub(crate) mod standing;
pub mod stated;
pub(super) use stated::release;

use super::file::InputFile;
use super::release::met::{self, Met};
use super::zones::Zones;
use super::{Caller, begun, forecast, window};
use crate::app::App;
use crate::authority;
use crate::control::{Cell, Failure, Output, Table};
use crate::planning::{self, Handed};
use crate::quarantine;
use crate::rollout::wave::SHARE_PERCENT;
use crate::store::View;
use crate::store::plan_tables::PlanTable;
use crate::store::plans::Plan;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::plan::check::Severity;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::approval::{MAX_APPROVAL_LIFE_MS, MAX_SLOTS};
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the audit log calls it that somebody declined a plan.
const DECLINED: &str = "plan.decline";
/// Soak of a plan: a failure shows within two working days.
const SOAK_MINUTES: u32 = 2 * 24 * 60;
/// Soak of an emergency: what does not start at all shows within two hours.
const EMERGENCY_SOAK_MINUTES: u32 = 2 * 60;

/// What can be done with plans.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum PlanCommand {
    /// Make a plan: releases, machines, waves and slots, written out in full
    New(Box<NewPlanArguments>),
    /// Ask for the same once more, since windows, freezes or machines changed: a draft is made
    /// anew; of a signed plan only the machines that have no slot left, and those that are new
    Again {
        /// Its id, or the first digits of it
        plan: String,
    },
    /// Show all plans
    List,
    /// Show one plan: its machines, waves, slots and signatures
    Show {
        /// Its id, or the first digits of it
        plan: String,
    },
    /// Show what the plan check finds
    Check {
        /// Its id, or the first digits of it
        plan: String,
    },
    /// Enter when a plan has to be done
    Due {
        /// Its id, or the first digits of it
        plan: String,
        /// When, such as 2026-12-24T00:00:00Z
        #[arg(value_parser = window::instant)]
        due: UtcMs,
    },
    /// Show how many machines are done by when, and which will be left behind
    Forecast {
        /// Its id, or the first digits of it
        plan: String,
    },
    /// Write a plan to a file for `patchward-sign approve`
    Export {
        /// Its id, or the first digits of it
        plan: String,
        /// The file to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
    /// Take back a plan's file with signatures; signed by enough, it goes to its machines
    Sign {
        /// The file that patchward-sign wrote
        file: InputFile,
    },
    /// Say that you do not sign a plan, and why; it stays as it is
    Decline {
        /// Its id, or the first digits of it
        plan: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Remove a plan that nobody signed
    Remove {
        /// Its id, or the first digits of it
        plan: String,
    },
    /// State what plans are made and judged by: limits, order, training, duty, members
    #[command(flatten)]
    State(stated::StateCommand),
}

/// What a person chooses for a plan.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct NewPlanArguments {
    /// What people call it
    title: Label,
    /// PRODUCT=VERSION; several are installed in this order
    #[arg(long = "release", required = true)]
    releases: Vec<String>,
    /// All machines of this unit; may be given several times
    #[arg(long = "unit")]
    units: Vec<Name>,
    /// This machine, by name or id; may be given several times
    #[arg(long = "machine")]
    machines: Vec<String>,
    /// Machines of the first wave
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    canaries: u32,
    /// Each wave is so many times as large as the one before
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    growth: u32,
    /// Minutes between the last first slot of a wave and the first of the next; two days, or
    /// two hours for an emergency, where nothing is said
    #[arg(long, conflicts_with = "soak_seconds")]
    soak_minutes: Option<u32>,
    /// The same in seconds, for rehearsals
    #[arg(long)]
    soak_seconds: Option<u32>,
    /// Slots beside the first, for what is missed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(..MAX_SLOTS as i64))]
    spare_slots: u32,
    /// How many failures halt it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    failure_limit: u32,
    /// How many of a hundred outcomes of a wave must be verified before the next begins
    #[arg(long, default_value_t = SHARE_PERCENT, value_parser = clap::value_parser!(u32).range(1..=100))]
    share_percent: u32,
    /// How far ahead slots may lie, in days
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=MAX_APPROVAL_LIFE_MS / DAY_MS))]
    days: u32,
    /// Minutes that the install of each release gets, where it is more than its vendor
    /// declares: work by hand takes longer
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..1440))]
    install_minutes: Option<u32>,
    /// Digest to clear from quarantine; may be given several times
    #[arg(long = "clear")]
    clears: Vec<Digest>,
    /// Why it cannot wait: two people must sign, and the named freezes are overridden
    #[arg(long)]
    emergency: Option<Label>,
    /// An emergency opens a window from now for so many minutes in the units of its machines
    #[arg(long, requires = "emergency", value_parser = clap::value_parser!(u32).range(1..1440))]
    for_minutes: Option<u32>,
    /// A freeze that the emergency overrides; may be given several times
    #[arg(long = "override", requires = "emergency")]
    overrides: Vec<Label>,
}

/// Carries out a command on plans.
pub async fn run(app: &App, caller: &Caller, command: PlanCommand) -> Result<Output, Failure> {
    match command {
        PlanCommand::New(arguments) => {
            make::new(app, caller, *arguments, make::Before::default()).await
        }
        PlanCommand::Again { plan } => {
            let found = find(&mut app.store.view().await?, &plan).await?;
            again::again(app, caller, &found).await
        }
        PlanCommand::List => list(app).await,
        PlanCommand::Show { plan } => show::show(app, &plan).await,
        PlanCommand::Check { plan } => {
            let handed = file(app, &plan).await?;
            let (findings, file) = (handed.findings(app.now()), handed.file);
            let mut view = app.store.view().await?;
            let id = file.plan.signed.digest();
            let named = findings::Named::of(&mut view, &id, &findings).await?;
            let mut table = findings::table(&findings, &named);
            if let Ok(approval) = file.plan.signed.peek() {
                let risks = risks::Risks::read(&mut view, &id, &approval).await?;
                risks.add_to(&mut table, app.now());
                met::add_to(&Met::of_plan(&mut view, &approval).await?, &mut table);
                cleared::put_first(&cleared::of(&mut view, &approval).await?, &mut table);
            }
            Ok(Output::Table(table))
        }
        PlanCommand::Due { plan, due } => forecast::due(app, caller, &plan, due).await,
        PlanCommand::Forecast { plan } => forecast::show(app, &plan).await,
        PlanCommand::Export { plan, .. } => {
            let handed = file(app, &plan).await?;
            let text = match handed.blocking(app.now()) {
                0 => "Hand this file to the approvers: `patchward-sign approve`.".to_owned(),
                count => {
                    let findings = counted(count, "finding speaks", "findings speak");
                    format!("{findings} against signing it; `plan check` lists them.")
                }
            };
            Ok(Output::File {
                bytes: ByteBuf::from(handed.file.to_bytes()),
                text,
            })
        }
        PlanCommand::Sign { file } => sign::sign(app, caller, &file).await,
        PlanCommand::Decline { plan, reason } => {
            let found = find(&mut app.store.view().await?, &plan).await?;
            let mut change = app.change(caller).await?;
            let detail = json!({ "reason": reason, "title": found.title });
            change.note(DECLINED, found.id, &detail);
            change.commit().await?;
            Ok(Output::Text(format!(
                "You declined {}: {reason}. It stands in the audit log; the plan stays a draft until \
                 it is signed by others or removed.",
                found.title
            )))
        }
        PlanCommand::Remove { plan } => {
            let found = find(&mut app.store.view().await?, &plan).await?;
            let mut change = app.change(caller).await?;
            change.remove_draft(&found.id).await?;
            change.commit().await?;
            Ok(Output::Text(format!("The draft {} is gone.", found.title)))
        }
        PlanCommand::State(command) => stated::run(app, caller, command).await,
    }
}

/// The plan whose id begins with `text`.
pub async fn find(view: &mut View, text: &str) -> Result<Plan, Failure> {
    let digits = begun::digits(text, "the plan's id")?;
    let found = view.plans_beginning(&digits).await?;
    let missing = || format!("There is no plan {text}. `plan list` shows all.");
    let described = |plan: &Plan| format!("{} {}, {}", plan.id, plan.title, plan.state.word());
    begun::only(found, missing, described)
}

/// What a plan clears from quarantine, in sentences: who signs reads them before all else.
pub(crate) async fn clears(app: &App, text: &str) -> Result<Vec<String>, Failure> {
    let mut view = app.store.view().await?;
    let plan = find(&mut view, text).await?;
    let approval = quarantine::approval(&mut view, &plan.id).await?;
    let cleared = cleared::of(&mut view, &approval).await?;
    Ok(cleared.into_iter().map(|one| one.text).collect())
}

/// The word of a severity.
pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocks => "blocks",
        Severity::Warns => "warns",
    }
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&["plan", "title", "state", "made", "ends", "signatures"]);
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let held = authority::held(&mut view).await.ok();
    let now = app.now();
    let counted = view.counted_plans(None).await?;
    for plan in view.plans(None).await? {
        let counted = counted.get(&plan.id);
        let state = standing::state_of(&mut view, &plan, counted, held.as_ref(), now).await?;
        let signatures = counted.map_or(0, |counted| counted.signatures);
        table.row(vec![
            Cell::of(plan.short()),
            Cell::of(plan.title),
            state,
            zones.cell(None, plan.created_at),
            zones.cell(None, plan.expires_at),
            Cell::Number(signatures as i64),
        ]);
    }
    Ok(Output::Table(table))
}

/// A plan as it is handed to those who sign it.
pub(crate) async fn file(app: &App, text: &str) -> Result<Handed, Failure> {
    let mut view = app.store.view().await?;
    let plan = find(&mut view, text).await?;
    let table = planning::read(&mut view, &plan.id).await?;
    let gathered = planning::gather(app, &mut view, app.now()).await?;
    // One that was made before soaks were kept shows its own.
    let soak_ms = match view.plan_policy(&plan.id).await? {
        Some(policy) => policy.soak_ms,
        None => soak_of(&table)?,
    };
    planning::plan_file(app, &mut view, gathered, table, soak_ms).await
}

/// The soak that a plan shows: the shortest time from a wave's last first slot to the
/// next wave's first.
fn soak_of(table: &PlanTable) -> Result<i64, Failure> {
    let (_, leaves) = table
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let mut firsts: BTreeMap<u16, (i64, i64)> = BTreeMap::new();
    for leaf in leaves {
        if let Some(slot) = leaf.slots.first() {
            let at = slot.start().0;
            let (least, most) = firsts.entry(leaf.wave).or_insert((at, at));
            *least = at.min(*least);
            *most = at.max(*most);
        }
    }
    let waves: Vec<_> = firsts.values().collect();
    let soaks = waves.windows(2).map(|pair| pair[1].0 - pair[0].1);
    Ok(soaks.min().unwrap_or(0).max(0))
}
