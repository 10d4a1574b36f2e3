//! Who is called about an item that cannot wait, level by level, until somebody has heard
//! of it. Pure.

use super::{Item, Kind};
use patchward_common::id::Label;
use patchward_common::time::{MINUTE_MS, UtcMs};

/// One level of a list: who is called, and how long the next waits for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// From 1; the first is called at once.
    pub level: u32,
    /// Who.
    pub who: Label,
    /// How they are reached.
    pub contact: Label,
    /// After so many minutes without a word the next level is called too.
    pub after_minutes: u32,
}

/// How far an item was called out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// Nobody stands on a list that covers it.
    Nobody,
    /// Somebody has heard of it, since then.
    Heard(UtcMs),
    /// This level was called last.
    Called {
        /// The level.
        level: &'a Level,
        /// Since when.
        since: UtcMs,
        /// When the next is called; `None` where there is none.
        next: Option<UtcMs>,
    },
    /// Every level was called, and the last had its time.
    Unheard {
        /// The last level.
        level: &'a Level,
        /// Since when nobody is left to be called.
        since: UtcMs,
    },
}

/// Whether people are called at any hour about items of this kind: what may endanger a
/// patient before the morning.
pub fn calls_out(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Lost | Kind::Fallen | Kind::Failed | Kind::RolledBack | Kind::Halted | Kind::Copied
    )
}

/// How far an item is called out; `None` where it can wait for the morning. `levels` is
/// the list that covers it, by level; `heard` is when somebody acknowledged or took it.
pub fn call<'a>(
    item: &Item,
    levels: &'a [Level],
    heard: Option<UtcMs>,
    now: UtcMs,
) -> Option<Call<'a>> {
    if !calls_out(item.kind) {
        return None;
    }
    // Somebody heard of it as it was then; what is open since later is news.
    if let Some(at) = heard.filter(|at| item.since <= *at) {
        return Some(Call::Heard(at));
    }
    let mut since = item.since;
    let mut called = Call::Nobody;
    for (level, rest) in levels.iter().zip((0..levels.len()).rev()) {
        if now < since {
            break;
        }
        let ends = since.plus_ms(i64::from(level.after_minutes) * MINUTE_MS);
        called = match rest {
            0 if ends <= now => Call::Unheard { level, since: ends },
            0 => Call::Called {
                level,
                since,
                next: None,
            },
            _ => Call::Called {
                level,
                since,
                next: Some(ends),
            },
        };
        since = ends;
    }
    Some(called)
}

#[cfg(test)]
mod tests {
    use super::super::Owner;
    use super::*;

    fn item(kind: Kind) -> Item {
        Item {
            kind,
            subject: "x".into(),
            about: "pc-1".into(),
            unit: None,
            class: None,
            owner: Owner::It,
            since: UtcMs(0),
            raise_at: None,
            why: "y".into(),
        }
    }

    fn levels() -> [Level; 2] {
        [(1, "Ann", 15), (2, "Ben", 30)].map(|(level, who, after_minutes)| Level {
            level,
            who: Label::new(who).unwrap(),
            contact: Label::new("4711").unwrap(),
            after_minutes,
        })
    }

    #[test]
    fn levels_are_called_one_after_the_other_until_somebody_has_heard() {
        let levels = levels();
        let at = |minutes: i64| UtcMs(minutes * MINUTE_MS);
        let called = |level: usize, since, next| Call::Called {
            level: &levels[level],
            since: at(since),
            next,
        };
        let unheard = Call::Unheard {
            level: &levels[1],
            since: at(45),
        };
        for (minutes, heard, expected) in [
            (0, None, called(0, 0, Some(at(15)))),
            (14, None, called(0, 0, Some(at(15)))),
            (15, None, called(1, 15, None)),
            (44, None, called(1, 15, None)),
            (45, None, unheard.clone()),
            (999, None, unheard.clone()),
            (999, Some(at(3)), Call::Heard(at(3))),
            // Heard before it was open again: that was another matter.
            (45, Some(UtcMs(-1)), unheard),
        ] {
            let found = call(&item(Kind::Failed), &levels, heard, at(minutes));
            assert_eq!(found, Some(expected), "after {minutes} minutes");
        }
    }

    #[test]
    fn what_waits_for_the_morning_calls_nobody_and_an_empty_list_is_said() {
        assert_eq!(call(&item(Kind::Sign), &levels(), None, UtcMs(1)), None);
        let found = call(&item(Kind::Lost), &[], None, UtcMs(1));
        assert_eq!(found, Some(Call::Nobody));
    }
}
