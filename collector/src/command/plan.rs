//! Plans: made, shown, handed to those who sign, taken back signed.

pub(crate) mod again;
mod make;
mod releases;
mod report;
mod sign;
pub mod stated;

use super::file::InputFile;
use super::{Caller, forecast, window};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::planning;
use crate::rollout::wave::SHARE_PERCENT;
use crate::store::View;
use crate::store::plans::Plan;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::plan::check::{self, Finding, Severity, Subject};
use patchward_common::plan::{PlanFile, wave_number};
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::approval::{Approval, MAX_APPROVAL_LIFE_MS, MAX_SLOTS, PlanLeaf};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Soak of a plan: a failure shows within two working days.
const SOAK_MINUTES: u32 = 2 * 24 * 60;
/// Soak of an emergency: what does not start at all shows within two hours.
const EMERGENCY_SOAK_MINUTES: u32 = 2 * 60;
/// Fewest digits of a plan's id that a person may type.
const MIN_ID_DIGITS: usize = 6;

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
        PlanCommand::Show { plan } => show(app, &plan).await,
        PlanCommand::Check { plan } => {
            let file = file(app, &plan).await?;
            let findings = check::check(&file, app.now());
            Ok(Output::Table(findings_table(&findings)))
        }
        PlanCommand::Due { plan, due } => forecast::due(app, caller, &plan, due).await,
        PlanCommand::Forecast { plan } => forecast::show(app, &plan).await,
        PlanCommand::Export { plan, .. } => {
            let file = file(app, &plan).await?;
            let findings = check::check(&file, app.now());
            let blocking = findings.iter().filter(|f| f.severity == Severity::Blocks);
            let text = match blocking.count() {
                0 => "Hand this file to the approvers: `patchward-sign approve`.".to_owned(),
                count => {
                    format!("{count} findings speak against signing it; `plan check` lists them.")
                }
            };
            Ok(Output::File {
                bytes: ByteBuf::from(file.to_bytes()),
                text,
            })
        }
        PlanCommand::Sign { file } => sign::sign(app, caller, &file).await,
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
    if text.len() < MIN_ID_DIGITS {
        return Err(Failure::input(format!(
            "type at least {MIN_ID_DIGITS} digits of the plan's id"
        )));
    }
    let mut found = view.plans(None).await?;
    found.retain(|plan| plan.id.to_string().starts_with(text));
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::not_found(format!(
            "There is no plan {text}. `plan list` shows all."
        ))),
        _ => Err(Failure::conflict(format!(
            "Several plans begin with {text}; type more digits."
        ))),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocks => "blocks",
        Severity::Warns => "warns",
    }
}

fn findings_table(findings: &[Finding]) -> Table {
    let mut table = Table::new(&["finding", "rule", "about", "text"]);
    for finding in findings {
        let about = match &finding.subject {
            Subject::Plan => "the plan".to_owned(),
            Subject::Machine(machine) => format!("machine {machine}"),
            Subject::Group(group) => format!("group {group}"),
            Subject::Release(product) => format!("release {product}"),
            Subject::Unit(unit) => format!("unit {unit}"),
            Subject::Site(site) => format!("site {site}"),
            Subject::Wave(wave) => format!("wave {wave}"),
            other => format!("{other:?}"),
        };
        table.row(vec![
            Cell::of(severity(finding.severity)),
            Cell::of(format!("{:?}", finding.rule)),
            Cell::of(about),
            Cell::of(&finding.text),
        ]);
    }
    table
}

fn leaves_table(leaves: &[PlanLeaf], names: &BTreeMap<MachineId, String>) -> Table {
    let mut table = Table::new(&[
        "machine",
        "unit",
        "class",
        "wave",
        "first_slot",
        "until",
        "spare",
    ]);
    let mut sorted: Vec<_> = leaves.iter().collect();
    sorted.sort_by_key(|leaf| (leaf.wave, leaf.slots.first().copied()));
    for leaf in sorted {
        let name = names.get(&leaf.machine);
        table.row(vec![
            Cell::of(name.cloned().unwrap_or_else(|| leaf.machine.to_string())),
            Cell::of(&leaf.unit),
            Cell::of(leaf.class.word()),
            Cell::Number(wave_number(leaf.wave).into()),
            Cell::maybe(leaf.slots.first().map(|slot| slot.start())),
            Cell::maybe(leaf.slots.first().map(|slot| slot.end())),
            Cell::Number(leaf.slots.len().saturating_sub(1) as i64),
        ]);
    }
    table
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&["plan", "title", "state", "made", "ends", "signatures"]);
    let mut view = app.store.view().await?;
    for plan in view.plans(None).await? {
        let signatures = view.signatures(&plan.id).await?.len();
        table.row(vec![
            Cell::of(plan.short()),
            Cell::of(plan.title),
            Cell::of(plan.state.word()),
            Cell::of(plan.created_at),
            Cell::of(plan.expires_at),
            Cell::Number(signatures as i64),
        ]);
    }
    Ok(Output::Table(table))
}

async fn file(app: &App, text: &str) -> Result<PlanFile, Failure> {
    let mut view = app.store.view().await?;
    let plan = find(&mut view, text).await?;
    let table = planning::table(&mut view, &plan.id).await?;
    let gathered = planning::gather(&mut view, app.now()).await?;
    // One that was made before soaks were kept shows its own.
    let soak_ms = match view.plan_policy(&plan.id).await? {
        Some(policy) => policy.soak_ms,
        None => soak_of(&table)?,
    };
    planning::plan_file(app, &mut view, gathered, table, soak_ms).await
}

/// The soak that a plan shows: the shortest time from a wave's last first slot to the
/// next wave's first.
fn soak_of(table: &patchward_common::plan::Table<Approval>) -> Result<i64, Failure> {
    let (_, leaves) = table
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let mut firsts: BTreeMap<u16, (i64, i64)> = BTreeMap::new();
    for leaf in &leaves {
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

async fn show(app: &App, text: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let plan = find(&mut view, text).await?;
    let table = planning::table(&mut view, &plan.id).await?;
    let (approval, leaves) = table
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let gathered = planning::gather(&mut view, app.now()).await?;
    let named = gathered
        .rows
        .iter()
        .map(|(id, row)| (*id, row.name.to_string()));
    let names: BTreeMap<MachineId, String> = named.collect();
    let releases: Vec<String> = approval
        .releases
        .iter()
        .map(|r| {
            format!(
                "{} {} ({})",
                r.release.product,
                r.release.version,
                r.provenance.word()
            )
        })
        .collect();
    let signatures = table.signed.signatures().len();
    let policy = view.plan_policy(&plan.id).await?;
    let share = policy.map_or(SHARE_PERCENT, |policy| policy.share_percent);
    let text = format!(
        "Plan {}: {}, {}. Installs {}. Ends {}. A wave begins when {share} of 100 outcomes of the \
         one before are verified; {} failures halt it. {signatures} signatures.",
        plan.id,
        plan.title,
        plan.state.word(),
        releases.join(", then "),
        approval.expires,
        approval.failure_limit,
    );
    let report = Report::new(
        [
            ("plan", Cell::of(plan.id)),
            ("title", Cell::of(plan.title)),
            ("state", Cell::of(plan.state.word())),
            ("releases", Cell::List(releases)),
            ("ends", Cell::of(approval.expires)),
            ("share_percent", Cell::Number(share.into())),
            ("failure_limit", Cell::Number(approval.failure_limit.into())),
            ("signatures", Cell::Number(signatures as i64)),
        ],
        text,
    );
    Ok(Output::Report(
        report.with("machines", leaves_table(&leaves, &names)),
    ))
}
