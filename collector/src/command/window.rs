//! Windows: when work may be done in a unit.

use super::{Caller, outlook_of, work};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::fleet::Target;
use crate::forecast::idle::share_of_all;
use crate::schedule::ical::zone_of;
use crate::schedule::outlook;
use crate::schedule::window::{Window, at_local};
use crate::store::windows::{self as stored, Opening};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use patchward_common::id::Name;
use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use serde::{Deserialize, Serialize};
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
        /// When it opens: minute, hour, day of month, month, weekday (by name)
        #[arg(long)]
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
    /// Change a window: what is not named stays. Less time stops even signed work at once;
    /// more time needs a plan that is signed anew
    Change {
        /// Short name
        name: Name,
        /// When it opens: minute, hour, day of month, month, weekday (by name)
        #[arg(long)]
        cron: Option<String>,
        /// Time zone, such as America/Chicago
        #[arg(long)]
        zone: Option<String>,
        /// How long it is, in minutes, under 24 hours
        #[arg(long)]
        minutes: Option<u32>,
        /// Days after the day of the expression
        #[arg(long, allow_hyphen_values = true)]
        day_offset: Option<i16>,
        /// It opens from then on
        #[arg(long, value_parser = instant)]
        valid_from: Option<UtcMs>,
        /// It opens until then
        #[arg(long, value_parser = instant)]
        valid_until: Option<UtcMs>,
    },
    /// Remove a window; signed work in it is refused go at once
    Remove {
        /// Short name
        name: Name,
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

/// Reads an instant in UTC, or a local time in `zone`.
fn instant_in(text: &str, zone: &TimeZone) -> Result<UtcMs, Failure> {
    let local = || text.parse::<DateTime>().ok();
    let local = local().and_then(|local| at_local(zone, local));
    match (text.ends_with(['Z', 'z']), local) {
        (false, Some(at)) => Ok(at),
        _ => instant(text).map_err(Failure::input),
    }
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
        command @ WindowCommand::Change { .. } => change(app, caller, command).await,
        WindowCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_window(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Window {name} is gone.")))
        }
        WindowCommand::List { unit } => list(app, unit.as_ref()).await,
        WindowCommand::Preview { unit } => preview(app, &unit).await,
        WindowCommand::Export { unit, .. } => work::export(app, &unit).await,
    }
}

async fn list(app: &App, unit: Option<&Name>) -> Result<Output, Failure> {
    let mut table = Table::new(&["window", "unit", "opens", "minutes"]);
    for window in app.store.view().await?.windows(unit).await? {
        let mut words = understood(&window)?.words();
        if let Some(from) = window.valid_from {
            words.push_str(&format!(", from {from}"));
        }
        if let Some(until) = window.valid_until {
            words.push_str(&format!(", until {until}"));
        }
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
    let words = planned(&window)?.words();
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

async fn change(app: &App, caller: &Caller, command: WindowCommand) -> Result<Output, Failure> {
    let WindowCommand::Change {
        name,
        cron,
        zone,
        minutes,
        day_offset,
        valid_from,
        valid_until,
    } = command
    else {
        return Err(Failure::input("this changes no window"));
    };
    let known = app.store.view().await?.windows(None).await?;
    let known = known.into_iter().find(|window| window.id == name);
    let mut window = known.ok_or_else(|| {
        Failure::not_found(format!(
            "There is no window {name}. `window list` shows all."
        ))
    })?;
    let is_recurring = matches!(window.opening, Opening::Cron(_));
    if !is_recurring && (cron.is_some() || day_offset.is_some()) {
        return Err(Failure::input(format!(
            "{name} opens once; remove it and add one that recurs"
        )));
    }
    if let Some(cron) = cron {
        window.opening = Opening::Cron(cron);
    }
    window.zone = zone.unwrap_or(window.zone);
    window.minutes = minutes.unwrap_or(window.minutes);
    window.day_offset = day_offset.map_or(window.day_offset, i64::from);
    window.valid_from = valid_from.or(window.valid_from);
    window.valid_until = valid_until.or(window.valid_until);
    let words = planned(&window)?.words();
    let mut change = app.change(caller).await?;
    change.change_window(&window).await?;
    change.commit().await?;
    app.fleet.ask_again(Target::Unit(window.unit.clone()));
    Ok(Output::Text(format!(
        "Window {name} in {} is now: {words}. Signed work outside it gets no go; time that was \
         added needs a plan that is signed anew.",
        window.unit
    )))
}

/// What a window means that is to be kept: one in which no plan can be laid would keep its
/// whole unit from being planned.
fn planned(window: &stored::Window) -> Result<Window, Failure> {
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

async fn preview(app: &App, unit: &Name) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let known = view.unit(unit).await?;
    let known = known.ok_or_else(|| Failure::not_found(format!("There is no unit {unit}.")))?;
    let openings = outlook_of(app, &mut view, &known).await?;
    let mut table = Table::new(&[
        "opens",
        "closes",
        "opens_utc",
        "closes_utc",
        "minutes",
        "left",
        "idle_percent",
        "idle_known",
        "windows",
        "note",
    ]);
    let histories = view.interlock_histories(unit).await?;
    for opening in &openings {
        let idle = share_of_all(&histories, opening.opening);
        let mut notes = Vec::new();
        if opening.clock_change {
            notes.push("the clock changes".to_owned());
        }
        if !opening.taken_by.is_empty() {
            let names: Vec<&str> = opening.taken_by.iter().map(|name| name.as_str()).collect();
            let what = if opening.left.is_empty() {
                "frozen"
            } else {
                "partly frozen"
            };
            notes.push(format!("{what}: {}", names.join(", ")));
        }
        table.row(vec![
            Cell::of(&opening.local_start),
            Cell::of(&opening.local_end),
            Cell::of(opening.opening.start()),
            Cell::of(opening.opening.end()),
            Cell::Number(opening.opening.length_ms() / MINUTE_MS),
            Cell::Number(opening.left_minutes()),
            Cell::maybe(idle.map(|(share, _)| format!("{:.0}", share * 100.0))),
            Cell::Number(idle.map_or(0, |(_, known)| known as i64)),
            Cell::List(opening.windows.iter().map(ToString::to_string).collect()),
            Cell::maybe((!notes.is_empty()).then(|| notes.join("; "))),
        ]);
    }
    table.note = Some(if openings.is_empty() {
        "No window means never: nothing starts in this unit.".into()
    } else {
        let mut words = Vec::new();
        for window in view.windows(Some(unit)).await? {
            words.push(format!("{}: {}", window.id, understood(&window)?.words()));
        }
        words.extend(outlook::remedy(&openings));
        words.push(
            "idle_percent: how idle its machines usually are then, of the idle_known that told."
                .into(),
        );
        words.join("\n")
    });
    Ok(Output::Table(table))
}
