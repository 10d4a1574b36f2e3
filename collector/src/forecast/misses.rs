//! What became of a machine's slots, and how likely its next one is used.

use super::idle::History;
use patchward_common::job::{Event, Reason};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::check::Step;

/// What became of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The work started, or would have.
    Started,
    /// The machine was not heard.
    Offline,
    /// Somebody used it.
    InUse,
    /// The ward held it, or it was stopped.
    Held,
    /// It was there, and another check or the group's minimum refused.
    NoFit,
}

/// Every outcome.
pub const OUTCOMES: [Outcome; 5] = [
    Outcome::Started,
    Outcome::Offline,
    Outcome::InUse,
    Outcome::Held,
    Outcome::NoFit,
];

impl Outcome {
    /// Its word in tables and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Offline => "offline",
            Self::InUse => "in_use",
            Self::Held => "held",
            Self::NoFit => "no_fit",
        }
    }

    /// The outcome with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        OUTCOMES.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// What a slot ended with, from what the installer signed of the job. Without any event
/// in it, a hold or silence says why; a machine that was heard and neither started nor
/// refused got no go.
pub fn judge(
    events: &[(UtcMs, Event)],
    slot: Interval,
    history: &History,
    held_until: Option<UtcMs>,
) -> Outcome {
    let inside = events.iter().filter(|(at, _)| slot.contains(*at));
    let mut last = None;
    for (_, event) in inside {
        match event {
            Event::Started(_) | Event::WouldHaveStarted(_) => return Outcome::Started,
            Event::Refused(refused) => last = Some(of_refusal(&refused.reason)),
            Event::Withdrawn(_) => last = Some(Outcome::InUse),
            Event::Stopped(_) => last = Some(Outcome::Held),
            Event::Prepared
            | Event::StepEnded(_)
            | Event::RebootPending(_)
            | Event::RebootOrdered(_)
            | Event::RecoveryBegan(_)
            | Event::Measured(_) => {}
        }
    }
    let silent = || match held_until {
        Some(until) if slot.start() < until => Outcome::Held,
        _ if history.was_heard(slot) => Outcome::NoFit,
        _ => Outcome::Offline,
    };
    last.unwrap_or_else(silent)
}

fn of_refusal(reason: &Reason) -> Outcome {
    match reason.step {
        Some(Step::Interlock) => Outcome::InUse,
        Some(Step::HoldAndStop) => Outcome::Held,
        _ => Outcome::NoFit,
    }
}

/// How many slots ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; OUTCOMES.len()]);

/// The fleet's history weighs as much in a machine's chance as so many slots of its own.
const PRIOR_SLOTS: f64 = 4.0;
/// What is believed before anything happened: eight slots of ten are used.
const FIRST_USED: f64 = 8.0;
const FIRST_SLOTS: f64 = 10.0;

impl Counts {
    /// Adds slots that ended so.
    pub fn add(&mut self, outcome: Outcome, count: u32) {
        if let Some(cell) = self.0.get_mut(outcome as usize) {
            *cell = cell.saturating_add(count);
        }
    }

    /// Adds all of another's.
    pub fn add_all(&mut self, other: &Self) {
        for outcome in OUTCOMES {
            self.add(outcome, other.of(outcome));
        }
    }

    /// How many ended so.
    pub fn of(&self, outcome: Outcome) -> u32 {
        self.0.get(outcome as usize).copied().unwrap_or(0)
    }

    /// What the machine's slots were missed for most; `None` where none was.
    pub fn usual_miss(&self) -> Option<Outcome> {
        let misses = OUTCOMES.into_iter().skip(1);
        let missed = misses.filter(|outcome| self.of(*outcome) > 0);
        // Of equal ones the first named.
        missed.rev().max_by_key(|outcome| self.of(*outcome))
    }

    fn without(&self, left_out: Option<Outcome>) -> (f64, f64) {
        let counted = OUTCOMES.into_iter().filter(|o| Some(*o) != left_out);
        let all = counted.map(|outcome| f64::from(self.of(outcome))).sum();
        (f64::from(self.of(Outcome::Started)), all)
    }

    /// How likely a slot of this machine is used, from 0 to 1: its own history, drawn
    /// towards the fleet's. Where the hours of the slot have an idle share, that says how
    /// often it is in use then, instead of the slots that were missed for it.
    pub fn chance(&self, fleet: &Self, idle_share: Option<f64>) -> f64 {
        let left_out = idle_share.map(|_| Outcome::InUse);
        let (fleet_used, fleet_all) = fleet.without(left_out);
        let usual = (fleet_used + FIRST_USED) / (fleet_all + FIRST_SLOTS);
        let (used, all) = self.without(left_out);
        let chance = (used + usual * PRIOR_SLOTS) / (all + PRIOR_SLOTS);
        chance * idle_share.unwrap_or(1.0).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::MINUTE_MS;
    use patchward_common::wire::machine::InterlockWord;
    use proptest::prelude::*;

    fn slot() -> Interval {
        Interval::new(UtcMs(100 * MINUTE_MS), UtcMs(200 * MINUTE_MS)).unwrap()
    }

    fn refused(minute: i64, step: Option<Step>) -> (UtcMs, Event) {
        let text = "no".into();
        let reason = Reason { step, text };
        (UtcMs(minute * MINUTE_MS), Event::Refused(reason.into()))
    }

    #[test]
    fn a_slot_is_judged_by_its_last_event() {
        let used = refused(150, Some(Step::Interlock));
        let held = refused(160, Some(Step::HoldAndStop));
        let other = refused(170, Some(Step::Go));
        let before = refused(99, Some(Step::Interlock));
        let mut heard = History::default();
        heard.record(slot(), InterlockWord::Idle);
        let silent = History::default();
        let until = Some(UtcMs(101 * MINUTE_MS));
        for (events, history, hold, outcome) in [
            (vec![used.clone()], &heard, None, Outcome::InUse),
            (
                vec![used.clone(), held.clone()],
                &heard,
                None,
                Outcome::Held,
            ),
            (vec![used, held, other], &heard, None, Outcome::NoFit),
            (vec![before.clone()], &heard, None, Outcome::NoFit),
            (vec![before], &silent, None, Outcome::Offline),
            (vec![], &silent, until, Outcome::Held),
        ] {
            assert_eq!(judge(&events, slot(), history, hold), outcome, "{events:?}");
        }
    }

    #[test]
    fn words_are_one_each() {
        for outcome in OUTCOMES {
            assert_eq!(Outcome::of_word(outcome.word()), Some(outcome));
        }
        assert_eq!(Outcome::of_word("lost"), None);
    }

    #[test]
    fn the_usual_miss_is_the_most_frequent() {
        let mut counts = Counts::default();
        counts.add(Outcome::Started, 9);
        assert_eq!(counts.usual_miss(), None);
        counts.add(Outcome::Held, 1);
        counts.add(Outcome::InUse, 1);
        assert_eq!(counts.usual_miss(), Some(Outcome::InUse));
        counts.add(Outcome::Held, 1);
        assert_eq!(counts.usual_miss(), Some(Outcome::Held));
    }

    proptest! {
        #[test]
        fn a_miss_lowers_the_chance_and_a_start_raises_it(
            own in prop::collection::vec(0u32..50, 5),
            all in prop::collection::vec(0u32..500, 5),
            share in prop::option::of(0.0f64..=1.0),
        ) {
            let counts = |numbers: &[u32]| {
                let mut counts = Counts::default();
                for (outcome, number) in OUTCOMES.into_iter().zip(numbers) {
                    counts.add(outcome, *number);
                }
                counts
            };
            let (own, fleet) = (counts(&own), counts(&all));
            let chance = own.chance(&fleet, share);
            prop_assert!((0.0..=1.0).contains(&chance));
            let (mut better, mut worse) = (own, own);
            better.add(Outcome::Started, 1);
            worse.add(Outcome::Offline, 1);
            prop_assert!(better.chance(&fleet, share) >= chance);
            prop_assert!(worse.chance(&fleet, share) <= chance);
        }
    }
}
