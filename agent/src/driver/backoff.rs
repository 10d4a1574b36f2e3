//! How long to wait before the next try. Pure.

use patchward_common::time::MINUTE_MS;

/// The first wait.
const FIRST_MS: u64 = 1_000;
/// The longest wait: a collector that was restored finds its fleet within minutes.
const LONGEST_MS: u64 = 5 * MINUTE_MS as u64;
/// A machine that is refused for good asks again so rarely: a person has to act first.
const REFUSED_MS: u64 = 5 * MINUTE_MS as u64;
/// By how much, at most, machines come apart that were told the same time.
const AWAY_SPREAD_MS: u64 = 1_000;
/// The first wait before orders are brought again of which the installer refused a part.
const BRING_FIRST_MS: u64 = 30_000;
/// The longest such wait. A machine whose clock was wrong gets its plans within it.
pub(super) const BRING_LONGEST_MS: u64 = 10 * MINUTE_MS as u64;
/// The shortest wait before the hello after a stop: what 20,000 machines say at once is that
/// they have it.
const STOPPED_MS: u64 = 2_000;
/// Hellos of a fleet that was stopped at once are spread over so long: of 20,000 machines
/// 5,000 a second.
const STOPPED_SPREAD_MS: u64 = 4_000;

/// The wait after so many failures in a row: doubled each time, half of it by chance.
pub fn after(failures: u32, chance: u64) -> u64 {
    let ms = doubled(FIRST_MS, failures).min(LONGEST_MS);
    ms / 2 + chance % (ms / 2 + 1)
}

/// The wait after a refusal: machines that were refused at once do not come back at once.
pub(super) fn refused(chance: u64) -> u64 {
    later(REFUSED_MS, chance)
}

/// At least `ms`, and up to half as much again by chance: a fleet does not come at once.
pub fn later(ms: u64, chance: u64) -> u64 {
    ms.saturating_add(chance % (ms / 2 + 1))
}

/// The wait until a collector that said when it is there again is asked: it tells each machine a
/// time of its own, and one of version 0.1 told all the same, so they come apart by a little.
pub fn away(ms: u64, chance: u64) -> u64 {
    ms.saturating_add(chance % (AWAY_SPREAD_MS.min(ms / 2) + 1))
}

/// The wait before the hello that follows a stop whose receipt was told already: whole
/// fleets are stopped at once.
pub(super) fn stopped(chance: u64) -> u64 {
    STOPPED_MS + chance % STOPPED_SPREAD_MS
}

/// The wait before orders are brought to the installer again, after so many times.
pub(super) fn bring(times: u32) -> u64 {
    doubled(BRING_FIRST_MS, times).min(BRING_LONGEST_MS)
}

/// `first_ms`, doubled with every time but the first.
fn doubled(first_ms: u64, times: u32) -> u64 {
    first_ms.saturating_mul(1 << times.saturating_sub(1).min(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANCES: [u64; 4] = [0, 1, 12_345, u64::MAX];

    #[test]
    fn waits_grow_to_a_limit_and_differ() {
        for chance in CHANCES {
            assert!((500..=1_000).contains(&after(1, chance)));
            assert!((2_000..=4_000).contains(&after(3, chance)));
            for failures in [10, 40, u32::MAX] {
                assert!((150_000..=300_000).contains(&after(failures, chance)));
            }
        }
        assert_ne!(after(5, 3), after(5, 4_000));
        assert_eq!((bring(1), bring(2), bring(9)), (30_000, 60_000, 600_000));
    }

    #[test]
    fn nobody_comes_earlier_than_asked_and_not_all_at_once() {
        for chance in CHANCES {
            assert!((300_000..=450_000).contains(&refused(chance)));
            assert!((3_000..=4_500).contains(&later(3_000, chance)));
            assert!((900..=1_350).contains(&away(900, chance)));
            assert!((9_000..=10_000).contains(&away(9_000, chance)));
            assert!((2_000..6_000).contains(&stopped(chance)));
        }
        let waits: std::collections::BTreeSet<_> = (0..100).map(|n| refused(n * 997)).collect();
        assert!(waits.len() > 90, "{}", waits.len());
        assert_ne!(stopped(3), stopped(3_000));
        assert_eq!((later(0, 7), away(0, 7)), (0, 0));
    }
}
