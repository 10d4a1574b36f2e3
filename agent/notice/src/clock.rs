//! The only clock of this program. Decisions take what is read here as arguments.

use patchward_common::time::UtcMs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the driver that reads the clock"
)]
pub(crate) fn now() -> UtcMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is as wrong as one at its beginning.
    UtcMs(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}
