//! The ward's links: an address, for a screen in the unit or a code on the machine, with
//! which the ward sees its night and says "not now".

use super::Caller;
use super::zones::Zones;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::secret::Secret;
use patchward_common::id::Name;
use serde::{Deserialize, Serialize};

/// What can be done with the ward's links.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum KioskCommand {
    /// Make a ward's link; it is shown once
    Add {
        /// What people call it, such as icu-3-desk
        name: Name,
        /// The unit whose machines it may hold
        #[arg(long)]
        unit: Name,
    },
    /// Show all links of wards; never their secrets
    List,
    /// End a ward's link
    End {
        /// Its name
        name: Name,
    },
}

/// Carries out a command on the ward's links.
pub async fn run(app: &App, caller: &Caller, command: KioskCommand) -> Result<Output, Failure> {
    match command {
        KioskCommand::Add { name, unit } => {
            let secret = Secret::new();
            let mut change = app.change(caller).await?;
            change.add_kiosk(&name, &unit, &secret.hash()).await?;
            change.commit().await?;
            let link = app.settings.web_link(&format!("/ward/{}", secret.text()));
            let text = format!(
                "Who opens this link may say \"not now\" for machines of {unit} and ask for a \
                 handover, nothing else. It is shown once:\n{link}"
            );
            let parts = [("kiosk", Cell::of(name)), ("link", Cell::of(link))];
            Ok(Output::Report(Report::new(parts, text)))
        }
        KioskCommand::List => {
            let mut view = app.store.view().await?;
            let zones = Zones::read(&mut view).await?;
            let mut table = Table::new(&["kiosk", "unit", "made", "ended"]);
            for kiosk in view.kiosks().await? {
                table.row(vec![
                    Cell::of(&kiosk.name),
                    Cell::of(&kiosk.unit),
                    zones.cell(Some(&kiosk.unit), kiosk.made_at),
                    zones.maybe(Some(&kiosk.unit), kiosk.ended_at),
                ]);
            }
            Ok(Output::Table(table))
        }
        KioskCommand::End { name } => {
            let mut change = app.change(caller).await?;
            change.end_kiosk(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "The ward's link {name} is worth nothing any more."
            )))
        }
    }
}
