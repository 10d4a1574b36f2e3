//! `today`: what needs somebody now, tonight's work, and the fleet in a few counts.

use super::item::table;
use crate::agenda;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::item::{OWNERS, Owner};
use patchward_common::time::{DAY_MS, UtcMs};
use std::collections::BTreeMap;

/// How far ahead tonight reaches: to the same time tomorrow.
const TONIGHT_MS: i64 = DAY_MS;

/// Shows the day.
pub(super) async fn run(app: &App) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let agenda = agenda::gather(&mut view, now).await?;
    let takers = view.takers().await?;
    // What only time does is no one's work today.
    let (waits, open): (Vec<_>, Vec<_>) = agenda
        .items
        .into_iter()
        .partition(|item| item.owner == Owner::Time && !item.is_raised(now));
    let raised = open.iter().filter(|item| item.is_raised(now)).count();
    let mut owners = Table::new(&["owner", "open", "raised", "oldest"]);
    for owner in OWNERS.into_iter().filter(|owner| *owner != Owner::Time) {
        let of_owner = || open.iter().filter(move |item| item.owner == owner);
        owners.row(vec![
            Cell::of(owner.word()),
            Cell::Number(of_owner().count() as i64),
            Cell::Number(of_owner().filter(|item| item.is_raised(now)).count() as i64),
            Cell::maybe(of_owner().map(|item| item.since).min()),
        ]);
    }
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for standing in agenda.machines.values() {
        *counts.entry(standing.word()).or_default() += 1;
    }
    let mut tonight = Table::new(&["machine", "from", "until"]);
    let until: UtcMs = now.plus_ms(TONIGHT_MS);
    for (slot, machine) in agenda.slots.iter().filter(|(slot, _)| slot.start() < until) {
        tonight.row(vec![
            Cell::of(machine),
            Cell::of(slot.start()),
            Cell::of(slot.end()),
        ]);
    }
    let fleet: Vec<String> = counts
        .iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    let text = format!(
        "{} open, {raised} of them raised; {} wait for their slot, {} slots until this time \
         tomorrow.\nMachines: {}.",
        open.len(),
        waits.len(),
        tonight.rows.len(),
        if fleet.is_empty() {
            "none".to_owned()
        } else {
            fleet.join(", ")
        },
    );
    let mut machines = Table::new(&["machine", "state"]);
    for (machine, standing) in &agenda.machines {
        machines.row(vec![Cell::of(machine), Cell::of(standing.text())]);
    }
    let report = Report::new(
        [
            ("open", Cell::Number(open.len() as i64)),
            ("raised", Cell::Number(raised as i64)),
            ("waiting_for_time", Cell::Number(waits.len() as i64)),
        ],
        text,
    );
    let report = report
        .with("items", table(&open, &takers, now))
        .with("owners", owners)
        .with("tonight", tonight)
        .with("machines", machines);
    Ok(Output::Report(report))
}
