//! Ends goes that were never used: the answer was lost, or the installer refused for the
//! same reason as before and journalled nothing new. No report of their end ever comes.
//!
//! The proof is the machine's hello: by then nothing can start with the go any more, and
//! everything that its installer had journalled has been turned into states of jobs,
//! without a start. A machine that is not heard stays down until a person frees it.
//!
//! Another collector may have given the go, by another clock: a go's life begins where this one
//! finds it in the database for the first time.

use crate::fleet::{FleetHandle, Journalled};
use crate::rollout::go::{GO_LIFE_MS, is_unused};
use crate::store::go::Go;
use crate::store::{Actor, Store, StoreError, View};
use patchward_common::id::Nonce;
use patchward_common::time::{MINUTE_MS, UtcMs};
use std::collections::HashMap;

/// What ended such a go, as its row and the audit say it.
pub const ENDED_BY: &str = "unused";
/// How long before a hello is heard its agent may have asked the installer: agents wait
/// for an answer for so long.
const HELLO_TAKES_MS: i64 = 2 * MINUTE_MS;

/// Since when this collector knows of each go whose end is not reported, by its own clock.
#[derive(Debug, Default)]
pub struct Unused(HashMap<Nonce, UtcMs>);

/// A go, and when this collector found it in the database.
struct Found {
    go: Go,
    at: UtcMs,
}

impl Unused {
    /// Looks at every go whose end is not reported. Asks the database about those only whose
    /// machine was heard after the go's life.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn run(
        &mut self,
        store: &Store,
        fleet: &FleetHandle,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let goes = store.view().await?.outstanding_goes().await?;
        // Read after them, or one that came meanwhile would seem to be older.
        for found in self.find(goes, fleet.now()) {
            let machine = found.go.machine;
            let said = fleet.journalled(&machine);
            let Some(said) = said.filter(|said| is_late(&found, said)) else {
                continue;
            };
            // Most of these are jobs at work: nobody is locked out for them.
            if proves(&mut store.view().await?, &found, &said).await?
                && end(store, &found, &said, now).await?
            {
                tracing::info!(%machine, job = %found.go.job, "a go was never used and counts no more");
            }
        }
        Ok(())
    }

    fn find(&mut self, goes: Vec<Go>, now: UtcMs) -> Vec<Found> {
        let before = std::mem::take(&mut self.0);
        let found = goes.into_iter().map(|go| {
            let at = before.get(&go.nonce).copied().unwrap_or(now);
            self.0.insert(go.nonce, at);
            Found { go, at }
        });
        found.collect()
    }
}

/// When what a hello says was true at the latest.
fn as_of(said: &Journalled) -> UtcMs {
    said.heard_at.plus_ms(-HELLO_TAKES_MS)
}

fn is_late(found: &Found, said: &Journalled) -> bool {
    as_of(said).since_ms(found.at) > GO_LIFE_MS
}

/// Whether the machine's word proves that the go was not used. What was consumed is read
/// before the job's state, which is moved in the same change: a start is never overlooked.
async fn proves(view: &mut View, found: &Found, said: &Journalled) -> Result<bool, StoreError> {
    let Found { go, at } = found;
    let consumed = view.journal_consumed(&go.machine, &said.outbox).await?;
    // Fewer than are stored: an older hello, or a journal that fell back. The next tells.
    if said.sequence < consumed || !is_unused(*at, said.sequence, consumed, as_of(said)) {
        return Ok(false);
    }
    let job = view.job(&go.job).await?;
    Ok(job.is_some_and(|job| !job.state.is_open()))
}

/// Ends a go if it is still the one that was looked at.
async fn end(
    store: &Store,
    found: &Found,
    said: &Journalled,
    now: UtcMs,
) -> Result<bool, StoreError> {
    let go = &found.go;
    let mut change = store.change(Actor::Collector, now).await?;
    match change.lock_groups_of(&go.machine).await {
        Err(StoreError::Busy) => return Ok(false),
        locked => locked?,
    }
    let goes = change.view().goes_of(&go.job).await?;
    let is_there = |one: &Go| one.nonce == go.nonce && one.ended_at.is_none();
    if !goes.iter().any(is_there) || !proves(change.view(), found, said).await? {
        return Ok(false);
    }
    let ended = change.end_go(&go.job, ENDED_BY).await?;
    change.commit().await?;
    Ok(ended)
}
