//! Recurrence rules (RFC 5545, 3.3.10) in civil time.
//!
//! The crate `rrule` lays them out, told that local times are UTC: zones are resolved
//! afterwards, as for windows. What it is given was read strictly here first, and how far
//! it may go is counted: a rule from outside must end.

use super::value::{Form, Stamp, stamp};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Most steps of all rules of one file: 10,000 weekly ones over the time that is read.
const MAX_STEPS: u64 = 1_000_000;
/// Most dates that all rules of one file give.
pub(super) const MAX_DATES: usize = 50_000;
/// Largest `INTERVAL`.
const MAX_INTERVAL: i64 = 1_000;
/// Largest `COUNT`: daily for a century.
const MAX_COUNT: i64 = 36_600;
/// Most times on one day: every quarter of an hour.
const MAX_TIMES: usize = 96;
/// Most entries of one list.
const MAX_LIST: usize = 100;

/// The days as rules name them.
const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// What may still be spent on the rules of one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    steps: u64,
    dates: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: MAX_STEPS,
            dates: MAX_DATES,
        }
    }
}

impl Budget {
    fn step(&mut self, steps: u64) -> Result<(), String> {
        self.steps = self.steps.checked_sub(steps).ok_or(
            "the rules of this calendar recur too often to be laid out; \
             replace this one by one long event, or split the calendar",
        )?;
        Ok(())
    }

    /// One date more.
    pub(super) fn date(&mut self) -> Result<(), String> {
        self.dates = self.dates.checked_sub(1).ok_or_else(|| {
            format!(
                "this calendar has more than {MAX_DATES} freezes in the time that is read; \
                 replace what recurs often by one long event, or split the calendar"
            )
        })?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Often {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A rule that was understood.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    often: Often,
    interval: i64,
    count: Option<usize>,
    /// The last date that may come.
    pub(super) until: Option<Stamp>,
    /// What the crate is told, without the end.
    parts: Vec<String>,
}

impl Rule {
    /// Reads `FREQ=WEEKLY;BYDAY=MO`.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut often = None;
        let (mut interval, mut count, mut until) = (1, None, None);
        let (mut parts, mut keys, mut times) = (Vec::new(), Vec::new(), 1);
        for part in text.trim().trim_end_matches(';').split(';') {
            let written = part.trim();
            let part = written.to_ascii_uppercase();
            let Some((key, value)) = part.split_once('=') else {
                return Err(format!("{part:?} is no part of a rule"));
            };
            if keys.contains(&key.to_owned()) {
                return Err(format!("{key} stands twice in this rule"));
            }
            keys.push(key.to_owned());
            let bad = || format!("{written} is not possible");
            match key {
                "FREQ" => often = Some(how_often(value)?),
                "INTERVAL" => interval = number(value, 1..=MAX_INTERVAL).ok_or_else(bad)?,
                "COUNT" => {
                    let all = number(value, 1..=MAX_COUNT).ok_or_else(bad)?;
                    count = usize::try_from(all).ok();
                }
                "UNTIL" => until = Some(stamp(value).ok_or_else(bad)?),
                _ => {
                    let list = list(key, value)?;
                    if matches!(key, "BYHOUR" | "BYMINUTE" | "BYSECOND") {
                        times *= list;
                    }
                    parts.push(part.clone());
                }
            }
        }
        if times > MAX_TIMES {
            return Err(format!(
                "more than {MAX_TIMES} times on one day; write one longer event"
            ));
        }
        let often = often.ok_or("a rule without FREQ")?;
        numbers_of_weekdays(often, &parts)?;
        Ok(Self {
            often,
            interval,
            count,
            until,
            parts,
        })
    }

    /// Its dates in `[from, to]`, in order, where it begins at `start`.
    pub(super) fn dates(
        &self,
        start: DateTime,
        from: DateTime,
        to: DateTime,
        budget: &mut Budget,
    ) -> Result<Vec<DateTime>, String> {
        if start > to || self.is_over_by(from) {
            return Ok(Vec::new());
        }
        let first = self.whole_week(self.near(start, from));
        budget.step(self.steps(first, to))?;
        let set: rrule::RRuleSet = self
            .told(first)
            .parse()
            .map_err(|error: rrule::RRuleError| format!("this rule is not possible: {error}"))?;
        let (mut dates, mut given, mut is_past) = (Vec::new(), 0, false);
        for date in &set.limit() {
            let local = Timestamp::from_second(date.timestamp());
            let local = local.map_err(|_| "a date out of range")?;
            let local = TimeZone::UTC.to_datetime(local);
            if local < start {
                continue;
            }
            given += 1;
            is_past = local > to || self.is_over_by(local);
            if is_past {
                break;
            }
            if local >= from {
                budget.date()?;
                dates.push(local);
            }
            if self.count == Some(given) {
                break;
            }
        }
        if !is_past && self.count.is_none_or(|count| given < count) {
            return Err(
                "this rule never comes true: no such day exists, or hardly ever; \
                        check its days and months"
                    .into(),
            );
        }
        Ok(dates)
    }

    /// In the rules of a zone the end is in UTC, and is compared with local times.
    pub(super) fn until_of_offset(&mut self, offset: i64) {
        if let Some(until) = &mut self.until
            && until.form == Form::Utc
            && let Ok(local) = until.local.checked_add(offset.seconds())
        {
            *until = Stamp {
                local,
                form: Form::Local,
            };
        }
    }

    /// Whether its end lies before a local time; in UTC a day more, which the caller cuts.
    fn is_over_by(&self, local: DateTime) -> bool {
        let Some(until) = self.until else {
            return false;
        };
        let last = match until.form {
            Form::Local => Ok(until.local),
            Form::Date | Form::Utc => until.local.checked_add(1.day()),
        };
        last.is_ok_and(|last| match until.form {
            Form::Date => last <= local,
            Form::Local | Form::Utc => last < local,
        })
    }

    /// A start of the same rule that is nearer to `from`: nobody counts from 1990.
    fn near(&self, start: DateTime, from: DateTime) -> DateTime {
        let hours = match (self.count, self.often) {
            (Some(_), _) | (_, Often::Monthly | Often::Yearly) => return start,
            (None, Often::Hourly) => self.interval,
            (None, Often::Daily) => 24 * self.interval,
            (None, Often::Weekly) => 7 * 24 * self.interval,
        };
        let passed = hours_between(start, from).div_euclid(hours);
        if passed <= 0 {
            return start;
        }
        start.checked_add((passed * hours).hours()).unwrap_or(start)
    }

    /// The crate counts positions in the first week from its start on; they count from the
    /// first day of that week.
    fn whole_week(&self, first: DateTime) -> DateTime {
        if !self.has_positions_in_weeks() {
            return first;
        }
        let monday = i64::from(first.date().weekday().to_monday_zero_offset());
        let begins = self
            .parts
            .iter()
            .find_map(|part| part.strip_prefix("WKST="));
        let begins = WEEKDAYS.iter().position(|day| Some(*day) == begins);
        let begins = begins.map_or(0, |day| day as i64);
        let back = (monday - begins).rem_euclid(7);
        first.checked_sub(back.days()).unwrap_or(first)
    }

    fn has_positions_in_weeks(&self) -> bool {
        let mut parts = self.parts.iter();
        self.often == Often::Weekly && parts.any(|part| part.starts_with("BYSETPOS="))
    }

    /// About how many steps the crate takes.
    fn steps(&self, first: DateTime, to: DateTime) -> u64 {
        let hours = match self.often {
            Often::Hourly => 1,
            Often::Daily => 24,
            Often::Weekly => 7 * 24,
            Often::Monthly => 28 * 24,
            Often::Yearly => 365 * 24,
        };
        // A year is laid out whole, so it is not one step.
        let weight = match self.often {
            Often::Yearly => 12,
            _ => 1,
        };
        let steps = hours_between(first, to).max(0) / (hours * self.interval) + 1;
        u64::try_from(steps)
            .unwrap_or(u64::MAX)
            .saturating_mul(weight)
    }

    fn told(&self, first: DateTime) -> String {
        let often = match self.often {
            Often::Hourly => "HOURLY",
            Often::Daily => "DAILY",
            Often::Weekly => "WEEKLY",
            Often::Monthly => "MONTHLY",
            Often::Yearly => "YEARLY",
        };
        let mut told = format!(
            "DTSTART:{}Z\nRRULE:FREQ={often};INTERVAL={}",
            first.strftime("%Y%m%dT%H%M%S"),
            self.interval
        );
        // What a whole first week gives before the start does not count.
        if let (Some(count), false) = (self.count, self.has_positions_in_weeks()) {
            told.push_str(&format!(";COUNT={count}"));
        }
        for part in &self.parts {
            told.push(';');
            told.push_str(part);
        }
        told
    }
}

/// What the crate passes over: numbers where they mean nothing, and both kinds at once, of
/// which it takes only those with a number.
fn numbers_of_weekdays(often: Often, parts: &[String]) -> Result<(), String> {
    let days = parts.iter().find_map(|part| part.strip_prefix("BYDAY="));
    let days: Vec<&str> = days.map_or_else(Vec::new, |days| days.split(',').collect());
    let numbered = days.iter().filter(|day| day.len() > 2).count();
    if numbered > 0 && !matches!(often, Often::Monthly | Often::Yearly) {
        return Err("a weekday has a number only where FREQ is MONTHLY or YEARLY".into());
    }
    match numbered == 0 || numbered == days.len() {
        true => Ok(()),
        false => Err("BYDAY has weekdays with and without a number; write two events".into()),
    }
}

fn hours_between(first: DateTime, last: DateTime) -> i64 {
    let span = first.date().until(last.date());
    span.map_or(0, |span| i64::from(span.get_days()) * 24)
}

fn how_often(value: &str) -> Result<Often, String> {
    Ok(match value {
        "HOURLY" => Often::Hourly,
        "DAILY" => Often::Daily,
        "WEEKLY" => Often::Weekly,
        "MONTHLY" => Often::Monthly,
        "YEARLY" => Often::Yearly,
        "MINUTELY" | "SECONDLY" => {
            return Err(format!(
                "FREQ={value} is no freeze that anybody means; write one longer event"
            ));
        }
        _ => return Err(format!("FREQ={value} is not known")),
    })
}

fn number(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_short = (1..=6).contains(&text.len());
    let number = is_short.then(|| text.parse().ok()).flatten();
    number.filter(|number| range.contains(number))
}

/// How many entries a list has, each of which was understood.
fn list(key: &str, value: &str) -> Result<usize, String> {
    let entries: Vec<&str> = value.split(',').collect();
    let signed =
        |most: i64| move |text: &str| number(text, -most..=most).is_some_and(|number| number != 0);
    let within = |least: i64, most: i64| move |text: &str| number(text, least..=most).is_some();
    let is_fine = match key {
        "BYMONTH" => entries.iter().all(|text| within(1, 12)(text)),
        "BYMONTHDAY" => entries.iter().all(|text| signed(31)(text)),
        "BYYEARDAY" | "BYSETPOS" => entries.iter().all(|text| signed(366)(text)),
        "BYWEEKNO" => entries.iter().all(|text| signed(53)(text)),
        "BYHOUR" => entries.iter().all(|text| within(0, 23)(text)),
        "BYMINUTE" | "BYSECOND" => entries.iter().all(|text| within(0, 59)(text)),
        "BYDAY" => entries.iter().all(|text| is_day(text)),
        "WKST" => entries.len() == 1 && is_weekday(value),
        _ => return Err(format!("{key} is no part of a rule that is understood")),
    };
    match is_fine && entries.len() <= MAX_LIST {
        true => Ok(entries.len()),
        false => Err(format!("{key}={value} is not possible")),
    }
}

fn is_weekday(text: &str) -> bool {
    WEEKDAYS.contains(&text)
}

/// A weekday, with or without its number: `FR`, `2TU`, `-1SU`.
fn is_day(text: &str) -> bool {
    let Some(at) = text.len().checked_sub(2) else {
        return false;
    };
    text.is_char_boundary(at)
        && is_weekday(&text[at..])
        && (at == 0 || number(&text[..at], -53..=53).is_some_and(|number| number != 0))
}
