//! The first day: what a new hospital still lacks before it patches, in the order in which
//! people do it. Facts in, steps out; what is not in the facts is not guessed.

mod fleet;
mod hospital;
mod people;
pub mod sheet;

use crate::account::Role;
use patchward_common::time::UtcMs;

/// Keys that every approver should have: one in use, one in a safe for the day it is lost.
pub const KEYS_EACH: usize = 2;
/// Registrars that a charter should name: with the only one's key lost, the keepers of the
/// root have to meet.
pub const REGISTRARS: usize = 2;
/// Most names that a sentence has; the list behind it has all.
const MAX_NAMED: usize = 4;

/// What is known of the hospital.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When the charter in force ends; `None` where there is none.
    pub charter_until: Option<UtcMs>,
    /// The registrars of the charter.
    pub registrars: Vec<String>,
    /// When the roster in force ends; `None` where there is none.
    pub roster_until: Option<UtcMs>,
    /// Whether the roster names this collector's go-key.
    pub go_key_is_named: bool,
    /// This collector's name and go-key, as a roster names them.
    pub go_key: (String, String),
    /// The approvers of the roster, with how many of their keys count now.
    pub approvers: Vec<(String, usize)>,
    /// Keys of browsers that wait for a registrar.
    pub keys_asked: usize,
    /// Approvers that the machines' classes ask for at most.
    pub signers: usize,
    /// Sites, with how many units each has.
    pub sites: Vec<(String, usize)>,
    /// The units.
    pub units: Vec<UnitFacts>,
    /// Assets of the hospital's list.
    pub assets: u64,
    /// Machines that wait to be accepted.
    pub waiting: usize,
    /// Whether any machine was ever heard.
    pub heard: bool,
    /// The vendors of the charter, and whether their repository was read.
    pub vendors: Vec<(String, bool)>,
    /// Whether there is a page.
    pub page: bool,
    /// Whether those who decide need a second factor.
    pub factor_required: bool,
    /// The accounts that have not ended.
    pub accounts: Vec<AccountFacts>,
    /// Who is told by webhook or mail.
    pub notices: Vec<NoticeFacts>,
}

/// What is known of a unit.
#[derive(Clone, Debug, Default)]
pub struct UnitFacts {
    /// Its name.
    pub name: String,
    /// Its enrolled machines.
    pub machines: u64,
    /// Those of them that stand in no signed assignment.
    pub unassigned: u64,
    /// Those with an agent of which is not known whether they are in use.
    pub untold: u64,
    /// Those on which people work by hand.
    pub manual: u64,
    /// Those that rehearse.
    pub rehearsing: u64,
    /// Those on which updates are installed.
    pub active: u64,
    /// Whether a token that counts lets machines join.
    pub has_token: bool,
    /// Whether a window opens, now or later.
    pub has_window: bool,
    /// Whether somebody is called about it at night.
    pub is_called: bool,
}

/// What is known of an account.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    /// Its name.
    pub name: String,
    /// What it may.
    pub roles: Vec<Role>,
    /// Whether its person has signed in at least once.
    pub has_begun: bool,
    /// Whether it has a second factor.
    pub has_factor: bool,
}

/// What is known of somebody who is told by webhook or mail.
#[derive(Clone, Debug)]
pub struct NoticeFacts {
    /// The name.
    pub name: String,
    /// Whether anything ever arrived.
    pub has_arrived: bool,
    /// Why the last try failed.
    pub problem: Option<String>,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is done.
    Done,
    /// It can be done now.
    Next,
    /// It was begun, and somebody has to answer.
    Waiting,
    /// Something before it comes first.
    Later,
    /// Nothing in the store tells.
    Unseen,
}

impl State {
    /// Its word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Next => "next",
            Self::Waiting => "waiting",
            Self::Later => "later",
            Self::Unseen => "not_seen_from_here",
        }
    }
}

/// Whose move a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those who keep the root keys.
    Root,
    /// Those who sign rosters.
    Registrar,
    /// Clinical engineers.
    Htm,
    /// IT operations.
    It,
    /// Who gives accounts.
    Admin,
    /// The people whose accounts these are.
    People,
}

impl Whose {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Root => "keepers of the root keys",
            Self::Registrar => "registrar",
            Self::Htm => "HTM",
            Self::It => "IT",
            Self::Admin => "administrator",
            Self::People => "the people named",
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its title.
    pub title: &'static str,
    /// How it stands.
    pub state: State,
    /// What is missing, with counts; where nothing is, what is there.
    pub found: String,
    /// Whose move it is.
    pub whose: Whose,
    /// What to do now; empty where it is done.
    pub todo: String,
    /// Where on the page; empty where it is done elsewhere.
    pub page: &'static str,
    /// What is typed elsewhere, a line each; empty where it is done on the page.
    pub typed: String,
}

impl Step {
    /// A step about which no more is to say.
    fn done(title: &'static str, whose: Whose, found: impl Into<String>) -> Self {
        Self {
            title,
            state: State::Done,
            found: found.into(),
            whose,
            todo: String::new(),
            page: "",
            typed: String::new(),
        }
    }

    /// A step that somebody has to take.
    fn open(title: &'static str, whose: Whose, found: impl Into<String>) -> Self {
        Self {
            state: State::Next,
            ..Self::done(title, whose, found)
        }
    }

    /// A step before which something else comes: `found` says what.
    fn later(title: &'static str, whose: Whose, found: impl Into<String>) -> Self {
        Self {
            state: State::Later,
            ..Self::done(title, whose, found)
        }
    }

    fn state(self, state: State) -> Self {
        Self { state, ..self }
    }

    fn todo(self, todo: impl Into<String>) -> Self {
        Self {
            todo: todo.into(),
            ..self
        }
    }

    fn page(self, page: &'static str) -> Self {
        Self { page, ..self }
    }

    fn typed(self, lines: &[&str]) -> Self {
        Self {
            typed: lines.join("\n"),
            ..self
        }
    }
}

/// The steps of the first day, in their order.
pub fn steps(facts: &Facts, now: UtcMs) -> Vec<Step> {
    vec![
        hospital::root(facts, now),
        hospital::registrars(facts),
        hospital::safes(),
        hospital::roster(facts, now),
        hospital::approvers(facts),
        fleet::places(facts),
        fleet::assets(facts),
        people::firewall(facts),
        fleet::tokens(facts),
        fleet::machines(facts),
        fleet::assignment(facts),
        fleet::interlocks(facts),
        fleet::windows(facts),
        hospital::vendors(facts),
        people::accounts(facts),
        people::notices(facts),
        people::on_call(facts),
        fleet::modes(facts),
    ]
}

/// How far the first day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Steps that are done.
    pub done: usize,
    /// Steps of which the collector can tell.
    pub of: usize,
    /// The first that can be done, or else that somebody has to answer, or else that is left.
    pub next: Option<&'a Step>,
}

impl Progress<'_> {
    /// How far these steps are.
    pub fn of(steps: &[Step]) -> Progress<'_> {
        let with = |state: State| steps.iter().filter(move |step| step.state == state);
        let mut left = [State::Next, State::Waiting, State::Later].into_iter();
        Progress {
            done: with(State::Done).count(),
            of: steps.len() - with(State::Unseen).count(),
            next: left.find_map(|state| with(state).next()),
        }
    }

    /// The same in a sentence.
    pub fn text(&self) -> String {
        let (done, of) = (self.done, self.of);
        match self.next {
            None => format!("Setup is finished: {done} of {of} steps are done."),
            Some(next) => format!(
                "Setup is not finished: {done} of {of}; next: {} ({}).",
                next.title,
                next.whose.words()
            ),
        }
    }
}

/// `2 of 3 units have`, with the verb for one or for several.
fn share(part: usize, all: usize, things: [&str; 2], verbs: [&str; 2]) -> String {
    let thing = things[usize::from(all != 1)];
    let verb = verbs[usize::from(part != 1)];
    format!("{part} of {all} {thing} {verb}")
}

/// Some names, and how many there are beside them.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let first = names.iter().take(MAX_NAMED).copied();
    let first: Vec<&str> = first.collect();
    match names.len().saturating_sub(MAX_NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The day of an instant, in UTC.
fn day(at: UtcMs) -> String {
    at.to_string().chars().take("2027-01-31".len()).collect()
}

#[cfg(test)]
mod tests;
