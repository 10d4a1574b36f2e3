//! Times as auditors name them: a year, a quarter, a month, a day, in UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// From an instant on, until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its first instant.
    pub from: UtcMs,
    /// The first instant after it.
    pub until: UtcMs,
}

const HOW: &str = "write a year, quarter, month or day such as 2026, 2026-Q4, 2026-12 or \
                   2026-12-31, all in UTC";

/// Reads a year, quarter, month or day.
pub(crate) fn period(text: &str) -> Result<Period, String> {
    read(text).ok_or_else(|| HOW.to_owned())
}

/// The first instant of a year, quarter, month or day; or an instant.
pub(crate) fn from(text: &str) -> Result<UtcMs, String> {
    instant(text).map_or_else(|| period(text).map(|period| period.from), Ok)
}

/// The first instant after a year, quarter, month or day; or an instant.
pub(crate) fn until(text: &str) -> Result<UtcMs, String> {
    instant(text).map_or_else(|| period(text).map(|period| period.until), Ok)
}

/// The month of an instant, as [`period`] reads it.
pub(crate) fn month_of(at: UtcMs) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(at) => at.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string(),
        Err(_) => at.to_string(),
    }
}

fn instant(text: &str) -> Option<UtcMs> {
    let at = text.contains('T').then(|| text.parse::<Timestamp>());
    Some(UtcMs(at?.ok()?.as_millisecond()))
}

fn read(text: &str) -> Option<Period> {
    let number = |text: &str, digits: usize| {
        let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i16>().ok()).flatten()
    };
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let (month, day, length): (i8, i8, Span) = match (parts.next(), parts.next()) {
        (None, _) => (1, 1, 1.year()),
        (Some(quarter), None) if quarter.starts_with(['Q', 'q']) => {
            let quarter = i8::try_from(number(quarter.get(1..)?, 1)?).ok()?;
            (3 * quarter - 2, 1, 3.months())
        }
        (Some(month), None) => (i8::try_from(number(month, 2)?).ok()?, 1, 1.month()),
        (Some(month), Some(day)) => {
            let (month, day) = (number(month, 2)?, number(day, 2)?);
            (i8::try_from(month).ok()?, i8::try_from(day).ok()?, 1.day())
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let first = Date::new(year, month, day).ok()?;
    let after = first.checked_add(length).ok()?;
    let midnight = |date: Date| {
        let at = date.to_zoned(TimeZone::UTC).ok()?;
        Some(UtcMs(at.timestamp().as_millisecond()))
    };
    Some(Period {
        from: midnight(first)?,
        until: midnight(after)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_named_by_its_year_quarter_month_or_day() {
        for (text, from, until) in [
            ("2026", "2026-01-01", "2027-01-01"),
            ("2026-Q1", "2026-01-01", "2026-04-01"),
            ("2026-q4", "2026-10-01", "2027-01-01"),
            ("2028-02", "2028-02-01", "2028-03-01"),
            ("2026-12-31", "2026-12-31", "2027-01-01"),
        ] {
            let at = |day: &str| {
                let at: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
                UtcMs(at.as_millisecond())
            };
            let read = period(text).unwrap();
            assert_eq!((read.from, read.until), (at(from), at(until)), "{text}");
            assert_eq!(
                (super::from(text), super::until(text)),
                (Ok(at(from)), Ok(at(until)))
            );
        }
        for wrong in [
            "",
            "26",
            "2026-",
            "2026-Q5",
            "2026-Q0",
            "2026-13",
            "2026-02-30",
            "2026-2-1",
            "2026-Q1-01",
            "2026-01-01-01",
            "2026-12-31T00:00:00",
            "99999",
            "-2026",
            "2026-Qé",
        ] {
            assert!(period(wrong).unwrap_err().contains("2026-Q4"), "{wrong}");
        }
        let exact = "2026-12-31T23:30:00Z";
        assert_eq!(from(exact), until(exact));
        assert_eq!(month_of(period("2026-12").unwrap().from), "2026-12");
    }
}
