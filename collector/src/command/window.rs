//! Windows and freezes.

use super::Caller;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::schedule::window::{HORIZON_MS, Window};
use crate::store::windows::Area;
use crate::store::windows::{self as stored, Opening};
use patchward_common::id::{Label, Name};
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, SECOND_MS, UtcMs};
use serde::{Deserialize, Serialize};

/// How many openings a preview lists.
const PREVIEW: usize = 20;
/// How far a preview looks ahead, farther until it is full: a nightly window fills it in
/// weeks, and of a yearly one there are only a few as far as an expansion reaches.
const PREVIEW_MS: [i64; 2] = [60 * DAY_MS, HORIZON_MS];
/// How far the list of freezes looks ahead.
const FREEZES_MS: i64 = 366 * DAY_MS;

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
    },
    /// Add a window that opens once
    Once {
        /// Short name
        name: Name,
        /// Its unit
        #[arg(long)]
        unit: Name,
        /// When it opens, such as 2026-12-01T02:00:00Z; now, without it
        #[arg(long, value_parser = instant)]
        at: Option<UtcMs>,
        /// In how many seconds it opens, instead of --at
        #[arg(long, conflicts_with = "at")]
        in_seconds: Option<u32>,
        /// How long it is, in minutes, under 24 hours
        #[arg(long)]
        minutes: u32,
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
    /// Show the next 20 openings of a unit, less its freezes
    Preview {
        /// The unit
        unit: Name,
    },
}

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
        /// When it begins, such as 2026-12-24T00:00:00Z; now, without it
        #[arg(long, value_parser = instant)]
        from: Option<UtcMs>,
        /// When it ends
        #[arg(long, value_parser = instant)]
        until: UtcMs,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// End a freeze
    Remove {
        /// What people call it
        name: Label,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Show the freezes of the coming year
    List,
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
        } => {
            let window = stored::Window {
                id: name,
                unit,
                opening: Opening::Cron(cron),
                zone,
                minutes,
                day_offset: i64::from(day_offset),
                valid_from: None,
                valid_until: None,
            };
            add(app, caller, window).await
        }
        WindowCommand::Once {
            name,
            unit,
            at,
            in_seconds,
            minutes,
        } => {
            let later = in_seconds.map_or(0, |seconds| i64::from(seconds) * SECOND_MS);
            let at = at.unwrap_or_else(|| app.now().plus_ms(later));
            let window = stored::Window {
                id: name,
                unit,
                opening: Opening::Once(at),
                zone: "UTC".into(),
                minutes,
                day_offset: 0,
                valid_from: None,
                valid_until: None,
            };
            add(app, caller, window).await
        }
        WindowCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_window(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Window {name} is gone.")))
        }
        WindowCommand::List { unit } => {
            let mut table = Table::new(&["window", "unit", "opens", "minutes"]);
            for window in app.store.view().await?.windows(unit.as_ref()).await? {
                table.row(vec![
                    Cell::of(&window.id),
                    Cell::of(&window.unit),
                    Cell::of(understood(&window)?.words()),
                    Cell::Number(window.minutes.into()),
                ]);
            }
            Ok(Output::Table(table))
        }
        WindowCommand::Preview { unit } => preview(app, &unit).await,
    }
}

async fn add(app: &App, caller: &Caller, window: stored::Window) -> Result<Output, Failure> {
    let words = understood(&window)?.words();
    let mut change = app.change(caller).await?;
    change.add_window(&window).await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "Window {} in {}: {words}. `window preview {}` lists its openings.",
        window.id, window.unit, window.unit
    )))
}

/// What a stored window means.
pub fn understood(window: &stored::Window) -> Result<Window, Failure> {
    window
        .understood()
        .map_err(|text| Failure::input(format!("window {}: {text}", window.id)))
}

async fn preview(app: &App, unit: &Name) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let mut openings = Vec::new();
    for ahead_ms in PREVIEW_MS {
        if openings.len() < PREVIEW {
            let range = Interval::new(now, now.plus_ms(ahead_ms))
                .map_err(|error| Failure::input(error.to_string()))?;
            openings = match crate::allowed::of_unit(&mut view, unit, range, &[]).await {
                Ok(found) => found,
                // Windows that open every few minutes and merge: what is near must do.
                Err(_) if !openings.is_empty() => break,
                Err(failure) => return Err(failure),
            };
        }
    }
    let mut table = Table::new(&["opens", "closes", "minutes"]);
    for opening in openings.iter().take(PREVIEW) {
        table.row(vec![
            Cell::of(opening.start()),
            Cell::of(opening.end()),
            Cell::Number(opening.length_ms() / MINUTE_MS),
        ]);
    }
    if table.rows.is_empty() {
        table.note = Some("No window means never: nothing starts in this unit.".into());
    }
    Ok(Output::Table(table))
}

/// Carries out a command on freezes.
pub async fn freeze(app: &App, caller: &Caller, command: FreezeCommand) -> Result<Output, Failure> {
    match command {
        FreezeCommand::Add {
            name,
            unit,
            site,
            from,
            until,
            reason,
        } => {
            let (area, subject) = match (unit, site) {
                (Some(unit), _) => (Area::Unit, unit.to_string()),
                (None, Some(site)) => (Area::Site, site.to_string()),
                (None, None) => (Area::All, String::new()),
            };
            let start = from.unwrap_or_else(|| app.now());
            if start >= until {
                return Err(Failure::input("a freeze must end after it begins"));
            }
            let freeze = stored::Freeze {
                id: name,
                area,
                subject,
                start,
                end: until,
                reason: reason.to_string(),
                source: Name::new("manual").map_err(|error| Failure::input(error.to_string()))?,
            };
            let mut change = app.change(caller).await?;
            change.add_freeze(&freeze).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Frozen from {} to {}: no go is given.",
                freeze.start, freeze.end
            )))
        }
        FreezeCommand::Remove { name, reason } => {
            let mut change = app.change(caller).await?;
            change.remove_freeze(&name, reason.as_str()).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Freeze {name} is over.")))
        }
        FreezeCommand::List => {
            let now = app.now();
            let range = Interval::new(now, now.plus_ms(FREEZES_MS))
                .map_err(|error| Failure::input(error.to_string()))?;
            let mut table = Table::new(&["freeze", "where", "from", "until", "reason", "source"]);
            for freeze in app.store.view().await?.freezes(range).await? {
                table.row(vec![
                    Cell::of(freeze.id),
                    Cell::of(format!("{} {}", freeze.area.word(), freeze.subject)),
                    Cell::of(freeze.start),
                    Cell::of(freeze.end),
                    Cell::of(freeze.reason),
                    Cell::of(freeze.source),
                ]);
            }
            Ok(Output::Table(table))
        }
    }
}
