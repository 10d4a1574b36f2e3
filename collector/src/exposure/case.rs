//! A vendor's case: what was asked, promised and answered, and whom that leaves with the next
//! step.

use crate::item::Owner;
use patchward_common::time::{DAY_MS, UtcMs};

/// What a step of a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// We asked the vendor.
    Asked,
    /// The vendor promised something, by a date perhaps.
    Promised,
    /// The vendor answered.
    Answered,
    /// A document came in, and is kept.
    Document,
    /// We want to be reminded.
    Reminder,
}

const KINDS: [StepKind; 5] = [
    StepKind::Asked,
    StepKind::Promised,
    StepKind::Answered,
    StepKind::Document,
    StepKind::Reminder,
];

impl StepKind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Promised => "promised",
            Self::Answered => "answered",
            Self::Document => "document",
            Self::Reminder => "reminder",
        }
    }

    /// The one with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.word() == word)
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// In words.
    pub words: String,
    /// When it was.
    pub at: UtcMs,
    /// By when something is promised, or from when to be reminded.
    pub due: Option<UtcMs>,
}

/// Whose move a case is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who takes the next step.
    pub owner: Owner,
    /// Since when.
    pub since: UtcMs,
    /// From when it is raised, whatever its age.
    pub raise_at: Option<UtcMs>,
    /// Why, in words.
    pub why: String,
}

/// Whole days from one instant to another.
pub fn days(since: UtcMs, now: UtcMs) -> i64 {
    now.since_ms(since).max(0) / DAY_MS
}

/// `1 day`, `41 days`.
pub fn days_words(since: UtcMs, now: UtcMs) -> String {
    match days(since, now) {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Whose move an open case is, by its steps in their order.
pub fn waiting(opened: UtcMs, steps: &[Step], now: UtcMs) -> Waiting {
    let is = |kind: StepKind| move |step: &&Step| step.kind == kind;
    let answered = steps
        .iter()
        .rposition(|step| step.kind == StepKind::Answered);
    let since_answer = &steps[answered.map_or(0, |at| at + 1)..];
    let promised = since_answer.iter().rev().find(is(StepKind::Promised));
    // The vendor has it from the first question without an answer on.
    let asked = since_answer
        .iter()
        .find(|step| matches!(step.kind, StepKind::Asked | StepKind::Promised));
    if let Some(asked) = asked {
        let waits = format!("waiting for the vendor, {}", days_words(asked.at, now));
        let due = promised.and_then(|step| step.due);
        let why = match (promised, due) {
            (Some(step), Some(due)) if due <= now => {
                format!(
                    "{waits}: promised until {due}, which has passed: {}",
                    step.words
                )
            }
            (Some(step), Some(due)) => format!("{waits}: promised until {due}: {}", step.words),
            (Some(step), None) => format!("{waits}: promised: {}", step.words),
            (None, _) => format!("{waits}: {}", asked.words),
        };
        return Waiting {
            owner: Owner::Vendor,
            since: asked.at,
            raise_at: due,
            why,
        };
    }
    let (since, why) = match answered.and_then(|at| steps.get(at)) {
        Some(step) => (step.at, format!("the vendor answered: {}", step.words)),
        None => (opened, "the vendor was not asked yet".to_owned()),
    };
    Waiting {
        owner: Owner::Htm,
        since,
        raise_at: None,
        why,
    }
}

/// The reminder that is due: the newest one, until we ask again or the vendor says something
/// after its time has come.
pub fn reminder(steps: &[Step], now: UtcMs) -> Option<&Step> {
    let newest = steps
        .iter()
        .rev()
        .find(|step| step.kind == StepKind::Reminder)?;
    let due = newest.due.filter(|due| *due <= now)?;
    let told = steps.iter().any(|step| {
        let counts = matches!(
            step.kind,
            StepKind::Asked | StepKind::Promised | StepKind::Answered
        );
        counts && due <= step.at
    });
    (!told).then_some(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(kind: StepKind, day: i64, due: Option<i64>) -> Step {
        Step {
            kind,
            words: format!("words {day}"),
            at: UtcMs(day * DAY_MS),
            due: due.map(|day| UtcMs(day * DAY_MS)),
        }
    }

    #[test]
    fn the_vendor_has_it_from_the_first_question_without_an_answer() {
        use StepKind::{Answered, Asked, Document, Promised};
        let day = |day: i64| UtcMs(day * DAY_MS);
        let mut steps = Vec::new();
        let mut after = |step: Option<Step>| {
            steps.extend(step);
            let found = waiting(day(0), &steps, day(50));
            (found.owner, found.since, found.raise_at, found.why)
        };
        let none = after(None);
        assert_eq!((none.0, none.1), (Owner::Htm, day(0)));
        after(Some(step(Asked, 9, None)));
        let asked = after(Some(step(Asked, 20, None)));
        assert_eq!((asked.0, asked.1), (Owner::Vendor, day(9)));
        assert!(
            asked.3.starts_with("waiting for the vendor, 41 days"),
            "{}",
            asked.3
        );
        let promised = after(Some(step(Promised, 21, Some(40))));
        assert_eq!((promised.1, promised.2), (day(9), Some(day(40))));
        assert!(promised.3.contains("which has passed"), "{}", promised.3);
        after(Some(step(Answered, 45, None)));
        let read = after(Some(step(Document, 46, None)));
        assert_eq!((read.0, read.1), (Owner::Htm, day(45)));
        let again = after(Some(step(Asked, 47, None)));
        assert_eq!((again.0, again.1), (Owner::Vendor, day(47)));
        assert_eq!(
            again.2, None,
            "what was promised before the answer counts no more"
        );
    }

    #[test]
    fn a_reminder_is_due_until_something_happens_after_it() {
        use StepKind::{Asked, Document, Reminder};
        let mut steps = vec![step(Asked, 1, None), step(Reminder, 2, Some(10))];
        let is_due = |steps: &[Step], day: i64| reminder(steps, UtcMs(day * DAY_MS)).is_some();
        assert!(!is_due(&steps, 9) && is_due(&steps, 10));
        steps.push(step(Document, 11, None));
        assert!(is_due(&steps, 12));
        steps.push(step(Asked, 11, None));
        assert!(!is_due(&steps, 12));
        steps.push(step(Reminder, 12, Some(20)));
        assert!(!is_due(&steps, 19) && is_due(&steps, 20));
    }
}
