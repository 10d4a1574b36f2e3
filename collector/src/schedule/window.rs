//! Windows: recurring times in which work may be done in a unit.
//!
//! An expression is evaluated in civil time, one day after the other, and each local
//! start is then resolved in the window's zone. So a clock change neither skips an
//! opening nor doubles it.

pub(in crate::schedule) mod civil;
mod error;
mod preview;
mod words;

pub use civil::MAX_OPENINGS;
pub use error::BadWindow;
pub use preview::{HORIZON_MS, Preview};

use super::opening;
use civil::Rule;
use jiff::tz::TimeZone;
use patchward_common::time::{Interval, MINUTE_MS, UtcMs};
use serde::{Deserialize, Serialize};

/// Longest length of an opening: under a day, so that two openings stay two nights.
pub const MAX_LENGTH_MINUTES: u32 = 24 * 60 - 1;
/// Furthest day offset either way: a month.
pub const MAX_DAY_OFFSET: i16 = 31;

/// When a window is open, as a person wrote it and as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Again and again.
    Recurring(Recurring),
    /// Once, in an IANA time zone for people.
    Once(Interval, String),
}

/// A recurring window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurring {
    /// Minute, hour, day of month, month and weekday; weekdays by name.
    pub cron: String,
    /// The IANA time zone, such as `America/Chicago`.
    pub zone: String,
    /// How long each opening is, in elapsed minutes.
    pub length_minutes: u32,
    /// Days between the day of the expression and the opening: 1 for the day after
    /// the second Tuesday.
    #[serde(default)]
    pub day_offset: i16,
    /// First instant at which it is valid.
    #[serde(default)]
    pub from: Option<UtcMs>,
    /// First instant at which it no longer is.
    #[serde(default)]
    pub until: Option<UtcMs>,
}

/// A window that was understood.
#[derive(Clone, Debug)]
pub struct Window(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Recurring(Box<Understood>),
    Once(Interval, TimeZone),
}

#[derive(Clone, Debug)]
struct Understood {
    spec: Recurring,
    rule: Rule,
    zone: TimeZone,
}

impl Window {
    /// Understands what a person wrote.
    pub fn parse(when: &When) -> Result<Self, BadWindow> {
        let spec = match when {
            When::Once(interval, zone) => {
                return Ok(Self(Kind::Once(*interval, civil::zone(zone)?)));
            }
            When::Recurring(spec) => spec,
        };
        if !(1..=MAX_LENGTH_MINUTES).contains(&spec.length_minutes) {
            return Err(BadWindow::Length(spec.length_minutes));
        }
        if spec.day_offset.unsigned_abs() > MAX_DAY_OFFSET.unsigned_abs() {
            return Err(BadWindow::DayOffset(spec.day_offset));
        }
        if let (Some(from), Some(until)) = (spec.from, spec.until)
            && from >= until
        {
            return Err(BadWindow::Validity { from, until });
        }
        Ok(Self(Kind::Recurring(Box::new(Understood {
            rule: Rule::parse(&spec.cron)?,
            zone: civil::zone(&spec.zone)?,
            spec: spec.clone(),
        }))))
    }

    /// Every opening that shares an instant with `range`, merged where they overlap.
    pub fn openings(&self, range: Interval) -> Result<Vec<Interval>, BadWindow> {
        match &self.0 {
            Kind::Once(interval, _) => Ok(Some(*interval)
                .filter(|one| one.overlaps(range))
                .into_iter()
                .collect()),
            Kind::Recurring(window) => {
                let starts = window.starts(range)?;
                let openings = starts.filter_map(|start| window.opening(start.instant));
                let openings = opening::union(openings);
                Ok(openings
                    .into_iter()
                    .filter(|one| one.overlaps(range))
                    .collect())
            }
        }
    }

    /// Whether plans and previews can be laid in it, whenever they are asked for.
    ///
    /// # Errors
    /// [`BadWindow::TooOften`], with what to write instead.
    pub fn can_be_planned(&self) -> Result<(), BadWindow> {
        match &self.0 {
            Kind::Recurring(window) => match window.rule.most_starts() {
                most if most > MAX_OPENINGS => Err(BadWindow::TooOften(most)),
                _ => Ok(()),
            },
            Kind::Once(..) => Ok(()),
        }
    }

    /// What it means, in words: "third Tuesday of the month, 02:00 to 04:30, Chicago".
    pub fn words(&self) -> String {
        match &self.0 {
            Kind::Once(interval, zone) => preview::once(*interval, zone),
            Kind::Recurring(window) => words::of(&window.rule, &window.spec),
        }
    }
}

/// When a local time is in its zone, by the rule for clock changes.
pub fn at_local(zone: &TimeZone, local: jiff::civil::DateTime) -> Option<UtcMs> {
    civil::resolve(zone, local).map(|start| start.instant)
}

impl Understood {
    /// The local starts whose openings may share an instant with `range`.
    fn starts(&self, range: Interval) -> Result<impl Iterator<Item = civil::Start>, BadWindow> {
        let longest_ms = i64::from(self.spec.length_minutes) * MINUTE_MS;
        let first = range.start().plus_ms(-longest_ms);
        let starts = self
            .rule
            .starts(&self.zone, self.spec.day_offset, first, range.end())?;
        Ok(starts.into_iter())
    }

    /// The opening that begins at `start`, cut to the window's validity.
    fn opening(&self, start: UtcMs) -> Option<Interval> {
        let end = start.plus_ms(i64::from(self.spec.length_minutes) * MINUTE_MS);
        let from = self.spec.from.map_or(start, |from| from.max(start));
        let until = self.spec.until.map_or(end, |until| until.min(end));
        Interval::new(from, until).ok()
    }
}

#[cfg(test)]
mod tests;
