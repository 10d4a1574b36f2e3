//! How long to wait before the next try. Pure.

/// The first wait.
const FIRST_MS: u64 = 1_000;
/// The longest wait: a collector that was restored finds its fleet within minutes.
const LONGEST_MS: u64 = 5 * 60 * 1_000;

/// The wait after so many failures in a row: doubled each time, half of it by chance.
pub(super) fn after(failures: u32, chance: u64) -> u64 {
    let doubled = FIRST_MS.saturating_mul(1 << failures.saturating_sub(1).min(16));
    jitter(doubled.min(LONGEST_MS), chance)
}

/// Half of `ms`, and up to another half by chance: a fleet does not come at once.
pub(super) fn jitter(ms: u64, chance: u64) -> u64 {
    ms / 2 + chance % (ms / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_differ() {
        for chance in [0, 1, 12_345, u64::MAX] {
            assert!((500..=1_000).contains(&after(1, chance)));
            assert!((2_000..=4_000).contains(&after(3, chance)));
            for failures in [10, 40, u32::MAX] {
                assert!((150_000..=300_000).contains(&after(failures, chance)));
            }
        }
        assert_ne!(after(5, 3), after(5, 4_000));
        assert_eq!(jitter(0, 7), 0);
    }
}
