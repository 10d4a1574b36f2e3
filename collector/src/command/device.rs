//! Medical devices: what they answer to the machines beside them.

use super::rows::{self, FromFile, Watch};
use super::zones::Zones;
use super::{Caller, machine};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::assets::Asset;
use crate::store::devices::DeviceAnswer;
use crate::store::machines::Machine;
use crate::store::{Change, View};
use patchward_common::id::{Label, MachineId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be done with medical devices.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum DeviceCommand {
    /// Let a machine beside a device speak for it: what its agent asks is then stored
    Watch {
        /// The device's asset tag
        tag: Label,
        /// The machine whose agent asks it
        #[arg(long)]
        by: String,
    },
    /// Let machines speak for devices out of a CSV file with the columns device, its asset tag, and
    /// asked_by, the machine: all of it, or nothing
    Import(FromFile),
    /// Let a machine speak for a device no more
    Unwatch {
        /// The device's asset tag
        tag: Label,
        /// The machine
        #[arg(long)]
        by: String,
    },
    /// Show what every watched device answered last
    List,
    /// Show one device: what it answers, and every version that it had
    Show {
        /// The device's asset tag
        tag: Label,
    },
}

/// Carries out a command on medical devices.
pub async fn run(app: &App, caller: &Caller, command: DeviceCommand) -> Result<Output, Failure> {
    match command {
        DeviceCommand::Watch { tag, by } => watch(app, caller, &tag, &by).await,
        DeviceCommand::Import(from) => rows::import::<Watch>(app, caller, from).await,
        DeviceCommand::Unwatch { tag, by } => {
            let machine = machine::find(&mut app.store.view().await?, &by).await?;
            let mut change = app.change(caller).await?;
            change.unwatch_device(&tag, &machine.id).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{} speaks for {tag} no more; what {tag} answered stays.",
                machine.name
            )))
        }
        DeviceCommand::List => list(app).await,
        DeviceCommand::Show { tag } => show(app, &tag).await,
    }
}

/// The asset with a tag, for what is made of it.
pub(super) async fn find(view: &mut View, tag: &Label) -> Result<Asset, Failure> {
    let asset = view.asset(tag).await?;
    asset.ok_or_else(|| {
        Failure::not_found(format!("There is no asset {tag}. `asset put` adds one."))
    })
}

async fn watch(app: &App, caller: &Caller, tag: &Label, by: &str) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let beside = let_speak(&mut change, tag, by).await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "{} may speak for {tag}. Put a file for it into {}'s /etc/patchward/devices.d and set \
         devices = true in its agent.toml; `device show {tag}` shows what it answers.",
        beside.name, beside.name
    )))
}

/// Lets a machine speak for a device, and gives the machine.
///
/// # Errors
/// Where the device has an agent or no place in the list, or the machine has no agent.
pub(super) async fn let_speak(
    change: &mut Change,
    tag: &Label,
    by: &str,
) -> Result<Machine, Failure> {
    let asset = find(change.view(), tag).await?;
    let manual = match &asset.machine {
        Some(machine) => change.view().manual_worker(machine).await?,
        None => None,
    };
    match (asset.machine, manual) {
        (Some(_), Some(_)) => {}
        (Some(_), None) => {
            return Err(Failure::conflict(format!(
                "{tag} has an agent of its own, which tells what runs on it."
            )));
        }
        (None, _) => {
            return Err(Failure::conflict(format!(
                "{tag} is no device that people work on yet: say so with `asset manual {tag}`, so \
                 that what it answers has a place."
            )));
        }
    }
    let beside = machine::find(change.view(), by).await?;
    if beside.is_manual() {
        return Err(Failure::conflict(format!(
            "{} has no agent that could ask.",
            beside.name
        )));
    }
    change.watch_device(tag, &beside.id).await?;
    Ok(beside)
}

/// The names of the machines that ask.
async fn names(
    view: &mut View,
    machines: impl Iterator<Item = MachineId>,
) -> Result<BTreeMap<MachineId, String>, Failure> {
    let machines: Vec<MachineId> = machines.collect();
    let found = view.these_machines(machines.iter().copied()).await?;
    let name = |id: MachineId| {
        let found = found.get(&id);
        let name = found.map_or_else(|| id.to_string(), |machine| machine.name.to_string());
        (id, name)
    };
    Ok(machines.into_iter().map(name).collect())
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let watches = view.device_watches().await?;
    let answers = view.device_answers(None).await?;
    let zones = Zones::read(&mut view).await?;
    let names = names(&mut view, watches.iter().map(|(_, machine)| *machine)).await?;
    let mut table = answers_table("device");
    let mut of_watch: BTreeMap<(&Label, &MachineId), Vec<&DeviceAnswer>> = BTreeMap::new();
    for answer in &answers {
        let key = (&answer.asset, &answer.machine);
        of_watch.entry(key).or_default().push(answer);
    }
    for (asset, machine) in &watches {
        let name = names.get(machine).map_or("", String::as_str);
        match of_watch.get(&(asset, machine)) {
            Some(found) => found
                .iter()
                .for_each(|answer| table.row(row(Cell::of(asset), answer, name, &zones))),
            // Nothing is known of it, and that is no good sign.
            None => table.row(vec![
                Cell::of(asset),
                Cell::Empty,
                Cell::Empty,
                Cell::Empty,
                Cell::Empty,
                Cell::of(name),
                Cell::Empty,
                Cell::of("it was never asked; look at the machine's devices.d"),
            ]),
        }
    }
    Ok(Output::Table(table))
}

fn answers_table(first: &'static str) -> Table {
    Table::new(&[
        first,
        "component",
        "version",
        "counts_as",
        "answered",
        "asked_by",
        "asked",
        "problem",
    ])
}

/// What an answer is taken for, where there is one.
fn counts_as(answer: &DeviceAnswer) -> Option<String> {
    answer.version.as_ref()?;
    Some(match (answer.lost_at, answer.of_model) {
        (Some(at), _) => format!("not known since {at}: it has been silent for too long"),
        (None, 1) => "the model's version".to_owned(),
        (None, _) => "the component's version".to_owned(),
    })
}

fn row(first: Cell, answer: &DeviceAnswer, name: &str, zones: &Zones) -> Vec<Cell> {
    vec![
        first,
        Cell::of(&answer.component),
        Cell::maybe(answer.version.as_ref()),
        Cell::maybe(counts_as(answer)),
        zones.maybe(None, answer.answered_at),
        Cell::of(name),
        zones.cell(None, answer.asked_at),
        Cell::maybe(answer.problem.as_ref()),
    ]
}

async fn show(app: &App, tag: &Label) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let asset = find(&mut view, tag).await?;
    let zones = Zones::read(&mut view).await?;
    let answers = view.device_answers(Some(tag)).await?;
    let names = names(&mut view, answers.iter().map(|answer| answer.machine)).await?;
    let mut table = answers_table("device");
    for answer in &answers {
        let name = names.get(&answer.machine).map_or("", String::as_str);
        table.row(row(Cell::of(tag), answer, name, &zones));
    }
    let mut history = Table::new(&["since", "component", "version"]);
    let sets = match &asset.machine {
        Some(machine) => view.set_history(machine).await?,
        None => Vec::new(),
    };
    for set in sets {
        let components = view.components_of(&set.digest).await?;
        for component in components.iter().flat_map(|set| set.iter()) {
            history.row(vec![
                zones.cell(asset.unit.as_ref(), set.since),
                Cell::of(&component.name),
                Cell::of(&component.version),
            ]);
        }
    }
    let text = format!(
        "{tag}: {} {}, in {}.",
        asset.manufacturer,
        asset.model,
        asset
            .unit
            .map_or_else(|| "no unit".to_owned(), |unit| unit.to_string())
    );
    let report = Report::new([("asset", Cell::of(tag))], text);
    Ok(Output::Report(
        report.with("answers", table).with("versions", history),
    ))
}
