//! How often it is tried again, and for how long.

use patchward_common::time::{DAY_MS, HOUR_MS, SECOND_MS, UtcMs};

/// How long the first wait is; each further one is twice as long.
const FIRST_MS: i64 = 15 * SECOND_MS;
/// The longest wait: a server that is back is found within an hour.
const LONGEST_MS: i64 = HOUR_MS;
/// After how long something is given up: over a weekend.
pub const GIVE_UP_MS: i64 = 3 * DAY_MS;

/// When something that failed for the `failures`th time in a row is tried again.
pub fn again_at(failures: u32, now: UtcMs) -> UtcMs {
    let doubled = 1_i64.checked_shl(failures.saturating_sub(1)).unwrap_or(0);
    let wait = match doubled {
        ..1 => LONGEST_MS,
        times => FIRST_MS.saturating_mul(times).min(LONGEST_MS),
    };
    now.plus_ms(wait)
}

/// What was written before this instant is given up.
pub fn given_up_before(now: UtcMs) -> UtcMs {
    now.plus_ms(-GIVE_UP_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let wait = |failures: u32| again_at(failures, UtcMs(7)).since_ms(UtcMs(7)) / SECOND_MS;
        let waits: Vec<i64> = (1..=10).map(wait).collect();
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        for many in [0, 63, 64, 65, u32::MAX] {
            assert!((15..=3_600).contains(&wait(many)), "{many}");
        }
    }
}
