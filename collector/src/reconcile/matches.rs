//! Runs the matching again when machines report other software, or people changed the list of
//! assets: new ones meet every advisory without anybody asking for it.

use crate::control::Failure;
use crate::matching::{self, Kept, Only};
use crate::store::advisories::{Moved, Stamp};
use crate::store::{Actor, Store};
use patchward_common::time::{MINUTE_MS, UtcMs};

/// How often it looks at most: a run reads everything that is installed.
const EVERY_MS: i64 = MINUTE_MS;

/// What it has seen.
#[derive(Debug, Default)]
pub struct Matches {
    last: Option<UtcMs>,
    stamp: Option<Stamp>,
}

impl Matches {
    /// Runs where something changed since the last time. Gives back whether it did.
    pub async fn run(&mut self, store: &Store, kept: &Kept, now: UtcMs) -> Result<bool, Failure> {
        if self.last.is_some_and(|last| now.since_ms(last) < EVERY_MS) {
            return Ok(false);
        }
        self.last = Some(now);
        if let Some(stamp) = &mut self.stamp {
            let mut view = store.view().await?;
            let now = view.matching_stamp().await?;
            if view.moved_since(stamp).await? == Moved::Nothing {
                // Rows of the log that do not matter are not read again.
                *stamp = now;
                return Ok(false);
            }
        }
        let ran = matching::refresh(store, kept, &Actor::Collector, now, Only::default()).await?;
        for one in &ran.outcome.unreadable {
            let problem = one.words();
            tracing::warn!(problem, "what an advisory came to stands as it was");
        }
        self.stamp = Some(ran.stamp);
        Ok(true)
    }
}
