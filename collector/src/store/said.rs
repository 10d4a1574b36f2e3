//! How many changes people have made, and which was the last of each: who shows what was
//! gathered before knows by it whether it still says what they did.

use super::Actor;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// Most rows of one's own that are remembered: those of the seconds until they are followed.
const MOST_OWN: usize = 100_000;

/// What is counted. It begins anew with each process, as what is gathered does.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<Counted>, Mutex<BTreeSet<u64>>);

#[derive(Debug, Default)]
struct Counted {
    changes: u64,
    /// The last change of each person, and of all who sit at the collector's computer.
    last: HashMap<String, u64>,
}

/// Those who sit at the collector's own computer: programs too, which look at once.
const LOCAL: &str = "local";

fn who(actor: &Actor) -> Option<String> {
    match actor {
        Actor::Local(_) => Some(LOCAL.to_owned()),
        Actor::Person(_) | Actor::Kiosk(_) | Actor::Program(_) => Some(actor.to_string()),
        Actor::Machine(_) | Actor::Collector => None,
    }
}

impl Said {
    /// This process is about to write rows of the audit log, from one number to another: whoever
    /// follows what others write passes them over. Said before they are committed, so that nobody
    /// takes them for another's.
    pub(super) fn writes(&self, rows: std::ops::RangeInclusive<u64>) {
        let mut own = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        own.extend(rows);
        while own.len() > MOST_OWN {
            own.pop_first();
        }
    }

    /// They were not written: these numbers may be another's.
    pub(super) fn failed(&self, rows: std::ops::RangeInclusive<u64>) {
        let mut own = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|row| !rows.contains(row));
    }

    /// Whether a row is one's own. It is asked once.
    pub(super) fn wrote(&self, row: u64) -> bool {
        let mut own = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        own.remove(&row)
    }

    /// Counts a change that was committed.
    pub(super) fn count(&self, actor: &Actor) {
        if let Some(who) = who(actor) {
            let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            counted.changes += 1;
            let now = counted.changes;
            counted.last.insert(who, now);
        }
    }

    /// How many there are.
    pub(super) fn changes(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .changes
    }

    /// The last that this one must see: their own, or anybody's by command.
    pub(super) fn last_for(&self, actor: &Actor) -> u64 {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    }
}
