//! Whether a wave is open: what came out of the wave before decides. Pure.
//!
//! The plan's signed slots hold the soak between the first slots of two waves, whatever the
//! collector says. This holds the share: a wave begins when enough of the wave before is
//! measured, and enough of that is good. What never ran (offline, missed, deferred) counts
//! neither way. And it holds the soak from there: a canary that ends late in its slot, or in
//! a spare one, is watched as long as any.

use patchward_common::time::UtcMs;
use patchward_common::words::counted;

/// Fewest outcomes of the wave before; all of a smaller wave. One machine that went well
/// says little of fifty.
pub const FEWEST_OUTCOMES: u32 = 5;
/// How many of a hundred outcomes must be verified where a plan asks for nothing else.
pub const SHARE_PERCENT: u32 = 90;

/// What came out of the wave before, for one that wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its machines, without those that rehearse: nothing comes out of them.
    pub size: u32,
    /// Measured with the new version.
    pub verified: u32,
    /// Failed, rolled back, or freed by a person and not measured.
    pub wrong: u32,
    /// Where a person opened the wave: how many went wrong since.
    pub wrong_since_opened: Option<u32>,
    /// How many of a hundred outcomes must be verified.
    pub share_percent: u32,
    /// When the outcome came without which it would not be enough; `None` while it is not.
    pub enough_at: Option<UtcMs>,
    /// How long is waited from there.
    pub soak_ms: i64,
}

impl Before {
    /// Fewest verified machines that are enough beside what went wrong.
    pub fn needed_verified(&self) -> u32 {
        let outcomes = self.size.clamp(1, FEWEST_OUTCOMES);
        let beside_wrong = outcomes.saturating_sub(self.wrong);
        let percent = self.share_percent.min(100);
        // With a hundred percent nothing may have gone wrong at all.
        let of_share = match 100 - percent {
            0 => 0,
            rest => self.wrong.saturating_mul(percent).div_ceil(rest),
        };
        beside_wrong.max(of_share).max(1)
    }
}

/// Why a wave is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Too little is known yet.
    #[error(
        "{found} of the {} before have an outcome, and {} asked for",
        counted(*size, "machine", "machines"),
        counted(*needed, "is", "are")
    )]
    TooFew {
        /// Outcomes that there are.
        found: u32,
        /// Outcomes that are asked for.
        needed: u32,
        /// Machines of the wave before.
        size: u32,
    },
    /// Too much went wrong.
    #[error("{verified} of {found} outcomes before are verified, and {percent} % are asked for")]
    Share {
        /// Outcomes that are verified.
        verified: u32,
        /// Outcomes that there are.
        found: u32,
        /// How many of a hundred are asked for.
        percent: u32,
    },
    /// What is known is good, and not old enough.
    #[error("the machines before have their outcomes, and the soak lasts until {until}")]
    Soak {
        /// When it is over.
        until: UtcMs,
    },
}

/// Whether a wave may begin. What a person opened stays open until more goes wrong.
pub fn is_open(before: &Before, now: UtcMs) -> Result<(), Closed> {
    if before.wrong_since_opened == Some(0) {
        return Ok(());
    }
    has_enough(before)?;
    let soaked = before.enough_at.map(|at| at.plus_ms(before.soak_ms));
    match soaked.filter(|until| now < *until) {
        Some(until) => Err(Closed::Soak { until }),
        None => Ok(()),
    }
}

/// Whether enough came out of the wave before, and enough of that is good.
pub fn has_enough(before: &Before) -> Result<(), Closed> {
    let found = before.verified.saturating_add(before.wrong);
    let needed = before.size.clamp(1, FEWEST_OUTCOMES);
    if found < needed {
        let size = before.size;
        return Err(Closed::TooFew {
            found,
            needed,
            size,
        });
    }
    let percent = before.share_percent.min(100);
    if u64::from(before.verified) * 100 < u64::from(found) * u64::from(percent) {
        let verified = before.verified;
        return Err(Closed::Share {
            verified,
            found,
            percent,
        });
    }
    Ok(())
}

/// Since when HTM is asked about a wave that is closed: since the soak of the wave before
/// is over, or since nothing more comes out of it. `None` while time may still open it.
pub fn asked_since(before_ended: Option<UtcMs>, soaked: UtcMs, now: UtcMs) -> Option<UtcMs> {
    let soaked = Some(soaked).filter(|soaked| *soaked <= now);
    before_ended.into_iter().chain(soaked).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(size: u32, verified: u32, wrong: u32) -> Before {
        Before {
            size,
            verified,
            wrong,
            wrong_since_opened: None,
            share_percent: 90,
            enough_at: None,
            soak_ms: 0,
        }
    }

    #[test]
    fn a_wave_opens_at_its_share_of_enough_outcomes() {
        let few = |found, needed, size| {
            Err(Closed::TooFew {
                found,
                needed,
                size,
            })
        };
        let share = |verified, found| {
            Err(Closed::Share {
                verified,
                found,
                percent: 90,
            })
        };
        for (size, verified, wrong, expected) in [
            (0, 0, 0, few(0, 1, 0)),
            (1, 0, 0, few(0, 1, 1)),
            (1, 1, 0, Ok(())),
            (1, 0, 1, share(0, 1)),
            (4, 3, 0, few(3, 4, 4)),
            (4, 4, 0, Ok(())),
            (5, 4, 0, few(4, 5, 5)),
            (200, 4, 0, few(4, 5, 200)),
            (200, 5, 0, Ok(())),
            (200, 8, 1, share(8, 9)),
            (200, 9, 1, Ok(())),
            (200, 89, 10, share(89, 99)),
            (200, 90, 10, Ok(())),
            (200, 0, 200, share(0, 200)),
        ] {
            let before = before(size, verified, wrong);
            let found = is_open(&before, UtcMs(0));
            assert_eq!(found, expected, "{verified} and {wrong} of {size}");
            // One less than the fewest that are needed is not enough; so many are.
            let needed = before.needed_verified();
            let with = |verified| Before { verified, ..before };
            assert!(has_enough(&with(needed - 1)).is_err(), "{before:?}");
            assert!(has_enough(&with(needed)).is_ok(), "{before:?}");
        }
    }

    #[test]
    fn the_soak_begins_when_there_is_enough() {
        let soaks = |verified, enough_at| Before {
            enough_at,
            soak_ms: 100,
            ..before(2, verified, 0)
        };
        let closed = Err(Closed::Soak { until: UtcMs(150) });
        for (now, expected) in [(50, closed), (149, closed), (150, Ok(()))] {
            let found = is_open(&soaks(2, Some(UtcMs(50))), UtcMs(now));
            assert_eq!(found, expected, "at {now}");
        }
        assert!(matches!(
            is_open(&soaks(1, None), UtcMs(999)),
            Err(Closed::TooFew { .. })
        ));
        // A person who opens a wave has judged that as well.
        let opened = Before {
            wrong_since_opened: Some(0),
            ..soaks(2, Some(UtcMs(50)))
        };
        assert_eq!(is_open(&opened, UtcMs(50)), Ok(()));
    }

    #[test]
    fn what_a_person_opened_closes_when_more_goes_wrong() {
        let opened = |wrong_since| Before {
            wrong_since_opened: Some(wrong_since),
            ..before(8, 1, 2)
        };
        assert_eq!(is_open(&opened(0), UtcMs(0)), Ok(()));
        assert!(is_open(&opened(1), UtcMs(0)).is_err());
    }

    #[test]
    fn a_share_above_all_of_them_asks_for_all() {
        let all = |verified, wrong| Before {
            share_percent: u32::MAX,
            ..before(9, verified, wrong)
        };
        assert_eq!(is_open(&all(9, 0), UtcMs(0)), Ok(()));
        assert!(is_open(&all(8, 1), UtcMs(0)).is_err());
    }

    #[test]
    fn htm_is_asked_after_the_soak_or_when_nothing_more_comes() {
        for (ended, now, asked) in [
            (None, 9, None),
            (None, 10, Some(10)),
            (None, 99, Some(10)),
            (Some(7), 9, Some(7)),
            (Some(12), 99, Some(10)),
        ] {
            let found = asked_since(ended.map(UtcMs), UtcMs(10), UtcMs(now));
            assert_eq!(found, asked.map(UtcMs), "{ended:?} at {now}");
        }
    }
}
