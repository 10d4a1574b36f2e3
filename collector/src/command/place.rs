//! Sites, units and coverage groups.

mod subnet;

pub use subnet::SubnetCommand;

use super::Caller;
use super::rows::{self, FromFile};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::places::{Group, Site, SwitchedOff, Unit};
use patchward_common::id::{Label, Name};
use patchward_common::trust::roster::Class;
use serde::{Deserialize, Serialize};

/// What can be done with sites.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum SiteCommand {
    /// Add a site
    Add {
        /// Short name: a-z, 0-9, '-', '_', '.'
        name: Name,
        /// What people call it
        #[arg(long)]
        title: Option<Label>,
    },
    /// Add sites out of a CSV file with the columns site and title: all of it, or nothing
    Import(FromFile),
    /// Remove a site without units
    Remove {
        /// Short name
        name: Name,
    },
    /// Show all sites
    List,
}

/// What can be done with units.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum UnitCommand {
    /// Add a unit
    Add {
        /// Short name
        name: Name,
        /// Its site
        #[arg(long)]
        site: Name,
        /// What people call it
        #[arg(long)]
        title: Option<Label>,
        /// The class of its machines until an assignment says otherwise: standard, critical, life_support
        #[arg(long, value_parser = class)]
        class: Class,
    },
    /// Change a unit; what is not named stays
    Edit {
        /// Short name
        name: Name,
        /// Its site: its freezes hold from now on
        #[arg(long)]
        site: Option<Name>,
        /// What people call it
        #[arg(long)]
        title: Option<Label>,
        /// The class of machines that are enrolled from now on
        #[arg(long, value_parser = class)]
        class: Option<Class>,
    },
    /// Add and change units out of a CSV file with the columns unit, site, title and class: all of
    /// it, or nothing
    Import(FromFile),
    /// Subnets of units: a machine that is seen in another one has moved
    #[command(subcommand)]
    Subnet(SubnetCommand),
    /// Remove a unit without machines
    Remove {
        /// Short name
        name: Name,
    },
    /// Show all units
    List,
}

/// What can be done with coverage groups.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum GroupCommand {
    /// Add a coverage group
    Add {
        /// Short name
        name: Name,
        /// The unit that answers for it
        #[arg(long)]
        unit: Name,
        /// How many members must stay ready
        #[arg(long)]
        minimum_ready: u32,
        /// Count a switched-off member as ready: it can be switched on and used
        #[arg(long)]
        switched_off_counts: bool,
    },
    /// Change a coverage group; what is not named stays. Plans that are signed keep the
    /// minimum that they state; go is given by the higher of both
    Edit {
        /// Short name
        name: Name,
        /// The unit that answers for it
        #[arg(long)]
        unit: Option<Name>,
        /// How many members must stay ready
        #[arg(long)]
        minimum_ready: Option<u32>,
        /// Whether a switched-off member counts as ready: true or false
        #[arg(long)]
        switched_off_counts: Option<bool>,
    },
    /// Add and change coverage groups out of a CSV file with the columns group, unit, minimum_ready
    /// and switched_off_counts: all of it, or nothing
    Import(FromFile),
    /// Remove a coverage group
    Remove {
        /// Short name
        name: Name,
    },
    /// Show all coverage groups
    List,
}

/// Reads a class's word.
pub fn class(word: &str) -> Result<Class, String> {
    [Class::Standard, Class::Critical, Class::LifeSupport]
        .into_iter()
        .find(|class| class.word() == word)
        .ok_or_else(|| "a class is standard, critical or life_support".to_owned())
}

fn switched_off(counts: bool) -> SwitchedOff {
    match counts {
        true => SwitchedOff::Counts,
        false => SwitchedOff::DoesNotCount,
    }
}

/// The title that was given, or else the name itself.
pub(super) fn titled(title: Option<Label>, name: &Name) -> Result<Label, Failure> {
    title.map_or_else(
        || Label::new(name.as_str()).map_err(|error| Failure::input(error.to_string())),
        Ok,
    )
}

/// Carries out a command on sites.
pub async fn site(app: &App, caller: &Caller, command: SiteCommand) -> Result<Output, Failure> {
    match command {
        SiteCommand::Add { name, title } => {
            let site = Site {
                title: titled(title, &name)?,
                name,
            };
            let mut change = app.change(caller).await?;
            change.add_site(&site).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Site {} is there.", site.name)))
        }
        SiteCommand::Import(from) => rows::import::<Site>(app, caller, from).await,
        SiteCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_site(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Site {name} is gone.")))
        }
        SiteCommand::List => {
            let mut table = Table::new(&["site", "title"]);
            for site in app.store.view().await?.sites().await? {
                table.row(vec![Cell::of(site.name), Cell::of(site.title)]);
            }
            Ok(Output::Table(table))
        }
    }
}

/// Carries out a command on units.
pub async fn unit(app: &App, caller: &Caller, command: UnitCommand) -> Result<Output, Failure> {
    match command {
        UnitCommand::Add {
            name,
            site,
            title,
            class,
        } => {
            let unit = Unit {
                title: titled(title, &name)?,
                name,
                site,
                class,
            };
            let mut change = app.change(caller).await?;
            change.add_unit(&unit).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Unit {} is there.", unit.name)))
        }
        UnitCommand::Edit {
            name,
            site,
            title,
            class,
        } => {
            let mut change = app.change(caller).await?;
            let mut unit = change.view().unit(&name).await?.ok_or_else(|| {
                Failure::not_found(format!("There is no unit {name}. `unit list` shows all."))
            })?;
            unit.site = site.unwrap_or(unit.site);
            unit.title = title.unwrap_or(unit.title);
            unit.class = class.unwrap_or(unit.class);
            change.edit_unit(&unit).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Unit {name} is changed.")))
        }
        UnitCommand::Import(from) => rows::import::<Unit>(app, caller, from).await,
        UnitCommand::Subnet(command) => subnet::run(app, caller, command).await,
        UnitCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_unit(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Unit {name} is gone.")))
        }
        UnitCommand::List => {
            let mut table = Table::new(&["unit", "site", "title", "class"]);
            for unit in app.store.view().await?.units().await? {
                table.row(vec![
                    Cell::of(unit.name),
                    Cell::of(unit.site),
                    Cell::of(unit.title),
                    Cell::of(unit.class.word()),
                ]);
            }
            Ok(Output::Table(table))
        }
    }
}

/// Carries out a command on coverage groups.
pub async fn group(app: &App, caller: &Caller, command: GroupCommand) -> Result<Output, Failure> {
    match command {
        GroupCommand::Add {
            name,
            unit,
            minimum_ready,
            switched_off_counts,
        } => {
            let group = Group {
                name,
                unit,
                minimum_ready,
                switched_off: switched_off(switched_off_counts),
            };
            let mut change = app.change(caller).await?;
            change.add_group(&group).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Coverage group {} is there. Machines join it by a signed assignment.",
                group.name
            )))
        }
        GroupCommand::Edit {
            name,
            unit,
            minimum_ready,
            switched_off_counts,
        } => {
            let mut change = app.change(caller).await?;
            let mut group = change.view().group(&name).await?.ok_or_else(|| {
                Failure::not_found(format!(
                    "There is no coverage group {name}. `group list` shows all."
                ))
            })?;
            group.unit = unit.unwrap_or(group.unit);
            group.minimum_ready = minimum_ready.unwrap_or(group.minimum_ready);
            group.switched_off = switched_off_counts.map_or(group.switched_off, switched_off);
            change.edit_group(&group).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Coverage group {name} is changed.")))
        }
        GroupCommand::Import(from) => rows::import::<Group>(app, caller, from).await,
        GroupCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_group(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Coverage group {name} is gone.")))
        }
        GroupCommand::List => groups(app).await,
    }
}

async fn groups(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "group",
        "unit",
        "machines",
        "minimum_ready",
        "switched_off_counts",
    ]);
    let mut view = app.store.view().await?;
    let sizes = view.group_sizes().await?;
    for group in view.groups().await? {
        table.row(vec![
            Cell::of(&group.name),
            Cell::of(&group.unit),
            Cell::Number(sizes.get(&group.name).copied().unwrap_or(0)),
            Cell::Number(i64::from(group.minimum_ready)),
            Cell::Flag(group.switched_off == SwitchedOff::Counts),
        ]);
    }
    Ok(Output::Table(table))
}
