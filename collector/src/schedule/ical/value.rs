//! Values of properties: dates, durations, text (RFC 5545, 3.3).

use jiff::civil::{Date, DateTime, Time};

/// First and last year that is understood: of a calendar of today nothing else is meant.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;
/// Longest duration in seconds: ten years.
const MAX_SECONDS: i64 = 10 * 366 * 86_400;
/// Longest summary that is kept, in characters.
const MAX_TEXT: usize = 60;

/// A date, or a date with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The date, at midnight where there is no time.
    pub(super) local: DateTime,
    /// What was written.
    pub(super) form: Form,
}

/// How a date was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Without a time: the whole day.
    Date,
    /// With a time of some zone.
    Local,
    /// With a time in UTC.
    Utc,
}

/// Reads `20261224`, `20261224T180000` or `20261224T180000Z`.
pub(super) fn stamp(text: &str) -> Option<Stamp> {
    let stamp = any_stamp(text)?;
    YEARS.contains(&stamp.local.year()).then_some(stamp)
}

/// The same in any year: the rules of a zone begin in 1601 with some programs.
pub(super) fn any_stamp(text: &str) -> Option<Stamp> {
    if !text.is_ascii() {
        return None;
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let number = |text: &str| -> Option<i16> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };
    if date.len() != 8 {
        return None;
    }
    let month_day = |at: usize| number(&date[at..at + 2])?.try_into().ok();
    let date = Date::new(number(&date[..4])?, month_day(4)?, month_day(6)?).ok()?;
    let Some(time) = time else {
        return Some(Stamp {
            local: date.at(0, 0, 0, 0),
            form: Form::Date,
        });
    };
    let (time, form) = match time.strip_suffix('Z') {
        Some(time) => (time, Form::Utc),
        None => (time, Form::Local),
    };
    if time.len() != 6 {
        return None;
    }
    let part = |at: usize| -> Option<i8> { number(&time[at..at + 2])?.try_into().ok() };
    // A leap second is the second before it.
    let time = Time::new(part(0)?, part(2)?, part(4)?.min(59), 0).ok()?;
    Some(Stamp {
        local: date.to_datetime(time),
        form,
    })
}

/// Reads a duration such as `P1DT2H30M` or `P2W`, in seconds; days have 24 hours here.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let mut seconds: i64 = 0;
    let mut number = String::new();
    let mut is_time = false;
    for c in text.chars() {
        let unit = match (c, is_time) {
            ('T', false) if number.is_empty() => {
                is_time = true;
                continue;
            }
            ('0'..='9', _) => {
                number.push(c);
                continue;
            }
            ('W', false) => 7 * 86_400,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        let count: i64 = number.parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && seconds <= MAX_SECONDS).then_some(seconds)
}

/// A text without its escapes, in one line and not longer than people read.
pub(super) fn text(value: &str) -> String {
    let mut plain = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('n' | 'N') | None => ' ',
                Some(escaped) => escaped,
            },
            c => c,
        };
        plain.push(if c.is_control() { ' ' } else { c });
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        let read = |text| stamp(text).map(|stamp| (stamp.local.to_string(), stamp.form));
        let some = |text: &str, form| Some((text.to_owned(), form));
        assert_eq!(read("20261224"), some("2026-12-24T00:00:00", Form::Date));
        assert_eq!(
            read("20261224T180000"),
            some("2026-12-24T18:00:00", Form::Local)
        );
        assert_eq!(
            read("20161231T235960Z"),
            some("2016-12-31T23:59:59", Form::Utc)
        );
        for bad in [
            "",
            "2026122",
            "20261324",
            "20260230",
            "2026+124",
            "20261224T",
            "20261224T1800",
            "20261224T240000",
            "20261224T180000z",
            "16010101T000000",
            "22000101",
            "2026122\u{fc}",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(any_stamp("16010101T030000").is_some());
    }

    #[test]
    fn durations_are_read_in_their_units() {
        assert_eq!(seconds("PT2H30M"), Some(9_000));
        assert_eq!(seconds("+P1DT1S"), Some(86_401));
        assert_eq!(seconds("P2W"), Some(14 * 86_400));
        for bad in [
            "",
            "P1",
            "-PT1H",
            "P1H",
            "PT1D",
            "PTT1H",
            "P99999999W",
            "P1DT99999999999999999999S",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn text_is_one_line_of_what_people_read() {
        assert_eq!(
            text(r"Theatre\, room 2\nlong\; day\\"),
            r"Theatre, room 2 long; day\"
        );
        assert_eq!(text("a\u{7}\t b\u{1b}[1m"), "a b [1m");
        assert_eq!(text(&"x".repeat(500)).len(), MAX_TEXT);
    }
}
