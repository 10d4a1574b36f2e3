//! Zones of a calendar: IANA names, and what the file itself defines (VTIMEZONE).
//!
//! A freeze is never shorter than somebody may read it: a local time that exists twice
//! begins at its first and ends at its second.

use super::BadCalendar;
use super::block::Block;
use super::line::Line;
use super::rule::{Budget, Rule};
use super::value::{Form, Stamp, any_stamp, stamp};
use crate::schedule::window::civil;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use patchward_common::time::{SECOND_MS, UtcMs};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the rules of a zone begin, however early the file says.
const FIRST_YEAR: i16 = 1970;
/// Most changes of one zone that a file defines: two a year for three centuries.
const MAX_CHANGES: usize = 600;

/// A zone.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// One that everybody knows.
    Known(TimeZone),
    /// One that the file defines.
    Defined(Arc<Vec<Change>>),
}

/// The clock is set from one offset to another, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    at: i64,
    from: i64,
    to: i64,
}

impl Zone {
    /// UTC.
    pub(super) fn utc() -> Self {
        Self::Known(TimeZone::UTC)
    }

    /// The earliest instant that a local time may mean; the end of the gap where it does
    /// not exist.
    pub(super) fn first(&self, local: DateTime) -> Option<UtcMs> {
        match self {
            Self::Known(zone) => civil::resolve(zone, local).map(|start| start.instant),
            Self::Defined(changes) => Some(readings(changes, seconds_of(local)?).0),
        }
    }

    /// The latest instant that a local time may mean; as much past the gap as it is past
    /// its beginning, where it does not exist.
    pub(super) fn last(&self, local: DateTime) -> Option<UtcMs> {
        match self {
            Self::Known(zone) => {
                let latest = zone.to_ambiguous_timestamp(local).later().ok()?;
                Some(UtcMs(latest.as_millisecond()))
            }
            Self::Defined(changes) => Some(readings(changes, seconds_of(local)?).1),
        }
    }

    /// What the clock shows.
    pub(super) fn local(&self, at: UtcMs) -> Option<DateTime> {
        let timestamp = Timestamp::from_millisecond(at.0).ok()?;
        match self {
            Self::Known(zone) => Some(zone.to_datetime(timestamp)),
            Self::Defined(changes) => {
                let second = at.0.div_euclid(SECOND_MS);
                let offset = changes.iter().rfind(|change| change.at <= second);
                let first = changes.first().map_or(0, |change| change.from);
                let offset = offset.map_or(first, |change| change.to);
                let shown = timestamp.checked_add(offset.seconds()).ok()?;
                Some(TimeZone::UTC.to_datetime(shown))
            }
        }
    }
}

/// The first and the last instant that a local time may mean.
fn readings(changes: &[Change], local: i64) -> (UtcMs, UtcMs) {
    let at = |seconds: i64| UtcMs(seconds.saturating_mul(SECOND_MS));
    let mut offset = changes.first().map_or(0, |change| change.from);
    for change in changes {
        let (before, after) = (change.at + change.from, change.at + change.to);
        if local < before.min(after) {
            break;
        }
        if local < before {
            // The clock was set back: this time comes twice.
            return (at(local - change.from), at(local - change.to));
        }
        if local < after {
            // It was set forward over this time.
            return (at(change.at), at(local - change.from));
        }
        offset = change.to;
    }
    (at(local - offset), at(local - offset))
}

/// Seconds since 1970 as if the local time were UTC.
pub(super) fn seconds_of(local: DateTime) -> Option<i64> {
    let zoned = local.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second())
}

/// The zones of one calendar, each looked up once.
pub(super) struct Zones<'a> {
    blocks: Vec<&'a Block>,
    /// The zone of times that name none, and of whole days.
    pub(super) own: Zone,
    until: DateTime,
    found: BTreeMap<String, Zone>,
}

impl<'a> Zones<'a> {
    /// The zones that `calendar` defines, up to `until`.
    pub(super) fn new(calendar: &'a Block, own: TimeZone, until: DateTime) -> Self {
        let blocks = calendar.blocks.iter();
        Self {
            blocks: blocks.filter(|block| block.kind == "VTIMEZONE").collect(),
            own: Zone::Known(own),
            until,
            found: BTreeMap::new(),
        }
    }

    /// The zone of a stamp in a property.
    pub(super) fn of(
        &mut self,
        line: &Line,
        stamp: Stamp,
        budget: &mut Budget,
    ) -> Result<Zone, BadCalendar> {
        match (stamp.form, line.parameter("TZID")) {
            (Form::Utc, _) => Ok(Zone::utc()),
            (Form::Local, Some(name)) => self.named(line, name, budget),
            _ => Ok(self.own.clone()),
        }
    }

    fn named(&mut self, line: &Line, name: &str, budget: &mut Budget) -> Result<Zone, BadCalendar> {
        if let Some(zone) = self.found.get(name) {
            return Ok(zone.clone());
        }
        let defined = self.blocks.iter().find(|block| {
            block
                .line("TZID")
                .is_some_and(|line| line.value.trim() == name)
        });
        // A known name is as the operating system says, which is younger than a file.
        let zone = match (civil::zone(name.trim_start_matches('/')), defined) {
            (Ok(zone), _) => Zone::Known(zone),
            (Err(_), Some(block)) => {
                Zone::Defined(Arc::new(changes_of(block, self.until, budget)?))
            }
            (Err(error), None) => {
                return Err(line.bad(format!("{error}, and this file does not define it")));
            }
        };
        self.found.insert(name.to_owned(), zone.clone());
        Ok(zone)
    }
}

/// When the clock of a defined zone is set, from 1970 to `until`.
fn changes_of(
    block: &Block,
    until: DateTime,
    budget: &mut Budget,
) -> Result<Vec<Change>, BadCalendar> {
    let mut changes = Vec::new();
    for observance in &block.blocks {
        let (from, to) = (
            offset(observance.needed("TZOFFSETFROM")?)?,
            offset(observance.needed("TZOFFSETTO")?)?,
        );
        for local in onsets(observance, from, until, budget)? {
            let wall = seconds_of(local).ok_or_else(|| observance.bad("no such date"))?;
            changes.push(Change {
                at: wall - from,
                from,
                to,
            });
        }
    }
    changes.sort_unstable();
    changes.dedup();
    if changes.is_empty() {
        return Err(block.bad("this VTIMEZONE says no offset: it has no STANDARD or DAYLIGHT"));
    }
    if changes.len() > MAX_CHANGES {
        return Err(block.bad(format!(
            "this VTIMEZONE sets the clock more than {MAX_CHANGES} times"
        )));
    }
    Ok(changes)
}

/// The local times at which an observance begins.
fn onsets(
    observance: &Block,
    from: i64,
    until: DateTime,
    budget: &mut Budget,
) -> Result<Vec<DateTime>, BadCalendar> {
    let line = observance.needed("DTSTART")?;
    let start = any_stamp(&line.value).ok_or_else(|| line.bad("this is no date"))?;
    let start = start.local;
    let mut onsets = vec![start];
    for line in observance.all("RDATE") {
        for text in line.value.split(',') {
            let date = stamp(text).ok_or_else(|| line.bad("this is no date"))?;
            onsets.push(date.local);
        }
    }
    // A rule of 1601 gives the same from 1970 on.
    let moved = |day: i8| start.with().year(FIRST_YEAR).day(day).build().ok();
    let early = match start.year() < FIRST_YEAR {
        true => moved(start.day()).or_else(|| moved(1)).unwrap_or(start),
        false => start,
    };
    for line in observance.all("RRULE") {
        let mut rule = Rule::parse(&line.value).map_err(|problem| line.bad(problem))?;
        rule.until_of_offset(from);
        let found = rule.dates(early, early, until, budget);
        onsets.extend(found.map_err(|problem| line.bad(problem))?);
        if onsets.len() > MAX_CHANGES {
            return Err(line.bad(format!(
                "a zone whose clock is set more than {MAX_CHANGES} times"
            )));
        }
    }
    Ok(onsets)
}

/// Reads `+0530` or `-033000`, in seconds.
fn offset(line: &Line) -> Result<i64, BadCalendar> {
    let text = line.value.trim();
    let read = || {
        let (sign, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |d| d.parse().ok());
        let (hours, minutes, seconds): (i64, i64, i64) = (part(0)?, part(2)?, part(4)?);
        let all = hours * 3_600 + minutes * 60 + seconds;
        (all < 86_400).then_some(sign * all)
    };
    read().ok_or_else(|| line.bad("this is no offset; it is written as +0100"))
}
