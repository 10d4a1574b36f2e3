//! A unit's week: when its windows open, and what freezes take of that.

use super::days::{self, WEEKDAYS};
use super::svg::{Drawing, clipped};
use crate::schedule::opening;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchward_common::time::{Interval, UtcMs};

/// Most openings of a day that are drawn and told; the rest is counted.
const MAX_PARTS: usize = 24;
/// Most freezes that are named for a day.
const MAX_NAMES: usize = 4;
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 40.0;
const HEIGHT: f64 = 480.0;
const COLUMN: f64 = (WIDTH - LEFT) / 7.0;
/// The least height of a part that is seen.
const THIN: f64 = 3.0;
/// What a line of words takes.
const LINE: f64 = 14.0;

/// A time in which nothing starts.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// What people call it.
    pub name: String,
    /// When.
    pub interval: Interval,
}

/// When work may be done in a unit.
pub struct Times<'a> {
    /// When its windows are open, whatever is frozen: sorted and apart.
    pub openings: &'a [Interval],
    /// The freezes that hold there.
    pub freezes: &'a [Frozen],
    /// Where its days begin.
    pub zone: &'a TimeZone,
    /// The present.
    pub now: UtcMs,
}

/// One day of a unit.
pub struct Day {
    /// From its first instant to that of the next day.
    pub whole: Interval,
    /// What is open and not frozen.
    pub left: Vec<Interval>,
    /// What would be open and is frozen.
    pub taken: Vec<Interval>,
    /// What those freezes are called.
    pub names: Vec<String>,
}

impl Times<'_> {
    /// What a day has.
    pub fn day(&self, date: Date) -> Option<Day> {
        let whole = days::whole(self.zone, date)?;
        let open = opening::within(self.openings, whole);
        let holds = self
            .freezes
            .iter()
            .filter(|freeze| open.iter().any(|part| part.overlaps(freeze.interval)));
        let (mut names, frozen): (Vec<String>, Vec<Interval>) = holds
            .map(|freeze| (freeze.name.clone(), freeze.interval))
            .unzip();
        names.sort();
        names.dedup();
        let left = opening::difference(&open, &frozen);
        Some(Day {
            whole,
            taken: opening::difference(&open, &left),
            left,
            names,
        })
    }

    /// From when until when a part is, on the clock of the unit: midnight at its end is 24:00.
    fn clocks(&self, part: Interval, day: Interval) -> String {
        let end = match part.end() == day.end() {
            true => "24:00".to_owned(),
            false => days::clock(self.zone, part.end()),
        };
        format!("{}–{end}", days::clock(self.zone, part.start()))
    }

    /// The same of several, in words.
    fn said(&self, parts: &[Interval], day: Interval) -> String {
        let some = parts.iter().take(MAX_PARTS);
        let mut said: Vec<String> = some.map(|part| self.clocks(*part, day)).collect();
        if parts.len() > MAX_PARTS {
            said.push(format!("and {} more", parts.len() - MAX_PARTS));
        }
        said.join(", ")
    }
}

/// What freezes are called; many are counted.
pub fn names(names: &[String]) -> String {
    let some = names.iter().take(MAX_NAMES).map(|name| clipped(name, 60));
    let mut named: Vec<String> = some.collect();
    if names.len() > MAX_NAMES {
        named.push(format!("{} more", names.len() - MAX_NAMES));
    }
    named.join(", ")
}

/// Draws a week, and says each of its days in words.
pub fn drawn(times: &Times<'_>, monday: Date) -> (String, Vec<String>) {
    let mut drawing = Drawing::new("week", WIDTH);
    for hour in (0..=24).step_by(3) {
        let y = TOP + HEIGHT * f64::from(hour) / 24.0;
        drawing.line("grid", [LEFT, y, WIDTH, y]);
        drawing.text(
            "quiet small end",
            LEFT - 6.0,
            y + 4.0,
            &format!("{hour:02}:00"),
        );
    }
    let mut said = Vec::new();
    for (at, weekday) in WEEKDAYS.iter().enumerate() {
        let date = days::plus_days(monday, at as i64);
        let x = LEFT + at as f64 * COLUMN;
        drawing.line("edge", [x, TOP - 24.0, x, TOP + HEIGHT]);
        let Some(day) = times.day(date) else {
            continue;
        };
        let is_today = day.whole.contains(times.now);
        let head = format!("{weekday} {}", date.strftime("%-d %b"));
        let (class, today) = match is_today {
            true => ("strong", ", today"),
            false => ("", ""),
        };
        drawing.text(class, x + 6.0, TOP - 20.0, &head);
        // On a line of its own: a column has no room for both.
        let below = match (is_today, days::clock_changes(day.whole)) {
            (true, true) => "today; clock changes",
            (true, false) => "today",
            (false, true) => "the clock changes",
            (false, false) => "",
        };
        if !below.is_empty() {
            drawing.text("small", x + 6.0, TOP - 5.0, below);
        }
        column(&mut drawing, times, &day, x);
        said.push(format!("{head}{today}: {}", day_words(times, &day)));
    }
    let desc = format!("{}.", said.join("; "));
    let title = format!("The week from {}", days::day_words(monday));
    let svg = drawing.finished(TOP + HEIGHT + 10.0, &title, &desc);
    (svg, said)
}

fn day_words(times: &Times<'_>, day: &Day) -> String {
    let mut words = match day.left.is_empty() {
        true => "nothing open".to_owned(),
        false => format!("open {}", times.said(&day.left, day.whole)),
    };
    if !day.taken.is_empty() {
        let taken = times.said(&day.taken, day.whole);
        words.push_str(&format!("; frozen {taken} ({})", names(&day.names)));
    }
    if days::clock_changes(day.whole) {
        words.push_str("; the clock changes");
    }
    words
}

/// The parts of a day, each with its times where they do not lie on those before.
fn column(drawing: &mut Drawing, times: &Times<'_>, day: &Day, x: f64) {
    let y = |at: UtcMs| {
        let share = at.since_ms(day.whole.start()) as f64 / day.whole.length_ms() as f64;
        TOP + share * HEIGHT
    };
    let left = day.left.iter().map(|part| (*part, true));
    let taken = day.taken.iter().map(|part| (*part, false));
    let mut parts: Vec<(Interval, bool)> = left.chain(taken).collect();
    parts.sort();
    let mut free_from = TOP;
    for (part, is_open) in parts.iter().take(2 * MAX_PARTS) {
        let (top, bottom) = (y(part.start()), y(part.end()));
        let height = (bottom - top).max(THIN);
        let clocks = times.clocks(*part, day.whole);
        let (class, what) = match is_open {
            true => ("f-good", "open"),
            false => ("f-bad dashed", "frozen"),
        };
        let tip = format!("{what} {clocks}");
        drawing.rect(class, [x + 4.0, top, COLUMN - 8.0, height], &tip);
        // Into the part, or below it where that is too low for words.
        let base = (top + LINE - 1.0).max(free_from + LINE - 1.0);
        let reaches = base + 3.0;
        if reaches <= bottom.max(top + LINE + 4.0) && reaches < TOP + HEIGHT + 6.0 {
            drawing.text("small", x + 8.0, base, &tip);
            free_from = reaches;
        }
    }
    if day.whole.contains(times.now) {
        let now = y(times.now);
        drawing.line("now", [x, now, x + COLUMN, now]);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use jiff::Timestamp;
    use jiff::civil::date;

    pub(in super::super) fn span(from: &str, until: &str) -> Interval {
        let at = |text: &str| UtcMs(text.parse::<Timestamp>().unwrap().as_millisecond());
        Interval::new(at(from), at(until)).unwrap()
    }

    pub(in super::super) fn frozen(name: &str, interval: Interval) -> Frozen {
        Frozen {
            name: name.into(),
            interval,
        }
    }

    fn draw(openings: &[Interval], freezes: &[Frozen]) -> (String, Vec<String>) {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let times = Times {
            openings,
            freezes,
            zone: &zone,
            now: span("2026-10-21T10:00:00Z", "2026-10-21T11:00:00Z").start(),
        };
        drawn(&times, date(2026, 10, 19))
    }

    #[test]
    fn openings_lie_on_their_local_days_and_freezes_take_of_them() {
        let openings = [
            // Tuesday 01:00 to 05:00 in Berlin, and over midnight of Thursday.
            span("2026-10-19T23:00:00Z", "2026-10-20T03:00:00Z"),
            span("2026-10-22T20:00:00Z", "2026-10-22T23:00:00Z"),
        ];
        let freezes = [
            frozen(
                "go-live <a>",
                span("2026-10-20T02:00:00Z", "2026-10-20T12:00:00Z"),
            ),
            frozen(
                "elsewhere",
                span("2026-10-21T02:00:00Z", "2026-10-21T12:00:00Z"),
            ),
        ];
        let (svg, said) = draw(&openings, &freezes);
        assert_eq!(said[0], "Mon 19 Oct: nothing open");
        assert_eq!(
            said[1],
            "Tue 20 Oct: open 01:00–04:00; frozen 04:00–05:00 (go-live <a>)"
        );
        assert_eq!(said[2], "Wed 21 Oct, today: nothing open");
        assert_eq!(said[3], "Thu 22 Oct: open 22:00–24:00");
        assert_eq!(said[4], "Fri 23 Oct: open 00:00–01:00");
        assert_eq!(said[6], "Sun 25 Oct: nothing open; the clock changes");
        assert_eq!(svg.matches("<rect class=\"f-good\"").count(), 3);
        assert_eq!(svg.matches("<rect class=\"f-bad dashed\"").count(), 1);
        // 01:00 is a twenty-fourth below the top, on the second day.
        assert!(
            svg.contains(
                "<rect class=\"f-good\" x=\"194.9\" y=\"60.0\" width=\"126.9\" height=\"60.0\""
            ),
            "{svg}"
        );
        assert!(svg.contains("go-live &lt;a&gt;") && !svg.contains("elsewhere"));
        assert_eq!(svg.matches("class=\"now\"").count(), 1);
        assert!(svg.contains(">Wed 21 Oct</text>") && svg.contains(">today</text>"));
    }

    #[test]
    fn a_day_of_many_openings_is_bounded() {
        let start = span("2026-10-19T00:00:00Z", "2026-10-20T00:00:00Z").start();
        let minute = |n: i64| {
            let from = start.plus_ms(n * 120_000);
            Interval::new(from, from.plus_ms(60_000)).unwrap()
        };
        let openings: Vec<Interval> = (0..600).map(minute).collect();
        let (svg, said) = draw(&openings, &[]);
        assert_eq!(svg.matches("<rect class=\"f-good\"").count(), 2 * MAX_PARTS);
        assert!(said[0].ends_with("and 576 more"), "{}", said[0]);
        let many: Vec<String> = (0..9).map(|n| format!("f{n}")).collect();
        assert_eq!(names(&many), "f0, f1, f2, f3, 5 more");
    }
}
