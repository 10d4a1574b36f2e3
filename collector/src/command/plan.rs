//! Plans: made, shown, handed to those who sign, taken back signed.

use super::file::InputFile;
use super::{Caller, machine};
use crate::app::App;
use crate::authority::{self, stored_signatures};
use crate::control::{Cell, Failure, Output, Table};
use crate::planning::{self, Gathered};
use crate::schedule::planner::{self, Candidate, Impossible, Owner, PlanError, PlanInput, Policy};
use crate::store::View;
use crate::store::plans::{Leaf, NewPlan, Plan, PlanState};
use crate::store::releases::{Release, ReleaseState};
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::plan::check::{self, Finding, Severity, Subject};
use patchward_common::plan::{PlanFile, approvers};
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, SECOND_MS};
use patchward_common::trust::approval::{ApprovedRelease, Emergency};
use patchward_common::trust::release::ReleaseDescription;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Fewest digits of a plan's id that a person may type.
const MIN_ID_DIGITS: usize = 6;

/// What can be done with plans.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum PlanCommand {
    /// Make a plan: releases, machines, waves and slots, written out in full
    New(Box<NewPlanArguments>),
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
    #[arg(long, default_value_t = 1)]
    canaries: u32,
    /// Each wave is so many times as large as the one before
    #[arg(long, default_value_t = 4)]
    growth: u32,
    /// Minutes between the last first slot of a wave and the first of the next
    #[arg(long, default_value_t = 2 * 24 * 60, conflicts_with = "soak_seconds")]
    soak_minutes: u32,
    /// The same in seconds, for rehearsals
    #[arg(long)]
    soak_seconds: Option<u32>,
    /// Slots beside the first, for what is missed
    #[arg(long, default_value_t = 3)]
    spare_slots: u32,
    /// How many failures halt it
    #[arg(long, default_value_t = 1)]
    failure_limit: u32,
    /// How far ahead slots may lie, in days
    #[arg(long, default_value_t = 60)]
    days: u32,
    /// Digest to clear from quarantine; may be given several times
    #[arg(long = "clear")]
    clears: Vec<Digest>,
    /// Why it cannot wait: two people must sign, and the named freezes are overridden
    #[arg(long)]
    emergency: Option<Label>,
    /// A freeze that the emergency overrides; may be given several times
    #[arg(long = "override", requires = "emergency")]
    overrides: Vec<Label>,
}

/// Carries out a command on plans.
pub async fn run(app: &App, caller: &Caller, command: PlanCommand) -> Result<Output, Failure> {
    match command {
        PlanCommand::New(arguments) => new(app, caller, *arguments).await,
        PlanCommand::List => list(app).await,
        PlanCommand::Show { plan } => show(app, &plan).await,
        PlanCommand::Check { plan } => {
            let file = file(app, &plan).await?;
            let findings = check::check(&file, app.now());
            Ok(Output::Table(findings_table(&findings)))
        }
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
        PlanCommand::Sign { file } => sign(app, caller, &file).await,
        PlanCommand::Remove { plan } => {
            let found = find(&mut app.store.view().await?, &plan).await?;
            let mut change = app.change(caller).await?;
            change.remove_draft(&found.id).await?;
            change.commit().await?;
            Ok(Output::Text(format!("The draft {} is gone.", found.title)))
        }
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

async fn new(app: &App, caller: &Caller, chosen: NewPlanArguments) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let gathered = planning::gather(&mut view, now).await?;
    let releases = releases(&mut view, &chosen.releases).await?;
    let described: Vec<&ReleaseDescription> = releases.iter().map(|r| &r.release).collect();
    let mut candidates = Vec::new();
    let mut unassigned = Vec::new();
    for machine in machines(&mut view, &gathered, &chosen).await? {
        match planning::candidate(&mut view, &gathered, &machine, &described).await? {
            Some(candidate) => candidates.push(candidate),
            None => unassigned.push(machine),
        }
    }
    let policy = policy(&chosen);
    let emergency = chosen.emergency.clone().map(|reason| Emergency {
        reason,
        freezes: chosen.overrides.clone(),
    });
    let range = Interval::new(now, now.plus_ms(policy.horizon_ms.max(1)))
        .map_err(|error| Failure::input(error.to_string()))?;
    let allowed = planning::allowed(&mut view, candidates.iter().map(|c| &c.row), range).await?;
    let names = names(&candidates);
    let input = PlanInput {
        title: chosen.title.clone(),
        releases,
        machines: candidates,
        allowed,
        groups: gathered.groups.clone(),
        beside: gathered.beside.clone(),
        measured_minutes: BTreeMap::new(),
        policy,
        clears: chosen.clears.clone(),
        emergency,
    };
    let planned = tokio::task::spawn_blocking(move || planner::plan(&input, now))
        .await
        .map_err(|error| Failure::input(error.to_string()))?;
    let planned = match planned {
        Ok(planned) => planned,
        Err(PlanError::Impossible(impossible)) => {
            return Err(Failure::conflict(format!(
                "No machine can be planned:\n{}",
                reasons(&impossible)
            )));
        }
        Err(error) => return Err(Failure::input(error.to_string())),
    };
    let table = planned.table.clone();
    let file = planning::plan_file(app, &mut view, gathered, table, policy.soak_ms).await?;
    drop(view);
    let id = store(app, caller, &planned).await?;
    let findings = check::check(&file, now);
    let mut shown = leaves_table(&planned.leaves, &names);
    shown.note = Some(format!(
        "Plan {id}: {} machines, {} waves, ends {}.{}{}{}\nNext: `plan export {} --out FILE`, then \
         `patchward-sign approve`.",
        planned.leaves.len(),
        planned.approval.waves,
        planned.approval.expires,
        not_planned(&planned.impossible),
        not_assigned(&unassigned),
        found(&findings),
        &id.to_string()[..12],
    ));
    Ok(Output::Table(shown))
}

fn policy(chosen: &NewPlanArguments) -> Policy {
    let soak_ms = match chosen.soak_seconds {
        Some(seconds) => i64::from(seconds) * SECOND_MS,
        None => i64::from(chosen.soak_minutes) * MINUTE_MS,
    };
    Policy {
        canaries: chosen.canaries,
        growth: chosen.growth,
        soak_ms,
        spare_slots: chosen.spare_slots,
        failure_limit: chosen.failure_limit,
        horizon_ms: i64::from(chosen.days) * DAY_MS,
        lead_ms: 0,
    }
}

/// The chosen releases, each with its way back.
async fn releases(view: &mut View, chosen: &[String]) -> Result<Vec<ApprovedRelease>, Failure> {
    let mut found = Vec::new();
    for text in chosen {
        let (product, version) = text.split_once('=').ok_or_else(|| {
            Failure::input(format!("\"{text}\": write a release as PRODUCT=VERSION"))
        })?;
        let product =
            Name::new(product).map_err(|e| Failure::input(format!("\"{product}\" {e}")))?;
        let all: Vec<Release> = view.releases(Some(&product)).await?;
        let release = all
            .iter()
            .filter(|r| r.version == version)
            .max_by_key(|r| r.counter);
        let release = release.ok_or_else(|| {
            Failure::not_found(format!("There is no release {version} of {product}."))
        })?;
        if release.state == ReleaseState::Withdrawn {
            return Err(Failure::conflict(format!(
                "{product} {version} was withdrawn."
            )));
        }
        let earlier = all
            .iter()
            .filter(|r| r.repository == release.repository && r.counter < release.counter)
            .max_by_key(|r| r.counter);
        found.push(planning::approved(release, earlier)?);
    }
    Ok(found)
}

async fn machines(
    view: &mut View,
    gathered: &Gathered,
    chosen: &NewPlanArguments,
) -> Result<Vec<MachineId>, Failure> {
    let of_units = gathered
        .rows
        .iter()
        .filter(|(_, row)| chosen.units.contains(&row.unit));
    let mut found: Vec<MachineId> = of_units.map(|(machine, _)| *machine).collect();
    for text in &chosen.machines {
        let id = machine::find(view, text).await?.id;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    if found.is_empty() {
        return Err(Failure::input(
            "name machines with --machine, or a unit that has assigned machines with --unit",
        ));
    }
    Ok(found)
}

fn names(candidates: &[Candidate]) -> BTreeMap<MachineId, String> {
    let pairs = candidates
        .iter()
        .map(|c| (c.row.machine, c.row.name.to_string()));
    pairs.collect()
}

async fn store(app: &App, caller: &Caller, planned: &planner::Planned) -> Result<Digest, Failure> {
    let groups: Vec<Name> = planned
        .approval
        .groups
        .iter()
        .map(|g| g.group.clone())
        .collect();
    let leaves: Vec<Leaf> = planned
        .leaves
        .iter()
        .zip(&planned.table.leaves)
        .map(|(leaf, bytes)| Leaf {
            machine: leaf.machine,
            wave: leaf.wave.into(),
            bytes: bytes.to_vec(),
        })
        .collect();
    let mut change = app.change(caller).await?;
    let id = change
        .add_plan(&NewPlan {
            title: &planned.approval.title,
            payload: planned.table.signed.payload(),
            expires_at: planned.approval.expires,
            groups: &groups,
            leaves: &leaves,
        })
        .await?;
    change.commit().await?;
    Ok(id)
}

fn reasons(impossible: &[Impossible]) -> String {
    let lines = impossible.iter().map(|one| {
        format!(
            "  {}: {} ({} can change it)",
            one.name,
            one.reason,
            owner(one.who)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn owner(who: Owner) -> &'static str {
    match who {
        Owner::Vendor => "the vendor",
        Owner::Htm => "HTM",
        Owner::It => "IT",
        Owner::Nobody => "nobody",
    }
}

fn not_planned(impossible: &[Impossible]) -> String {
    if impossible.is_empty() {
        return String::new();
    }
    format!("\nNot in the plan:\n{}", reasons(impossible))
}

fn not_assigned(machines: &[MachineId]) -> String {
    match machines.len() {
        0 => String::new(),
        count => format!("\n{count} machines have no signed assignment and are not in the plan."),
    }
}

fn found(findings: &[Finding]) -> String {
    let lines = findings
        .iter()
        .map(|f| format!("\n  {}: {}", severity(f.severity), f.text));
    match findings.len() {
        0 => "\nThe plan check finds nothing.".to_owned(),
        _ => format!("\nThe plan check finds:{}", lines.collect::<String>()),
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

fn leaves_table(
    leaves: &[patchward_common::trust::approval::PlanLeaf],
    names: &BTreeMap<MachineId, String>,
) -> Table {
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
            Cell::Number(leaf.wave.into()),
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
            Cell::of(&plan.id.to_string()[..12]),
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
    let soak_ms = soak_of(&table)?;
    planning::plan_file(app, &mut view, gathered, table, soak_ms).await
}

/// The soak that a plan shows: the shortest time from a wave's last first slot to the
/// next wave's first.
fn soak_of(
    table: &patchward_common::plan::Table<patchward_common::trust::approval::Approval>,
) -> Result<i64, Failure> {
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
    let mut shown = leaves_table(&leaves, &names);
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
    shown.note = Some(format!(
        "Plan {}: {}, {}. Installs {}. Ends {}. {} signatures.",
        plan.id,
        plan.title,
        plan.state.word(),
        releases.join(", then "),
        approval.expires,
        table.signed.signatures().len()
    ));
    Ok(Output::Table(shown))
}

async fn sign(app: &App, caller: &Caller, input: &InputFile) -> Result<Output, Failure> {
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
    app.fleet
        .nudge_all(patchward_common::wire::collector::Nudge::OrdersChanged);
    Ok(Output::Text(format!(
        "Plan {} is signed by enough and goes to its machines.",
        plan.title
    )))
}

/// What is still to be signed, by unit and class.
fn missing(
    table: &patchward_common::plan::Table<patchward_common::trust::approval::Approval>,
    held: &authority::Held,
    now: patchward_common::time::UtcMs,
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
