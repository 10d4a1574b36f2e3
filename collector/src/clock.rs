//! The collector's readings of the clock. Everything below takes `now`.

use patchward_common::time::UtcMs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time now, by the system's clock.
pub fn now() -> UtcMs {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one clock read of this process"
    )]
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is a broken clock: 0 lies before every document.
    let elapsed = elapsed.unwrap_or_default();
    UtcMs(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// Begins to measure how long something takes, or for how long another collector stands still: no
/// two clocks are held against each other by it.
pub fn begin() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "it measures with one clock")]
    Instant::now()
}
