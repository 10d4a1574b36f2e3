//! Drops inventories that no machine has or had any more. They are kept a while: a machine
//! may still send a change against one, and people ask what ran on a machine last autumn.

use crate::store::{Store, StoreError};
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};

/// How long a set is kept after it was first stored: longer than a machine is offline
/// between two reports, on most days.
const KEPT_MS: i64 = 7 * DAY_MS;
/// How long it is kept what a machine had: a year and a month, so that this quarter can be
/// held against the same of last year.
const HISTORY_KEPT_MS: i64 = 397 * DAY_MS;
/// How often it looks: nothing waits for it.
const EVERY_MS: i64 = HOUR_MS;

/// When it looked last.
#[derive(Debug, Default)]
pub struct Sets(Option<UtcMs>);

impl Sets {
    /// Drops what is old enough, at most once an hour. Gives back how many.
    pub async fn run(&mut self, store: &Store, now: UtcMs) -> Result<u64, StoreError> {
        if self.0.is_some_and(|last| now.since_ms(last) < EVERY_MS) {
            return Ok(0);
        }
        store
            .drop_set_history(now.plus_ms(-HISTORY_KEPT_MS))
            .await?;
        let dropped = store.drop_unused_sets(now.plus_ms(-KEPT_MS)).await?;
        self.0 = Some(now);
        Ok(dropped)
    }
}
