//! The one clock read.

use patchward_common::time::UtcMs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time now; before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "the driver's one clock read")]
pub fn now() -> UtcMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    UtcMs(i64::try_from(ms).unwrap_or(i64::MAX))
}
