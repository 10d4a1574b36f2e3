//! The expression in civil time, and civil time in a zone.

use super::BadWindow;
use cron::{Schedule, TimeUnitSpec as _};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use patchward_common::nearest::nearest;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::approval::MAX_APPROVAL_LIFE_MS;
use std::str::FromStr as _;

/// Most starts of one expansion: four a day for twenty years.
pub const MAX_OPENINGS: usize = 30_000;
/// Longest range of one expansion in days: the next 20 openings of a yearly window.
const MAX_RANGE_DAYS: i32 = 21 * 366;
/// Longest name of a time zone or expression that is looked at.
const MAX_TEXT_BYTES: usize = 128;
/// Days in which every combination of day, month and weekday comes: 29 February falls
/// on each weekday within 40 years.
const LONGEST_WAIT_DAYS: i32 = 40 * 366;
/// Days that are laid out for a plan: the life of an approval, with the opening before it
/// and a day on each side for zones.
pub(super) const PLANNED_DAYS: usize = (MAX_APPROVAL_LIFE_MS / DAY_MS) as usize + 3;

/// What the five fields say.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    schedule: Schedule,
}

/// A start as it was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::schedule) struct Start {
    /// When it is.
    pub(in crate::schedule) instant: UtcMs,
    /// The local time that was asked for.
    pub(super) local: DateTime,
    /// Whether that local time exists twice or not at all.
    pub(super) clock_change: bool,
}

impl Rule {
    pub(super) fn parse(expression: &str) -> Result<Self, BadWindow> {
        let short: String = expression.chars().take(MAX_TEXT_BYTES).collect();
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(BadWindow::Fields(short, fields.len()));
        };
        if expression.len() > MAX_TEXT_BYTES {
            return Err(BadWindow::Expression {
                expression: short,
                problem: format!("longer than {MAX_TEXT_BYTES} bytes"),
            });
        }
        named_weekdays(weekday)?;
        // The crate wants a seconds field; its weekdays are names by now.
        let with_seconds = format!("0 {minute} {hour} {day} {month} {weekday}");
        let schedule =
            Schedule::from_str(&with_seconds).map_err(|error| BadWindow::Expression {
                expression: short.clone(),
                problem: last_line(&error.to_string()),
            })?;
        let rule = Self { schedule };
        let first = Date::constant(2000, 1, 1);
        let mut days = first.series(1.day()).take(LONGEST_WAIT_DAYS as usize);
        if !days.any(|date| rule.is_on(date)) {
            return Err(BadWindow::Never(short));
        }
        Ok(rule)
    }

    /// Whether the rule names this day. Day of month and weekday must both fit.
    fn is_on(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        self.schedule.months().includes(date.month() as u32)
            && self.schedule.days_of_month().includes(date.day() as u32)
            && self.schedule.days_of_week().includes(weekday as u32)
    }

    /// Most starts in any [`PLANNED_DAYS`] in a row.
    pub(super) fn most_starts(&self) -> usize {
        let first = Date::constant(2000, 1, 1);
        let days = first.series(1.day()).take(LONGEST_WAIT_DAYS as usize);
        let is_on: Vec<bool> = days.map(|date| self.is_on(date)).collect();
        let of_days = is_on.windows(PLANNED_DAYS);
        let most = of_days.map(|days| days.iter().filter(|is_on| **is_on).count());
        most.max().unwrap_or(0) * self.times().count()
    }

    pub(super) fn months(&self) -> Vec<u32> {
        self.schedule.months().iter().collect()
    }

    pub(super) fn days(&self) -> Vec<u32> {
        self.schedule.days_of_month().iter().collect()
    }

    /// Weekdays with 1 for Sunday.
    pub(super) fn weekdays(&self) -> Vec<u32> {
        self.schedule.days_of_week().iter().collect()
    }

    /// The times of day, in order.
    pub(super) fn times(&self) -> impl Iterator<Item = Time> + '_ {
        let hours = self.schedule.hours().iter();
        hours.flat_map(|hour| {
            let minutes = self.schedule.minutes().iter();
            minutes.filter_map(move |minute| Time::new(hour as i8, minute as i8, 0, 0).ok())
        })
    }

    /// Every start in `[from, until)`, in order.
    pub(super) fn starts(
        &self,
        zone: &TimeZone,
        day_offset: i16,
        from: UtcMs,
        until: UtcMs,
    ) -> Result<Vec<Start>, BadWindow> {
        let too_many = || BadWindow::TooMany(MAX_OPENINGS);
        let local = |at: UtcMs| {
            let timestamp = Timestamp::from_millisecond(at.0).map_err(|_| too_many())?;
            Ok::<Date, BadWindow>(zone.to_datetime(timestamp).date())
        };
        // A day more on each side: a clock change may move a start over midnight.
        let away = i32::from(day_offset);
        let shifted = |date: Date, days: i32| date.checked_add(days.days()).map_err(|_| too_many());
        let first = shifted(local(from)?, -away - 1)?;
        let last = shifted(local(until)?, -away + 1)?;
        if first.until(last).map_or(i32::MAX, |span| span.get_days()) > MAX_RANGE_DAYS {
            return Err(too_many());
        }
        let mut starts = Vec::new();
        let days = first.series(1.day()).take_while(|date| *date <= last);
        for date in days.filter(|date| self.is_on(*date)) {
            let date = shifted(date, away)?;
            for time in self.times() {
                let start = resolve(zone, date.to_datetime(time));
                let Some(start) = start.filter(|s| from <= s.instant && s.instant < until) else {
                    continue;
                };
                if starts.len() == MAX_OPENINGS {
                    return Err(too_many());
                }
                starts.push(start);
            }
        }
        starts.sort_by_key(|start| start.instant);
        Ok(starts)
    }
}

/// A local time in its zone: one that does not exist moves to the end of the gap, one
/// that exists twice is its first.
pub(in crate::schedule) fn resolve(zone: &TimeZone, local: DateTime) -> Option<Start> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let kind = ambiguous.offset();
    let mut timestamp = ambiguous.compatible().ok()?;
    if matches!(kind, AmbiguousOffset::Gap { .. }) {
        // "Compatible" keeps the minutes past the start of the gap; its end is the
        // change of the clock itself.
        let after = timestamp.checked_add(1.nanosecond()).ok()?;
        timestamp = zone.preceding(after).next()?.timestamp();
    }
    Some(Start {
        instant: UtcMs(timestamp.as_millisecond()),
        local,
        clock_change: !matches!(kind, AmbiguousOffset::Unambiguous { .. }),
    })
}

/// Finds a time zone by its IANA name.
pub(in crate::schedule) fn zone(name: &str) -> Result<TimeZone, BadWindow> {
    let database = jiff::tz::db();
    let unknown = |nearest: Option<&str>| BadWindow::Zone {
        zone: name.chars().take(MAX_TEXT_BYTES).collect(),
        nearest: nearest.map(str::to_owned),
    };
    if name.len() > MAX_TEXT_BYTES || !name.is_ascii() {
        return Err(unknown(None));
    }
    database.get(name).map_err(|_| {
        let known: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        unknown(nearest_zone(name, &known))
    })
}

/// The nearest name; a city alone finds its zone.
fn nearest_zone<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let wanted = name.replace(' ', "_");
    let of_city = |wanted: &str| {
        known.iter().copied().find(|zone| {
            let city = zone.rsplit('/').next().unwrap_or(zone);
            city.eq_ignore_ascii_case(wanted)
        })
    };
    let misspelt = || {
        let cities = known.iter().filter_map(|zone| zone.rsplit('/').next());
        nearest(&wanted, &cities.collect::<Vec<&str>>()).and_then(of_city)
    };
    of_city(&wanted)
        .or_else(|| nearest(&wanted, known))
        .or_else(misspelt)
}

/// How to write a weekday of a certain week: by the days on which that week may fall.
fn nth_weekday(field: &str) -> String {
    let (name, week) = field.split_once('#').unwrap_or((field, "L"));
    let letters = name.trim_end_matches(['L', 'l']);
    let is_name = letters.len() == 3 && letters.chars().all(|c| c.is_ascii_alphabetic());
    let weekday = if is_name { letters } else { "Tue" };
    let of = |days: &str, which: &str| {
        format!("for the {which} {weekday} write days {days}: \"0 2 {days} * {weekday}\"")
    };
    match week {
        "1" => of("1-7", "first"),
        "2" => of("8-14", "second"),
        "3" => of("15-21", "third"),
        "4" => of("22-28", "fourth"),
        "5" => of("29-31", "fifth"),
        _ => format!(
            "the last {weekday} of a month has no days of its own; write the fourth, \
             \"0 2 22-28 * {weekday}\", or a window for each length of month, such as \
             \"0 2 25-31 1,3,5,7,8,10,12 {weekday}\""
        ),
    }
}

/// Refuses weekdays as numbers.
fn named_weekdays(field: &str) -> Result<(), BadWindow> {
    if field.contains('#') || field.ends_with(['L', 'l']) {
        return Err(BadWindow::NthWeekday {
            field: field.to_owned(),
            instead: nth_weekday(field),
        });
    }
    if !field.contains(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    const UNIX: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let name = |c: char| {
        let day = c.to_digit(10).and_then(|digit| UNIX.get(digit as usize));
        day.map_or_else(|| c.to_string(), |day| (*day).to_owned())
    };
    // A step has no name; the days are written out instead.
    let suggestion = if field.contains('/') {
        "Mon,Wed,Fri".to_owned()
    } else {
        field.chars().map(name).collect()
    };
    Err(BadWindow::NumericWeekday {
        field: field.to_owned(),
        suggestion,
    })
}

/// The crate draws a picture of the place over several lines; the last says what.
fn last_line(problem: &str) -> String {
    let mut lines = problem.lines().map(str::trim).filter(|l| !l.is_empty());
    let last = lines.next_back().unwrap_or("not an expression");
    // It says "less than 23" of a limit that counts itself.
    last.replace("must be less than", "must be at most")
}
