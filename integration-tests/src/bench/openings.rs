//! How long it takes to lay out windows and calendars.

use super::report::{Figure, Reach, Report, Spread, clock};
use anyhow::{anyhow, ensure};
use patchward_collector::schedule::ical;
use patchward_collector::schedule::window::{Recurring, When, Window};
use patchward_common::time::{DAY_MS, Interval, UtcMs};

/// Runs of each kind.
const RUNS: usize = 21;
/// Events of the calendar.
const EVENTS: usize = 10_000;
/// One in so many recurs.
const RECURRING: usize = 25;
/// 2027-01-01T00:00:00Z.
const START: UtcMs = UtcMs(1_798_761_600_000);

/// Twenty years of a nightly window in a zone with clock changes, and a calendar of a
/// year.
pub fn run() -> anyhow::Result<Report> {
    let years = Interval::new(START, START.plus_ms(20 * 365 * DAY_MS))?;
    let when = When::Recurring(Recurring {
        cron: "30 2 * * *".into(),
        zone: "America/Chicago".into(),
        length_minutes: 150,
        day_offset: 0,
        from: None,
        until: None,
    });
    let (mut openings, mut calendars) = (Vec::new(), Vec::new());
    let text = calendar();
    let zone = ical::zone_of("Europe/Berlin").map_err(|problem| anyhow!(problem))?;
    let year = Interval::new(START, START.plus_ms(400 * DAY_MS))?;
    let mut freezes = 0;
    for _ in 0..RUNS {
        let begun = clock();
        let window = Window::parse(&when)?;
        let found = window.openings(years)?.len();
        openings.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(found >= 7_300, "{found} openings");
        let begun = clock();
        freezes = ical::read(text.as_bytes(), &zone, year)?.occurrences.len();
        calendars.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(freezes > EVENTS, "{freezes} freezes");
    }
    Ok(Report {
        word: "openings",
        work: format!(
            "a window every night at 02:30 in Chicago over 20 years, from its text; a calendar of \
             {} kB with {EVENTS} events, one in {RECURRING} of them weekly for two years with \
             exceptions, from its bytes to {freezes} freezes within 400 days",
            text.len() / 1_000
        ),
        figures: vec![
            Figure::median(
                "20 years of openings of one window",
                "ms",
                &Spread::of(openings)?,
                Reach::AtMost(50.0),
            ),
            Figure::median(
                "a calendar with 10,000 events",
                "ms",
                &Spread::of(calendars)?,
                Reach::AtMost(1_000.0),
            ),
        ],
    })
}

/// A calendar as a theatre's program exports it.
fn calendar() -> String {
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\n");
    for number in 0..EVENTS {
        let (day, month) = (number % 28 + 1, number / 28 % 12 + 1);
        let (hour, minute) = (7 + number % 10, number % 4 * 15);
        let is_recurring = number % RECURRING == 0;
        let year = if is_recurring { 2025 } else { 2027 };
        let start = format!("{year}{month:02}{day:02}T{hour:02}{minute:02}00");
        text.push_str(&format!(
            "BEGIN:VEVENT\r\nUID:list-{number}@theatre\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART;TZID=Europe/Berlin:{start}\r\nDURATION:PT2H30M\r\n\
             SUMMARY:Theatre {}\\, list {number}\r\nDESCRIPTION:Anaesthesia and two teams\\, as \
             planned on Monday\\;\r\n  changes by telephone only\r\n",
            number % 12
        ));
        if is_recurring {
            text.push_str(&format!(
                "RRULE:FREQ=WEEKLY;UNTIL=20270701T000000Z\r\nEXDATE;TZID=Europe/Berlin:{start}\r\n"
            ));
        }
        text.push_str("END:VEVENT\r\n");
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}
