//! What is told by itself of open items: to whom, when it is news, in which words, and how
//! often it is tried. Values in, values out.

pub mod mail;
pub mod news;
pub mod retry;
pub mod webhook;

use crate::item::{Item, Kind, Owner};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// Longest text of a notice in characters: what is more stands on the page.
const MAX_TEXT: usize = 500;

/// Whether something is open, or is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is open.
    New,
    /// It is open no more.
    Ended,
}

/// What is told of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whether it is open.
    pub event: Event,
    /// Its key.
    pub item: String,
    /// What has to be done.
    pub kind: String,
    /// The machine's name, or what else people call it.
    pub about: String,
    /// The unit, where it is one's.
    pub unit: Option<String>,
    /// The class of the machine, where it is one's.
    pub class: Option<String>,
    /// Whose move it is.
    pub owner: String,
    /// Since when, in milliseconds since 1970.
    pub since: i64,
    /// Why, in words.
    pub why: String,
}

impl Notice {
    /// That an item is open.
    pub fn of(item: &Item) -> Self {
        Self {
            event: Event::New,
            item: item.key(),
            kind: item.kind.word().to_owned(),
            about: one_line(&item.about, MAX_TEXT),
            unit: item.unit.as_ref().map(Name::to_string),
            class: item.class.map(|class| class.word().to_owned()),
            owner: item.owner.word().to_owned(),
            since: item.since.0,
            why: one_line(&item.why, MAX_TEXT),
        }
    }

    /// The same, that it is open no more.
    pub fn ended(self) -> Self {
        Self {
            event: Event::Ended,
            ..self
        }
    }

    /// Since when.
    pub fn since(&self) -> UtcMs {
        UtcMs(self.since)
    }
}

/// A text of ours, of a machine or of others as one line that steers nothing, of at most
/// `most` characters.
pub fn one_line(text: &str, most: usize) -> String {
    let is_bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    let harmless = text.chars().map(|c| if is_bad(c) { ' ' } else { c });
    harmless.take(most).collect()
}

/// What is told where nobody says it: what waits for a decision, what went wrong, what is in
/// the way, what was promised and is late.
pub fn is_usual(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Sign
            | Kind::Question
            | Kind::Return
            | Kind::Failed
            | Kind::RolledBack
            | Kind::Fallen
            | Kind::Lost
            | Kind::Halted
            | Kind::Overrun
            | Kind::Starving
            | Kind::Silent
            | Kind::Copied
            | Kind::Stopped
            | Kind::Withheld
            | Kind::Case
            | Kind::Mitigation
            | Kind::Metadata
            | Kind::Calendar
            | Kind::Undelivered
            | Kind::Expiring
            | Kind::Unsigned
            | Kind::Restored
    )
}

/// Whether an item is worth telling yet. What somebody works on until a date is told when it
/// is late; everything else at once.
pub fn is_news(item: &Item, now: UtcMs) -> bool {
    match item.kind {
        Kind::Case | Kind::Mitigation => item.is_raised(now),
        _ => true,
    }
}

/// Which items a target is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The target's own name.
    pub target: &'a str,
    /// Words of kinds; the usual ones, where there are none.
    pub kinds: &'a [String],
    /// Units; everything, where there are none.
    pub units: &'a [Name],
}

impl Wanted<'_> {
    /// Whether a target is told of an item. One of no unit is everybody's.
    pub fn covers(&self, item: &Item) -> bool {
        let of_kind = match self.kinds.is_empty() {
            true => is_usual(item.kind),
            false => self.kinds.iter().any(|word| word == item.kind.word()),
        };
        let here = item
            .unit
            .as_ref()
            .is_none_or(|unit| self.units.is_empty() || self.units.contains(unit));
        // That it cannot be reached, others are told.
        let itself = item.kind == Kind::Undelivered && item.subject == self.target;
        of_kind && here && !itself
    }

    /// What of `items` a target is to know now.
    pub fn of(&self, items: &[Item], now: UtcMs) -> Vec<Notice> {
        let covered = items.iter().filter(|item| self.covers(item));
        covered
            .filter(|item| is_news(item, now))
            .map(Notice::of)
            .collect()
    }
}

/// An owner in a sentence.
pub fn whose(owner: &str) -> &'static str {
    match Owner::of_word(owner) {
        Some(Owner::Vendor) => "the vendor's move",
        Some(Owner::Htm) => "HTM's move",
        Some(Owner::It) => "IT operations' move",
        Some(Owner::Security) => "Security's move",
        Some(Owner::Ward) => "the ward's move",
        Some(Owner::Time) | None => "nobody's move: it waits for its time",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use patchward_common::time::DAY_MS;

    pub(crate) fn item(kind: Kind, subject: &str, unit: Option<&str>) -> Item {
        Item {
            kind,
            subject: subject.into(),
            about: "pc-1".into(),
            unit: unit.map(|unit| Name::new(unit).unwrap()),
            class: None,
            owner: Owner::It,
            since: UtcMs(0),
            raise_at: None,
            why: "it ended with 1".into(),
        }
    }

    #[test]
    fn a_target_is_told_of_its_kinds_and_units() {
        let kinds = ["failed".to_owned()];
        let units = [Name::new("icu").unwrap()];
        let usual = Wanted::default();
        assert!(usual.covers(&item(Kind::Failed, "x", Some("or"))));
        assert!(!usual.covers(&item(Kind::Waiting, "x", Some("or"))));
        let some = Wanted {
            target: "hook",
            kinds: &kinds,
            units: &units,
        };
        for (item, is_covered) in [
            (item(Kind::Failed, "x", Some("icu")), true),
            (item(Kind::Failed, "x", None), true),
            (item(Kind::Failed, "x", Some("or")), false),
            (item(Kind::Lost, "x", Some("icu")), false),
        ] {
            assert_eq!(some.covers(&item), is_covered, "{item:?}");
        }
        let own = Wanted {
            target: "hook",
            ..Wanted::default()
        };
        assert!(!own.covers(&item(Kind::Undelivered, "hook", None)));
        assert!(own.covers(&item(Kind::Undelivered, "mail", None)));
    }

    #[test]
    fn a_case_is_told_when_its_promise_is_late() {
        let mut case = item(Kind::Case, "1", None);
        case.raise_at = Some(UtcMs(DAY_MS));
        let told = |now: i64| Wanted::default().of(&[case.clone()], UtcMs(now)).len();
        assert_eq!((told(DAY_MS - 1), told(DAY_MS)), (0, 1));
    }

    #[test]
    fn what_is_told_is_one_line_and_steers_nothing() {
        let mut hostile = item(Kind::Failed, "x", None);
        hostile.why = "a\r\nBcc: x@y\u{1b}[2J\u{202e}".to_owned() + &"z".repeat(1_000);
        let notice = Notice::of(&hostile);
        assert!(!notice.why.contains(['\r', '\n', '\u{1b}', '\u{202e}']));
        assert_eq!(notice.why.chars().count(), MAX_TEXT);
    }
}
