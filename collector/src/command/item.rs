//! Items: what is open, whose move it is, who took it.

use super::job::stop_waiting;
use super::zones::Zones;
use super::{Caller, machine, window};
use crate::agenda::{self, Agenda};
use crate::app::App;
use crate::calls::{self, Lists};
use crate::control::{Cell, Failure, Output, Table};
use crate::item::{Item, OWNERS, Owner};
use crate::store::jobs::Standing;
use crate::store::{Change, View};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};

/// What can be done with items.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ItemCommand {
    /// Show what is open, raised items first
    List {
        /// Only what this owner has to do: vendor, htm, it, security, ward, time
        #[arg(long, value_parser = owner_word)]
        owner: Option<String>,
        /// Only this unit's
        #[arg(long)]
        unit: Option<Name>,
        /// Only what is open for longer than its class allows
        #[arg(long)]
        raised: bool,
    },
    /// Say that you do it
    Take {
        /// Its key, as `item list` shows it
        item: String,
    },
    /// Free an item that you or somebody else took
    Drop {
        /// Its key, as `item list` shows it
        item: String,
    },
    /// Leave a machine as it is for a time, with what protects it meanwhile
    Except {
        /// The machine's name or id
        machine: String,
        /// Until when, such as 2026-12-24T00:00:00Z
        #[arg(long, value_parser = window::instant, required_unless_present = "end")]
        until: Option<UtcMs>,
        /// What protects it meanwhile
        #[arg(long, required_unless_present = "end")]
        control: Option<Label>,
        /// End its exception
        #[arg(long, conflicts_with_all = ["until", "control"])]
        end: bool,
    },
}

fn owner_word(word: &str) -> Result<String, String> {
    let known = || OWNERS.map(Owner::word).join(", ");
    let owner = Owner::of_word(word).ok_or_else(|| format!("an owner is one of {}", known()))?;
    Ok(owner.word().to_owned())
}

/// Carries out a command on items.
pub async fn run(app: &App, caller: &Caller, command: ItemCommand) -> Result<Output, Failure> {
    match command {
        ItemCommand::List {
            owner,
            unit,
            raised,
        } => {
            let mut view = app.store.view().await?;
            let agenda = agenda::gather(&app.fleet, &mut view, app.now()).await?;
            drop(view);
            told(app, &agenda, owner.as_deref(), unit.as_ref(), raised).await
        }
        ItemCommand::Take { item } => {
            let mut view = app.store.view().await?;
            let found = find(app, &mut view, &item).await?;
            drop(view);
            let mut change = app.change(caller).await?;
            change.take_item(&found.key()).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{} of {} is yours: {}.",
                found.kind.word(),
                found.about,
                found.why
            )))
        }
        ItemCommand::Drop { item } => {
            let mut change = app.change(caller).await?;
            change.drop_item(&item).await?;
            change.commit().await?;
            Ok(Output::Text(format!("{item} is free to be taken.")))
        }
        ItemCommand::Except {
            machine: name,
            until,
            control,
            ..
        } => except(app, caller, &name, until.zip(control)).await,
    }
}

/// What is open, as it was gathered.
pub(super) async fn told(
    app: &App,
    agenda: &Agenda,
    owner: Option<&str>,
    unit: Option<&Name>,
    raised: bool,
) -> Result<Output, Failure> {
    let now = app.now();
    let items = agenda.items.iter().filter(|item| {
        owner.is_none_or(|word| item.owner.word() == word)
            && (unit.is_none() || item.unit.as_ref() == unit)
            && (!raised || item.is_raised(now))
    });
    let items: Vec<Item> = items.cloned().collect();
    let mut view = app.store.view().await?;
    let lists = Lists::read(&mut view).await?;
    let zones = Zones::read(&mut view).await?;
    Ok(Output::Table(table(&items, &lists, &zones, now)))
}

async fn except(
    app: &App,
    caller: &Caller,
    name: &str,
    exception: Option<(UtcMs, Label)>,
) -> Result<Output, Failure> {
    let found = machine::find(&mut app.store.view().await?, name).await?;
    let mut change = app.change(caller).await?;
    let text = match exception {
        Some((until, _)) if until <= change.now() => {
            return Err(Failure::input(format!(
                "an exception until {until} has ended already; name a later time"
            )));
        }
        Some((until, control)) => {
            // No go is decided on meanwhile, and none is given afterwards.
            change.lock_groups_of(&found.id).await?;
            let closed = close_waiting(&mut change, &found.id, &control).await?;
            change.set_exception(&found.id, until, &control).await?;
            format!(
                "{} is left as it is until {until}: {control}.{closed} New plans leave it out \
                 until then.",
                found.name
            )
        }
        None => {
            change.end_exception(&found.id).await?;
            format!(
                "{} has no exception any more. Jobs that were closed for it stay closed: plan it \
                 again, or `job retry`.",
                found.name
            )
        }
    };
    change.commit().await?;
    Ok(Output::Text(text))
}

/// Closes the jobs of a machine that wait, and says so.
async fn close_waiting(
    change: &mut Change,
    machine: &MachineId,
    control: &Label,
) -> Result<String, Failure> {
    let mut said = String::new();
    for job in change.view().jobs_of_machine(machine).await? {
        match Standing::of(&job.state) {
            Standing::Waiting => {
                let down = stop_waiting(change, &job, control).await?;
                let id = job.id;
                said.push_str(&format!(
                    " Its job {id} is closed: no go is given for it.{down}"
                ));
            }
            Standing::Open => {
                said.push_str(" The work that is under way on it goes on to a safe end.");
            }
            Standing::Ended => {}
        }
    }
    Ok(said)
}

pub(super) async fn find(app: &App, view: &mut View, key: &str) -> Result<Item, Failure> {
    let Agenda { items, .. } = agenda::gather(&app.fleet, view, app.now()).await?;
    let found = items.into_iter().find(|item| item.key() == key);
    found.ok_or_else(|| {
        Failure::not_found(format!(
            "Nothing open has the key {key}: it is done, or its next step is another. `item list` \
             shows all."
        ))
    })
}

/// Items as people and programs see them.
pub(super) fn table(items: &[Item], lists: &Lists, zones: &Zones, now: UtcMs) -> Table {
    let mut table = Table::new(&[
        "item", "about", "unit", "owner", "since", "age", "raised", "taken_by", "taken_at",
        "called", "why",
    ]);
    for item in items {
        let taken = lists.taker(item);
        let call = lists.call(item, now);
        table.row(vec![
            Cell::of(item.key()),
            Cell::of(&item.about),
            Cell::maybe(item.unit.as_ref()),
            Cell::of(item.owner.word()),
            zones.cell(item.unit.as_ref(), item.since),
            Cell::of(age(now.since_ms(item.since))),
            Cell::Flag(item.is_raised(now)),
            Cell::maybe(taken.map(|taken| &taken.by)),
            zones.maybe(item.unit.as_ref(), taken.map(|taken| taken.at)),
            Cell::maybe(call.as_ref().map(calls::words)),
            Cell::of(&item.why),
        ]);
    }
    table
}

/// A time in the words of people: `41 days`, `3 hours`, `5 minutes`.
fn age(ms: i64) -> String {
    match ms.max(0) {
        ms if ms >= 2 * DAY_MS => counted(ms / DAY_MS, "day", "days"),
        ms if ms >= 2 * HOUR_MS => counted(ms / HOUR_MS, "hour", "hours"),
        ms => counted(ms / MINUTE_MS, "minute", "minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_largest_unit_of_which_there_are_two() {
        for (ms, text) in [
            (-5, "0 minutes"),
            (MINUTE_MS, "1 minute"),
            (25 * MINUTE_MS, "25 minutes"),
            (2 * HOUR_MS - 1, "119 minutes"),
            (2 * HOUR_MS, "2 hours"),
            (47 * HOUR_MS, "47 hours"),
            (41 * DAY_MS, "41 days"),
        ] {
            assert_eq!(age(ms), text);
        }
    }
}
