//! Windows: when work may be done in a unit.

mod change;
mod preview;

use super::hit::Waiting;
use super::rows::{self, FromFile};
use super::zones::{beside_utc, instant_in};
use super::{Caller, work};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::fleet::Target;
use crate::schedule::ical::zone_of;
use crate::schedule::spoken;
use crate::schedule::window::Window;
use crate::store::Change;
use crate::store::windows::{self as stored, Opening};
use change::Changed;
use patchward_common::id::{Label, Name};
use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;

/// What can be done with windows.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum WindowCommand {
    /// Add a window that opens again and again
    Add {
        /// Short name
        name: Name,
        /// Its unit
        #[arg(long)]
        unit: Name,
        /// When it opens, in words: "every Tuesday at 02:00", "weekdays at 22:30", "second Tuesday of
        /// the month at 03:00"; or as cron has it: minute, hour, day of month, month, weekday (by name)
        #[arg(long, value_parser = spoken::rule)]
        cron: String,
        /// Time zone, such as America/Chicago
        #[arg(long)]
        zone: String,
        /// How long it is, in minutes, under 24 hours
        #[arg(long)]
        minutes: u32,
        /// Days after the day of the expression: 1 for the day after Patch Tuesday
        #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
        day_offset: i16,
        /// It opens from then on, such as 2026-12-01T00:00:00Z
        #[arg(long, value_parser = instant)]
        valid_from: Option<UtcMs>,
        /// It opens until then
        #[arg(long, value_parser = instant)]
        valid_until: Option<UtcMs>,
    },
    /// Add a window that opens once
    Once {
        /// Short name
        name: Name,
        /// Its unit
        #[arg(long)]
        unit: Name,
        /// When it opens, such as 2026-12-01T02:00:00Z, or 2026-12-01T02:00 with --zone; now,
        /// without it
        #[arg(long)]
        at: Option<String>,
        /// The time zone of --at, and of what is shown
        #[arg(long, default_value = "UTC")]
        zone: String,
        /// In how many seconds it opens, instead of --at
        #[arg(long, conflicts_with = "at")]
        in_seconds: Option<u32>,
        /// How long it is, in minutes, under 24 hours
        #[arg(long)]
        minutes: u32,
    },
    /// Add windows that open again and again out of a CSV file with the columns window, unit, cron,
    /// zone, minutes, day_offset, valid_from and valid_until: all of it, or nothing
    Import(FromFile),
    /// Change a window: what is not named stays. Less time stops even signed work at once;
    /// more time needs a plan that is signed anew
    Change(Box<change::ChangeArguments>),
    /// Remove a window; signed work in it is refused go at once
    Remove {
        /// Short name
        name: Name,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Show all windows in words
    List {
        /// Only this unit's
        #[arg(long)]
        unit: Option<Name>,
    },
    /// Show the next 20 openings of a unit, in local time and UTC, and what freezes leave
    Preview {
        /// The unit
        unit: Name,
    },
    /// Write the approved work of a unit as a calendar that people subscribe to (.ics)
    Export {
        /// The unit
        unit: Name,
        /// The file to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
}

/// Reads an instant in UTC as RFC 3339 has it.
pub fn instant(text: &str) -> Result<UtcMs, String> {
    text.parse::<jiff::Timestamp>()
        .map(|at| UtcMs(at.as_millisecond()))
        .map_err(|_| "write it as 2026-12-01T02:00:00Z".to_owned())
}

/// Carries out a command on windows.
pub async fn window(app: &App, caller: &Caller, command: WindowCommand) -> Result<Output, Failure> {
    match command {
        WindowCommand::Add {
            name,
            unit,
            cron,
            zone,
            minutes,
            day_offset,
            valid_from,
            valid_until,
        } => {
            let window = stored::Window {
                id: name,
                unit,
                opening: Opening::Cron(cron),
                zone,
                minutes,
                day_offset: i64::from(day_offset),
                valid_from,
                valid_until,
            };
            add(app, caller, window).await
        }
        WindowCommand::Once {
            name,
            unit,
            at,
            zone,
            in_seconds,
            minutes,
        } => {
            let known = zone_of(&zone).map_err(Failure::input)?;
            let later = in_seconds.map_or(0, |seconds| i64::from(seconds) * SECOND_MS);
            let at = match at {
                Some(text) => instant_in(&text, &known)?,
                None => app.now().plus_ms(later),
            };
            let window = stored::Window {
                id: name,
                unit,
                opening: Opening::Once(at),
                zone,
                minutes,
                day_offset: 0,
                valid_from: None,
                valid_until: None,
            };
            add(app, caller, window).await
        }
        WindowCommand::Import(from) => rows::import::<stored::Window>(app, caller, from).await,
        WindowCommand::Change(arguments) => change::change(app, caller, *arguments).await,
        WindowCommand::Remove { name, reason } => {
            let (change, taken) = removed(app, caller, &name, &reason).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Window {name} is gone.{taken}")))
        }
        WindowCommand::List { unit } => list(app, unit.as_ref()).await,
        WindowCommand::Preview { unit } => preview::preview(app, &unit).await,
        WindowCommand::Export { unit, .. } => work::export(app, &unit).await,
    }
}

/// What would come of a command on windows; `None` where it takes nothing away.
pub(super) async fn foreseen(
    app: &App,
    caller: &Caller,
    command: &WindowCommand,
) -> Result<Option<String>, Failure> {
    Ok(match command {
        WindowCommand::Remove { name, reason } => {
            let (_, taken) = removed(app, caller, name, reason).await?;
            Some(format!("Window {name} would be gone.{taken}"))
        }
        WindowCommand::Change(asked) => {
            let Changed { window, taken, .. } = change::changed(app, caller, asked).await?;
            let words = words(&window)?;
            Some(format!(
                "Window {} in {} would be: {words}.{taken}",
                window.id, window.unit
            ))
        }
        _ => None,
    })
}

/// Removes a window, and says what that takes from waiting jobs.
async fn removed(
    app: &App,
    caller: &Caller,
    name: &Name,
    reason: &Label,
) -> Result<(Change, String), Failure> {
    let mut view = app.store.view().await?;
    let unit = change::known(&mut view, name).await?.unit;
    let waiting = Waiting::read(&mut view, app.now(), |of| *of == unit).await?;
    drop(view);
    let mut change = app.change(caller).await?;
    change.remove_window(name, reason).await?;
    let taken = waiting.moved(change.view()).await?;
    Ok((change, taken))
}

async fn list(app: &App, unit: Option<&Name>) -> Result<Output, Failure> {
    let mut table = Table::new(&["window", "unit", "opens", "minutes"]);
    let windows = app.store.view().await?.windows(unit).await?;
    // Hundreds of units open at the same times, and each of these is understood once.
    let mut known: HashMap<_, String> = HashMap::new();
    for window in &windows {
        let valid = (window.valid_from, window.valid_until);
        let long = (window.minutes, window.day_offset);
        let words = match known.entry((&window.opening, &window.zone, long, valid)) {
            Entry::Occupied(words) => words.get().clone(),
            Entry::Vacant(place) => place.insert(words(window)?).clone(),
        };
        table.row(vec![
            Cell::of(&window.id),
            Cell::of(&window.unit),
            Cell::of(words),
            Cell::Number(window.minutes.into()),
        ]);
    }
    Ok(Output::Table(table))
}

async fn add(app: &App, caller: &Caller, window: stored::Window) -> Result<Output, Failure> {
    let words = words(&window)?;
    planned(&window)?;
    must_open(&window, app.now())?;
    let mut change = app.change(caller).await?;
    change.add_window(&window).await?;
    change.commit().await?;
    // It may have been there before, and signed slots lie in it.
    app.fleet.ask_again(Target::Unit(window.unit.clone()));
    Ok(Output::Text(format!(
        "Window {} in {}: {words}. `window preview {}` lists its openings.",
        window.id, window.unit, window.unit
    )))
}

/// What a window means, with its validity.
pub(super) fn words(window: &stored::Window) -> Result<String, Failure> {
    let mut words = match &window.opening {
        Opening::Cron(_) => understood(window)?.words(),
        Opening::Once(at) => {
            understood(window)?;
            let zone = zone_of(&window.zone).map_err(Failure::input)?;
            let [from, until] = [*at, closes(window, *at)].map(|at| beside_utc(&zone, at));
            format!("once, from {from} to {until}")
        }
    };
    let zone = zone_of(&window.zone).map_err(Failure::input)?;
    if let Some(from) = window.valid_from {
        words.push_str(&format!(", from {}", beside_utc(&zone, from)));
    }
    if let Some(until) = window.valid_until {
        words.push_str(&format!(", until {}", beside_utc(&zone, until)));
    }
    Ok(words)
}

fn closes(window: &stored::Window, opens: UtcMs) -> UtcMs {
    opens.plus_ms(i64::from(window.minutes) * MINUTE_MS)
}

/// Refuses a window that lies in the past: it would open nothing, and whoever made it
/// would wait.
pub(super) fn must_open(window: &stored::Window, now: UtcMs) -> Result<(), Failure> {
    let over = match (&window.opening, window.valid_until) {
        (Opening::Once(at), _) if closes(window, *at) <= now => closes(window, *at),
        (_, Some(until)) if until <= now => until,
        _ => return Ok(()),
    };
    let zone = zone_of(&window.zone).map_err(Failure::input)?;
    Err(Failure::input(format!(
        "window {} is over since {}: it would never open; name a later time",
        window.id,
        beside_utc(&zone, over)
    )))
}

/// What a window means that is to be kept: one in which no plan can be laid would keep its
/// whole unit from being planned.
pub(super) fn planned(window: &stored::Window) -> Result<Window, Failure> {
    let known = understood(window)?;
    let can = known.can_be_planned();
    can.map_err(|error| Failure::input(format!("window {}: {error}", window.id)))?;
    Ok(known)
}

/// What a stored window means.
pub fn understood(window: &stored::Window) -> Result<Window, Failure> {
    window
        .understood()
        .map_err(|text| Failure::input(format!("window {}: {text}", window.id)))
}
