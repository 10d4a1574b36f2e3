//! How far this machine's clock is from the collector's, kept only while it is too far: for
//! `doctor`, which must not say hello beside the running agent.

use crate::state::{self, StateError};
use patchward_common::codec;
use patchward_common::time::{SECOND_MS, UtcMs};
use patchward_common::trust::go::CLOCK_BOUND_MS;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's name in the agent's folder.
const FILE: &str = "clock";
/// Largest file.
const MAX_BYTES: usize = 64;

/// A clock that is too far off for anything to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    /// This machine's clock less the collector's, in milliseconds.
    pub ms: i64,
    /// When, by this machine's clock.
    pub at: UtcMs,
}

impl Apart {
    /// What a hello's answer says: `None` where the clocks agree well enough to start jobs.
    pub fn of(collector: UtcMs, now: UtcMs) -> Option<Self> {
        let ms = now.since_ms(collector);
        (ms.saturating_abs() > CLOCK_BOUND_MS).then_some(Self { ms, at: now })
    }

    /// Reads what was noted last.
    pub fn load(folder: &Path) -> Option<Self> {
        let bytes = state::read(&folder.join(FILE), MAX_BYTES).ok()??;
        codec::decode(&bytes, MAX_BYTES).ok()
    }

    /// Notes it, or that the clocks agree again.
    pub fn save(apart: Option<Self>, folder: &Path) -> Result<(), StateError> {
        let path = folder.join(FILE);
        match apart {
            Some(apart) => state::write(&path, &codec::encode(&apart)),
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(StateError::of("remove", &path)(error))
                }
                _ => Ok(()),
            },
        }
    }
}

impl std::fmt::Display for Apart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.ms > 0 { "ahead of" } else { "behind" };
        write!(
            f,
            "this machine's clock was {} s {word} the collector's at {}; nothing starts beyond \
             {} s; set the clock",
            self.ms.saturating_abs() / SECOND_MS,
            self.at,
            CLOCK_BOUND_MS / SECOND_MS
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_is_too_far_off_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let now = UtcMs(1_000_000);
        assert_eq!(Apart::of(now.plus_ms(CLOCK_BOUND_MS), now), None);
        let late = Apart::of(now.plus_ms(300_000), now).unwrap();
        assert!(late.to_string().contains("300 s behind"), "{late}");
        let early = Apart::of(now.plus_ms(-300_000), now).unwrap();
        assert!(early.to_string().contains("300 s ahead"), "{early}");
        assert_eq!(Apart::load(folder.path()), None);
        Apart::save(Some(late), folder.path()).unwrap();
        assert_eq!(Apart::load(folder.path()), Some(late));
        Apart::save(None, folder.path()).unwrap();
        Apart::save(None, folder.path()).unwrap();
        assert_eq!(Apart::load(folder.path()), None);
    }
}
