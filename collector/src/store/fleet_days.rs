//! How many machines stood how, day by day: counted by the collector itself, not audited.

use super::value::{args, from_row};
use super::{Store, StoreError, View};
use crate::item::tally::{Counted, Day, KEPT_DAYS, Tally};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;

/// The unit under which the whole hospital is kept: no unit has this name.
const WHOLE: &str = "";

/// A row.
struct Kept {
    day: i64,
    counted_at: UtcMs,
    states: String,
}
from_row!(Kept {
    day,
    counted_at,
    states
});

impl View {
    /// The days on which a unit, or the whole hospital, was counted, oldest first. A unit
    /// without a machine on a day has no row of its own for it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a count cannot be read.
    pub async fn fleet_days(&mut self, unit: Option<&Name>) -> Result<Vec<Day>, StoreError> {
        let unit = unit.map_or(WHOLE, Name::as_str);
        let rows: Vec<Kept> = self
            .tx
            .all(
                "SELECT day, counted_at, states FROM fleet_days WHERE unit = $1 ORDER BY day",
                args![unit],
            )
            .await?;
        let read = rows.into_iter().map(|row| {
            let tally = Tally::of_text(&row.states).ok_or_else(|| {
                StoreError::Corrupt(format!("the count of day {}: {}", row.day, row.states))
            })?;
            Ok(Day {
                day: row.day,
                counted_at: row.counted_at,
                tally,
            })
        });
        read.collect()
    }

    /// Whether the hospital was counted on a day.
    pub async fn is_counted(&mut self, day: i64) -> Result<bool, StoreError> {
        let row: Option<(UtcMs,)> = self
            .tx
            .first(
                "SELECT counted_at FROM fleet_days WHERE unit = $1 AND day = $2",
                args![WHOLE, day],
            )
            .await?;
        Ok(row.is_some())
    }
}

impl Store {
    /// Keeps what was counted on a day, and forgets what is older than is kept; a day that was
    /// counted already stays as it was.
    pub async fn keep_fleet_day(
        &self,
        day: i64,
        now: UtcMs,
        counted: &Counted,
    ) -> Result<(), StoreError> {
        let units = counted.units.iter();
        let units = units.map(|(unit, tally)| (unit.as_str(), tally));
        let rows = std::iter::once((WHOLE, &counted.whole)).chain(units);
        let rows = rows.map(|(unit, tally)| args![unit, day, now, tally.text()]);
        let mut tx = self.engine.begin().await?;
        tx.execute_many(
            (
                "INSERT INTO fleet_days (unit, day, counted_at, states) VALUES",
                "ON CONFLICT (unit, day) DO NOTHING",
            ),
            rows.collect(),
        )
        .await?;
        tx.execute(
            "DELETE FROM fleet_days WHERE day <= $1",
            args![day - KEPT_DAYS],
        )
        .await?;
        tx.commit().await
    }
}
