//! A unit's month: for each day how long its windows are open, less what is frozen.

use super::counted;
use super::days::{self, WEEKDAYS};
use super::svg::Drawing;
use super::week::Times;
use jiff::civil::Date;
use patchward_common::time::{HOUR_MS, Interval, MINUTE_MS};

/// The most weeks that a month shares a day with.
const MAX_WEEKS: i64 = 6;
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 90.0;
const TOP: f64 = 26.0;
const COLUMN: f64 = (WIDTH - LEFT) / 7.0;
const ROW: f64 = 54.0;

/// The Mondays of the weeks that share a day with the month of `date`.
pub fn mondays(date: Date) -> Vec<Date> {
    let first = date.first_of_month();
    let weeks = (0..MAX_WEEKS).map(|week| days::plus_days(days::monday_of(first), week * 7));
    weeks
        .take_while(|monday| *monday <= date.last_of_month())
        .collect()
}

/// Draws the month of `date`, with the week of `monday` marked.
pub fn drawn(times: &Times<'_>, date: Date, monday: Date) -> String {
    let mut drawing = Drawing::new("month", WIDTH);
    for (at, weekday) in WEEKDAYS.iter().enumerate() {
        let x = LEFT + at as f64 * COLUMN;
        drawing.text("quiet", x + 6.0, TOP - 8.0, weekday);
    }
    let mondays = mondays(date);
    let mut open_days = 0_usize;
    let mut all_ms = 0;
    for (week, first) in mondays.iter().enumerate() {
        let y = TOP + week as f64 * ROW;
        let name = format!("week {}", first.iso_week_date().week());
        let class = match *first == monday {
            true => "strong",
            false => "quiet",
        };
        drawing.text(class, 4.0, y + 20.0, &name);
        if *first == monday {
            drawing.text("small", 4.0, y + 38.0, "shown below");
        }
        for at in 0..7 {
            let day = days::plus_days(*first, at);
            if day.month() != date.month() {
                continue;
            }
            let x = LEFT + at as f64 * COLUMN;
            let open_ms = cell(&mut drawing, times, day, [x, y]);
            open_days += usize::from(open_ms > 0);
            all_ms += open_ms;
        }
    }
    let month = date.strftime("%B %Y");
    let desc = format!(
        "{} with an opening, {} in all. The week below is told day by day.",
        counted(open_days, "day", "days"),
        hours(all_ms)
    );
    let height = TOP + mondays.len() as f64 * ROW + 6.0;
    drawing.finished(height, &format!("Openings in {month}"), &desc)
}

/// Draws a day; gives back how long it is open.
fn cell(drawing: &mut Drawing, times: &Times<'_>, date: Date, [x, y]: [f64; 2]) -> i64 {
    let Some(day) = times.day(date) else {
        return 0;
    };
    let (left, taken) = (length(&day.left), length(&day.taken));
    let class = match (left > 0, taken > 0) {
        (true, _) => "f-good",
        (false, true) => "f-bad dashed",
        (false, false) => "bare",
    };
    let size = [x + 2.0, y + 2.0, COLUMN - 4.0, ROW - 4.0];
    drawing.rect(class, size, &days::day_words(date));
    let (class, today) = match day.whole.contains(times.now) {
        true => ("strong", " today"),
        false => ("", ""),
    };
    let number = format!("{}{today}", date.day());
    drawing.text(class, x + 8.0, y + 18.0, &number);
    if left > 0 {
        drawing.text("small", x + 8.0, y + 32.0, &format!("open {}", hours(left)));
    }
    if taken > 0 {
        drawing.text(
            "small",
            x + 8.0,
            y + 46.0,
            &format!("frozen {}", hours(taken)),
        );
    }
    left
}

fn length(parts: &[Interval]) -> i64 {
    parts.iter().map(|part| part.length_ms()).sum()
}

/// A length in words: `2 h`, `2 h 30 min`, `45 min`.
fn hours(ms: i64) -> String {
    match (ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::week::tests::{frozen, span};
    use super::*;
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    #[test]
    fn each_day_says_how_long_it_is_open() {
        let openings = [
            span("2026-10-19T23:00:00Z", "2026-10-20T01:30:00Z"),
            span("2026-10-22T20:00:00Z", "2026-10-22T21:00:00Z"),
            // Of another month.
            span("2026-11-01T10:00:00Z", "2026-11-01T20:00:00Z"),
        ];
        let freezes = [
            frozen("a", span("2026-10-20T01:00:00Z", "2026-10-20T12:00:00Z")),
            frozen("b", span("2026-10-22T00:00:00Z", "2026-10-23T00:00:00Z")),
        ];
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let times = Times {
            openings: &openings,
            freezes: &freezes,
            zone: &zone,
            now: openings[0].start(),
        };
        let svg = drawn(&times, date(2026, 10, 22), date(2026, 10, 19));
        assert_eq!(svg.matches("<rect").count(), 31, "each day of October once");
        assert!(
            svg.contains(">20 today</text>") && svg.contains(">open 2 h</text>"),
            "{svg}"
        );
        assert!(svg.contains(">frozen 30 min</text>") && svg.contains(">frozen 1 h</text>"));
        assert_eq!(svg.matches("class=\"f-good\"").count(), 1);
        assert_eq!(svg.matches("class=\"f-bad dashed\"").count(), 1);
        assert!(svg.contains("1 day with an opening, 2 h in all"));
        assert!(
            svg.contains("class=\"strong\" x=\"4.0\" y=\"208.0\">week 43</text>"),
            "{svg}"
        );
    }

    #[test]
    fn a_month_has_four_to_six_weeks() {
        for (day, weeks) in [
            (date(2027, 2, 10), 4),
            (date(2026, 11, 1), 6),
            (date(2026, 10, 31), 5),
        ] {
            assert_eq!(mondays(day).len(), weeks, "{day}");
        }
        assert_eq!(mondays(date(2026, 11, 15))[0], date(2026, 10, 26));
    }

    #[test]
    fn lengths_are_told_in_hours_and_minutes() {
        let told = [45, 120, 150].map(|minutes| hours(minutes * MINUTE_MS));
        assert_eq!(told, ["45 min", "2 h", "2 h 30 min"]);
    }
}
