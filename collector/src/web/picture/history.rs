//! How the machines stood, day by day: one state upon the other. A day that was not counted
//! stays a gap.

use super::svg::Drawing;
use super::{Figure, Sign, Way, counted, days};
use jiff::civil::Date;

/// Most days that are drawn: all that are kept.
const MAX_DAYS: usize = 731;
/// Most states that are told apart; a hospital's machines have eight.
const MAX_STATES: usize = 12;
/// Most days that have their name below.
const MAX_DAY_NAMES: usize = 7;
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 980.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 256.0;

/// What is drawn.
pub struct History {
    /// The first day.
    pub first: Date,
    /// The states from below, each with the class of its colour.
    pub states: Vec<(String, &'static str)>,
    /// By day, oldest first, how many machines are in each state; `None` where nobody counted.
    pub days: Vec<Option<Vec<usize>>>,
    /// Links to other spans of time.
    pub ways: Vec<Way>,
}

impl History {
    fn bounded(mut self) -> Self {
        self.days.truncate(MAX_DAYS);
        self.states.truncate(MAX_STATES);
        for day in self.days.iter_mut().flatten() {
            day.resize(self.states.len(), 0);
        }
        self
    }

    fn date(&self, day: usize) -> Date {
        days::plus_days(self.first, i64::try_from(day).unwrap_or(i64::MAX))
    }

    /// How far days follow on one another that were counted, or were not: from, until and
    /// whether.
    fn runs(&self) -> Vec<(usize, usize, bool)> {
        let mut runs: Vec<(usize, usize, bool)> = Vec::new();
        for (at, day) in self.days.iter().enumerate() {
            match runs.last_mut() {
                Some((_, until, is_counted)) if *is_counted == day.is_some() => *until = at + 1,
                _ => runs.push((at, at + 1, day.is_some())),
            }
        }
        runs
    }
}

/// Where days and numbers lie.
struct Scale {
    day: f64,
    most: usize,
}

impl Scale {
    fn x(&self, day: usize) -> f64 {
        LEFT + self.day * day as f64
    }

    fn y(&self, machines: usize) -> f64 {
        BOTTOM - (BOTTOM - TOP) * machines as f64 / self.most as f64
    }
}

/// Draws the days; nothing where none was counted, or where there was no machine on any.
pub fn drawn(history: History) -> Option<String> {
    let history = history.bounded();
    let machines = history.days.iter().flatten().map(|day| day.iter().sum());
    let most = machines.max().filter(|most: &usize| *most > 0)?;
    let scale = Scale {
        day: (RIGHT - LEFT) / history.days.len() as f64,
        most,
    };
    let mut drawing = Drawing::new("history", WIDTH);
    frame(&mut drawing, &history, &scale);
    for (from, until, is_counted) in history.runs() {
        match is_counted {
            true => stacked(&mut drawing, &history, &scale, (from, until)),
            false => {
                let (x, width) = (scale.x(from), scale.x(until) - scale.x(from));
                let tip = gap_words(&history, from, until);
                drawing.rect("bare dashed", [x, TOP, width, BOTTOM - TOP], &tip);
            }
        }
    }
    let said = said(&history);
    let title = "How the machines stood, day by day";
    let svg = drawing.finished(BOTTOM + 36.0, title, &said.join(" "));
    Some(figure(history, svg, said).html())
}

fn figure(history: History, svg: String, said: Vec<String>) -> Figure {
    let has_gaps = history.days.iter().any(Option::is_none);
    let states = history.states.iter();
    let mut signs: Vec<Sign> = states.map(|(word, class)| Sign::new(class, word)).collect();
    if has_gaps {
        signs.push(Sign::new("bare dashed", "not counted"));
    }
    Figure {
        heading: "How the machines stood, day by day".into(),
        ways: history.ways,
        drawings: vec![svg],
        signs,
        notes: said,
        ..Figure::default()
    }
}

/// The states of days that follow on one another.
fn stacked(drawing: &mut Drawing, history: &History, scale: &Scale, (from, until): (usize, usize)) {
    let days = history.days.get(from..until).unwrap_or_default();
    let mut below = vec![0; days.len()];
    for (state, (word, class)) in history.states.iter().enumerate() {
        let count = |day: &Option<Vec<usize>>| {
            let day = day.as_ref();
            day.and_then(|day| day.get(state)).copied().unwrap_or(0)
        };
        let above: Vec<usize> = {
            let days = days.iter().zip(&below);
            days.map(|(day, below)| below + count(day)).collect()
        };
        if above != below {
            let step = |heights: &[usize]| -> Vec<(f64, f64)> {
                let days = heights.iter().enumerate();
                let mut steps: Vec<(f64, f64)> = Vec::new();
                for (at, height) in days {
                    let point = (scale.x(from + at), scale.y(*height));
                    // A line that goes straight on needs no point.
                    if steps.last().is_none_or(|last| last.1 != point.1) {
                        steps.push(point);
                    }
                }
                steps
            };
            drawing.area(class, &step(&above), &step(&below), scale.x(until), word);
        }
        below = above;
    }
}

fn frame(drawing: &mut Drawing, history: &History, scale: &Scale) {
    let mut marks = vec![0, scale.most / 2, scale.most];
    marks.dedup();
    for count in marks {
        let y = scale.y(count);
        drawing.line("grid", [LEFT, y, RIGHT, y]);
        drawing.text("end", LEFT - 8.0, y + 5.0, &count.to_string());
    }
    drawing.line("edge", [LEFT, BOTTOM, RIGHT, BOTTOM]);
    let each = history.days.len().div_ceil(MAX_DAY_NAMES).max(1);
    for day in (0..history.days.len()).step_by(each) {
        let x = scale.x(day);
        drawing.line("edge", [x, BOTTOM, x, BOTTOM + 5.0]);
        let words = history.date(day).strftime("%-d %b %Y").to_string();
        drawing.text("quiet", x, BOTTOM + 22.0, &words);
    }
}

fn gap_words(history: &History, from: usize, until: usize) -> String {
    let first = history.date(from);
    match until - from {
        1 => format!("not counted on {first}"),
        _ => format!("not counted from {first} to {}", history.date(until - 1)),
    }
}

/// The same in sentences: the first and the last day that were counted, and what was not.
fn said(history: &History) -> Vec<String> {
    let known = history.days.iter().enumerate();
    let known: Vec<(usize, &Vec<usize>)> = known
        .filter_map(|(at, day)| Some((at, day.as_ref()?)))
        .collect();
    let words = |(at, day): &(usize, &Vec<usize>)| {
        let states = history.states.iter().zip(day.iter());
        let states = states.filter(|(_, count)| **count > 0);
        let states: Vec<String> = states.map(|((word, _), n)| format!("{n} {word}")).collect();
        let machines = counted(day.iter().sum::<usize>(), "machine", "machines");
        format!("{}: {machines}, {}.", history.date(*at), states.join(", "))
    };
    let mut said = Vec::new();
    if let [first, .., _] = &known[..] {
        said.push(words(first));
    }
    said.extend(known.last().map(words));
    let missing = history.days.len() - known.len();
    if missing > 0 {
        let days = counted(missing, "day was", "days were");
        said.push(format!(
            "{days} not counted, and nothing is drawn for them."
        ));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(days: Vec<Option<Vec<usize>>>) -> History {
        History {
            first: jiff::civil::date(2026, 11, 1),
            states: vec![("failed".into(), "p-bad"), ("<verified>".into(), "p-good")],
            days,
            ways: vec![Way {
                href: "/rollouts?fleet-days=30".into(),
                words: "30 days".into(),
            }],
        }
    }

    /// The areas of a class, as their paths.
    fn areas<'a>(html: &'a str, class: &str) -> Vec<&'a str> {
        let begin = format!("<path class=\"{class}\" d=\"");
        let parts = html.split(&begin).skip(1);
        parts.filter_map(|part| part.split('"').next()).collect()
    }

    #[test]
    fn states_stand_upon_one_another_and_days_follow() {
        let days = vec![Some(vec![1, 3]), Some(vec![0, 4]), Some(vec![2, 2])];
        let html = drawn(history(days)).unwrap();
        let bad = areas(&html, "p-bad");
        let good = areas(&html, "p-good");
        assert_eq!((bad.len(), good.len()), (1, 1), "{html}");
        // 4 machines are 240 high and a day 306.7 wide: one failed, then none, then two.
        assert!(
            bad[0].starts_with("M60.0 196.0H366.7V256.0H673.3V136.0H980.0"),
            "{}",
            bad[0]
        );
        // Above them, up to the top.
        assert!(good[0].starts_with("M60.0 16.0H980.0"), "{}", good[0]);
        assert!(good[0].ends_with('Z'));
        assert!(html.contains("2026-11-01: 4 machines, 1 failed, 3 &lt;verified&gt;."));
        assert!(html.contains("2026-11-03: 4 machines, 2 failed, 2 &lt;verified&gt;."));
        assert!(html.contains("href=\"/rollouts?fleet-days=30\""));
        assert!(!html.contains("not counted") && !html.contains("<verified>"));
    }

    #[test]
    fn a_day_that_nobody_counted_stays_a_gap() {
        let days = vec![Some(vec![1, 1]), None, None, Some(vec![1, 1]), None];
        let html = drawn(history(days)).unwrap();
        let (first, second) = match areas(&html, "p-bad")[..] {
            [first, second] => (first, second),
            ref other => panic!("two runs of days: {other:?}"),
        };
        // A day is 184 wide; nothing reaches into what was not counted.
        assert!(
            first.starts_with("M60.0 ") && first.contains("H244.0"),
            "{first}"
        );
        assert!(
            second.starts_with("M612.0 ") && second.contains("H796.0"),
            "{second}"
        );
        assert!(html.contains("not counted from 2026-11-02 to 2026-11-03"));
        assert!(html.contains("not counted on 2026-11-05"));
        assert!(html.contains("3 days were not counted, and nothing is drawn for them."));
        assert_eq!(
            html.matches("class=\"bare dashed\"").count(),
            3,
            "and the sign"
        );
    }

    #[test]
    fn where_nothing_was_counted_nothing_is_drawn() {
        assert!(drawn(history(Vec::new())).is_none());
        assert!(drawn(history(vec![None, None])).is_none());
        assert!(drawn(history(vec![Some(vec![0, 0])])).is_none());
        let one = drawn(history(vec![Some(vec![0, 1])])).unwrap();
        assert_eq!(
            one.matches("2026-11-01: 1 machine, 1 ").count(),
            2,
            "desc and note"
        );
    }

    #[test]
    fn two_years_of_a_hospital_are_a_small_picture() {
        let day = |n: usize| Some(vec![n % 7, 40_000 + n * 13 % 900]);
        let html = drawn(history((0..2_000).map(day).collect())).unwrap();
        assert!(html.len() < 60_000, "{} bytes", html.len());
        assert!(
            html.contains("1 Nov 2026") && !html.contains("2032"),
            "{MAX_DAYS} days"
        );
        // A row that lacks states is no fault.
        let html = drawn(history(vec![Some(vec![3])])).unwrap();
        assert!(html.contains("3 failed."));
    }
}
