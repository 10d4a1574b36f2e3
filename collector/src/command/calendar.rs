//! Calendars that freezes come from.

use super::Caller;
use super::file::InputFile;
use super::freeze::{area, warning};
use crate::app::App;
use crate::calendar::{self, EVERY_MINUTES, Empty, MAX_EVERY_MINUTES, Outcome, Said};
use crate::control::{Cell, Failure, Output, Table};
use crate::nudging;
use crate::store::View;
use crate::store::calendars::Calendar;
use patchward_common::id::{Label, Name};
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The source of freezes that people add by hand: no calendar has its name.
pub(super) const MANUAL: &str = "manual";
/// Most notes of a calendar that are shown at once.
const MAX_NOTES: usize = 10;

/// What can be done with calendars.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum CalendarCommand {
    /// Add a calendar, and read it at once
    Add {
        /// Short name; its freezes begin with it
        name: Name,
        /// Where it is read again and again: an http or https URL, or the full path of a
        /// file of the collector's computer
        #[arg(long, required_unless_present = "file")]
        from: Option<String>,
        /// A file that is handed in once
        #[arg(long, conflicts_with = "from")]
        file: Option<InputFile>,
        /// The zone of whole days and of times without one, such as Europe/Berlin
        #[arg(long)]
        zone: String,
        /// It freezes one unit
        #[arg(long, conflicts_with = "site")]
        unit: Option<Name>,
        /// It freezes one site
        #[arg(long)]
        site: Option<Name>,
        /// How often it is read, in minutes, up to a day
        #[arg(long, default_value_t = EVERY_MINUTES)]
        every_minutes: u32,
    },
    /// Read a calendar again now
    Read {
        /// Its name
        name: Name,
        /// It had freezes to come and has none at all now, and that is right
        #[arg(long)]
        accept_empty: bool,
    },
    /// Remove a calendar and its freezes
    Remove {
        /// Its name
        name: Name,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Show the calendars: when each was read, and what is wrong
    List,
}

/// Carries out a command on calendars.
pub(super) async fn calendar(
    app: &App,
    caller: &Caller,
    command: CalendarCommand,
) -> Result<Output, Failure> {
    match command {
        CalendarCommand::Add {
            name,
            from,
            file,
            zone,
            unit,
            site,
            every_minutes,
        } => {
            let (area, subject) = area(unit, site);
            let calendar = Calendar {
                name,
                area,
                subject,
                place: from,
                zone,
                every_minutes,
                tried_at: app.now(),
            };
            add(app, caller, calendar, file).await
        }
        CalendarCommand::Read { name, accept_empty } => {
            let known = app.store.view().await?.calendars().await?;
            let known = known.into_iter().find(|known| known.name == name);
            let known = known.ok_or_else(|| missing(&name))?;
            let actor = caller.actor.clone();
            let empty = match accept_empty {
                true => Empty::Accepted,
                false => Empty::Doubted,
            };
            match calendar::read_again(&app.store, actor, &known, empty, app.now()).await? {
                Outcome::Problem(problem) => Err(Failure::unavailable(format!(
                    "{name} could not be read, and its last good copy stays: {problem}"
                ))),
                Outcome::New(said) => Ok(Output::Text(told(&name, &said))),
                Outcome::Same(_) => Ok(Output::Text(format!("{name} says what it said before."))),
            }
        }
        CalendarCommand::Remove { name, reason } => {
            let mut change = app.change(caller).await?;
            let known = change.view().calendars().await?;
            let known = known.into_iter().find(|known| known.name == name);
            let known = known.ok_or_else(|| missing(&name))?;
            let covered = nudging::covered(change.view(), known.area, &known.subject).await?;
            change.remove_calendar(&name, reason.as_str()).await?;
            change.commit().await?;
            covered
                .into_iter()
                .for_each(|target| app.fleet.ask_again(target));
            Ok(Output::Text(format!("{name} and its freezes are gone.")))
        }
        CalendarCommand::List => list(&mut app.store.view().await?).await,
    }
}

fn missing(name: &Name) -> Failure {
    Failure::not_found(format!(
        "There is no calendar {name}. `freeze calendar list` shows all."
    ))
}

async fn add(
    app: &App,
    caller: &Caller,
    calendar: Calendar,
    file: Option<InputFile>,
) -> Result<Output, Failure> {
    let name = &calendar.name;
    if name.as_str() == MANUAL {
        return Err(Failure::input(format!(
            "{MANUAL} is the source of freezes that people add by hand; choose another name"
        )));
    }
    if !(1..=MAX_EVERY_MINUTES).contains(&calendar.every_minutes) {
        return Err(Failure::input(format!(
            "a calendar is read every 1 to {MAX_EVERY_MINUTES} minutes"
        )));
    }
    let body = match (&calendar.place, file) {
        (Some(place), _) => {
            calendar::check_place(place).map_err(|error| Failure::input(error.to_string()))?;
            let fetched = calendar::fetch(place).await;
            fetched.map_err(|error| Failure::unavailable(error.to_string()))?
        }
        (None, Some(file)) => file.bytes.into_vec(),
        (None, None) => return Err(Failure::input("say where it is: --from or --file")),
    };
    let laid_out = calendar::laid_out_apart(&calendar, Arc::new(body), app.now()).await;
    let (body, said) =
        laid_out.map_err(|problem| Failure::input(format!("{name} was not added: {problem}")))?;
    let mut change = app.change(caller).await?;
    change.add_calendar(&calendar, &body, &said.freezes).await?;
    change.commit().await?;
    let warning = warning(app, calendar.area, &calendar.subject).await;
    Ok(Output::Text(format!("{}{warning}", told(name, &said))))
}

/// What a calendar says, and what was passed over.
fn told(name: &Name, said: &Said) -> String {
    let mut text = format!(
        "{name} freezes {} in the next {} days.",
        counted(said.freezes.len(), "time", "times"),
        calendar::AHEAD_DAYS
    );
    for note in said.notes.iter().take(MAX_NOTES) {
        text.push_str(&format!("\n{note}"));
    }
    if said.notes.len() > MAX_NOTES {
        text.push_str(&format!("\nand {} more", said.notes.len() - MAX_NOTES));
    }
    text
}

async fn list(view: &mut View) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "calendar",
        "where",
        "from",
        "every_minutes",
        "read",
        "problem",
    ]);
    let feeds = view.feeds().await?;
    for calendar in view.calendars().await? {
        let feed = feeds.iter().find(|feed| feed.source == calendar.name);
        let (from, every) = match &calendar.place {
            Some(place) => (
                Cell::of(calendar::shown(place)),
                Cell::Number(calendar.every_minutes.into()),
            ),
            None => (Cell::of("handed in once"), Cell::Empty),
        };
        table.row(vec![
            Cell::of(&calendar.name),
            Cell::of(format!("{} {}", calendar.area.word(), calendar.subject)),
            from,
            every,
            Cell::maybe(feed.map(|feed| feed.read_at)),
            Cell::maybe(feed.and_then(|feed| feed.problem.as_ref())),
        ]);
    }
    table.note = alarms(view).await?;
    Ok(Output::Table(table))
}

/// What is wrong with calendars, for people; `None` where nothing is.
pub(super) async fn alarms(view: &mut View) -> Result<Option<String>, Failure> {
    let feeds = view.feeds().await?;
    let lines: Vec<String> = feeds
        .iter()
        .filter_map(|feed| {
            let problem = feed.problem.as_ref()?;
            Some(format!(
                "Calendar {} was last read at {} and its freezes of then hold: {problem}. After \
                 7 days without a reading no go is given where they hold.",
                feed.source, feed.read_at
            ))
        })
        .collect();
    Ok((!lines.is_empty()).then(|| lines.join("\n")))
}
