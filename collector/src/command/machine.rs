//! Machines: who waits, who is there, what runs on them.

pub(super) mod components;
pub mod history;
mod list;
mod waiting;

pub(super) use list::listed;

use super::{Caller, forecast};
use crate::app::App;
use crate::control::{Cell, Failure, FailureKind, Output, Table};
use crate::fleet::FleetError;
use crate::store::View;
use crate::store::assets::Asset;
use crate::store::machines::{Machine, MachineState};
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};

/// What can be done with machines.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum MachineCommand {
    /// Show the machines that wait for acceptance: new ones, and those that come back
    Waiting,
    /// Accept a machine that waits
    Accept {
        /// Its host name or id; its name, where it comes back
        machine: String,
        /// What to call a new one, instead of its host name
        #[arg(long)]
        name: Option<Name>,
        /// The model of a new one, instead of what its firmware says
        #[arg(long)]
        model: Option<Name>,
    },
    /// Turn a machine away that waits
    Refuse {
        /// Its host name or id
        machine: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Show all machines
    List {
        /// Only this unit's
        #[arg(long)]
        unit: Option<Name>,
    },
    /// Show one machine
    Show {
        /// Its name or id
        machine: String,
    },
    /// Show how many machines stood how, day by day, for two years
    History {
        /// Only these units' machines, added up; may be given several times
        #[arg(long = "unit", value_delimiter = ',')]
        units: Vec<Name>,
    },
    /// Show how many hours of each weekday a machine is idle
    Idle {
        /// Its name or id
        machine: String,
    },
    /// Show what is installed on a machine
    Components {
        /// Its name or id
        machine: String,
    },
    /// Find the machines on which a component runs
    With {
        /// The component's name
        component: String,
        /// Only these versions
        #[arg(long)]
        version: Vec<String>,
        /// Only in this unit
        #[arg(long)]
        unit: Option<Name>,
    },
    /// End a machine's access at once; its key never comes back
    Revoke {
        /// Its name or id
        machine: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Put a machine into storage, or take it out again
    Store {
        /// Its name or id
        machine: String,
        /// Take it out
        #[arg(long)]
        out: bool,
    },
    /// Say that a suspected clone is none
    NotAClone {
        /// Its name or id
        machine: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
}

/// Carries out a command on machines.
pub async fn run(app: &App, caller: &Caller, command: MachineCommand) -> Result<Output, Failure> {
    match command {
        MachineCommand::Waiting => waiting::list(app).await,
        MachineCommand::Accept {
            machine,
            name,
            model,
        } => waiting::accept(app, caller, &machine, name, model).await,
        MachineCommand::Refuse { machine, reason } => {
            waiting::refuse(app, caller, &machine, &reason).await
        }
        MachineCommand::List { unit } => list::list(app, unit.as_ref()).await,
        MachineCommand::Show { machine } => show(app, &machine).await,
        MachineCommand::History { units } => history::history(app, &units).await,
        MachineCommand::Idle { machine } => forecast::idle(app, &machine).await,
        MachineCommand::Components { machine } => components::list(app, &machine).await,
        MachineCommand::With {
            component,
            version,
            unit,
        } => with(app, &component, &version, unit.as_ref()).await,
        MachineCommand::Revoke { machine, reason } => {
            let found = find(&mut app.store.view().await?, &machine).await?;
            app.fleet
                .revoke(
                    &found.id,
                    found.state,
                    MachineState::Revoked,
                    reason.as_str(),
                    caller.actor.clone(),
                )
                .await?;
            Ok(Output::Text(format!(
                "{} is revoked and cut off. To use it again, enrol it anew with a new key.",
                found.name
            )))
        }
        MachineCommand::Store { machine, out } => {
            let found = find(&mut app.store.view().await?, &machine).await?;
            let (from, to) = if out {
                (MachineState::Stored, MachineState::Enrolled)
            } else {
                (MachineState::Enrolled, MachineState::Stored)
            };
            let mut change = app.change(caller).await?;
            change
                .move_machine(&found.id, from, to, "by command")
                .await?;
            change.commit().await?;
            // Out of storage it comes by itself; into it, what it holds open ends.
            app.fleet.disconnect(&found.id);
            Ok(Output::Text(format!("{} is {}.", found.name, to.word())))
        }
        MachineCommand::NotAClone { machine, reason } => {
            not_a_clone(app, caller, &machine, &reason).await
        }
    }
}

async fn not_a_clone(
    app: &App,
    caller: &Caller,
    machine: &str,
    reason: &Label,
) -> Result<Output, Failure> {
    let found = find(&mut app.store.view().await?, machine).await?;
    let mut change = app.change(caller).await?;
    change.clear_clone(&found.id, reason.as_str()).await?;
    change.commit().await?;
    app.fleet.machine_changed(&found.id);
    Ok(Output::Text(format!(
        "{} is one machine again.",
        found.name
    )))
}

/// The machine with this name or id, whatever its state.
pub async fn find(view: &mut View, text: &str) -> Result<Machine, Failure> {
    let found = match text.parse::<MachineId>() {
        Ok(id) => view.machine(&id).await?,
        Err(_) => match Name::new(text) {
            Ok(name) => view.machine_named(&name).await?,
            Err(error) => return Err(Failure::input(format!("\"{text}\" {error}"))),
        },
    };
    found.ok_or_else(|| {
        Failure::not_found(format!(
            "There is no machine {text}. `machine list` shows all, `machine waiting` those that wait."
        ))
    })
}

fn interlock_word(word: patchward_common::wire::machine::InterlockWord) -> &'static str {
    use patchward_common::wire::machine::InterlockWord;
    match word {
        InterlockWord::Idle => "idle",
        InterlockWord::InUse => "in use",
        InterlockWord::Unknown => "unknown",
    }
}

async fn show(app: &App, machine: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let found = find(&mut view, machine).await?;
    let status = view.machine_status(&found.id).await?;
    let facts = view.machine_facts(&found.id).await?;
    let facts: Facts = facts
        .and_then(|(bytes, _)| PackedFacts::from_bytes(bytes).unpack().ok())
        .unwrap_or_default();
    let groups = view.groups_of(&found.id).await?;
    let set = view.set_of(&found.id).await?;
    let asset = view.asset_of(&found.id).await?;
    let text = |text: String| (!text.is_empty()).then_some(text);
    let of_asset = |of: fn(&Asset) -> &String| {
        let asset = asset.as_ref();
        Cell::maybe(asset.and_then(|asset| text(of(asset).clone())))
    };
    Ok(Output::record([
        ("machine", Cell::of(&found.name)),
        ("id", Cell::of(found.id)),
        ("unit", Cell::of(&found.unit)),
        ("class", Cell::of(found.class.word())),
        ("model", Cell::of(&found.model)),
        ("asset", Cell::maybe(asset.as_ref().map(|asset| &asset.tag))),
        ("manufacturer", of_asset(|asset| &asset.manufacturer)),
        ("serial", of_asset(|asset| &asset.serial)),
        ("location", of_asset(|asset| &asset.location)),
        (
            "life_cycle",
            Cell::maybe(asset.as_ref().map(|asset| asset.life_cycle.word())),
        ),
        (
            "life_cycle_since",
            Cell::maybe(asset.as_ref().and_then(|asset| asset.life_cycle_since)),
        ),
        ("mode", Cell::of(found.mode.word())),
        ("state", Cell::of(found.state.word())),
        (
            "groups",
            Cell::List(groups.iter().map(Name::to_string).collect()),
        ),
        ("last_seen", Cell::maybe(view.seen_at(&found.id).await?)),
        ("connected", Cell::Flag(app.fleet.is_connected(&found.id))),
        ("carrier", Cell::maybe(app.fleet.carrier_of(&found.id))),
        (
            "in_use",
            Cell::maybe(status.as_ref().map(|s| interlock_word(s.interlock))),
        ),
        (
            "held_until",
            Cell::maybe(status.as_ref().and_then(|s| s.hold_until)),
        ),
        ("agent", Cell::maybe(status.map(|s| s.agent_version))),
        ("os", Cell::maybe(text(facts.os_name))),
        ("kernel", Cell::maybe(text(facts.kernel))),
        ("inventory", Cell::maybe(set.as_ref().map(|set| set.digest))),
        ("inventory_since", Cell::maybe(set.map(|set| set.since))),
        ("clone_suspected", Cell::maybe(found.clone_reason)),
        ("evidence_of_machine", Cell::of(&found.name)),
    ]))
}

async fn with(
    app: &App,
    component: &str,
    versions: &[String],
    unit: Option<&Name>,
) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    let mut table = Table::new(&["machine", "unit", "class"]);
    let with = view.machines_with(component, &versions, unit).await?;
    let machines = view.these_machines(with.iter().copied()).await?;
    for machine in with.iter().filter_map(|id| machines.get(id)) {
        table.row(vec![
            Cell::of(&machine.name),
            Cell::of(&machine.unit),
            Cell::of(machine.class.word()),
        ]);
    }
    table.note = Some(format!(
        "{} it.",
        counted(table.rows.len(), "machine runs", "machines run")
    ));
    Ok(Output::Table(table))
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Store(error) => error.into(),
            other => Self {
                kind: FailureKind::Internal,
                text: other.to_string(),
            },
        }
    }
}
