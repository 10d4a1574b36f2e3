//! Mitigation tasks: what lowers the risk until the fix is verified.

use super::scope::{Scope, covers};
use crate::item::Owner;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// A person's word that it is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Where, as it was said.
    pub scope: Vec<Scope>,
    /// On which machines and assets that was, then: nobody has looked at what came later.
    /// Unknown for what was said before this was kept.
    pub holders: Option<BTreeSet<String>>,
    /// Who looked.
    pub by: String,
    /// What they saw.
    pub words: String,
    /// When it was noted.
    pub at: UtcMs,
}

impl Attestation {
    /// What is in place on a machine is so whatever the advisory says anew; on one that came
    /// later nobody has looked.
    fn is_about(&self, holder: &str, on: &OpenOn) -> bool {
        let was_there = match &self.holders {
            Some(then) => then.contains(holder),
            None => on.since <= self.at,
        };
        was_there && covers(&self.scope, holder, on.unit.as_ref())
    }
}

/// What is open of an advisory on a machine or asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOn {
    /// Where it is used.
    pub unit: Option<Name>,
    /// Since when the newest of its matches is what it is.
    pub since: UtcMs,
}

/// What is open of an advisory, by machine or asset.
pub type OpenPlaces = BTreeMap<String, OpenOn>;

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

    /// On which machines and assets it is, of what is open and within a part of its scope.
    pub fn within(&self, scope: &[Scope], open: &OpenPlaces) -> BTreeSet<String> {
        let has = |part: &[Scope], name: &str, on: &OpenOn| covers(part, name, on.unit.as_ref());
        open.iter()
            .filter(|(name, on)| has(&self.scope, name, on) && has(scope, name, on))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// How it stands: `open` is what is open of its advisory; `probed` is where its probe
    /// answers what it should. A person's word is about what was open when it was said.
    pub fn progress(&self, open: &OpenPlaces, probed: &BTreeSet<String>, now: UtcMs) -> Progress {
        let covered = self.within(&[Scope::All], open);
        let is_attested = |name: &&String| {
            let mut words = self.attested.iter();
            open.get(*name)
                .is_some_and(|on| words.any(|word| word.is_about(name, on)))
        };
        let attested: BTreeSet<String> = covered.iter().filter(is_attested).cloned().collect();
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

    fn open(names: &[&str]) -> OpenPlaces {
        let on = OpenOn {
            unit: None,
            since: UtcMs(0),
        };
        let open = names.iter().map(|name| ((*name).to_owned(), on.clone()));
        open.collect()
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
            holders: None,
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
    fn a_word_that_it_is_in_place_everywhere_says_nothing_of_what_came_later() {
        let mut task = task();
        let word = |holders: Option<BTreeSet<String>>| Attestation {
            scope: vec![Scope::All],
            holders,
            by: "Ada".into(),
            words: "port is closed".into(),
            at: UtcMs(5),
        };
        let mut all = open(&["asset a-1", "asset a-2"]);
        let left = |task: &Mitigation, all: &OpenPlaces| {
            let found = task.progress(all, &set(&[]), UtcMs(9));
            (found.state, found.left)
        };
        // A machine of a kind that was known already: its match is older than the word.
        task.attested = vec![word(Some(set(&["asset a-1"])))];
        assert_eq!(left(&task, &all), (State::Open, set(&["asset a-2"])));
        // What the advisory says anew opens no port again.
        task.attested = vec![word(Some(set(&["asset a-1", "asset a-2"])))];
        assert_eq!(left(&task, &all), (State::InPlace, set(&[])));
        all.get_mut("asset a-1").unwrap().since = UtcMs(6);
        assert_eq!(left(&task, &all), (State::InPlace, set(&[])));
        // Where nobody kept what was open then, what is newer than the word was not.
        task.attested = vec![word(None)];
        assert_eq!(left(&task, &all), (State::Open, set(&["asset a-1"])));
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
