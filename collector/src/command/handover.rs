//! Handovers that the ward asks for. Asking hands nothing over: that is signed with
//! `patchward-sign handover`, or said at the machine.

use super::zones::Zones;
use super::{Caller, machine};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::StoreError;
use patchward_common::id::Name;
use serde::{Deserialize, Serialize};

/// What can be done with handovers that are asked for.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum HandoverCommand {
    /// Ask HTM to take a machine over for its work, with a stand-in in its place
    Ask {
        /// The machine's name or id
        machine: String,
    },
    /// Say that a handover that was asked for took place, or that nobody needs it any more
    Done {
        /// The machine's name or id
        machine: String,
    },
    /// Show the handovers that are asked for and not done
    List {
        /// Only this unit's
        #[arg(long)]
        unit: Option<Name>,
    },
}

/// Carries out a command on handovers.
pub async fn run(app: &App, caller: &Caller, command: HandoverCommand) -> Result<Output, Failure> {
    match command {
        HandoverCommand::Ask { machine } => {
            let mut change = app.change(caller).await?;
            let found = machine::find(change.view(), &machine).await?;
            change.ask_handover(&found.id).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "HTM is asked for the handover of {}. Nothing is handed over yet: somebody comes, \
                 or calls.",
                found.name
            )))
        }
        HandoverCommand::Done { machine } => {
            let mut change = app.change(caller).await?;
            let found = machine::find(change.view(), &machine).await?;
            match change.end_handover_ask(&found.id).await {
                Ok(()) => {}
                Err(StoreError::NotFound { .. }) => {
                    return Err(Failure::conflict(format!(
                        "Nobody asks for a handover of {}. `handover list` shows all.",
                        found.name
                    )));
                }
                Err(other) => return Err(other.into()),
            }
            change.commit().await?;
            Ok(Output::Text(format!(
                "Nobody waits for the handover of {} any more.",
                found.name
            )))
        }
        HandoverCommand::List { unit } => list(app, unit.as_ref()).await,
    }
}

async fn list(app: &App, unit: Option<&Name>) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut table = Table::new(&["unit", "machine", "asked", "asked_by"]);
    let asks = view.handover_asks().await?;
    let asked = asks.iter().map(|ask| ask.machine);
    let machines = view.these_machines(asked).await?;
    for ask in asks {
        let Some(found) = machines.get(&ask.machine) else {
            continue;
        };
        if unit.is_some_and(|unit| *unit != found.unit) {
            continue;
        }
        table.row(vec![
            Cell::of(&found.unit),
            Cell::of(&found.name),
            zones.cell(Some(&found.unit), ask.asked_at),
            Cell::of(ask.asked_by),
        ]);
    }
    Ok(Output::Table(table))
}
