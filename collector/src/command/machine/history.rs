//! How many machines stood how, day by day.

use super::super::zones::Zones;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::item::tally::{self, Day};
use crate::store::View;
use patchward_common::id::Name;
use std::collections::{BTreeMap, BTreeSet};

/// What stands where nothing was counted.
pub const NOT_COUNTED: &str = "not counted";
/// The columns before those of the states.
pub const FIRST: [&str; 3] = ["day", "counted", "machines"];

/// The newest day first, for the whole hospital or for some units together.
pub(super) async fn history(app: &App, units: &[Name]) -> Result<Output, Failure> {
    let today = tally::day_of(app.now());
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let days = tally::with_gaps(days(&mut view, units).await?, today);
    let words = tally::words(&days);
    let columns: Vec<&str> = FIRST
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let mut table = Table::new(&columns);
    for (number, day) in days.iter().rev() {
        let mut row = vec![Cell::of(tally::day_words(*number))];
        match day {
            None => {
                row.push(Cell::of(NOT_COUNTED));
                row.resize(columns.len(), Cell::Empty);
            }
            Some(day) => {
                let count = |n: u64| Cell::Number(i64::try_from(n).unwrap_or(i64::MAX));
                row.push(zones.cell(None, day.counted_at));
                row.push(count(day.tally.machines()));
                row.extend(words.iter().map(|word| count(day.tally.of(word))));
            }
        }
        table.row(row);
    }
    table.note = Some(
        "Counted once a day, at the collector's first look after midnight in UTC, and kept for two \
         years. A day on which it did not run stays a gap; nothing is filled in."
            .to_owned(),
    );
    Ok(Output::Table(table))
}

/// The days of the hospital, or of these units added up: each day on which the hospital was
/// counted, also where a unit had no machine.
async fn days(view: &mut View, units: &[Name]) -> Result<Vec<Day>, Failure> {
    let whole = view.fleet_days(None).await?;
    if units.is_empty() {
        return Ok(whole);
    }
    let empty = |day: Day| Day {
        tally: tally::Tally::default(),
        ..day
    };
    let mut sums: BTreeMap<i64, Day> = whole.into_iter().map(|day| (day.day, empty(day))).collect();
    let units: BTreeSet<&Name> = units.iter().collect();
    for unit in units {
        if view.unit(unit).await?.is_none() {
            return Err(super::super::no_unit(unit));
        }
        for day in view.fleet_days(Some(unit)).await? {
            if let Some(sum) = sums.get_mut(&day.day) {
                sum.tally.add_all(&day.tally);
            }
        }
    }
    // Before its first machine a unit is no part of the picture.
    let days = sums.into_values();
    Ok(days.skip_while(|day| day.tally.machines() == 0).collect())
}
