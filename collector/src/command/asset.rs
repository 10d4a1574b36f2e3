//! Assets: the hospital's own list.

use super::Caller;
use super::machine;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::assets::Asset;
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};

/// Rows of one page of a list.
const PAGE: u32 = 1_000;

/// What can be done with assets.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AssetCommand {
    /// Add an asset, or change the one with this tag: what is not named stays
    Put(Box<PutAsset>),
    /// Say which machine an asset is
    Link {
        /// The asset's tag
        tag: Label,
        /// The machine's name or id; without it the link ends
        machine: Option<String>,
    },
    /// Make an asset without an agent a machine that people work on: it can stand in
    /// coverage groups and plans
    Manual(super::manual::ManualMachine),
    /// Remove an asset
    Remove {
        /// The asset's tag
        tag: Label,
    },
    /// Show all assets
    List {
        /// Only this unit's
        #[arg(long)]
        unit: Option<Name>,
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
        AssetCommand::Link { tag, machine } => {
            let found = match &machine {
                Some(text) => Some(machine::find(&mut app.store.view().await?, text).await?.id),
                None => None,
            };
            let mut change = app.change(caller).await?;
            change.link_asset(&tag, found.as_ref()).await?;
            change.commit().await?;
            Ok(Output::Text(match machine {
                Some(machine) => format!("Asset {tag} is machine {machine}."),
                None => format!("Asset {tag} is no machine of ours."),
            }))
        }
        AssetCommand::Manual(asked) => super::manual::add(app, caller, &asked).await,
        AssetCommand::Remove { tag } => {
            let mut change = app.change(caller).await?;
            change.remove_asset(&tag).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Asset {tag} is gone from the list.")))
        }
        AssetCommand::List { unit } => list(app, unit.as_ref()).await,
    }
}

/// What was typed, over what is known.
fn merged(put: PutAsset, known: Option<Asset>) -> Asset {
    let mut asset = known.unwrap_or_else(|| Asset {
        tag: put.tag,
        serial: String::new(),
        manufacturer: String::new(),
        model: String::new(),
        udi: String::new(),
        unit: None,
        location: String::new(),
        criticality: String::new(),
        group: None,
        machine: None,
    });
    for (typed, kept) in [
        (put.serial, &mut asset.serial),
        (put.manufacturer, &mut asset.manufacturer),
        (put.model, &mut asset.model),
        (put.udi, &mut asset.udi),
        (put.location, &mut asset.location),
        (put.criticality, &mut asset.criticality),
    ] {
        if let Some(typed) = typed {
            *kept = typed;
        }
    }
    asset.unit = put.unit.or(asset.unit);
    asset.group = put.group.or(asset.group);
    asset
}

async fn list(app: &App, unit: Option<&Name>) -> Result<Output, Failure> {
    let mut table = Table::new(&["tag", "manufacturer", "model", "serial", "unit", "machine"]);
    let mut view = app.store.view().await?;
    let mut after: Option<Label> = None;
    loop {
        let page = view.assets(unit, after.as_ref(), PAGE).await?;
        for asset in &page {
            table.row(vec![
                Cell::of(&asset.tag),
                Cell::of(&asset.manufacturer),
                Cell::of(&asset.model),
                Cell::of(&asset.serial),
                Cell::maybe(asset.unit.as_ref()),
                Cell::maybe(asset.machine),
            ]);
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.tag.clone()),
            _ => break,
        }
    }
    let (covered, open) = view.asset_counts().await?;
    let text = format!("Of all assets {covered} are machines; {open} are covered by none.");
    let parts = [
        ("are_machines", Cell::Number(covered as i64)),
        ("not_covered", Cell::Number(open as i64)),
    ];
    Ok(Output::Report(
        Report::new(parts, text).with("assets", table),
    ))
}
