//! Calendars as files (iCalendar, RFC 5545): freezes are read from them, approved work is
//! written to them.
//!
//! What comes from outside is bounded: bytes, steps of rules, dates. A file with a
//! mistake is refused as a whole, with the line, since half a calendar of operations is
//! worse than yesterday's. Where a calendar may be read in two ways, a freeze is the
//! longer of both ([`zone`], [`event`]).

mod block;
mod event;
mod line;
mod revision;
mod rule;
mod times;
mod value;
mod write;
mod zone;

pub use revision::{Revision, revise};
pub use write::{Entry, Status, written};

use event::Event;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use patchward_common::time::{DAY_MS, Interval};
use rule::Budget;
use std::collections::BTreeMap;
use zone::{Zone, Zones};

/// Largest file: 10,000 events with long descriptions.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Most events of one file.
pub const MAX_EVENTS: usize = 20_000;
/// Longest range that is laid out: plans reach 100 days ahead, people look a year ahead.
const MAX_RANGE_MS: i64 = 3 * 366 * DAY_MS;

/// What is wrong with a calendar, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadCalendar {
    /// The line in the file, counted from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub problem: String,
}

impl BadCalendar {
    fn new(line: usize, problem: impl Into<String>) -> Self {
        Self {
            line: line.max(1),
            problem: problem.into(),
        }
    }
}

/// One time that a calendar takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// When.
    pub interval: Interval,
    /// The event's own id.
    pub uid: String,
    /// What it is called; may be empty.
    pub summary: String,
}

/// What a calendar says about a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// The times that it takes, by start.
    pub occurrences: Vec<Occurrence>,
    /// What was passed over, with its line.
    pub notes: Vec<String>,
}

/// Finds a zone by its IANA name.
///
/// # Errors
/// There is none; the message names the nearest.
pub fn zone_of(name: &str) -> Result<TimeZone, String> {
    super::window::civil::zone(name).map_err(|error| error.to_string())
}

/// Reads a calendar: what of it shares an instant with `range`. Whole days and times
/// without a zone are read in `own`.
///
/// # Errors
/// The first mistake in the file, with its line.
pub fn read(bytes: &[u8], own: &TimeZone, range: Interval) -> Result<Calendar, BadCalendar> {
    if bytes.len() > MAX_BYTES {
        let problem = format!("the calendar is larger than {MAX_BYTES} bytes; split it");
        return Err(BadCalendar::new(1, problem));
    }
    if range.length_ms() > MAX_RANGE_MS {
        return Err(BadCalendar::new(1, "more than three years are asked for"));
    }
    let calendars = block::calendars(line::lines(bytes)?)?;
    let until = Zone::utc().local(range.end());
    let until = until.and_then(|local| local.checked_add(2.days()).ok());
    let until = until.ok_or_else(|| BadCalendar::new(1, "a time out of range is asked for"))?;
    let mut budget = Budget::default();
    let mut calendar = Calendar::default();
    let mut all = 0;
    for block in &calendars {
        refuse_message(block)?;
        let mut zones = Zones::new(block, own.clone(), until);
        let mut by_uid: BTreeMap<String, Vec<Event>> = BTreeMap::new();
        for event in block.blocks.iter().filter(|block| block.kind == "VEVENT") {
            all += 1;
            if all > MAX_EVENTS {
                let problem = format!("more than {MAX_EVENTS} events; split the calendar");
                return Err(event.bad(problem));
            }
            let event = Event::read(event, &mut zones, &mut budget, &mut calendar.notes)?;
            by_uid.entry(event.uid.clone()).or_default().push(event);
        }
        for events in by_uid.values() {
            let occurrences = event::laid_out(events, range, &mut budget)?;
            calendar.occurrences.extend(occurrences);
        }
    }
    calendar.occurrences.sort();
    Ok(calendar)
}

/// What is sent to cancel or to answer is no calendar.
fn refuse_message(calendar: &block::Block) -> Result<(), BadCalendar> {
    let Some(method) = calendar.line("METHOD") else {
        return Ok(());
    };
    match method.value.trim().to_ascii_uppercase().as_str() {
        "PUBLISH" | "REQUEST" | "ADD" | "REFRESH" => Ok(()),
        other => Err(method.bad(format!(
            "METHOD:{other} is a message about a meeting, and no calendar; export the calendar"
        ))),
    }
}

#[cfg(test)]
mod tests;
