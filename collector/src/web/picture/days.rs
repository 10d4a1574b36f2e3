//! Days as a place's calendar has them: not all have 24 hours.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, UtcMs};

/// The first letters of the weekdays, Monday first.
pub const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What the name of a day takes on a picture.
pub const NAME_WIDTH: f64 = 84.0;

/// An instant on the wall of a place.
pub fn local(zone: &TimeZone, at: UtcMs) -> Zoned {
    let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.to_zoned(zone.clone())
}

/// The day of an instant.
pub fn date_of(zone: &TimeZone, at: UtcMs) -> Date {
    local(zone, at).date()
}

/// The clock at an instant, such as `02:00`.
pub fn clock(zone: &TimeZone, at: UtcMs) -> String {
    local(zone, at).strftime("%H:%M").to_string()
}

/// A day in words, such as `Mon 23 Nov`.
pub fn day_words(date: Date) -> String {
    date.strftime("%a %-d %b").to_string()
}

/// When a day begins. Where the clock skips midnight, the first instant after it.
pub fn start_of(zone: &TimeZone, date: Date) -> UtcMs {
    let start = date.to_zoned(zone.clone()).and_then(|at| at.start_of_day());
    // Only at the end of the calendar, 9999, there is none.
    UtcMs(start.map_or(i64::MAX, |at| at.timestamp().as_millisecond()))
}

/// `date` some days later, or earlier; itself at the end of the calendar.
pub fn plus_days(date: Date, days: i64) -> Date {
    let span = jiff::Span::new().try_days(days);
    span.and_then(|span| date.checked_add(span)).unwrap_or(date)
}

/// The whole of a day.
pub fn whole(zone: &TimeZone, date: Date) -> Option<Interval> {
    Interval::new(start_of(zone, date), start_of(zone, plus_days(date, 1))).ok()
}

/// Whether the clock changes on this day.
pub fn clock_changes(day: Interval) -> bool {
    day.length_ms() != DAY_MS
}

/// The days that share an instant with `span`, with when each begins; at most `most`.
pub fn days_in(zone: &TimeZone, span: Interval, most: usize) -> Vec<(Date, UtcMs)> {
    let first = date_of(zone, span.start());
    let days = (0..most as i64).map(|day| plus_days(first, day));
    let days = days.map(|date| (date, start_of(zone, date)));
    let mut days: Vec<(Date, UtcMs)> = days.take_while(|(_, at)| *at < span.end()).collect();
    days.dedup();
    days
}

/// The Monday of the week of a day.
pub fn monday_of(date: Date) -> Date {
    plus_days(date, -i64::from(date.weekday().to_monday_zero_offset()))
}

/// A week as addresses name it, by ISO 8601: `2026-48`.
pub fn week_name(monday: Date) -> String {
    let week = monday.iso_week_date();
    format!("{:04}-{:02}", week.year(), week.week())
}

/// The Monday of a week that an address names, `2026-48` or `2026-W48`.
pub fn week_named(text: &str) -> Option<Date> {
    /// Beyond these, nobody plans, and zones are guesses.
    const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;
    let (year, week) = text.split_once('-')?;
    let year = year.parse().ok().filter(|year| YEARS.contains(year))?;
    let week = week.trim_start_matches(['W', 'w']).parse().ok()?;
    let week = jiff::civil::ISOWeekDate::new(year, week, Weekday::Monday).ok()?;
    Some(week.date())
}

/// The hours that a zone is ahead of UTC at an instant, whole ones.
pub fn hours_ahead(zone: &TimeZone, at: UtcMs) -> i64 {
    let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
    i64::from(zone.to_offset(at).seconds()).div_euclid(HOUR_MS / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(text: &str) -> UtcMs {
        UtcMs(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn days_begin_at_local_midnight_and_two_of_a_year_are_not_24_hours() {
        let chicago = TimeZone::get("America/Chicago").unwrap();
        assert_eq!(
            start_of(&chicago, date(2026, 11, 23)),
            at("2026-11-23T06:00:00Z")
        );
        let hours = |day| whole(&chicago, day).unwrap().length_ms() / HOUR_MS;
        assert_eq!(hours(date(2026, 11, 1)), 25);
        assert_eq!(hours(date(2026, 3, 8)), 23);
        assert!(clock_changes(whole(&chicago, date(2026, 3, 8)).unwrap()));
        let span = Interval::new(at("2026-11-23T05:00:00Z"), at("2026-11-24T06:00:00Z")).unwrap();
        let days: Vec<String> = days_in(&chicago, span, 9)
            .iter()
            .map(|(date, _)| day_words(*date))
            .collect();
        assert_eq!(
            days,
            ["Sun 22 Nov", "Mon 23 Nov"],
            "an end at midnight opens no day"
        );
        assert_eq!(days_in(&chicago, span, 1).len(), 1);
    }

    #[test]
    fn weeks_are_named_as_iso_8601_names_them() {
        let monday = monday_of(date(2027, 1, 2));
        assert_eq!(monday, date(2026, 12, 28));
        assert_eq!(week_name(monday), "2026-53");
        assert_eq!(week_named("2026-53"), Some(monday));
        assert_eq!(week_named("2026-W48"), Some(date(2026, 11, 23)));
        for wrong in ["2025-53", "2026-00", "1066-41", "2026", "x-y", ""] {
            assert_eq!(week_named(wrong), None, "{wrong}");
        }
    }
}
