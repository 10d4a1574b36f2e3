//! What is open by unit: affected, and what a person must judge.

use super::svg::{Drawing, clipped};
use super::{Figure, Sign, counted};

/// Most units that are drawn.
const MAX_ROWS: usize = 30;
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 240.0;
/// What is left for words beside the longest bar.
const WORDS: f64 = 260.0;
const ROW: f64 = 26.0;
/// The least width of a part that is seen.
const THIN: f64 = 3.0;

/// What is open in one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The unit; none for what is in no unit.
    pub unit: Option<String>,
    /// Matches that are affected.
    pub affected: usize,
    /// Matches of which a person must say whether they are.
    pub needs_person: usize,
}

impl Bar {
    fn all(&self) -> usize {
        self.affected + self.needs_person
    }

    fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or("in no unit")
    }

    fn words(&self) -> String {
        let needs = match self.needs_person {
            1 => "1 needs a person".to_owned(),
            count => format!("{count} need a person"),
        };
        format!("{} affected, {needs}", self.affected)
    }
}

/// Draws the bars, the longest first; nothing where nothing is open.
pub fn drawn(bars: &[Bar]) -> Option<String> {
    let mut bars: Vec<&Bar> = bars.iter().filter(|bar| bar.all() > 0).collect();
    bars.sort_by(|a, b| b.all().cmp(&a.all()).then(a.unit.cmp(&b.unit)));
    let most = bars.first()?.all();
    let shown = bars.get(..MAX_ROWS).unwrap_or(&bars);
    let mut drawing = Drawing::new("exposure-by-unit", WIDTH);
    let width = |count: usize| match count {
        0 => 0.0,
        count => ((WIDTH - LEFT - WORDS) * count as f64 / most as f64).max(THIN),
    };
    for (at, bar) in shown.iter().enumerate() {
        let y = at as f64 * ROW;
        let unit = clipped(bar.unit(), 28);
        drawing.text("end", LEFT - 10.0, y + 17.0, &unit);
        let tip = format!("{}: {}", bar.unit(), bar.words());
        let (affected, needs) = (width(bar.affected), width(bar.needs_person));
        if bar.affected > 0 {
            drawing.rect("p-bad", [LEFT, y + 3.0, affected, ROW - 8.0], &tip);
        }
        if bar.needs_person > 0 {
            let part = [LEFT + affected, y + 3.0, needs, ROW - 8.0];
            drawing.rect("f-warn", part, &tip);
        }
        let x = LEFT + affected + needs + 8.0;
        drawing.text("", x, y + 17.0, &bar.words());
    }
    let told: Vec<String> = shown
        .iter()
        .map(|bar| format!("{}: {}", bar.unit(), bar.words()))
        .collect();
    let desc = format!("{}.", told.join("; "));
    let svg = drawing.finished(
        shown.len() as f64 * ROW + 4.0,
        "Open matches by unit",
        &desc,
    );
    let mut notes = Vec::new();
    if let Some(rest) = bars.get(MAX_ROWS..).filter(|rest| !rest.is_empty()) {
        let open: usize = rest.iter().map(|bar| bar.all()).sum();
        let units = counted(rest.len(), "unit", "units");
        let matches = counted(open, "match", "matches");
        notes.push(format!(
            "Not drawn: {units} with no more than these, {matches} in all."
        ));
    }
    Some(
        Figure {
            heading: "Open matches by unit".into(),
            drawings: vec![svg],
            signs: vec![
                Sign::new("p-bad", "affected (solid)"),
                Sign::new("f-warn", "a person must say whether it is (outlined)"),
            ],
            notes,
            ..Figure::default()
        }
        .html(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(unit: &str, affected: usize, needs_person: usize) -> Bar {
        Bar {
            unit: (!unit.is_empty()).then(|| unit.to_owned()),
            affected,
            needs_person,
        }
    }

    #[test]
    fn the_longest_comes_first_and_both_parts_are_told() {
        let bars = [
            bar("lab", 1, 0),
            bar("icu<3>", 4, 6),
            bar("", 0, 2),
            bar("or", 0, 0),
        ];
        let svg = drawn(&bars).unwrap();
        let places: Vec<Option<usize>> = ["icu&lt;3&gt;</text>", "in no unit</text>", "lab</text>"]
            .iter()
            .map(|unit| svg.find(unit))
            .collect();
        assert!(places.is_sorted() && places[0].is_some(), "{svg}");
        assert!(svg.contains("<rect class=\"p-bad\" x=\"240.0\" y=\"3.0\" width=\"200.0\""));
        assert!(svg.contains("<rect class=\"f-warn\" x=\"440.0\" y=\"3.0\" width=\"300.0\""));
        assert!(svg.contains(">4 affected, 6 need a person</text>"));
        assert!(!svg.contains("or</text>"), "nothing is open there");
        assert!(drawn(&[bar("or", 0, 0)]).is_none());
    }

    #[test]
    fn many_units_are_bounded_and_the_rest_is_said() {
        let many: Vec<Bar> = (0..100).map(|n| bar(&format!("u{n}"), 3, 1)).collect();
        let svg = drawn(&many).unwrap();
        assert_eq!(
            svg.matches("<rect class=\"p-bad\" x=\"240.0\"").count(),
            MAX_ROWS
        );
        assert!(svg.contains("Not drawn: 70 units with no more than these, 280 matches in all."));
    }
}
