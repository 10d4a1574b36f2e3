//! The collector's readings of the clock. Everything below takes `now`.

use patchward_common::time::UtcMs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::{Interval, MissedTickBehavior, interval_at};

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

/// A timer of what is done again and again, first at once.
pub fn every(period: Duration) -> Interval {
    every_from(tokio::time::Instant::now(), period)
}

/// The same, first at a later time. Where one round takes too long the next one comes a period after
/// it.
pub fn every_from(first: tokio::time::Instant, period: Duration) -> Interval {
    let mut timer = interval_at(first, period);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}
