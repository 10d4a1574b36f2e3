//! Subnets of units.

use super::super::Caller;
use super::super::rows::{self, FromFile, UnitSubnet};
use crate::app::App;
use crate::asset::subnet::Subnet;
use crate::control::{Cell, Failure, Output, Table};
use patchward_common::id::Name;
use serde::{Deserialize, Serialize};

/// What can be done with subnets of units.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum SubnetCommand {
    /// Say that a subnet is a unit's
    Add {
        /// The unit
        unit: Name,
        /// Such as 10.3.0.0/16
        #[arg(value_parser = subnet)]
        subnet: String,
    },
    /// Add subnets out of a CSV file with the columns unit and subnet: all of it, or nothing
    Import(FromFile),
    /// Take a subnet from a unit
    Remove {
        /// The unit
        unit: Name,
        /// Such as 10.3.0.0/16
        #[arg(value_parser = subnet)]
        subnet: String,
    },
    /// Show all subnets
    List,
}

/// A subnet as it is always written.
fn subnet(text: &str) -> Result<String, String> {
    text.parse::<Subnet>().map(|subnet| subnet.to_string())
}

/// Carries out a command on subnets.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: SubnetCommand,
) -> Result<Output, Failure> {
    match command {
        SubnetCommand::Add { unit, subnet } => {
            let mut change = app.change(caller).await?;
            change.add_subnet(&unit, &subnet).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{subnet} is a subnet of {unit}. A machine of {unit} that is heard from outside \
                 of its subnets is IT's to look for; `asset drift` shows all."
            )))
        }
        SubnetCommand::Import(from) => rows::import::<UnitSubnet>(app, caller, from).await,
        SubnetCommand::Remove { unit, subnet } => {
            let mut change = app.change(caller).await?;
            change.remove_subnet(&unit, &subnet).await?;
            change.commit().await?;
            Ok(Output::Text(format!("{subnet} is no subnet of {unit}.")))
        }
        SubnetCommand::List => {
            let mut table = Table::new(&["unit", "subnet"]);
            for (unit, subnet) in app.store.view().await?.unit_subnets().await? {
                table.row(vec![Cell::of(unit), Cell::of(subnet)]);
            }
            Ok(Output::Table(table))
        }
    }
}
