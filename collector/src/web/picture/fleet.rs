//! The fleet by state: one bar, as long as all machines together.

use super::svg::Drawing;
use super::{Figure, Sign, counted};

/// Most states that have a part of their own.
const MAX_STATES: usize = 14;
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 44.0;
/// The least width of a part that is seen.
const THIN: f64 = 4.0;
/// Between parts, so that two of one colour are two.
const GAP: f64 = 3.0;
/// What a digit takes.
const DIGIT: f64 = 11.0;

/// Machines in one state.
#[derive(Clone, Debug)]
pub struct State {
    /// Its word.
    pub word: String,
    /// The class of its colour: `p-good` and so on.
    pub class: &'static str,
    /// How many.
    pub count: usize,
}

/// Draws the states in their order; nothing where there is no machine.
pub fn drawn(states: &[State]) -> Option<String> {
    let states = bounded(states);
    let all: usize = states.iter().map(|state| state.count).sum();
    if all == 0 {
        return None;
    }
    let mut drawing = Drawing::new("fleet", WIDTH);
    let room = WIDTH - (GAP + THIN) * states.len() as f64;
    let mut x = 0.0;
    for state in &states {
        // Everyone has at least a thin part; what is left is shared by number.
        let width = THIN + room * state.count as f64 / all as f64;
        let words = format!("{} {}", state.count, state.word);
        drawing.rect(state.class, [x, 0.0, width, HEIGHT], &words);
        let count = state.count.to_string();
        if width > DIGIT * (count.len() as f64 + 1.0) {
            drawing.text("on strong mid", x + width / 2.0, HEIGHT / 2.0 + 5.0, &count);
        }
        x += width + GAP;
    }
    let told: Vec<String> = states
        .iter()
        .map(|state| format!("{} {}", state.count, state.word))
        .collect();
    let machines = counted(all, "machine", "machines");
    let desc = format!("{machines}, from left to right: {}.", told.join(", "));
    let svg = drawing.finished(HEIGHT, "The fleet by state", &desc);
    let signs = states.iter().zip(&told);
    let signs = signs.map(|(state, words)| Sign::new(state.class, words));
    Some(
        Figure {
            heading: "The fleet by state".into(),
            drawings: vec![svg],
            signs: signs.collect(),
            notes: vec![format!("{machines}; parts from left to right as named.")],
            ..Figure::default()
        }
        .html(),
    )
}

/// The states that there are; those beyond the most are one.
fn bounded(states: &[State]) -> Vec<State> {
    let some = states.iter().filter(|state| state.count > 0);
    let mut states: Vec<State> = some.cloned().collect();
    if states.len() > MAX_STATES {
        let rest = states.split_off(MAX_STATES - 1);
        states.push(State {
            word: format!("in {} other states", rest.len()),
            class: "p-off",
            count: rest.iter().map(|state| state.count).sum(),
        });
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(word: &str, class: &'static str, count: usize) -> State {
        State {
            word: word.into(),
            class,
            count,
        }
    }

    fn widths(svg: &str) -> Vec<f64> {
        // Each bar's width stands before its height; nothing after the last height is one.
        let mut parts: Vec<&str> = svg.split("\" height=\"44.0\"").collect();
        parts.pop();
        let widths = parts.iter().filter_map(|part| {
            let (_, width) = part.rsplit_once("width=\"")?;
            width.parse().ok()
        });
        widths.collect()
    }

    #[test]
    fn parts_are_as_wide_as_there_are_machines_and_none_is_lost() {
        let states = [
            state("verified", "p-good", 998),
            state("failed", "p-bad", 1),
            state("gone", "p-off", 0),
            state("<planned>", "p-calm", 1),
        ];
        let svg = drawn(&states).unwrap();
        let widths = widths(&svg);
        assert_eq!(widths.len(), 3, "{svg}");
        assert!(widths[1] >= THIN && widths[0] > 900.0, "{widths:?}");
        assert!(widths.iter().sum::<f64>() <= WIDTH);
        assert!(svg.contains("1000 machines, from left to right: 998 verified, 1 failed"));
        assert!(svg.contains("1 &lt;planned&gt;") && !svg.contains("gone"));
        assert!(
            svg.contains(">998</text>") && !svg.contains(">1</text>"),
            "no room for it"
        );
        assert!(drawn(&[]).is_none() && drawn(&states[2..3]).is_none());
    }

    #[test]
    fn many_states_are_bounded_and_all_are_counted() {
        let many: Vec<State> = (0..40)
            .map(|n| state(&format!("s{n}"), "p-off", 2))
            .collect();
        let svg = drawn(&many).unwrap();
        assert_eq!(widths(&svg).len(), MAX_STATES);
        assert!(
            svg.contains("80 machines") && svg.contains("54 in 27 other states"),
            "{svg}"
        );
    }
}
