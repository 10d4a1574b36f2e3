//! Assets: the hospital's own list.

pub(super) mod baseline;
mod import;
mod life;
mod list;
mod work;

pub use baseline::BaselineCommand;
pub use import::{ImportAssets, MappingCommand};
pub(crate) use work::subnets;

use super::Caller;
use super::listed::Paged;
use super::machine;
use crate::app::App;
use crate::asset::field;
use crate::control::{Failure, Output};
use crate::store::View;
use crate::store::assets::{Asset, LIFE_CYCLES, LifeCycle};
use crate::store::listed::Wanted;
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What can be done with assets.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AssetCommand {
    /// Add an asset, or change the one with this tag: what is not named stays
    Put(Box<PutAsset>),
    /// Take in the hospital's list from a CSV file: rows are added, or change the asset with
    /// their tag; none is removed
    Import(Box<ImportAssets>),
    /// Write the list as a CSV file that `import` reads as it was
    Export {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
        /// What stands between cells: comma, semicolon or tab
        #[arg(long, default_value = "comma", value_parser = crate::sheet::csv::separator)]
        separator: char,
    },
    /// Saved mappings: which column of a file is which field
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Say which machine an asset is
    Link {
        /// The asset's tag
        tag: Label,
        /// The machine's name or id; without it the link ends
        machine: Option<String>,
    },
    /// Show which machines assets may be, by serial number and name; `link` confirms one
    Suggest,
    /// Say what an asset is that is no machine: device or none_yet
    Kind {
        /// The asset's tag
        tag: Label,
        /// device: a medical device, on which nothing is installed; none_yet: nobody knows
        #[arg(value_parser = kind)]
        kind: String,
    },
    /// Make an asset without an agent a machine that people work on: it can stand in
    /// coverage groups and plans
    Manual(super::manual::ManualMachine),
    /// Move an asset to another state of its life
    Move {
        /// The asset's tag
        tag: Label,
        /// procurement, acceptance, in_use, loaned or in_storage
        #[arg(value_parser = state)]
        to: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Compare a new asset with the baselines of its model, and let it be used
    Accept {
        /// The asset's tag
        tag: Label,
        /// Who looked, and why it may be used
        #[arg(long, required_unless_present = "check")]
        reason: Option<Label>,
        /// Only show what is missing
        #[arg(long)]
        check: bool,
    },
    /// Show what has to be done before an asset leaves for good, note what was done, and
    /// with a reason do the rest
    Decommission {
        /// The asset's tag
        tag: Label,
        /// A step that people did: data, network, records; may be given several times
        #[arg(long = "done", value_parser = life::step)]
        done: Vec<String>,
        /// Why it leaves; without it nothing is ended yet
        #[arg(long)]
        reason: Option<Label>,
    },
    /// Baselines: what a new machine of a model must show before it is used
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Show the two lists of work: assets without an agent, machines without an asset
    Gaps,
    /// Show machines that are seen in another subnet than their unit's, or whose unit is
    /// another one in the list
    Drift,
    /// Remove an asset
    Remove {
        /// The asset's tag
        tag: Label,
    },
    /// Show one asset
    Show {
        /// The asset's tag
        tag: Label,
    },
    /// Show all assets
    List {
        /// Only this unit's
        #[arg(long)]
        unit: Option<Name>,
        /// Only those in this state of their life
        #[arg(long, value_parser = state)]
        state: Option<String>,
    },
}

/// An asset as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct PutAsset {
    /// The hospital's tag
    tag: Label,
    /// Serial number
    #[arg(long)]
    serial: Option<String>,
    /// Who made it
    #[arg(long)]
    manufacturer: Option<String>,
    /// Its model
    #[arg(long)]
    model: Option<String>,
    /// Version of its software
    #[arg(long)]
    software_version: Option<String>,
    /// Unique device identifier
    #[arg(long)]
    udi: Option<String>,
    /// Where it is used
    #[arg(long)]
    unit: Option<Name>,
    /// Where it stands
    #[arg(long)]
    location: Option<String>,
    /// How critical the hospital calls it
    #[arg(long)]
    criticality: Option<String>,
    /// Its coverage group
    #[arg(long)]
    group: Option<Name>,
}

fn kind(word: &str) -> Result<String, String> {
    match field::kind(word) {
        Some(kind) if word != "machine" => Ok(kind.word().to_owned()),
        _ => Err("write device or none_yet; a machine is said by `asset link`".to_owned()),
    }
}

fn state(word: &str) -> Result<String, String> {
    let state = field::life_cycle(word).map(|state| state.word().to_owned());
    state.ok_or_else(|| {
        let words: Vec<&str> = LIFE_CYCLES.iter().map(|state| state.word()).collect();
        format!("one of {}", words.join(", "))
    })
}

/// The state that [`state`] let through.
fn state_of(word: &str) -> Result<LifeCycle, Failure> {
    let known = field::life_cycle(word);
    known.ok_or_else(|| Failure::input(format!("\"{word}\" is no state of an asset's life")))
}

/// The asset with a tag.
pub(super) async fn find(view: &mut View, tag: &Label) -> Result<Asset, Failure> {
    view.asset(tag).await?.ok_or_else(|| missing(tag))
}

fn missing(tag: &Label) -> Failure {
    Failure::not_found(format!("There is no asset {tag}. `asset list` shows all."))
}

/// Carries out a command on assets.
pub async fn run(app: &App, caller: &Caller, command: AssetCommand) -> Result<Output, Failure> {
    match command {
        AssetCommand::Put(put) => {
            let mut change = app.change(caller).await?;
            let known = change.view().asset(&put.tag).await?;
            let asset = merged(*put, known);
            change.put_assets(std::slice::from_ref(&asset)).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Asset {} is in the list.", asset.tag)))
        }
        AssetCommand::Import(asked) => import::run(app, caller, &asked).await,
        AssetCommand::Export { separator, .. } => list::export(app, separator).await,
        AssetCommand::Mapping(command) => import::mapping(app, caller, command).await,
        AssetCommand::Link { tag, machine } => link(app, caller, &tag, machine).await,
        AssetCommand::Suggest => work::suggest(app).await,
        AssetCommand::Kind { tag, kind } => {
            let known = field::kind(&kind).ok_or_else(|| Failure::input("no kind"))?;
            let mut change = app.change(caller).await?;
            change.set_asset_kind(&tag, known).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Asset {tag} is {}.", known.word())))
        }
        AssetCommand::Manual(asked) => super::manual::add(app, caller, &asked).await,
        AssetCommand::Move { tag, to, reason } => {
            life::moved(app, caller, &tag, state_of(&to)?, &reason).await
        }
        AssetCommand::Accept { tag, reason, check } => match reason.filter(|_| !check) {
            Some(reason) => baseline::accept(app, caller, &tag, &reason).await,
            None => baseline::check(app, &tag).await,
        },
        AssetCommand::Decommission { tag, done, reason } => {
            life::decommission(app, caller, &tag, &done, reason.as_ref()).await
        }
        AssetCommand::Baseline(command) => baseline::run(app, caller, command).await,
        AssetCommand::Gaps => work::gaps(app).await,
        AssetCommand::Drift => work::drift(app).await,
        AssetCommand::Remove { tag } => {
            let mut change = app.change(caller).await?;
            change.remove_asset(&tag).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Asset {tag} is gone from the list.")))
        }
        AssetCommand::Show { tag } => list::show(app, &tag).await,
        AssetCommand::List { unit, state } => {
            let state = state.as_deref().map(state_of).transpose()?;
            list::list(app, unit.as_ref(), state).await
        }
    }
}

/// A page of the list, with what stands above it.
pub(super) async fn listed(
    view: &mut View,
    unit: Option<&Name>,
    state: Option<&str>,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
    let state = state.map(state_of).transpose()?;
    list::listed(view, unit, state, wanted).await
}

async fn link(
    app: &App,
    caller: &Caller,
    tag: &Label,
    machine: Option<String>,
) -> Result<Output, Failure> {
    let found = match &machine {
        Some(text) => Some(machine::find(&mut app.store.view().await?, text).await?.id),
        None => None,
    };
    let mut change = app.change(caller).await?;
    change.link_asset(tag, found.as_ref()).await?;
    change.commit().await?;
    Ok(Output::Text(match machine {
        Some(machine) => format!("Asset {tag} is machine {machine}."),
        None => format!("Asset {tag} is no machine of ours."),
    }))
}

/// What was typed, over what is known.
fn merged(put: PutAsset, known: Option<Asset>) -> Asset {
    let mut asset = known.unwrap_or_else(|| Asset::new(put.tag));
    for (typed, kept) in [
        (put.serial, &mut asset.serial),
        (put.manufacturer, &mut asset.manufacturer),
        (put.model, &mut asset.model),
        (put.software_version, &mut asset.software_version),
        (put.udi, &mut asset.udi),
        (put.location, &mut asset.location),
        (put.criticality, &mut asset.criticality),
    ] {
        if let Some(typed) = typed {
            // As a file's cell is read, so that an exported list is read as it was.
            *kept = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
    asset.unit = put.unit.or(asset.unit);
    asset.group = put.group.or(asset.group);
    asset
}
