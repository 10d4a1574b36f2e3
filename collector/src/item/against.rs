//! What a job leaves against the use of its machine. Pure.

use super::Kind;
use patchward_common::job::State;

/// What keeps a patient from a machine, the gravest last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Against {
    /// It was done, and HTM has not returned the machine to service.
    Return,
    /// What it verified is there no more: what is, in words.
    Fallen(String),
    /// It ended with something else than what was planned: how, in words.
    Wrong(&'static str),
    /// It was given a go whose end is not reported.
    Going,
    /// Its work has begun, and nothing was measured.
    Open,
}

impl Against {
    /// What a job leaves: by where it stands, by what it still needs of a person, and by
    /// whether its go is out.
    pub fn of(state: &State, needs: Option<Kind>, is_going: bool) -> Option<Self> {
        let needed = |against| needs.map(|_| against);
        match state {
            state if state.is_open() => Some(Self::Open),
            _ if is_going => Some(Self::Going),
            State::Failed(_) => needed(Self::Wrong("failed")),
            State::Freed(_) => needed(Self::Wrong("was freed")),
            State::RolledBack(_) => needed(Self::Wrong("was rolled back")),
            State::Verified | State::Attested => needed(Self::Return),
            _ => None,
        }
    }

    /// How grave it is, whatever it says.
    pub fn weight(&self) -> u8 {
        match self {
            Self::Return => 1,
            Self::Fallen(_) => 2,
            Self::Wrong(_) => 3,
            Self::Going => 4,
            Self::Open => 5,
        }
    }

    /// Why its machine is no stand-in.
    pub fn words(&self) -> String {
        match self {
            Self::Return => "HTM has not returned it to service".to_owned(),
            Self::Fallen(why) => why.clone(),
            Self::Wrong(how) => format!("its job {how}"),
            Self::Going => "it was given a go, and may be at work".to_owned(),
            Self::Open => "it is being worked on".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::job::Reason;

    #[test]
    fn what_ended_counts_while_it_needs_somebody_and_what_goes_on_always() {
        let dark = || Reason::new("dark");
        let word = |state: &State, needs, is_going| {
            Against::of(state, needs, is_going).map(|against| against.weight())
        };
        for (state, needs, weight) in [
            (State::Measuring, Kind::Waiting, 5),
            (State::Failed(dark()), Kind::Failed, 3),
            (State::Failed(dark()), Kind::Behind, 3),
            (State::Freed(dark()), Kind::Freed, 3),
            (State::RolledBack(dark()), Kind::RolledBack, 3),
            (State::Verified, Kind::Return, 1),
            (State::Attested, Kind::Return, 1),
        ] {
            assert_eq!(word(&state, Some(needs), false), Some(weight), "{state:?}");
            let left = state.is_open().then_some(weight);
            assert_eq!(word(&state, None, false), left, "{state:?}");
        }
        for state in [State::Assigned, State::Missed, State::Stopped(dark())] {
            assert_eq!(word(&state, Some(Kind::Waiting), false), None);
            assert_eq!(word(&state, None, true), Some(4), "{state:?}");
        }
        assert_eq!(word(&State::InService, None, false), None);
    }
}
