//! How many machines stand how: counted once a day and kept, so that people see whether it
//! gets better. Values in, values out.

use super::standing::{COUNTED, Standing};
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use std::collections::{BTreeMap, BTreeSet};

/// Days that are kept: two years, of which one may be a leap year. Longer than an audit looks
/// back, and a few megabytes for a hospital of 500 units.
pub const KEPT_DAYS: i64 = 731;

/// The day of an instant: days since 1970-01-01, in UTC, so that every day is counted once
/// whatever clocks on walls do.
pub fn day_of(at: UtcMs) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// The day as people write it, such as `2027-01-31`.
pub fn day_words(day: i64) -> String {
    let at = UtcMs(day.saturating_mul(DAY_MS)).to_string();
    at.chars().take("2027-01-31".len()).collect()
}

/// Machines by the word of how they stand; see [`Standing::counted`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Counts one machine.
    pub fn count(&mut self, word: &str) {
        self.add(word, 1);
    }

    /// Adds so many machines.
    pub fn add(&mut self, word: &str, machines: u64) {
        if machines > 0 {
            let known = self.0.entry(word.to_owned()).or_default();
            *known = known.saturating_add(machines);
        }
    }

    /// Adds all of another.
    pub fn add_all(&mut self, other: &Self) {
        for (word, machines) in &other.0 {
            self.add(word, *machines);
        }
    }

    /// How many stand so.
    pub fn of(&self, word: &str) -> u64 {
        self.0.get(word).copied().unwrap_or_default()
    }

    /// All of them.
    pub fn machines(&self) -> u64 {
        self.0.values().sum()
    }

    /// As it is kept: `planned=2 verified=40`.
    pub fn text(&self) -> String {
        let parts = self.0.iter();
        let parts: Vec<String> = parts.map(|(word, n)| format!("{word}={n}")).collect();
        parts.join(" ")
    }

    /// What was kept; `None` where it is damaged.
    pub fn of_text(text: &str) -> Option<Self> {
        let mut tally = Self::default();
        for part in text.split(' ').filter(|part| !part.is_empty()) {
            let (word, machines) = part.split_once('=')?;
            tally.add(word, machines.parse().ok()?);
        }
        Some(tally)
    }
}

/// The whole hospital's and every unit's count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// All machines.
    pub whole: Tally,
    /// Those of each unit that has some.
    pub units: BTreeMap<Name, Tally>,
}

impl Counted {
    /// Counts machines, by name, with the unit of each.
    pub fn of(machines: &BTreeMap<String, Standing>, units: &BTreeMap<String, Name>) -> Self {
        let mut counted = Self::default();
        for (name, standing) in machines {
            counted.whole.count(standing.counted());
            if let Some(unit) = units.get(name) {
                let of_unit = counted.units.entry(unit.clone()).or_default();
                of_unit.count(standing.counted());
            }
        }
        counted
    }
}

/// One day, as it was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// See [`day_of`].
    pub day: i64,
    /// When it was counted.
    pub counted_at: UtcMs,
    /// What was counted.
    pub tally: Tally,
}

/// The days from the first that was counted until `today`, oldest first; `None` for those that
/// were not.
pub fn with_gaps(days: Vec<Day>, today: i64) -> Vec<(i64, Option<Day>)> {
    let known: BTreeMap<i64, Day> = days.into_iter().map(|day| (day.day, day)).collect();
    let Some(first) = known.keys().next().copied() else {
        return Vec::new();
    };
    let first = first.max(today - KEPT_DAYS + 1);
    (first..=today)
        .map(|day| (day, known.get(&day).cloned()))
        .collect()
}

/// The words that occur, in the order in which all are listed; words of another version last.
pub fn words(days: &[(i64, Option<Day>)]) -> Vec<String> {
    let tallies = days.iter().filter_map(|(_, day)| day.as_ref());
    let found: BTreeSet<&str> = tallies
        .flat_map(|day| day.tally.0.keys().map(String::as_str))
        .collect();
    let known = COUNTED.into_iter().filter(|word| found.contains(word));
    let other = found.iter().copied().filter(|word| !COUNTED.contains(word));
    known.chain(other).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(text: &str) -> Tally {
        Tally::of_text(text).unwrap()
    }

    fn day(day: i64, text: &str) -> Day {
        Day {
            day,
            counted_at: UtcMs(day * DAY_MS),
            tally: tally(text),
        }
    }

    #[test]
    fn a_count_is_read_as_it_was_kept() {
        let mut kept = tally("verified=40 waiting(htm)=2");
        assert_eq!(kept.text(), "verified=40 waiting(htm)=2");
        assert_eq!((kept.of("verified"), kept.of("failed")), (40, 0));
        kept.count("failed");
        kept.add("failed", 0);
        kept.add_all(&tally("verified=1 unknown=3"));
        assert_eq!(kept.text(), "failed=1 unknown=3 verified=41 waiting(htm)=2");
        assert_eq!(kept.machines(), 47);
        assert_eq!(tally(""), Tally::default());
        for damaged in ["verified", "verified=", "verified=-1", "=x", "a=1  b"] {
            assert_eq!(Tally::of_text(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn every_machine_is_counted_once_and_for_its_unit() {
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        let standings = [
            Standing::Verified,
            Standing::Failed,
            Standing::Unknown(UtcMs(1)),
            Standing::Unknown(UtcMs(2)),
        ];
        let machines = names.iter().cloned().zip(standings).collect();
        let (icu, lab) = (Name::new("icu").unwrap(), Name::new("lab").unwrap());
        let units = [icu.clone(), icu.clone(), lab.clone()];
        // Of one the unit is not known any more.
        let units = names.iter().cloned().zip(units).collect();
        let counted = Counted::of(&machines, &units);
        assert_eq!(counted.whole, tally("failed=1 unknown=2 verified=1"));
        assert_eq!(counted.units[&icu], tally("failed=1 verified=1"));
        assert_eq!(counted.units[&lab], tally("unknown=1"));
    }

    #[test]
    fn a_day_that_was_not_counted_stays_a_gap() {
        let days = vec![day(10, "verified=1"), day(12, "verified=1 failed=2")];
        let shown = with_gaps(days.clone(), 13);
        let counted: Vec<(i64, bool)> = shown.iter().map(|(d, of)| (*d, of.is_some())).collect();
        assert_eq!(counted, [(10, true), (11, false), (12, true), (13, false)]);
        assert_eq!(words(&shown), ["verified", "failed"]);
        assert!(with_gaps(Vec::new(), 13).is_empty());
        // No more than is kept, whatever the clock was.
        let old = with_gaps(days, 10 + KEPT_DAYS);
        assert_eq!(old.len() as i64, KEPT_DAYS);
        assert_eq!(old[0].0, 11);
    }

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let noon = UtcMs(1_800_000_000_000);
        assert_eq!(day_words(day_of(noon)), "2027-01-15");
        let midnight = UtcMs(day_of(noon) * DAY_MS);
        assert_eq!(day_of(midnight), day_of(noon));
        assert_eq!(day_of(midnight.plus_ms(-1)), day_of(noon) - 1);
    }
}
