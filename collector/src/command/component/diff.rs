//! `component diff`: two machines, or one machine at two times.

use super::super::machine::find;
use super::super::zones::{Zones, instant_in};
use crate::app::App;
use crate::component::diff::{Difference, diff};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::View;
use crate::store::inventory::MachineSet;
use patchward_common::component::{Component, ComponentSet};
use patchward_common::time::UtcMs;

pub(super) async fn machines(app: &App, first: &str, second: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let (first, second) = (
        find(&mut view, first).await?,
        find(&mut view, second).await?,
    );
    let mut sets = Vec::new();
    for machine in [&first, &second] {
        let set = view.set_of(&machine.id).await?;
        let set = set.ok_or_else(|| untold(machine.name.as_str()))?;
        sets.push(components(&mut view, &set).await?);
    }
    let found = diff(&sets[0], &sets[1]);
    let parts = [
        ("from", Cell::of(&first.name)),
        ("to", Cell::of(&second.name)),
    ];
    let what = format!("From {} to {}", first.name, second.name);
    Ok(Output::Report(report(parts, &what, &found)))
}

pub(super) async fn times(
    app: &App,
    machine: &str,
    from: &str,
    until: Option<&str>,
) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let machine = find(&mut view, machine).await?;
    let zones = Zones::read(&mut view).await?;
    let unit = Some(&machine.unit);
    let from = instant_in(&whole(from), zones.of(unit))?;
    let until = match until {
        Some(text) => instant_in(&whole(text), zones.of(unit))?,
        None => app.now(),
    };
    if until < from {
        return Err(Failure::input(format!(
            "{until} is before {from}: name the earlier one with --from"
        )));
    }
    let before = at(&mut view, &machine, from, &zones).await?;
    let after = at(&mut view, &machine, until, &zones).await?;
    let found = diff(
        &components(&mut view, &before).await?,
        &components(&mut view, &after).await?,
    );
    let parts = [
        ("machine", Cell::of(&machine.name)),
        ("from", zones.cell(unit, from)),
        ("until", zones.cell(unit, until)),
        ("from_inventory_of", zones.cell(unit, before.since)),
        ("until_inventory_of", zones.cell(unit, after.since)),
    ];
    let what = format!(
        "{} from {} until {}",
        machine.name,
        zones.text(unit, from),
        zones.text(unit, until)
    );
    Ok(Output::Report(report(parts, &what, &found)))
}

/// A date alone is its first moment.
fn whole(text: &str) -> String {
    match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() <= 10 => format!("{date}T00:00"),
        _ => text.to_owned(),
    }
}

async fn at(
    view: &mut View,
    machine: &crate::store::machines::Machine,
    at: UtcMs,
    zones: &Zones,
) -> Result<MachineSet, Failure> {
    if let Some(set) = view.set_at(&machine.id, at).await? {
        return Ok(set);
    }
    let history = view.set_history(&machine.id).await?;
    let first = history
        .last()
        .ok_or_else(|| untold(machine.name.as_str()))?;
    Err(Failure::not_found(format!(
        "What {} had at {at} is not kept: its history begins {}. Name a later time.",
        machine.name,
        zones.text(Some(&machine.unit), first.since)
    )))
}

async fn components(view: &mut View, set: &MachineSet) -> Result<ComponentSet, Failure> {
    let found = view.components_of(&set.digest).await?;
    found.ok_or_else(|| {
        Failure::not_found(format!(
            "The components of inventory {} are not kept any more.",
            set.digest
        ))
    })
}

fn untold(machine: &str) -> Failure {
    Failure::conflict(format!(
        "{machine} has not told what it has: see `machine show {machine}` for when it was heard."
    ))
}

fn report<const N: usize>(parts: [(&str, Cell); N], what: &str, found: &Difference) -> Report {
    let text = format!(
        "{what}: {} added, {} removed, {} changed.",
        found.added.len(),
        found.removed.len(),
        found.changed.len()
    );
    let mut changed = Table::new(&["component", "source", "architecture", "from", "to", "is"]);
    for one in &found.changed {
        changed.row(vec![
            Cell::of(&one.name),
            Cell::of(one.source.word()),
            Cell::of(&one.arch),
            Cell::of(one.from.join(", ")),
            Cell::of(one.to.join(", ")),
            Cell::of(one.way()),
        ]);
    }
    Report::new(parts, text)
        .with("added", listed(&found.added))
        .with("removed", listed(&found.removed))
        .with("changed", changed)
}

fn listed(components: &[Component]) -> Table {
    let mut table = Table::new(&["component", "source", "architecture", "version"]);
    for one in components {
        table.row(vec![
            Cell::of(&one.name),
            Cell::of(one.source.word()),
            Cell::of(&one.arch),
            Cell::of(&one.version),
        ]);
    }
    table
}
