//! How long an account waits after wrong passwords.

use patchward_common::time::{MINUTE_MS, UtcMs};

/// So many wrong answers in a row are slips of the finger.
pub const FREE_FAILURES: u32 = 4;
/// Longest wait: a guesser gets a hundred tries a day, and nobody is kept from their work for
/// longer than a coffee.
pub const LONGEST_LOCK_MS: i64 = 15 * MINUTE_MS;

/// Until when an account is locked after its `failures`-th wrong answer in a row, now. Each
/// wait is twice the one before, from a minute.
pub fn locked_until(failures: u32, now: UtcMs) -> Option<UtcMs> {
    let beyond = failures.checked_sub(FREE_FAILURES + 1)?;
    let wait = MINUTE_MS.saturating_mul(1_i64 << beyond.min(16));
    Some(now.plus_ms(wait.min(LONGEST_LOCK_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_free_and_guesses_wait_longer_each_time() {
        let now = UtcMs(1_000);
        let waits = |failures| locked_until(failures, now).map(|until| until.0 - now.0);
        assert_eq!(waits(0), None);
        assert_eq!(waits(FREE_FAILURES), None);
        assert_eq!(waits(FREE_FAILURES + 1), Some(MINUTE_MS));
        assert_eq!(waits(FREE_FAILURES + 2), Some(2 * MINUTE_MS));
        assert_eq!(waits(FREE_FAILURES + 5), Some(LONGEST_LOCK_MS));
        assert_eq!(waits(u32::MAX), Some(LONGEST_LOCK_MS));
    }
}
