//! How far the clocks of collectors on one database are apart, as one of them can tell. Pure.
//!
//! When a machine was heard, when a go was given and until when a freeze lasts are stamps of
//! whichever collector wrote them. What is decided on them holds while the clocks agree to well
//! under a minute; beyond that nobody knows who is ready.

use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use std::collections::HashMap;

/// So far clocks may be apart before no go is given: half of [`AHEAD_MS`], so that what cannot be
/// measured closely is within it as well. Clocks that are kept by NTP are apart by milliseconds.
pub const MAX_APART_MS: i64 = 30 * SECOND_MS;
/// A stamp that lies further ahead than this was given by a clock that is wrong, and says nothing
/// of when something was.
pub const AHEAD_MS: i64 = MINUTE_MS;
/// Longest time from the reading of a clock to the sign of life with it being in the database:
/// longer ones are given up.
pub const ON_ITS_WAY_MS: u64 = 4_000;
/// What is known no more closely than this is not known: between the looks was more than a moment.
const LOOSE_MS: u64 = MAX_APART_MS.unsigned_abs() / 2;

/// A sign of life of another collector, as it stands in the database.
#[derive(Clone, Copy, Debug)]
pub struct Sign<'a> {
    /// The collector.
    pub id: &'a str,
    /// Its computer.
    pub host: &'a str,
    /// The sign's number.
    pub beat: u64,
    /// When it was given, by that collector's clock.
    pub at: UtcMs,
}

/// Between what another's clock is ahead of ours, in milliseconds; below zero it is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ahead {
    least_ms: i64,
    /// `None` while no sign of it was seen to come: an old one says nothing of when it was given.
    most_ms: Option<i64>,
}

/// Our own clock.
const OURS: Ahead = Ahead {
    least_ms: 0,
    most_ms: Some(0),
};

/// Another collector's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clock {
    id: String,
    host: String,
    ahead: Ahead,
}

/// The clocks of the other collectors, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// `None` before the first look.
    others: Option<Vec<Clock>>,
}

/// What is wrong with the clocks of collectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Nobody knows yet.
    #[error("the clocks of the other collectors are not known yet")]
    Unknown,
    /// They are further apart than they may be.
    #[error(
        "the clocks of the collectors are {seconds} s apart, and when a machine was heard is not \
         sure any more; IT sets them right"
    )]
    Apart {
        /// By so much at least.
        seconds: i64,
    },
}

impl Clocks {
    /// Of a collector that has no others.
    pub fn alone() -> Self {
        Self {
            others: Some(Vec::new()),
        }
    }

    /// By how much two of the clocks are apart at least, in milliseconds. `None` where that is not
    /// known of one of them and all others agree.
    pub fn apart_ms(&self) -> Option<i64> {
        let others = self.others.as_ref()?;
        let all: Vec<Ahead> = others.iter().map(|one| one.ahead).chain([OURS]).collect();
        let most = all.iter().filter_map(|one| one.most_ms).min()?;
        let least = all.iter().map(|one| one.least_ms).max()?;
        let apart_ms = least.saturating_sub(most).max(0);
        let is_known = all.iter().all(|one| one.most_ms.is_some());
        (is_known || apart_ms > MAX_APART_MS).then_some(apart_ms)
    }

    /// What is wrong with them, if anything.
    pub fn wrong(&self) -> Option<Wrong> {
        match self.apart_ms() {
            None => Some(Wrong::Unknown),
            Some(apart_ms) if apart_ms > MAX_APART_MS => Some(Wrong::Apart {
                seconds: apart_ms / SECOND_MS,
            }),
            Some(_) => None,
        }
    }

    /// By how much another's clock is ahead of ours at least, in milliseconds, and below zero by
    /// how much it is behind. `None` where it is not known.
    pub fn ahead_ms(&self, id: &str) -> Option<i64> {
        let clock = self.others.iter().flatten().find(|one| one.id == id)?;
        let Ahead { least_ms, most_ms } = clock.ahead;
        match most_ms {
            _ if least_ms > 0 => Some(least_ms),
            Some(most_ms) => Some(most_ms.min(0)),
            None => None,
        }
    }

    /// Whether a sign of life of another was seen to come.
    pub fn is_heard(&self, id: &str) -> bool {
        let mut others = self.others.iter().flatten();
        others.any(|one| one.id == id && one.ahead.most_ms.is_some())
    }

    /// Each clock that is known not to agree with ours, in words.
    pub fn words(&self) -> Vec<String> {
        let others = self.others.iter().flatten();
        let words = others.filter_map(|one| {
            let seconds = self.ahead_ms(&one.id)? / SECOND_MS;
            let (seconds, word) = match seconds {
                0 => return None,
                1.. => (seconds, "ahead of"),
                ..0 => (-seconds, "behind"),
            };
            let Clock { id, host, .. } = one;
            Some(format!("{id} on {host} is {seconds} s {word} this one"))
        });
        words.collect()
    }
}

/// What was seen of the others' signs of life so far.
#[derive(Debug, Default)]
pub struct Watch {
    /// Of each, the number of the last, and what it told.
    seen: HashMap<String, (u64, Ahead)>,
    looked_ms: Option<u64>,
}

impl Watch {
    /// Another look at the signs of all `others`. It began and had them at these readings of a
    /// clock that nobody sets, and at `now` by the one that is held against theirs.
    pub fn look<'a>(
        &mut self,
        others: impl Iterator<Item = Sign<'a>>,
        (began_ms, had_ms): (u64, u64),
        now: UtcMs,
    ) -> Clocks {
        let before = self.looked_ms.replace(began_ms);
        // What is here now and was not when the last look began was given in between, or was on
        // its way then.
        let within = before.map(|before| had_ms.saturating_sub(before) + ON_ITS_WAY_MS);
        let within = within.filter(|within_ms| *within_ms <= LOOSE_MS);
        let mut seen = HashMap::new();
        let others = others.map(|sign| {
            let known = self.seen.get(sign.id).copied();
            let ahead = ahead(known, sign, within, now);
            seen.insert(sign.id.to_owned(), (sign.beat, ahead));
            let (id, host) = (sign.id.to_owned(), sign.host.to_owned());
            Clock { id, host, ahead }
        });
        let others = Some(others.collect());
        self.seen = seen;
        Clocks { others }
    }
}

fn ahead(known: Option<(u64, Ahead)>, sign: Sign<'_>, within: Option<u64>, now: UtcMs) -> Ahead {
    let least_ms = sign.at.since_ms(now);
    let none = Ahead {
        least_ms,
        most_ms: None,
    };
    match (known, within) {
        (None, _) => none,
        (Some((beat, ahead)), _) if beat == sign.beat => ahead,
        (Some((_, ahead)), None) if ahead.most_ms.is_some() => ahead,
        (Some(_), None) => none,
        (Some(_), Some(within_ms)) => Ahead {
            least_ms,
            most_ms: Some(least_ms.saturating_add_unsigned(within_ms)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_795_400_000_000);
    const HOUR_MS: i64 = 60 * MINUTE_MS;

    /// What is seen of these clocks, each ahead by so much, with a look every two seconds. Each
    /// gives its sign a second before each look, but those that stand still.
    fn seen(clocks: &[(i64, bool)], looks: u64) -> Clocks {
        let mut watch = Watch::default();
        let mut found = Clocks::default();
        let ids: Vec<String> = (0..clocks.len()).map(|n| format!("c{n}")).collect();
        for look in 0..looks {
            let now = NOW.plus_ms(2_000 * look.cast_signed());
            let signs = ids.iter().zip(clocks).map(|(id, (ahead_ms, moves))| {
                let beat = if *moves { look } else { 0 };
                let given = 2_000 * beat.cast_signed() - 1_000;
                let at = NOW.plus_ms(given + ahead_ms);
                let host = "h";
                Sign { id, host, beat, at }
            });
            found = watch.look(signs, (2_000 * look, 2_000 * look + 10), now);
        }
        found
    }

    #[test]
    fn clocks_that_agree_are_known_to_after_two_looks() {
        assert_eq!(Clocks::alone().wrong(), None);
        assert_eq!(Clocks::default().wrong(), Some(Wrong::Unknown));
        assert_eq!(seen(&[(0, true)], 1).wrong(), Some(Wrong::Unknown));
        let well = seen(&[(0, true), (900, true), (-900, true)], 2);
        assert_eq!((well.wrong(), well.apart_ms()), (None, Some(0)));
        assert!(well.words().is_empty());
        // One whose sign does not come may have any clock.
        let silent = seen(&[(0, true), (0, false)], 9);
        assert_eq!(silent.wrong(), Some(Wrong::Unknown));
        assert!(silent.is_heard("c0") && !silent.is_heard("c1"));
    }

    #[test]
    fn clocks_that_are_apart_are_found_out_whichever_is_wrong() {
        for ahead_ms in [HOUR_MS, -HOUR_MS, 40_000, -40_000] {
            let found = seen(&[(0, true), (ahead_ms, true)], 3);
            let Some(Wrong::Apart { seconds }) = found.wrong() else {
                panic!("{ahead_ms}: {found:?}");
            };
            let off_ms = ahead_ms.abs() - seconds * SECOND_MS;
            assert!((0..8_000).contains(&off_ms), "{ahead_ms}: {seconds}");
            let told = found.ahead_ms("c1").unwrap();
            assert_eq!(told.signum(), ahead_ms.signum());
            assert_eq!(found.words().len(), 1, "{found:?}");
            assert_eq!(seen(&[(ahead_ms, true)], 3).apart_ms(), found.apart_ms());
        }
        // Neither is far from ours.
        let found = seen(&[(25_000, true), (-25_000, true)], 3);
        assert!(matches!(found.wrong(), Some(Wrong::Apart { .. })));
        // One that is ahead needs no second look: no sign comes from the future.
        let found = seen(&[(HOUR_MS, false)], 1);
        assert!(matches!(found.wrong(), Some(Wrong::Apart { .. })));
    }

    #[test]
    fn who_could_not_look_for_a_while_finds_no_clock_wrong_by_it() {
        let mut watch = Watch::default();
        let mut look = |beat, given_ms: i64, at_ms: u64| {
            let sign = Sign {
                id: "a",
                host: "h",
                beat,
                at: NOW.plus_ms(given_ms),
            };
            let now = NOW.plus_ms(at_ms.cast_signed());
            watch.look([sign].into_iter(), (at_ms, at_ms), now)
        };
        look(1, 0, 500);
        assert_eq!(look(2, 2_000, 2_500).apart_ms(), Some(0));
        // The database was away for two minutes, and the other gave its sign before that.
        assert_eq!(look(3, 4_000, 122_500).apart_ms(), Some(0));
        assert_eq!(look(3, 4_000, 124_500).apart_ms(), Some(0));
        assert_eq!(look(4, 126_000, 126_500).apart_ms(), Some(0));
        // It was set back by an hour meanwhile.
        let back = 128_000 - HOUR_MS;
        assert!(look(5, back, 128_500).apart_ms() > Some(MAX_APART_MS));
    }
}
