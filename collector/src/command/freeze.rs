//! Freezes: when nothing starts.

mod import;

use super::calendar::{self, CalendarCommand};
use super::hit::Waiting;
use super::rows::FromFile;
use super::zones::{Zones, instant_in};
use super::{Caller, outlook_of};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::nudging;
use crate::schedule::ical::zone_of;
use crate::schedule::outlook;
use crate::store::View;
use crate::store::places::Unit;
use crate::store::windows::{self as stored, Area};
use patchward_common::id::{Label, Name};
use patchward_common::time::{DAY_MS, Interval, UtcMs};
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How far the list of freezes looks ahead.
const FREEZES_MS: i64 = 366 * DAY_MS;
/// Most units of which it is said that a freeze leaves them nothing.
const MAX_WARNED: usize = 5;

/// What can be done with freezes.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum FreezeCommand {
    /// Add a freeze: nothing starts, signed or not
    Add {
        /// What people call it
        name: Label,
        /// In one unit
        #[arg(long, conflicts_with = "site")]
        unit: Option<Name>,
        /// At one site
        #[arg(long)]
        site: Option<Name>,
        /// When it begins, such as 2026-12-24T00:00:00Z, or 2026-12-24T00:00 with --zone; now,
        /// without it
        #[arg(long)]
        from: Option<String>,
        /// When it ends
        #[arg(long)]
        until: String,
        /// The time zone of --from and --until
        #[arg(long, default_value = "UTC")]
        zone: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Add freezes out of a CSV file as `freeze list` gives it: freeze, where (all, site NAME or unit
    /// NAME), from, until and reason, and zone where they are local times: all of it, or nothing
    Import(FromFile),
    /// End a freeze
    Remove {
        /// What people call it
        name: Label,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Show the freezes of the coming year
    List {
        /// Later ones too
        #[arg(long)]
        all: bool,
    },
    /// Calendars that freezes come from: .ics files and feeds
    #[command(subcommand)]
    Calendar(CalendarCommand),
}

/// What a freeze or a calendar covers, as it was typed.
pub(super) fn area(unit: Option<Name>, site: Option<Name>) -> (Area, String) {
    match (unit, site) {
        (Some(unit), _) => (Area::Unit, unit.to_string()),
        (None, Some(site)) => (Area::Site, site.to_string()),
        (None, None) => (Area::All, String::new()),
    }
}

/// Carries out a command on freezes.
pub async fn freeze(app: &App, caller: &Caller, command: FreezeCommand) -> Result<Output, Failure> {
    match command {
        FreezeCommand::Add { .. } => {
            let freeze = asked(command, app.now())?;
            add(app, caller, &freeze).await
        }
        FreezeCommand::Import(from) => import::run(app, caller, from).await,
        FreezeCommand::Remove { name, reason } => {
            refuse_calendars(app, &name).await?;
            let mut change = app.change(caller).await?;
            let manual = change.view().freezes_of(&manual()?).await?;
            change.remove_freeze(&name, reason.as_str()).await?;
            let freeze = manual.into_iter().find(|freeze| freeze.id == name);
            let mut covered = Vec::new();
            if let Some(freeze) = freeze {
                covered = nudging::covered(change.view(), freeze.area, &freeze.subject).await?;
            }
            change.commit().await?;
            covered
                .into_iter()
                .for_each(|target| app.fleet.ask_again(target));
            Ok(Output::Text(format!("Freeze {name} is over.")))
        }
        FreezeCommand::List { all } => list(app, all).await,
        FreezeCommand::Calendar(command) => calendar::calendar(app, caller, command).await,
    }
}

/// The source of freezes that people add.
pub(super) fn manual() -> Result<Name, Failure> {
    Name::new(calendar::MANUAL).map_err(|error| Failure::input(error.to_string()))
}

/// The freeze that a command asks for.
fn asked(command: FreezeCommand, now: UtcMs) -> Result<stored::Freeze, Failure> {
    let FreezeCommand::Add {
        name,
        unit,
        site,
        from,
        until,
        zone,
        reason,
    } = command
    else {
        return Err(Failure::input("this adds no freeze"));
    };
    let (area, subject) = area(unit, site);
    let zone = zone_of(&zone).map_err(Failure::input)?;
    let from = from.map(|text| instant_in(&text, &zone)).transpose()?;
    Ok(stored::Freeze {
        id: name,
        area,
        subject,
        start: from.unwrap_or(now),
        end: instant_in(&until, &zone)?,
        reason: reason.to_string(),
        source: manual()?,
    })
}

/// Adds a freeze, and says which waiting jobs it hits.
async fn add(app: &App, caller: &Caller, freeze: &stored::Freeze) -> Result<Output, Failure> {
    let Hit { time, taken, .. } = hit(app, freeze).await?;
    let mut change = app.change(caller).await?;
    change.add_freeze(freeze).await?;
    change.commit().await?;
    let warning = warning(app, freeze.area, &freeze.subject).await;
    Ok(Output::Text(format!(
        "Frozen {time}: no go is given.{taken}{warning}"
    )))
}

/// What would come of a command on freezes; `None` where it takes nothing away.
pub(super) async fn foreseen(
    app: &App,
    caller: &Caller,
    command: &FreezeCommand,
) -> Result<Option<String>, Failure> {
    let freeze = match command {
        FreezeCommand::Add { .. } => asked(command.clone(), app.now())?,
        FreezeCommand::Import(from) => return import::foreseen(app, caller, from).await,
        _ => return Ok(None),
    };
    let Hit { time, units, taken } = hit(app, &freeze).await?;
    let within = within(app, &units).await?;
    // What refuses it refuses it now. It is dropped at once: every go waits for it.
    let mut change = app.change(caller).await?;
    change.add_freeze(&freeze).await?;
    drop(change);
    Ok(Some(format!(
        "No go would be given {time} in {within}.{taken}"
    )))
}

/// How many units, and how many machines in them, in words.
async fn within(app: &App, units: &BTreeSet<Name>) -> Result<String, Failure> {
    let machines = app.store.view().await?.enrolled_by_unit().await?;
    let machines = machines.into_iter();
    let machines: u64 = machines
        .filter(|(unit, _)| units.contains(unit))
        .map(|(_, count)| count)
        .sum();
    Ok(format!(
        "{} with {}",
        counted(units.len(), "unit", "units"),
        counted(machines, "machine", "machines"),
    ))
}

/// What a freeze hits.
struct Hit {
    /// From when to when it holds, in words.
    time: String,
    /// Where.
    units: BTreeSet<Name>,
    /// What it takes from waiting jobs.
    taken: String,
}

/// Counts what a freeze that is not there yet hits.
async fn hit(app: &App, freeze: &stored::Freeze) -> Result<Hit, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let unit = match freeze.area {
        Area::Unit => Name::new(&freeze.subject).ok(),
        _ => None,
    };
    let [start, end] = [freeze.start, freeze.end].map(|at| zones.text(unit.as_ref(), at));
    let during = will_hold(freeze, now, &end)?;
    let units = covered(&mut view, freeze.area, &freeze.subject).await?;
    let units: BTreeSet<Name> = units.into_iter().map(|unit| unit.name).collect();
    let waiting = Waiting::read(&mut view, now, |unit| units.contains(unit)).await?;
    Ok(Hit {
        time: format!("from {start} to {end}"),
        taken: waiting.frozen(&freeze.id, during),
        units,
    })
}

/// When a freeze holds. `end` is when it ends, in words.
///
/// # Errors
/// Where it would freeze nothing.
pub(super) fn will_hold(
    freeze: &stored::Freeze,
    now: UtcMs,
    end: &str,
) -> Result<Interval, Failure> {
    let during = Interval::new(freeze.start, freeze.end)
        .map_err(|_| Failure::input("a freeze must end after it begins"))?;
    match freeze.end > now {
        true => Ok(during),
        false => Err(Failure::input(format!(
            "the freeze {} is over since {end}: it would freeze nothing; name a later time",
            freeze.id
        ))),
    }
}

/// The units that a freeze covers.
async fn covered(view: &mut View, area: Area, subject: &str) -> Result<Vec<Unit>, Failure> {
    let mut units = view.units().await?;
    units.retain(|unit| match area {
        Area::All => true,
        Area::Site => unit.site.as_str() == subject,
        Area::Unit => unit.name.as_str() == subject,
        Area::Machine => false,
    });
    Ok(units)
}

/// A calendar's freeze would be there again after its next reading.
async fn refuse_calendars(app: &App, name: &Label) -> Result<(), Failure> {
    let calendars = app.store.view().await?.calendars().await?;
    let from = calendars.iter().find(|calendar| {
        let rest = name.as_str().strip_prefix(calendar.name.as_str());
        rest.is_some_and(|rest| rest.starts_with('/'))
    });
    match from {
        None => Ok(()),
        Some(calendar) => Err(Failure::conflict(format!(
            "{name} comes from the calendar {0}: take it out there, and `freeze calendar read {0}`. \
             `freeze calendar remove {0}` ends all of its freezes.",
            calendar.name
        ))),
    }
}

async fn list(app: &App, all: bool) -> Result<Output, Failure> {
    let now = app.now();
    let until = match all {
        true => UtcMs(i64::MAX),
        false => now.plus_ms(FREEZES_MS),
    };
    let range = Interval::new(now, until).map_err(|error| Failure::input(error.to_string()))?;
    let mut table = Table::new(&["freeze", "where", "from", "until", "reason", "source"]);
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    for freeze in view.freezes(range).await? {
        let unit = match freeze.area {
            Area::Unit => Name::new(&freeze.subject).ok(),
            _ => None,
        };
        table.row(vec![
            Cell::of(freeze.id),
            Cell::of(format!("{} {}", freeze.area.word(), freeze.subject)),
            zones.cell(unit.as_ref(), freeze.start),
            zones.cell(unit.as_ref(), freeze.end),
            Cell::of(freeze.reason),
            Cell::of(freeze.source),
        ]);
    }
    let alarms = calendar::alarms(&mut view).await?;
    let only = (!all).then(|| "Of the coming year; `--all` shows later ones too.".to_owned());
    let notes: Vec<String> = only.into_iter().chain(alarms).collect();
    table.note = (!notes.is_empty()).then(|| notes.join("\n"));
    Ok(Output::Table(table))
}

/// What a freeze leaves nothing of, for people. What was stored is stored: where it cannot
/// be told, that is said.
pub(super) async fn warning(app: &App, area: Area, subject: &str) -> String {
    let units = match app.store.view().await {
        Ok(mut view) => covered(&mut view, area, subject).await,
        Err(error) => Err(error.into()),
    };
    warning_of(app, units).await
}

/// The same of some units.
async fn warning_of(app: &App, units: Result<Vec<Unit>, Failure>) -> String {
    let left = match units {
        Ok(units) => nothing_left(app, &units).await,
        Err(failure) => Err(failure),
    };
    left.unwrap_or_else(|failure| {
        format!(
            "\nWhat freezes leave cannot be told: {}. `window preview` shows it once that \
                 is mended.",
            failure.text
        )
    })
}

/// The units in which freezes leave nothing now, with what to do; empty where there is
/// none.
async fn nothing_left(app: &App, units: &[Unit]) -> Result<String, Failure> {
    let mut view = app.store.view().await?;
    let mut told = Vec::new();
    for unit in units {
        let openings = outlook_of(app, &mut view, unit).await?;
        if let Some(remedy) = outlook::remedy(&openings) {
            told.push(format!("\n{}: {remedy}", unit.name));
        }
    }
    let more = told.len().saturating_sub(MAX_WARNED);
    told.truncate(MAX_WARNED);
    if more > 0 {
        told.push(format!("\nIn {more} more units nothing is left either."));
    }
    Ok(told.concat())
}
