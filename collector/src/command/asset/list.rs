//! The list as it is shown and written.

use super::find;
use crate::app::App;
use crate::asset::FIELDS;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::sheet::csv;
use crate::store::assets::LifeCycle;
use patchward_common::id::{Label, Name};
use serde_bytes::ByteBuf;

/// All assets, or those of a unit or in a state.
pub(super) async fn list(
    app: &App,
    unit: Option<&Name>,
    state: Option<LifeCycle>,
) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "tag",
        "manufacturer",
        "model",
        "serial",
        "unit",
        "kind",
        "life_cycle",
        "machine",
    ]);
    let mut view = app.store.view().await?;
    let assets = view.all_assets().await?.into_iter();
    let assets = assets.filter(|asset| {
        unit.is_none_or(|unit| asset.unit.as_ref() == Some(unit))
            && state.is_none_or(|state| asset.life_cycle == state)
    });
    for asset in assets {
        table.row(vec![
            Cell::of(&asset.tag),
            Cell::of(&asset.manufacturer),
            Cell::of(&asset.model),
            Cell::of(&asset.serial),
            Cell::maybe(asset.unit.as_ref()),
            Cell::of(asset.kind_word()),
            Cell::of(asset.life_cycle.word()),
            Cell::maybe(asset.machine),
        ]);
    }
    let (covered, open) = view.asset_counts().await?;
    let text = format!(
        "Of all assets {covered} are machines; {open} are covered by none. `asset gaps` shows \
         which of them wait for an agent."
    );
    let parts = [
        ("are_machines", Cell::Number(covered as i64)),
        ("not_covered", Cell::Number(open as i64)),
    ];
    Ok(Output::Report(
        Report::new(parts, text).with("assets", table),
    ))
}

/// The list as a file. Its columns are those that are read again, and the machine's name
/// for people.
pub(super) async fn export(app: &App, separator: char) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let assets = view.all_assets().await?;
    let mut rows = Vec::with_capacity(assets.len() + 1);
    let headings = FIELDS.iter().map(|field| field.word().to_owned());
    rows.push(headings.chain(["linked_to".to_owned()]).collect::<Vec<_>>());
    for asset in &assets {
        let machine = match &asset.machine {
            Some(id) => view.machine(id).await?,
            None => None,
        };
        let machine = machine.map_or_else(String::new, |machine| machine.name.to_string());
        let cells = FIELDS.iter().map(|field| field.of(asset));
        rows.push(cells.chain([machine]).collect());
    }
    let bytes = csv::write(rows.iter().map(Vec::as_slice), separator);
    Ok(Output::File {
        bytes: ByteBuf::from(bytes),
        text: format!(
            "{} assets are written. `asset import` reads the file as it is; cells that a \
             spreadsheet would take for a formula begin with an apostrophe.",
            assets.len()
        ),
    })
}

/// One asset with everything that is known of it.
pub(super) async fn show(app: &App, tag: &Label) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let asset = find(&mut view, tag).await?;
    let machine = match &asset.machine {
        Some(id) => view.machine(id).await?,
        None => None,
    };
    let mut parts: Vec<(String, Cell)> = FIELDS
        .into_iter()
        .map(|field| {
            let text = Some(field.of(&asset)).filter(|text| !text.is_empty());
            (field.word().to_owned(), Cell::maybe(text))
        })
        .collect();
    let name = machine.as_ref().map(|machine| &machine.name);
    let rest = [
        ("life_cycle_since", Cell::maybe(asset.life_cycle_since)),
        ("accepted_at", Cell::maybe(asset.accepted_at)),
        ("machine", Cell::maybe(name)),
        ("machine_id", Cell::maybe(asset.machine)),
        (
            "machine_unit",
            Cell::maybe(machine.as_ref().map(|one| &one.unit)),
        ),
    ];
    parts.extend(rest.map(|(name, cell)| (name.to_owned(), cell)));
    Ok(Output::Record(parts))
}
