//! Runs the matching again when machines report other software, or people changed the list of
//! assets: new ones meet every advisory without anybody asking for it.

use crate::control::Failure;
use crate::matching;
use crate::store::{Actor, Store};
use patchward_common::time::{MINUTE_MS, UtcMs};

/// How often it looks at most: a run reads everything that is installed.
const EVERY_MS: i64 = MINUTE_MS;

/// What it has seen.
#[derive(Debug, Default)]
pub struct Matches {
    last: Option<UtcMs>,
    stamp: Option<(u64, u64, u64)>,
}

impl Matches {
    /// Runs where something changed since the last time. Gives back whether it did.
    pub async fn run(&mut self, store: &Store, now: UtcMs) -> Result<bool, Failure> {
        if self.last.is_some_and(|last| now.since_ms(last) < EVERY_MS) {
            return Ok(false);
        }
        self.last = Some(now);
        let mut view = store.view().await?;
        let stamp = view.matching_stamp().await?;
        if self.stamp == Some(stamp) {
            return Ok(false);
        }
        drop(view);
        let mut change = store.change(Actor::Collector, now).await?;
        matching::refresh(&mut change, None).await?;
        change.commit().await?;
        // A run that wrote something moved the stamp itself.
        self.stamp = Some(store.view().await?.matching_stamp().await?);
        Ok(true)
    }
}
