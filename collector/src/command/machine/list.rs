//! The machines as a list.

use super::super::listed::Paged;
use super::interlock_word;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::View;
use crate::store::listed::Wanted;
use patchward_common::id::Name;

/// Rows that are read at once where all are wanted.
const PAGE: u32 = 1_000;

/// All machines, page after page.
pub(super) async fn list(app: &App, unit: Option<&Name>) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let mut all = Table::default();
    loop {
        let wanted = Wanted {
            offset: all.rows.len() as u64,
            limit: PAGE,
            ..Wanted::default()
        };
        let page = listed(&mut view, unit, &wanted).await?;
        let is_last = page.table.rows.len() < PAGE as usize;
        all.columns = page.table.columns;
        all.rows.extend(page.table.rows);
        if is_last {
            return Ok(Output::Table(all));
        }
    }
}

/// A page of the machines, by name.
pub(in crate::command) async fn listed(
    view: &mut View,
    unit: Option<&Name>,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
    let mut table = Table::new(&[
        "machine",
        "unit",
        "class",
        "model",
        "mode",
        "state",
        "last_seen",
        "in_use",
        "ready",
    ]);
    let page = view.listed_machines(unit, wanted).await?;
    for line in &page.rows {
        let state = match line.clone_suspected_at {
            Some(_) => "clone?",
            None => line.state.word(),
        };
        table.row(vec![
            Cell::of(&line.name),
            Cell::of(&line.unit),
            Cell::of(line.class.word()),
            Cell::of(&line.model),
            Cell::of(line.mode.word()),
            Cell::of(state),
            Cell::maybe(line.seen_at),
            Cell::maybe(line.interlock.map(interlock_word)),
            Cell::maybe(line.readiness.map(|ready| ready.word())),
        ]);
    }
    Ok(Paged::of(table, &page))
}
