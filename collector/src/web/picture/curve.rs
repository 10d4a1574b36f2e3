//! How many machines are done by when, against the date by which all have to be.

use super::days;
use super::svg::Drawing;
use super::{Figure, Sign, counted};
use jiff::tz::TimeZone;
use patchward_common::time::{Interval, UtcMs};

/// Most points that are drawn; a forecast has fewer.
const MAX_POINTS: usize = 64;
/// Most days that have their name below.
const MAX_DAY_NAMES: usize = 8;
/// Most days whose borders are looked at: a plan lives shorter.
const MAX_DAYS: usize = 400;
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 860.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 290.0;
/// How far apart words beside lines must be.
const WORDS_APART: f64 = 16.0;

/// What is expected at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub at: UtcMs,
    /// At least so many are done, nine times of ten.
    pub least: usize,
    /// So many are probably done.
    pub expected: usize,
}

/// What is drawn.
pub struct Curve<'a> {
    /// By time.
    pub points: &'a [Point],
    /// How many machines the plan has.
    pub machines: usize,
    /// When all have to be done, where a date was entered.
    pub due: Option<UtcMs>,
    /// Where days begin.
    pub zone: &'a TimeZone,
}

struct Scale {
    span: Interval,
    machines: usize,
}

impl Scale {
    fn of(curve: &Curve<'_>) -> Option<Self> {
        let instants = || curve.points.iter().map(|point| point.at).chain(curve.due);
        let span = Interval::new(instants().min()?, instants().max()?).ok()?;
        (curve.points.len() > 1 && curve.machines > 0).then_some(Self {
            span,
            machines: curve.machines,
        })
    }

    fn x(&self, at: UtcMs) -> f64 {
        let share = at.since_ms(self.span.start()) as f64 / self.span.length_ms() as f64;
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn y(&self, machines: usize) -> f64 {
        let share = machines as f64 / self.machines as f64;
        BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP)
    }
}

/// Draws a forecast; nothing where there is only one instant to tell of.
pub fn drawn(curve: &Curve<'_>) -> Option<String> {
    let scale = Scale::of(curve)?;
    let mut drawing = Drawing::new("curve", WIDTH);
    frame(&mut drawing, &scale, curve);
    let points = curve.points.get(..MAX_POINTS).unwrap_or(curve.points);
    let line = |of: fn(&Point) -> usize| -> Vec<(f64, f64)> {
        let points = points.iter();
        points.map(|p| (scale.x(p.at), scale.y(of(p)))).collect()
    };
    drawing.steps("least", &line(|point| point.least));
    drawing.steps("expected", &line(|point| point.expected));
    if let Some(due) = curve.due {
        let x = scale.x(due);
        drawing.line("due", [x, TOP - 8.0, x, BOTTOM]);
        let words = format!("due {}", days::day_words(days::date_of(curve.zone, due)));
        let (class, x) = match x > (LEFT + RIGHT) / 2.0 {
            true => ("strong end", x - 6.0),
            false => ("strong", x + 6.0),
        };
        drawing.text(class, x, TOP - 10.0, &words);
    }
    let last = points.last()?;
    let (expected, mut least) = (scale.y(last.expected), scale.y(last.least));
    // Words of two lines that end at the same height would lie on one another.
    least = least.max(expected + WORDS_APART);
    let x = scale.x(last.at) + 8.0;
    drawing.text(
        "strong",
        x,
        expected + 4.0,
        &format!("expected {}", last.expected),
    );
    drawing.text("", x, least + 4.0, &format!("at least {}", last.least));
    let said = said(curve, points);
    let title = "How many machines are done by when";
    let svg = drawing.finished(BOTTOM + 40.0, title, &said);
    Some(figure(svg, said, curve).html())
}

fn figure(svg: String, said: String, curve: &Curve<'_>) -> Figure {
    let mut signs = vec![
        Sign::line("expected", "expected (solid line)"),
        Sign::line("least", "at least, nine times of ten (dashed line)"),
    ];
    if curve.due.is_some() {
        signs.push(Sign::line("due", "due (upright line)"));
    }
    Figure {
        heading: "Machines done by when".into(),
        drawings: vec![svg],
        signs,
        notes: vec![said],
        ..Figure::default()
    }
}

fn frame(drawing: &mut Drawing, scale: &Scale, curve: &Curve<'_>) {
    drawing.line("edge", [LEFT, BOTTOM, RIGHT, BOTTOM]);
    drawing.line("edge", [LEFT, TOP, LEFT, BOTTOM]);
    let half = curve.machines / 2;
    let mut marks = vec![0, half, curve.machines];
    marks.dedup();
    for count in marks {
        let y = scale.y(count);
        drawing.line("grid", [LEFT, y, RIGHT, y]);
        drawing.text("end", LEFT - 8.0, y + 5.0, &count.to_string());
    }
    let borders = days::days_in(curve.zone, scale.span, MAX_DAYS);
    let each = borders.len().div_ceil(MAX_DAY_NAMES).max(1);
    let mut free_from = 0.0;
    for (date, start) in borders.iter().step_by(each) {
        let x = scale.x(*start);
        // The first day may be cut to a sliver.
        if x < free_from {
            continue;
        }
        free_from = x + days::NAME_WIDTH;
        drawing.line("edge", [x, BOTTOM, x, BOTTOM + 5.0]);
        drawing.text("quiet", x, BOTTOM + 22.0, &days::day_words(*date));
    }
}

/// The same in one or two sentences.
fn said(curve: &Curve<'_>, points: &[Point]) -> String {
    let words = |at: UtcMs| {
        let day = days::day_words(days::date_of(curve.zone, at));
        format!("{day} {}", days::clock(curve.zone, at))
    };
    let of = counted(curve.machines, "machine", "machines");
    let mut said = match points.last() {
        Some(last) => format!(
            "By {} {} of {of} are expected to be done, at least {} nine times of ten.",
            words(last.at),
            last.expected,
            last.least,
        ),
        None => String::new(),
    };
    if let Some(due) = curve.due {
        let then = points.iter().rev().find(|point| point.at <= due);
        said.push_str(&match then {
            Some(then) => format!(
                " On the due date, {}, it is {} expected and at least {}.",
                words(due),
                then.expected,
                then.least
            ),
            None => format!(" The due date, {}, is over.", words(due)),
        });
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::DAY_MS;

    /// 2026-11-23T00:00:00Z, a Monday.
    const MONDAY: UtcMs = UtcMs(1_795_392_000_000);

    fn point(day: i64, least: usize, expected: usize) -> Point {
        Point {
            at: MONDAY.plus_ms(day * DAY_MS),
            least,
            expected,
        }
    }

    fn draw(points: &[Point], machines: usize, due: Option<i64>) -> Option<String> {
        drawn(&Curve {
            points,
            machines,
            due: due.map(|day| MONDAY.plus_ms(day * DAY_MS)),
            zone: &TimeZone::UTC,
        })
    }

    #[test]
    fn both_lines_rise_in_steps_and_the_due_date_crosses_them() {
        let points = [point(0, 0, 0), point(2, 4, 6), point(4, 8, 10)];
        let svg = draw(&points, 10, Some(3)).unwrap();
        // Half of the time, six of ten: in the middle, at six tenths of the height.
        let expected = "<path class=\"expected\" d=\"M60.0 290.0H460.0V134.0H860.0V30.0\"/>";
        assert!(svg.contains(expected), "{svg}");
        assert!(svg.contains("<path class=\"least\" d=\"M60.0 290.0H460.0V186.0H860.0V82.0\"/>"));
        assert!(svg.contains("<line class=\"due\" x1=\"660.0\""), "{svg}");
        assert!(svg.contains("By Fri 27 Nov 00:00 10 of 10 machines are expected"));
        assert!(
            svg.contains("On the due date, Thu 26 Nov 00:00, it is 6 expected and at least 4.")
        );
    }

    #[test]
    fn a_due_date_beyond_the_slots_or_before_them_is_still_on_the_picture() {
        let points = [point(1, 0, 0), point(2, 1, 1)];
        let late = draw(&points, 1, Some(9)).unwrap();
        assert!(late.contains("<line class=\"due\" x1=\"860.0\""));
        let over = draw(&points, 1, Some(0)).unwrap();
        assert!(over.contains("<line class=\"due\" x1=\"60.0\"") && over.contains("is over"));
        // An hour of a Sunday, and then two weeks: the next name would lie on its name.
        let sliver = [
            Point {
                at: MONDAY.plus_ms(-DAY_MS / 24),
                ..point(0, 0, 0)
            },
            point(14, 1, 1),
        ];
        let svg = draw(&sliver, 1, None).unwrap();
        assert!(svg.contains(">Sun 22 Nov</text>"), "{svg}");
        assert!(!svg.contains(">Tue 24 Nov</text>") && svg.contains(">Thu 26 Nov</text>"));
        let none = draw(&points, 1, None).unwrap();
        assert!(!none.contains("class=\"due\""));
    }

    #[test]
    fn what_has_no_course_is_not_drawn_and_much_is_bounded() {
        assert!(draw(&[], 3, Some(1)).is_none());
        assert!(draw(&[point(0, 1, 1)], 3, Some(1)).is_none());
        assert!(draw(&[point(0, 0, 0), point(1, 0, 0)], 0, None).is_none());
        let many: Vec<Point> = (0..5_000).map(|day| point(day, 1, 2)).collect();
        let svg = draw(&many, 2, None).unwrap();
        assert!(svg.len() < 10_000, "{}", svg.len());
    }
}
