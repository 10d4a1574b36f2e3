//! How a machine stands tonight, in the words of who works beside it. Pure.

use crate::item::Kind;
use crate::web::show::mark::{BAD, CALM, GOOD, Mark, OFF, WARN};
use patchward_common::job::State;
use patchward_common::time::{Interval, UtcMs};

/// What is known of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The job that is under way on it, with the slot that it runs in.
    pub open: Option<(&'a State, Option<Interval>)>,
    /// What its newest job still needs of a person, once it has ended.
    pub needs: Option<Kind>,
    /// Until when it, or its unit, is held.
    pub held: Option<UtcMs>,
    /// Its next slot until this time tomorrow.
    pub slot: Option<Interval>,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Work is going on.
    Working,
    /// The same, beyond its slot.
    Overrun,
    /// Installed, and the restart waits for an idle machine.
    Restart,
    /// The work failed, or nobody knows how it ended.
    Failed,
    /// The version before is back.
    WentBack,
    /// The work is done, and HTM has not returned the machine to service.
    WaitsForHtm,
    /// "Not now".
    Held,
    /// It may start at any moment.
    Soon,
    /// A slot is known.
    Planned,
    /// Nothing.
    Quiet,
}

impl Stands {
    /// What comes first is what somebody beside the machine has to know first.
    pub fn of(known: &Known<'_>, now: UtcMs) -> Self {
        match known.open {
            Some((State::RebootPending, _)) => return Self::Restart,
            Some((_, Some(slot))) if slot.end() <= now => return Self::Overrun,
            Some(_) => return Self::Working,
            None => {}
        }
        match known.needs {
            Some(Kind::Failed | Kind::Freed) => return Self::Failed,
            Some(Kind::RolledBack) => return Self::WentBack,
            Some(Kind::Return) => return Self::WaitsForHtm,
            _ => {}
        }
        if known.held.is_some_and(|until| now < until) {
            return Self::Held;
        }
        match known.slot {
            Some(slot) if slot.contains(now) => Self::Soon,
            Some(_) => Self::Planned,
            None => Self::Quiet,
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Working => "Being worked on: do not use it",
            Self::Overrun => "Work takes longer than planned: do not use it, call the number below",
            Self::Restart => "Waits for a restart: it restarts once nobody uses it",
            Self::Failed => "Something went wrong: do not use it before HTM has looked at it",
            Self::WentBack => "The work was undone, the version before is back: ask HTM",
            Self::WaitsForHtm => "Done: HTM still has to release it for patients",
            Self::Held => "Not now: nothing starts on it",
            Self::Soon => "May start at any moment, once nobody uses it",
            Self::Planned => "Use it as usual until then",
            Self::Quiet => "Nothing is planned",
        }
    }

    /// Icon and colour beside the words.
    pub fn mark(self) -> Mark {
        match self {
            Self::Working | Self::Overrun | Self::Failed => BAD,
            Self::Restart | Self::WentBack | Self::WaitsForHtm | Self::Soon => WARN,
            Self::Planned => CALM,
            Self::Held => GOOD,
            Self::Quiet => OFF,
        }
    }

    /// Whether "not now" still changes something.
    pub fn can_be_held(self) -> bool {
        !matches!(self, Self::Working | Self::Overrun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::HOUR_MS;

    const NOW: UtcMs = UtcMs(100 * HOUR_MS);

    fn slot(from: i64, to: i64) -> Interval {
        Interval::new(NOW.plus_ms(from * HOUR_MS), NOW.plus_ms(to * HOUR_MS)).unwrap()
    }

    fn known<'a>(needs: Option<Kind>, held: Option<UtcMs>, slot: Option<Interval>) -> Known<'a> {
        Known {
            open: None,
            needs,
            held,
            slot,
        }
    }

    fn open(state: &State, slot: Interval) -> Known<'_> {
        Known {
            open: Some((state, Some(slot))),
            // Neither stops what runs, nor says more than that.
            ..known(Some(Kind::Return), Some(NOW.plus_ms(1)), Some(slot))
        }
    }

    #[test]
    fn what_endangers_a_patient_is_said_first() {
        let held = Some(NOW.plus_ms(1));
        let later = Some(slot(2, 3));
        let (runs, over) = (slot(-1, 1), slot(-2, 0));
        for (known, expected) in [
            (known(None, None, None), Stands::Quiet),
            (known(None, None, later), Stands::Planned),
            (known(None, None, Some(runs)), Stands::Soon),
            (known(None, held, later), Stands::Held),
            // A hold that is over says nothing.
            (known(None, Some(NOW), later), Stands::Planned),
            (known(Some(Kind::Return), held, None), Stands::WaitsForHtm),
            (known(Some(Kind::RolledBack), None, later), Stands::WentBack),
            (known(Some(Kind::Failed), None, later), Stands::Failed),
            (known(Some(Kind::Freed), held, None), Stands::Failed),
            (open(&State::Installing, runs), Stands::Working),
            (open(&State::Measuring, over), Stands::Overrun),
            (open(&State::RebootPending, over), Stands::Restart),
        ] {
            assert_eq!(Stands::of(&known, NOW), expected, "{known:?}");
        }
    }

    #[test]
    fn what_runs_cannot_be_held_and_is_not_offered() {
        assert!(!Stands::Working.can_be_held());
        assert!(Stands::Planned.can_be_held() && Stands::Restart.can_be_held());
    }
}
