//! The on-call list: who is called at night, and who has heard.

use super::freeze::area;
use super::rows::{self, FromFile};
use super::zones::Zones;
use super::{Caller, item};
use crate::agenda::{self, Agenda};
use crate::app::App;
use crate::calls::{Lists, words};
use crate::control::{Cell, Failure, Output, Table};
use crate::item::oncall::{Call, Level};
use crate::store::View;
use crate::store::oncall::OnCall;
use crate::store::windows::Area;
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};

/// Longest time that one level has: a working day.
pub(super) const MAX_AFTER_MINUTES: i64 = 8 * 60;
/// Most levels of a list; who comes after ten people have not answered?
pub(super) const MAX_LEVELS: i64 = 10;

/// What can be done with the on-call list.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum OnCallCommand {
    /// Set a level of a list: a unit's, a site's, or the hospital's
    Set {
        /// Who is called
        who: Label,
        /// How they are reached
        #[arg(long)]
        contact: Label,
        /// 1 is called at once, the others when nobody before has heard
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_LEVELS))]
        level: u32,
        /// After so many minutes without a word the next level is called too
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=MAX_AFTER_MINUTES))]
        after_minutes: u32,
        /// For one unit
        #[arg(long, conflicts_with = "site")]
        unit: Option<Name>,
        /// For one site
        #[arg(long)]
        site: Option<Name>,
    },
    /// Set levels out of a CSV file as `oncall list` gives it: for, which, level, who, contact and
    /// after_minutes: all of it, or nothing
    Import(FromFile),
    /// Take a level off a list
    Remove {
        /// The level
        #[arg(long)]
        level: u32,
        /// Of one unit's list
        #[arg(long, conflicts_with = "site")]
        unit: Option<Name>,
        /// Of one site's list
        #[arg(long)]
        site: Option<Name>,
    },
    /// Show who is on call
    List,
    /// Show what people are called about now
    Calls,
    /// Say that you have heard of an item: nobody else is called
    Heard {
        /// Its key, as `oncall calls` shows it
        item: String,
    },
}

/// Carries out a command on the on-call list.
pub async fn run(app: &App, caller: &Caller, command: OnCallCommand) -> Result<Output, Failure> {
    match command {
        OnCallCommand::Set {
            who,
            contact,
            level,
            after_minutes,
            unit,
            site,
        } => {
            let (area, subject) = area(unit, site);
            let text = format!("{who} is called at level {level}.");
            let level = Level {
                level,
                who,
                contact,
                after_minutes,
            };
            let mut change = app.change(caller).await?;
            let on_call = OnCall {
                area,
                subject,
                level,
            };
            change.set_on_call(&on_call).await?;
            let gap = gap(change.view(), area, &on_call.subject).await?;
            change.commit().await?;
            Ok(Output::Text(format!("{text}{gap}")))
        }
        OnCallCommand::Import(from) => rows::import::<OnCall>(app, caller, from).await,
        OnCallCommand::Remove { level, unit, site } => {
            let (area, subject) = area(unit, site);
            let mut change = app.change(caller).await?;
            change.remove_on_call(area, &subject, level).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Level {level} is off the list. `oncall list` shows who is left."
            )))
        }
        OnCallCommand::List => list(app).await,
        OnCallCommand::Calls => calls(app).await,
        OnCallCommand::Heard { item } => heard(app, caller, &item).await,
    }
}

/// What to know of a list without a first level: it takes the place of the lists above it,
/// and nobody of theirs is called.
async fn gap(view: &mut View, area: Area, subject: &str) -> Result<String, Failure> {
    let all = view.on_call().await?;
    let own = all
        .iter()
        .filter(|one| one.area == area && one.subject == subject);
    let first = own.map(|one| one.level.level).min();
    let Some(first) = first.filter(|first| *first > 1) else {
        return Ok(String::new());
    };
    let hidden = match area {
        Area::Unit => {
            " It takes the place of the lists of its site and of the hospital: who stands \
                       there is not called about it."
        }
        Area::Site => {
            " It takes the place of the hospital's list: who stands there is not called \
                       about it."
        }
        Area::All | Area::Machine => "",
    };
    Ok(format!(
        "\nThis list has no level 1: level {first} is called at once.{hidden} `oncall set --level 1` \
         sets the first."
    ))
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&["for", "which", "level", "who", "contact", "after_minutes"]);
    for one in app.store.view().await?.on_call().await? {
        table.row(vec![
            Cell::of(one.area.word()),
            Cell::of(one.subject),
            Cell::Number(one.level.level.into()),
            Cell::of(one.level.who),
            Cell::of(one.level.contact),
            Cell::Number(one.level.after_minutes.into()),
        ]);
    }
    Ok(Output::Table(table))
}

async fn calls(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let agenda = agenda::gather(&app.fleet, &mut view, app.now()).await?;
    drop(view);
    told(app, &agenda).await
}

/// Who is called about what is open, as it was gathered.
pub(super) async fn told(app: &App, agenda: &Agenda) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let lists = Lists::read(&mut view).await?;
    let mut table = Table::new(&["item", "about", "unit", "since", "called", "why"]);
    let zones = Zones::read(&mut view).await?;
    for item in &agenda.items {
        let call = lists.call(item, now);
        let Some(call) = call.filter(|call| !matches!(call, Call::Heard(_))) else {
            continue;
        };
        table.row(vec![
            Cell::of(item.key()),
            Cell::of(&item.about),
            Cell::maybe(item.unit.as_ref()),
            zones.cell(item.unit.as_ref(), item.since),
            Cell::of(words(&call)),
            Cell::of(&item.why),
        ]);
    }
    Ok(Output::Table(table))
}

async fn heard(app: &App, caller: &Caller, key: &str) -> Result<Output, Failure> {
    let found = item::find(app, &mut app.store.view().await?, key).await?;
    if !crate::item::oncall::calls_out(found.kind) {
        return Err(Failure::conflict(format!(
            "Nobody is called about {key}. `item take {key}` says that you do it."
        )));
    }
    let mut change = app.change(caller).await?;
    change.hear(key, found.since).await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "Nobody else is called about {}: {}. `item take {key}` says that you do it.",
        found.about, found.why
    )))
}
