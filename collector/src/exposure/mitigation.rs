//! Mitigation tasks: what lowers the risk until the fix is verified.

use super::scope::{Scope, covers};
use crate::item::Owner;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use std::collections::BTreeSet;

/// A person's word that it is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Where.
    pub scope: Vec<Scope>,
    /// Who looked.
    pub by: String,
    /// What they saw.
    pub words: String,
    /// When it was noted.
    pub at: UtcMs,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mitigation {
    /// Its number.
    pub number: u32,
    /// The advisory.
    pub advisory: String,
    /// What it is, in a few words.
    pub title: String,
    /// What is done, step by step.
    pub steps: Vec<String>,
    /// A word of [`Owner`], or a person.
    pub owner: String,
    /// Until when it has to be in place.
    pub due: UtcMs,
    /// What it is about.
    pub scope: Vec<Scope>,
    /// The probe that tells that it is in place, and what it answers then.
    pub probe: Option<(String, String)>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: UtcMs,
    /// What people said.
    pub attested: Vec<Attestation>,
    /// When a person closed it, and why.
    pub closed: Option<(UtcMs, String)>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Somewhere it is not in place.
    Open,
    /// The same, and its due date has passed.
    Overdue,
    /// It is in place wherever it has to be.
    InPlace,
    /// Nothing that it is about is open any more: the fix is there.
    Ended,
    /// A person closed it.
    Closed,
}

impl State {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::InPlace => "in_place",
            Self::Ended => "ended",
            Self::Closed => "closed",
        }
    }
}

/// How a task stands, with what its counts stand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How far it is.
    pub state: State,
    /// What of its scope is open at the advisory.
    pub covered: BTreeSet<String>,
    /// Of those, where a person says that it is in place.
    pub attested: BTreeSet<String>,
    /// Of those, where its probe says so.
    pub probed: BTreeSet<String>,
    /// Of those, the rest.
    pub left: BTreeSet<String>,
}

impl Mitigation {
    /// Whether it is about a machine or asset.
    pub fn is_about(&self, holder: &str, unit: Option<&Name>) -> bool {
        self.closed.is_none() && covers(&self.scope, holder, unit)
    }

    /// Whose move it is: a person's tasks are HTM's where nobody else is named.
    pub fn asked(&self) -> Owner {
        Owner::of_word(&self.owner).unwrap_or(Owner::Htm)
    }

    /// How it stands: `open` is what is open of its advisory, each with its unit; `probed` is
    /// where its probe answers what it should.
    pub fn progress(
        &self,
        open: &BTreeSet<(String, Option<Name>)>,
        probed: &BTreeSet<String>,
        now: UtcMs,
    ) -> Progress {
        let about = open
            .iter()
            .filter(|(holder, unit)| covers(&self.scope, holder, unit.as_ref()));
        let about: Vec<&(String, Option<Name>)> = about.collect();
        let is_attested = |one: &&&(String, Option<Name>)| {
            let mut words = self.attested.iter();
            words.any(|word| covers(&word.scope, &one.0, one.1.as_ref()))
        };
        let names = |part: Vec<&(String, Option<Name>)>| -> BTreeSet<String> {
            part.into_iter().map(|(holder, _)| holder.clone()).collect()
        };
        let attested = names(about.iter().filter(is_attested).copied().collect());
        let covered = names(about);
        let probed: BTreeSet<String> = covered.intersection(probed).cloned().collect();
        let left: BTreeSet<String> = covered
            .iter()
            .filter(|name| !attested.contains(*name) && !probed.contains(*name))
            .cloned()
            .collect();
        let state = match () {
            () if self.closed.is_some() => State::Closed,
            () if covered.is_empty() => State::Ended,
            () if left.is_empty() => State::InPlace,
            () if self.due <= now => State::Overdue,
            () => State::Open,
        };
        Progress {
            state,
            covered,
            attested,
            probed,
            left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Mitigation {
        Mitigation {
            number: 1,
            advisory: "A".into(),
            title: "Close port 104".into(),
            steps: vec!["On the switch".into()],
            owner: "it".into(),
            due: UtcMs(100),
            scope: vec![Scope::All],
            probe: None,
            made_by: "person:iris".into(),
            made_at: UtcMs(0),
            attested: Vec::new(),
            closed: None,
        }
    }

    fn open(names: &[&str]) -> BTreeSet<(String, Option<Name>)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), None))
            .collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn covered_is_what_is_in_place_and_what_is_left() {
        let mut task = task();
        let all = open(&["asset a-1", "asset a-2", "machine m-1"]);
        let state = |task: &Mitigation, now: i64| task.progress(&all, &set(&[]), UtcMs(now)).state;
        assert_eq!(state(&task, 99), State::Open);
        assert_eq!(state(&task, 100), State::Overdue);
        task.attested.push(Attestation {
            scope: vec![Scope::Holder("asset a-1".into())],
            by: "Ada".into(),
            words: "port is closed".into(),
            at: UtcMs(5),
        });
        let found = task.progress(&all, &set(&["machine m-1", "machine m-9"]), UtcMs(6));
        assert_eq!(found.attested, set(&["asset a-1"]));
        assert_eq!(found.probed, set(&["machine m-1"]));
        assert_eq!(found.left, set(&["asset a-2"]));
        assert_eq!(found.covered.len(), 3);
        task.attested[0].scope = vec![Scope::All];
        assert_eq!(state(&task, 200), State::InPlace);
    }

    #[test]
    fn it_ends_when_nothing_is_open_and_is_asked_again_when_something_is() {
        let mut task = task();
        let nothing = task.progress(&open(&[]), &set(&[]), UtcMs(500));
        assert_eq!(nothing.state, State::Ended);
        let again = task.progress(&open(&["asset a-1"]), &set(&[]), UtcMs(500));
        assert_eq!(again.state, State::Overdue);
        task.closed = Some((UtcMs(3), "does not help".into()));
        let closed = task.progress(&open(&["asset a-1"]), &set(&[]), UtcMs(500));
        assert_eq!(closed.state, State::Closed);
        assert!(!task.is_about("asset a-1", None));
    }
}
