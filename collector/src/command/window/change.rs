//! `window change`: what is not named stays.

use super::{Opening, instant, must_open, planned, stored, words};
use crate::app::App;
use crate::command::Caller;
use crate::command::hit::Waiting;
use crate::command::zones::instant_in;
use crate::control::{Failure, Output};
use crate::fleet::Target;
use crate::schedule::ical::zone_of;
use crate::schedule::spoken;
use crate::store::{Change, View};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// What may be changed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
#[group(required = false, multiple = true)]
pub struct ChangeArguments {
    /// Short name
    name: Name,
    /// Its unit
    #[arg(long)]
    unit: Option<Name>,
    /// When it opens, in words: "every Tuesday at 02:00"; or as cron has it: minute, hour, day of
    /// month, month, weekday (by name)
    #[arg(long, value_parser = spoken::rule)]
    cron: Option<String>,
    /// When one opens that opens once, such as 2026-12-01T02:00:00Z, or 2026-12-01T02:00 in
    /// its zone
    #[arg(long, conflicts_with = "cron")]
    at: Option<String>,
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
    /// It opens from now on, whatever was said before
    #[arg(long, conflicts_with = "valid_from")]
    no_valid_from: bool,
    /// It opens until then
    #[arg(long, value_parser = instant)]
    valid_until: Option<UtcMs>,
    /// It does not end any more
    #[arg(long, conflicts_with = "valid_until")]
    no_valid_until: bool,
}

impl ChangeArguments {
    fn says_nothing(&self) -> bool {
        self.unit.is_none()
            && self.cron.is_none()
            && self.at.is_none()
            && self.zone.is_none()
            && self.minutes.is_none()
            && self.day_offset.is_none()
            && self.valid_from.is_none()
            && self.valid_until.is_none()
            && !self.no_valid_from
            && !self.no_valid_until
    }

    /// The window as it is to be.
    fn applied(self, mut window: stored::Window) -> Result<stored::Window, Failure> {
        let name = &window.id;
        let is_recurring = matches!(window.opening, Opening::Cron(_));
        if !is_recurring && (self.cron.is_some() || self.day_offset.is_some()) {
            return Err(Failure::input(format!(
                "{name} opens once: --at moves it; remove it and add one that recurs"
            )));
        }
        if is_recurring && self.at.is_some() {
            return Err(Failure::input(format!(
                "{name} opens again and again: --cron moves it; `window once` adds one that opens once"
            )));
        }
        window.zone = self.zone.unwrap_or(window.zone);
        if let Some(cron) = self.cron {
            window.opening = Opening::Cron(cron);
        }
        if let Some(at) = self.at {
            let zone = zone_of(&window.zone).map_err(Failure::input)?;
            window.opening = Opening::Once(instant_in(&at, &zone)?);
        }
        window.unit = self.unit.unwrap_or(window.unit);
        window.minutes = self.minutes.unwrap_or(window.minutes);
        window.day_offset = self.day_offset.map_or(window.day_offset, i64::from);
        window.valid_from = match self.no_valid_from {
            true => None,
            false => self.valid_from.or(window.valid_from),
        };
        window.valid_until = match self.no_valid_until {
            true => None,
            false => self.valid_until.or(window.valid_until),
        };
        Ok(window)
    }
}

/// The window of this name.
pub(super) async fn known(view: &mut View, name: &Name) -> Result<stored::Window, Failure> {
    let known = view.windows(None).await?;
    let known = known.into_iter().find(|window| window.id == *name);
    known.ok_or_else(|| {
        Failure::not_found(format!(
            "There is no window {name}. `window list` shows all."
        ))
    })
}

/// Changes a window, and says what it is now and whom that hits.
pub(super) async fn change(
    app: &App,
    caller: &Caller,
    asked: ChangeArguments,
) -> Result<Output, Failure> {
    let Changed {
        change,
        left,
        window,
        taken,
    } = changed(app, caller, &asked).await?;
    let words = words(&window)?;
    change.commit().await?;
    for unit in [left, window.unit.clone()] {
        app.fleet.ask_again(Target::Unit(unit));
    }
    Ok(Output::Text(format!(
        "Window {} in {} is now: {words}.{taken} Signed work outside it gets no go; time that was \
         added needs a plan that is signed anew.",
        window.id, window.unit,
    )))
}

/// A window that was changed.
pub(super) struct Changed {
    /// The change that it is in.
    change: Change,
    /// The unit that it was in.
    left: Name,
    /// What it is.
    pub(super) window: stored::Window,
    /// What that takes from waiting jobs.
    pub(super) taken: String,
}

/// Changes a window in a change of its own.
pub(super) async fn changed(
    app: &App,
    caller: &Caller,
    asked: &ChangeArguments,
) -> Result<Changed, Failure> {
    if asked.says_nothing() {
        return Err(Failure::input(
            "say what changes: --unit, --cron, --at, --zone, --minutes, --day-offset, --valid-from, \
             --valid-until, --no-valid-from or --no-valid-until",
        ));
    }
    let now = app.now();
    let mut view = app.store.view().await?;
    let (left, window) = to_be(&mut view, asked, now).await?;
    let units = [left, window.unit];
    let waiting = Waiting::read(&mut view, now, |unit| units.contains(unit)).await?;
    drop(view);
    let mut change = app.change(caller).await?;
    // Somebody may have changed it while that was counted.
    let (left, window) = to_be(change.view(), asked, now).await?;
    change.change_window(&window).await?;
    let taken = waiting.moved(change.view()).await?;
    Ok(Changed {
        change,
        left,
        window,
        taken,
    })
}

/// The unit that a window is in, and the window as it is to be.
async fn to_be(
    view: &mut View,
    asked: &ChangeArguments,
    now: UtcMs,
) -> Result<(Name, stored::Window), Failure> {
    let before = known(view, &asked.name).await?;
    let left = before.unit.clone();
    let window = asked.clone().applied(before)?;
    words(&window)?;
    planned(&window)?;
    must_open(&window, now)?;
    Ok((left, window))
}
