//! The properties of an event that say when it is.

use super::BadCalendar;
use super::block::Block;
use super::line::Line;
use super::rule::{Budget, Rule};
use super::value::{self, Form, Stamp};
use super::zone::{Zone, Zones, seconds_of};
use jiff::ToSpan as _;
use jiff::civil::DateTime;
use patchward_common::time::{Interval, SECOND_MS, UtcMs};

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// A local time in its zone.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) local: DateTime,
    pub(super) zone: Zone,
}

impl Moment {
    pub(super) fn at(&self) -> Option<UtcMs> {
        self.zone.first(self.local)
    }

    pub(super) fn shifted(&self, seconds: i64) -> Option<Self> {
        Some(Self {
            local: self.local.checked_add(seconds.seconds()).ok()?,
            zone: self.zone.clone(),
        })
    }
}

/// How long an event is. RFC 5545 has an event with an end recur with the same elapsed
/// time, and most programs show it with the same end on the clock; on the nights when
/// these differ the freeze lasts until the later of both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    on_the_clock_s: i64,
    elapsed_ms: i64,
}

impl Length {
    pub(super) fn of_seconds(seconds: i64) -> Self {
        Self {
            on_the_clock_s: seconds,
            elapsed_ms: seconds.saturating_mul(SECOND_MS),
        }
    }

    /// Whole days: on the clock alone, however long they are.
    pub(super) fn of_days(seconds: i64) -> Self {
        Self {
            on_the_clock_s: seconds,
            elapsed_ms: 0,
        }
    }

    pub(super) fn longest_ms(self) -> i64 {
        let on_the_clock = self.on_the_clock_s.saturating_mul(SECOND_MS);
        on_the_clock.max(self.elapsed_ms).max(0)
    }

    pub(super) fn is_none(self) -> bool {
        self.on_the_clock_s <= 0 && self.elapsed_ms <= 0
    }
}

/// One occurrence before it is resolved.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) moment: Moment,
    pub(super) length: Length,
}

impl Instance {
    pub(super) fn interval(&self) -> Option<Interval> {
        if self.length.is_none() {
            return None;
        }
        let start = self.moment.at()?;
        let elapsed = start.plus_ms(self.length.elapsed_ms);
        let end = self.moment.shifted(self.length.on_the_clock_s)?;
        let shown = end.zone.last(end.local)?;
        Interval::new(start, elapsed.max(shown)).ok()
    }
}

/// What an event stands in place of.
#[derive(Clone, Debug)]
pub(super) struct Replaced {
    pub(super) moment: Moment,
    pub(super) at: UtcMs,
    pub(super) and_all_after: bool,
}

/// A stamp of a property, as it was written and in its zone.
pub(super) fn moment(
    line: &Line,
    text: &str,
    zones: &mut Zones<'_>,
    budget: &mut Budget,
) -> Result<(Stamp, Moment), BadCalendar> {
    let stamp = value::stamp(text).ok_or_else(|| {
        line.bad(format!(
            "{} is no date; it is written as 20261224 or 20261224T180000, from 1970 on",
            line.name
        ))
    })?;
    let zone = zones.of(line, stamp, budget)?;
    Ok((
        stamp,
        Moment {
            local: stamp.local,
            zone,
        },
    ))
}

pub(super) fn instant(line: &Line, moment: &Moment) -> Result<UtcMs, BadCalendar> {
    let at = moment.at();
    at.ok_or_else(|| line.bad(format!("{} is out of range", line.name)))
}

pub(super) fn replaced(
    line: &Line,
    zones: &mut Zones<'_>,
    budget: &mut Budget,
) -> Result<Replaced, BadCalendar> {
    let (_, moment) = moment(line, line.value.trim(), zones, budget)?;
    let range = line.parameter("RANGE");
    Ok(Replaced {
        at: instant(line, &moment)?,
        and_all_after: range.is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE")),
        moment,
    })
}

pub(super) fn length(
    block: &Block,
    start_line: &Line,
    stamp: Stamp,
    start: &Moment,
    zones: &mut Zones<'_>,
    budget: &mut Budget,
) -> Result<Length, BadCalendar> {
    if let Some(line) = block.line("DTEND") {
        let (end_stamp, end) = moment(line, line.value.trim(), zones, budget)?;
        let elapsed_ms = instant(line, &end)?.since_ms(instant(start_line, start)?);
        let is_days = stamp.form == Form::Date && end_stamp.form == Form::Date;
        let same_zone = line.parameter("TZID") == start_line.parameter("TZID");
        let clock = seconds_of(end.local).zip(seconds_of(start.local));
        let length = match clock.filter(|_| same_zone) {
            Some((end, start)) if is_days => Length::of_days(end - start),
            Some((end, start)) => Length {
                on_the_clock_s: end - start,
                elapsed_ms,
            },
            None => Length::of_seconds(elapsed_ms / SECOND_MS),
        };
        return match length.elapsed_ms < 0 || length.on_the_clock_s < 0 {
            true => Err(line.bad("this event ends before it begins")),
            false => Ok(length),
        };
    }
    if let Some(line) = block.line("DURATION") {
        return duration(line, line.value.trim());
    }
    Ok(match stamp.form {
        Form::Date => Length::of_days(DAY_S),
        Form::Local | Form::Utc => Length::of_seconds(0),
    })
}

pub(super) fn duration(line: &Line, text: &str) -> Result<Length, BadCalendar> {
    let seconds = value::seconds(text);
    seconds.map(Length::of_seconds).ok_or_else(|| {
        line.bad("this is no duration; it is written as PT2H30M, and is at most ten years")
    })
}

pub(super) fn rules(block: &Block) -> Result<Vec<(usize, Rule)>, BadCalendar> {
    let rules = block.all("RRULE").map(|line| {
        let rule = Rule::parse(&line.value).map_err(|problem| line.bad(problem))?;
        Ok((line.number, rule))
    });
    rules.collect()
}

/// The dates that are added, which may bring a length of their own.
pub(super) fn more(
    block: &Block,
    length: Length,
    zones: &mut Zones<'_>,
    budget: &mut Budget,
) -> Result<Vec<Instance>, BadCalendar> {
    let mut more = Vec::new();
    for line in block.all("RDATE") {
        for text in line.value.split(',') {
            budget.date().map_err(|problem| line.bad(problem))?;
            let (start, rest) = match text.trim().split_once('/') {
                Some((start, rest)) => (start, Some(rest)),
                None => (text.trim(), None),
            };
            let (_, moment) = moment(line, start, zones, budget)?;
            let length = match rest {
                None => length,
                Some(rest) if rest.starts_with(['P', '+']) => duration(line, rest)?,
                Some(end) => {
                    let (_, end) = self::moment(line, end, zones, budget)?;
                    let elapsed_ms = instant(line, &end)?.since_ms(instant(line, &moment)?);
                    Length::of_seconds(elapsed_ms / SECOND_MS)
                }
            };
            more.push(Instance { moment, length });
        }
    }
    Ok(more)
}

pub(super) fn without(
    block: &Block,
    zones: &mut Zones<'_>,
    budget: &mut Budget,
) -> Result<Vec<UtcMs>, BadCalendar> {
    let mut without = Vec::new();
    for line in block.all("EXDATE") {
        for text in line.value.split(',') {
            let (_, moment) = moment(line, text.trim(), zones, budget)?;
            without.push(instant(line, &moment)?);
        }
    }
    Ok(without)
}
