//! How many changes people have made, and which was the last of each: who shows what was
//! gathered before knows by it whether it still says what they did.

use super::Actor;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most rows of one's own that are remembered: those of the seconds until they are followed. One
/// that is forgotten counts as another's, which costs a little work and nothing else.
const MOST_OWN: usize = 100_000;

/// What is counted. It begins anew with each process, as what is gathered does.
#[derive(Debug, Default)]
pub(super) struct Said {
    counted: Mutex<Counted>,
    /// Rows of the audit log that this process wrote, where others write too.
    own: Mutex<BTreeSet<u64>>,
    /// The row after the last up to which others were heard; 0 before the first time.
    heard: AtomicU64,
    /// The row after the last, where this process alone writes; 0 before it is known.
    end: AtomicU64,
}

#[derive(Debug, Default)]
struct Counted {
    changes: u64,
    /// The last change of each person, and of all who sit at the collector's computer.
    last: HashMap<String, u64>,
}

/// Those who sit at a collector's own computer: programs too, which look at once.
const LOCAL: &str = "local";

fn who(actor: &Actor) -> Option<String> {
    match actor {
        Actor::Local(_) => Some(LOCAL.to_owned()),
        Actor::Person(_) | Actor::Kiosk(_) | Actor::Program(_) => Some(actor.to_string()),
        Actor::Machine(_) | Actor::Collector => None,
    }
}

impl Said {
    /// This process has written rows of the audit log, from one number to another: whoever
    /// follows what others write passes them over. Said once they are committed and not before: a
    /// number whose change failed is another's. Who looks in between takes them for another's,
    /// and does once more what was done.
    pub(super) fn wrote(&self, rows: std::ops::RangeInclusive<u64>) {
        let mut own = self.own();
        own.extend(rows);
        while own.len() > MOST_OWN {
            own.pop_first();
        }
    }

    /// Whether a row is one's own.
    pub(super) fn is_own(&self, row: u64) -> bool {
        self.own().contains(&row)
    }

    /// Up to which row others were heard, once they were.
    pub(super) fn heard(&self) -> Option<u64> {
        self.heard.load(Ordering::Acquire).checked_sub(1)
    }

    /// Rows of others up to this one are counted.
    pub(super) fn has_heard(&self, row: u64) {
        self.heard
            .fetch_max(row.saturating_add(1), Ordering::AcqRel);
    }

    /// The last row of the audit log, where this process alone writes and knows it.
    pub(super) fn head(&self) -> Option<u64> {
        self.end.load(Ordering::Acquire).checked_sub(1)
    }

    /// This row is in the log, and nobody else writes any.
    pub(super) fn has_head(&self, row: u64) {
        self.end.fetch_max(row.saturating_add(1), Ordering::AcqRel);
    }

    /// Counts a change that was committed.
    pub(super) fn count(&self, actor: &Actor) {
        if let Some(who) = who(actor) {
            self.count_of(who);
        }
    }

    /// Counts a change of another collector's, by whom the audit log names.
    pub(super) fn count_elsewhere(&self, actor: &str) {
        let who = match actor.split_once(':') {
            Some((LOCAL, _)) => LOCAL,
            _ => actor,
        };
        self.count_of(who.to_owned());
    }

    fn count_of(&self, who: String) {
        let mut counted = self.counted();
        counted.changes += 1;
        let now = counted.changes;
        counted.last.insert(who, now);
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(super) fn changes(&self) -> u64 {
        self.counted().changes
    }

    /// The last that this one must see: their own, or anybody's by command.
    pub(super) fn last_for(&self, actor: &Actor) -> u64 {
        let counted = self.counted();
        let last = |who: &str| counted.last.get(who).copied().unwrap_or_default();
        let own = who(actor).map(|who| last(&who));
        own.unwrap_or_default().max(last(LOCAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::{MachineId, Name};

    #[test]
    fn each_must_see_their_own_changes_and_those_by_command() {
        let said = Said::default();
        let person = |name: &str| Actor::Person(Name::new(name).unwrap());
        let (ada, ben) = (person("ada"), person("ben"));
        said.count(&ada);
        said.count(&Actor::Collector);
        said.count(&Actor::Machine(MachineId([1; 32])));
        assert_eq!((said.changes(), said.last_for(&ada)), (1, 1));
        assert_eq!(said.last_for(&ben), 0);
        said.count(&Actor::Local(7));
        assert_eq!((said.last_for(&ada), said.last_for(&ben)), (2, 2));
        said.count(&ben);
        assert_eq!((said.last_for(&ada), said.last_for(&ben)), (2, 3));
        said.count_elsewhere(&ada.to_string());
        assert_eq!((said.last_for(&ada), said.last_for(&ben)), (4, 3));
        said.count_elsewhere("local:0");
        assert_eq!((said.last_for(&ada), said.last_for(&ben)), (5, 5));
    }

    #[test]
    fn the_last_row_never_goes_back() {
        let said = Said::default();
        assert_eq!(said.head(), None);
        for (row, last) in [(0, 0), (7, 7), (5, 7), (8, 8)] {
            said.has_head(row);
            assert_eq!(said.head(), Some(last));
        }
    }

    #[test]
    fn the_rows_of_ones_own_are_known_and_bounded() {
        let said = Said::default();
        // Nothing was written.
        said.wrote(std::ops::RangeInclusive::new(8, 7));
        assert!(!said.is_own(7) && !said.is_own(8));
        said.wrote(8..=9);
        assert!(!said.is_own(7) && said.is_own(8) && said.is_own(9));
        said.wrote(10..=9 + MOST_OWN as u64);
        assert!(!said.is_own(9) && said.is_own(10));
        assert_eq!(said.heard(), None);
        said.has_heard(9);
        said.has_heard(3);
        assert_eq!(said.heard(), Some(9));
    }
}
