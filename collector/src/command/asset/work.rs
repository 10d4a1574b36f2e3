//! What is to be done about the list: gaps, suggested links, machines that are elsewhere.

use crate::app::App;
use crate::asset::drift::elsewhere;
use crate::asset::subnet::Subnet;
use crate::asset::suggest::{self, Candidate, Open};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::{StoreError, View};
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::Name;

/// `asset gaps`: both lists, with counts that add up.
pub(super) async fn gaps(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let mut assets = Table::new(&["tag", "manufacturer", "model", "unit", "life_cycle"]);
    for asset in view.assets_without_agent().await? {
        assets.row(vec![
            Cell::of(&asset.tag),
            Cell::of(&asset.manufacturer),
            Cell::of(&asset.model),
            Cell::maybe(asset.unit.as_ref()),
            Cell::of(asset.life_cycle.word()),
        ]);
    }
    let mut machines = Table::new(&["machine", "unit", "model", "last_seen"]);
    for line in view.machines_without_asset().await? {
        machines.row(vec![
            Cell::of(&line.name),
            Cell::of(&line.unit),
            Cell::of(&line.model),
            Cell::maybe(line.seen_at),
        ]);
    }
    let counts = view.gap_counts().await?;
    let number = |count: u64| Cell::Number(count as i64);
    let parts = [
        ("assets", number(counts.assets)),
        ("are_machines", number(counts.are_machines)),
        ("devices", number(counts.devices)),
        ("away", number(counts.away)),
        ("without_agent", number(counts.without_agent)),
        ("machines", number(counts.machines)),
        ("without_asset", number(counts.without_asset)),
    ];
    let text = format!(
        "{} assets: {} are machines, {} medical devices, {} loaned, stored or gone, {} without \
         an agent.\n{} machines: {} without an asset.\n`asset suggest` shows which may be one; \
         `asset link` says so, `asset kind TAG device` that it is a medical device.",
        counts.assets,
        counts.are_machines,
        counts.devices,
        counts.away,
        counts.without_agent,
        counts.machines,
        counts.without_asset
    );
    let report = Report::new(parts, text).with("assets_without_agent", assets);
    Ok(Output::Report(
        report.with("machines_without_asset", machines),
    ))
}

/// `asset suggest`: pairs that something speaks for.
pub(super) async fn suggest(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let assets = view.assets_without_agent().await?.into_iter();
    let assets = assets.map(|asset| Open {
        tag: asset.tag,
        serial: asset.serial,
    });
    let assets: Vec<_> = assets.collect();
    let mut machines = Vec::new();
    for line in view.machines_without_asset().await? {
        let facts = view.machine_facts(&line.id).await?;
        let facts: Facts = facts
            .and_then(|(bytes, _)| PackedFacts::from_bytes(bytes).unpack().ok())
            .unwrap_or_default();
        machines.push(Candidate {
            id: line.id,
            name: line.name.to_string(),
            host: facts.hostname,
            serial: facts.dmi.as_ref().and_then(|dmi| dmi.serial),
            make: facts.dmi.map(|dmi| (dmi.vendor, dmi.product)),
        });
    }
    drop(view);
    let found = tokio::task::spawn_blocking(move || suggest::suggest(&assets, &machines))
        .await
        .map_err(|error| Failure::unavailable(error.to_string()))?;
    let mut table = Table::new(&["tag", "machine", "why"]);
    for one in &found {
        table.row(vec![
            Cell::of(&one.tag),
            Cell::of(&one.name),
            Cell::of(&one.why),
        ]);
    }
    table.note = Some("Look at both, then say so with `asset link TAG MACHINE`.".to_owned());
    Ok(Output::Table(table))
}

/// `asset drift`: machines that are not where their unit is, or not where the list says.
pub(super) async fn drift(app: &App) -> Result<Output, Failure> {
    // Where machines were heard is batched.
    app.fleet.flush().await?;
    let mut view = app.store.view().await?;
    let subnets = subnets(&mut view).await?;
    let mut table = Table::new(&["machine", "asset", "unit", "address", "since", "why"]);
    for one in view.machines_elsewhere().await? {
        let moved = elsewhere(&one.unit, &subnets, one.address.as_deref());
        let listed = one.listed.as_ref().filter(|unit| **unit != one.unit);
        let listed = listed.map(|unit| {
            format!(
                "the list has it in {unit}, and its assignment in {}; correct the one that is \
                 wrong",
                one.unit
            )
        });
        for why in [moved, listed].into_iter().flatten() {
            table.row(vec![
                Cell::of(&one.name),
                Cell::maybe(one.asset.as_ref()),
                Cell::of(&one.unit),
                Cell::maybe(one.address.as_ref()),
                Cell::maybe(one.since),
                Cell::of(why),
            ]);
        }
    }
    if subnets.is_empty() {
        let note = "No unit has subnets yet: `unit subnet add UNIT 10.3.0.0/16`.";
        table.note = Some(note.to_owned());
    }
    Ok(Output::Table(table))
}

/// Every unit's subnets.
pub(crate) async fn subnets(view: &mut View) -> Result<Vec<(Name, Subnet)>, StoreError> {
    let stored = view.unit_subnets().await?.into_iter();
    let read = stored.filter_map(|(unit, text)| Some((unit, text.parse().ok()?)));
    Ok(read.collect())
}
