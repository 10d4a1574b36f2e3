//! Which of the other collectors live, by this process's own clock.

use super::{HOLD_MS, STILL_MS};
use crate::store::claims::{Collector, Still};
use std::collections::HashMap;

/// The last sign of life of another.
#[derive(Clone, Copy, Debug)]
struct Seen {
    beat: u64,
    /// When it was first seen.
    at_ms: u64,
    /// Whether it was seen to follow another.
    has_moved: bool,
}

/// Since when each sign of life stands still, by this process's own clock.
#[derive(Debug, Default)]
pub(super) struct Watched {
    signs: HashMap<String, Seen>,
    looked_ms: Option<u64>,
}

impl Watched {
    /// The other collectors that stand still for too long, as of `at_ms`.
    pub(super) fn still(&mut self, others: &[Collector], at_ms: u64) -> Vec<Still> {
        // Who could not look meanwhile cannot say that the others stood still: the database may
        // have been away from all of them.
        let looked_ms = self.looked_ms.replace(at_ms);
        if looked_ms.is_some_and(|looked_ms| at_ms.saturating_sub(looked_ms) >= HOLD_MS) {
            self.signs.clear();
        }
        self.signs
            .retain(|id, _| others.iter().any(|one| one.id == *id));
        let mut still = Vec::new();
        for one in others {
            let beat = one.beat;
            let new = |has_moved| Seen {
                beat,
                at_ms,
                has_moved,
            };
            let seen = self
                .signs
                .entry(one.id.clone())
                .or_insert_with(|| new(false));
            if seen.beat != beat {
                *seen = new(true);
            }
            if at_ms.saturating_sub(seen.at_ms) >= STILL_MS {
                still.push((one.id.clone(), beat));
            }
        }
        still
    }

    /// Whether a sign of life of another came lately, as of a look at `at_ms`.
    pub(super) fn is_moving(&self, id: &str, at_ms: u64) -> bool {
        let seen = self.signs.get(id);
        seen.is_some_and(|seen| seen.has_moved && at_ms.saturating_sub(seen.at_ms) < HOLD_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::UtcMs;

    fn collector(id: &str, beat: u64) -> Collector {
        Collector {
            id: id.into(),
            host: "a".into(),
            address: "a:1".into(),
            version: "1".into(),
            started_at: UtcMs(0),
            beat,
            beat_at: UtcMs(0),
            connected: 0,
            reach: String::new(),
        }
    }

    #[test]
    fn who_stands_still_is_gone_and_who_moves_is_not() {
        let mut watched = Watched::default();
        let mut look = |beat, at_ms| {
            let still = watched.still(&[collector("other", beat)], at_ms);
            (still, watched.is_moving("other", at_ms))
        };
        // What a killed one left does not move, and is here for a while.
        for at_ms in [0, 5_000, STILL_MS - 1] {
            assert_eq!(look(7, at_ms), (vec![], false));
        }
        for at_ms in [0, HOLD_MS - 1] {
            assert_eq!(look(8, STILL_MS + at_ms), (vec![], true));
        }
        assert_eq!(look(8, STILL_MS + HOLD_MS), (vec![], false));
        let still = vec![("other".to_owned(), 8)];
        assert_eq!(look(8, 2 * STILL_MS), (still, false));
        // One that was taken for gone begins anew.
        assert_eq!(look(1, 2 * STILL_MS + 2_000), (vec![], true));
    }

    #[test]
    fn who_could_not_look_takes_nobody_for_gone() {
        let mut watched = Watched::default();
        let mut look = |at_ms| watched.still(&[collector("other", 7)], at_ms);
        assert!(look(0).is_empty());
        // The database was away for a minute, from both of them.
        for at_ms in [60_000, 65_000, 60_000 + STILL_MS - 1] {
            assert!(look(at_ms).is_empty(), "{at_ms}");
        }
        assert_eq!(look(60_000 + STILL_MS).len(), 1);
    }
}
