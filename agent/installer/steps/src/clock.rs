//! The clock by which programs are ended. Nobody can set it.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since this boot, time asleep included.
pub fn boot_ms() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec
        .saturating_mul(1_000)
        .saturating_add(time.tv_nsec / 1_000_000)
}
