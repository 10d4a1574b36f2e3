//! The list as it is shown and written.

use super::super::listed::Paged;
use super::missing;
use crate::app::App;
use crate::asset::FIELDS;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::sheet::csv;
use crate::store::View;
use crate::store::assets::LifeCycle;
use crate::store::listed::Wanted;
use patchward_common::id::{Label, Name};
use patchward_common::words::counted;
use serde_bytes::ByteBuf;

/// Rows that are read at once where all are wanted.
const PAGE: u32 = 4_096;
/// What the list is called within its report.
const LIST: &str = "assets";

/// All assets, or those of a unit or in a state.
pub(super) async fn list(
    app: &App,
    unit: Option<&Name>,
    state: Option<LifeCycle>,
) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let mut all = Table::default();
    loop {
        let wanted = Wanted {
            offset: all.rows.len() as u64,
            limit: PAGE,
            ..Wanted::default()
        };
        let page = rows(&mut view, unit, state, &wanted).await?;
        let is_last = page.table.rows.len() < PAGE as usize;
        all.columns = page.table.columns;
        all.rows.extend(page.table.rows);
        if is_last {
            break;
        }
    }
    let report = head(&mut view).await?;
    Ok(Output::Report(report.with(LIST, all)))
}

/// A page of the list, with what stands above it.
pub(super) async fn listed(
    view: &mut View,
    unit: Option<&Name>,
    state: Option<LifeCycle>,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
    let page = rows(view, unit, state, wanted).await?;
    let report = head(view).await?;
    Ok(page.below(LIST, report))
}

async fn rows(
    view: &mut View,
    unit: Option<&Name>,
    state: Option<LifeCycle>,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
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
    let page = view.listed_assets(unit, state, wanted).await?;
    for asset in &page.rows {
        table.row(vec![
            Cell::of(&asset.tag),
            Cell::of(&asset.manufacturer),
            Cell::of(&asset.model),
            Cell::of(&asset.serial),
            Cell::maybe(asset.unit.as_ref()),
            Cell::of(&asset.kind),
            Cell::of(asset.life_cycle.word()),
            Cell::maybe(asset.machine),
        ]);
    }
    Ok(Paged::of(table, &page))
}

/// How many of the whole list are machines.
async fn head(view: &mut View) -> Result<Report, Failure> {
    let (covered, open) = view.asset_counts().await?;
    let text = format!(
        "Of all assets {covered} are machines; {open} are covered by none. `asset gaps` shows \
         which of them wait for an agent."
    );
    let parts = [
        ("are_machines", Cell::Number(covered as i64)),
        ("not_covered", Cell::Number(open as i64)),
    ];
    Ok(Report::new(parts, text))
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
            "{} written. `asset import` reads the file as it is; cells that a \
             spreadsheet would take for a formula begin with an apostrophe.",
            counted(assets.len(), "asset is", "assets are")
        ),
    })
}

/// One asset with everything that is known of it.
pub(super) async fn show(app: &App, tag: &Label) -> Result<Output, Failure> {
    let found = app.store.asset(tag).await?;
    let (asset, machine) = found.ok_or_else(|| missing(tag))?;
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
        ("evidence_of_machine", Cell::maybe(name)),
    ];
    parts.extend(rest.map(|(name, cell)| (name.to_owned(), cell)));
    Ok(Output::Record(parts))
}
