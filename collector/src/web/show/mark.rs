//! States for people who look rather than read: an icon and a colour beside the word, never
//! colour alone.

use crate::command::plan::standing::{ENDED, REFUSED_BY};
use crate::control::Cell;

/// What stands beside a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The class of the style sheet.
    pub class: &'static str,
    /// The icon.
    pub icon: &'static str,
}

/// All is well.
pub const GOOD: Mark = mark("good", "✓");
/// Something is known to come.
pub const CALM: Mark = mark("calm", "◷");
/// Somebody should look.
pub const WARN: Mark = mark("warn", "!");
/// Something is wrong.
pub const BAD: Mark = mark("bad", "✕");
/// Nothing is said or expected.
pub const OFF: Mark = mark("off", "–");

const fn mark(class: &'static str, icon: &'static str) -> Mark {
    Mark { class, icon }
}

/// Columns that hold states.
const STATES: [&str; 17] = [
    "state",
    "states",
    "in_use",
    "ready",
    "raised",
    "finding",
    "verdict",
    "value",
    "severity",
    "mode",
    "outcome",
    "standing",
    "kind",
    "begins",
    "priority",
    "exploited",
    "status",
];

/// The words of states.
const WORDS: [(Mark, &[&str]); 5] = [
    (
        GOOD,
        &[
            "verified",
            "attested",
            "ready",
            "idle",
            "active",
            "enrolled",
            "not_affected",
            "open",
            "in_service",
            "done",
            "install",
            "may_buy",
        ],
    ),
    (
        CALM,
        &[
            "planned",
            "waiting",
            "draft",
            "signed",
            "assigned",
            "staged",
            "armed",
            "installing",
            "measuring",
            "rebooting",
            "rehearse",
            "invited",
            "in_progress",
            "scheduled",
        ],
    ),
    (
        WARN,
        &[
            "unknown",
            "needs_person",
            "needs_a_person",
            "in_use",
            "not_ready",
            "warns",
            "missed",
            "deferred",
            "reboot_pending",
            "recovering",
            "locked",
            "high",
            "medium",
            "not_remediated",
            "next",
        ],
    ),
    (
        BAD,
        &[
            "failed",
            "rolled_back",
            "affected",
            "against",
            "forbids",
            "stopped",
            "refused",
            "halted",
            "critical",
            "expired",
            "revoked",
        ],
    ),
    (
        OFF,
        &[
            "ended",
            "exception",
            "superseded",
            "withdrawn",
            "observe",
            "none",
            "closed",
            "low",
            "later",
            "not_seen_from_here",
        ],
    ),
];

/// Whether a column holds states: their words have spaces for people.
pub fn is_state(column: &str) -> bool {
    STATES.contains(&column)
}

/// What stands beside a cell's words.
pub fn of(column: &str, cell: &Cell) -> Option<Mark> {
    if let ("why", Cell::Text(text)) = (column, cell) {
        return text.starts_with(REFUSED_BY).then_some(BAD);
    }
    // Nothing but a return to service makes a machine safe, and that is said of none.
    if let ("safe_to_use", Cell::Worded { word, .. }) = (column, cell) {
        return Some(if word == "not_yet" { WARN } else { BAD });
    }
    if !is_state(column) {
        return None;
    }
    match cell {
        Cell::Worded { words, .. } if words.starts_with(ENDED) => Some(WARN),
        Cell::Text(text) | Cell::Worded { words: text, .. } => {
            let word = text.split([' ', ',', ':', '(']).next().unwrap_or_default();
            let found = WORDS.iter().find(|(_, words)| words.contains(&word));
            found.map(|(mark, _)| *mark)
        }
        Cell::Flag(true) if column == "raised" || column == "exploited" => Some(WARN),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_an_icon_and_a_name_has_none() {
        let marked = |column, text: &str| of(column, &Cell::of(text)).map(|mark| mark.class);
        assert_eq!(marked("state", "verified"), Some("good"));
        assert_eq!(marked("state", "waiting(htm)"), Some("calm"));
        assert_eq!(marked("state", "failed: disk full"), Some("bad"));
        assert_eq!(marked("name", "verified"), None);
        assert_eq!(marked("state", "something new"), None);
        let worded = |word, words: &str| {
            let cell = Cell::worded(word, words.to_owned());
            of("state", &cell).map(|mark| mark.class)
        };
        assert_eq!(worded("done", "ended, 0 of 1 verified"), Some("warn"));
        assert_eq!(worded("active", "refused by pc-1: not signed"), Some("bad"));
        assert_eq!(marked("why", "refused by pc-1: not signed"), Some("bad"));
        assert_eq!(marked("why", "verified"), None);
        let safe = |word| {
            let cell = Cell::worded(word, "Not at all".to_owned());
            of("safe_to_use", &cell).map(|mark| mark.class)
        };
        let marks = ["no", "unknown", "not_yet"].map(safe);
        assert_eq!(marks, [Some("bad"), Some("bad"), Some("warn")]);
    }
}
