//! `today`: what needs somebody now, tonight's work, and the fleet in a few counts.

pub mod shift;

use super::TONIGHT_MS;
use super::item::table;
use super::zones::Zones;
use crate::agenda::{self, Agenda};
use crate::app::App;
use crate::calls::Lists;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::item::oncall::Call;
use crate::item::shift::NextSlot;
use crate::item::{Item, OWNERS, Owner};
use crate::store::assets::AssetCounts;
use patchward_common::time::UtcMs;
use patchward_common::words::counted;
use std::collections::BTreeMap;

/// Shows the day.
pub(super) async fn run(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let agenda = agenda::gather(&app.fleet, &mut view, app.now()).await?;
    drop(view);
    told(app, &agenda).await
}

/// The day as it was gathered.
pub(super) async fn told(app: &App, agenda: &Agenda) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let lists = Lists::read(&mut view).await?;
    // What only time does is no one's work today.
    let items = agenda.items.iter().cloned();
    let (waits, open): (Vec<_>, Vec<_>) =
        items.partition(|item| item.owner == Owner::Time && !item.is_raised(now));
    let raised = open.iter().filter(|item| item.is_raised(now)).count();
    let zones = Zones::read(&mut view).await?;
    let owners = owners(&open, &zones, now);
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for standing in agenda.machines.values() {
        *counts.entry(standing.counted()).or_default() += 1;
    }
    let tonight = tonight(&agenda.slots, &zones, now);
    let fleet: Vec<String> = counts
        .iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    let unheard = unheard(&open, &lists, now);
    let text = format!(
        "{} open, {raised} of them raised; {} for their slot, {} until this time tomorrow.\nMachines: {}.{unheard}",
        open.len(),
        counted(waits.len(), "waits", "wait"),
        counted(tonight.rows.len(), "slot", "slots"),
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
    let mut states = Table::new(&["state", "machines"]);
    for (state, count) in counts {
        states.row(vec![Cell::of(state), Cell::Number(count)]);
    }
    let gaps = view.gap_counts().await?;
    let text = format!("{text}\n{}", covered(&gaps));
    let report = Report::new(
        [
            (
                "assets_without_agent",
                Cell::Number(gaps.without_agent as i64),
            ),
            (
                "machines_without_asset",
                Cell::Number(gaps.without_asset as i64),
            ),
            ("open", Cell::Number(open.len() as i64)),
            ("raised", Cell::Number(raised as i64)),
            ("waiting_for_time", Cell::Number(waits.len() as i64)),
        ],
        text,
    );
    let report = report
        .with("items", table(&open, &lists, &zones, now))
        .with("owners", owners)
        .with("states", states)
        .with("tonight", tonight)
        .with("machines", machines);
    Ok(Output::Report(report))
}

/// The slots until this time tomorrow.
fn tonight(slots: &[NextSlot], zones: &Zones, now: UtcMs) -> Table {
    let mut tonight = Table::new(&["machine", "from", "until"]);
    let until = now.plus_ms(TONIGHT_MS);
    for next in slots.iter().filter(|next| next.slot.start() < until) {
        tonight.row(vec![
            Cell::of(&next.machine),
            zones.cell(None, next.slot.start()),
            zones.cell(None, next.slot.end()),
        ]);
    }
    tonight
}

/// What the hospital's list and the fleet do not have in common.
fn covered(gaps: &AssetCounts) -> String {
    format!(
        "{} without an agent, {} without an asset: `asset gaps`.",
        counted(gaps.without_agent, "asset", "assets"),
        counted(gaps.without_asset, "machine", "machines")
    )
}

/// What each of the owners has to do.
fn owners(open: &[Item], zones: &Zones, now: UtcMs) -> Table {
    let mut table = Table::new(&["owner", "open", "raised", "oldest"]);
    for owner in OWNERS.into_iter().filter(|owner| *owner != Owner::Time) {
        let of_owner = || open.iter().filter(move |item| item.owner == owner);
        table.row(vec![
            Cell::of(owner.word()),
            Cell::Number(of_owner().count() as i64),
            Cell::Number(of_owner().filter(|item| item.is_raised(now)).count() as i64),
            zones.maybe(None, of_owner().map(|item| item.since).min()),
        ]);
    }
    table
}

/// How many items call people out of whom nobody has heard.
fn unheard(open: &[Item], lists: &Lists, now: UtcMs) -> String {
    let unheard = open.iter().filter(|item| {
        let call = lists.call(item, now);
        call.is_some_and(|call| !matches!(call, Call::Heard(_)))
    });
    match unheard.count() {
        0 => String::new(),
        count => format!(
            "\n{} people out, and nobody has heard: `oncall calls`.",
            counted(count, "calls", "call")
        ),
    }
}
