//! What takes long to gather, kept for those who look at pages: of a hospital of 50,000
//! machines nobody reads everything anew for each look.
//!
//! What is kept is at most some seconds old, and never older than what the one who looks
//! changed before, or anybody by command. What is gathered in no time is not kept at all, and what
//! is gathered soon for as long as many look at once: a change brings all their pages up to date.

mod behind;
mod by;
mod made;

pub use behind::Behind;
pub use by::By;
pub use made::MadeOf;

use crate::clock;
use crate::control::Failure;
use patchward_common::time::UtcMs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What was gathered within this is gathered anew for each look.
const WORTH_MS: i64 = 2;
/// What was gathered within this is shown a little longer than it is new, and no more: who looks
/// waits for it then.
const SOON_MS: i64 = 50;
/// How long what was gathered counts as new.
const FRESH_MS: i64 = 2_000;
/// So many times as long as the gathering took it counts as new too: gathering takes no more
/// than a tenth of one core, however many look.
const FRESH_TIMES: i64 = 10;
/// So much longer it is shown all the same, while it is gathered anew behind it.
const OLD_MS: i64 = 60_000;
/// The same of what is gathered soon: nobody waits for what many look at all the time, and nobody
/// sees what somebody looked at a minute ago.
const SOON_OLD_MS: i64 = 1_000;
/// What was gathered within this is gathered anew as soon as anything was changed by anybody,
/// the collector too: of all but the largest hospitals nobody sees what is not so any more.
const EXACT_MS: i64 = 100;

/// What was gathered, and when.
#[derive(Debug)]
struct Made<T> {
    value: Arc<T>,
    /// When the gathering began.
    at: UtcMs,
    took_ms: i64,
    /// How many changes of people it knows.
    said: u64,
    /// The last row of the audit log when it was begun, or before.
    audit: u64,
}

/// Who looks, and what they must see.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// When.
    pub now: UtcMs,
    /// The change of people that must be in it.
    pub must_know: u64,
    /// The last row of the audit log.
    pub audit: u64,
}

/// What can be shown at once.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// As it is.
    New,
    /// As it is, while it is gathered anew.
    Old,
    /// Nothing.
    Nothing,
}

impl<T> Made<T> {
    fn judge(&self, look: Look) -> Found {
        let (age, took_ms) = (look.now.since_ms(self.at), self.took_ms);
        let fresh = FRESH_MS.max(took_ms.saturating_mul(FRESH_TIMES));
        let old = if took_ms < SOON_MS {
            SOON_OLD_MS
        } else {
            OLD_MS
        };
        match () {
            () if self.said < look.must_know || took_ms < WORTH_MS => Found::Nothing,
            // Who has waited for it looked before it was begun; one from far ahead is of a
            // clock that was wrong.
            () if age < -OLD_MS => Found::Nothing,
            () if took_ms < EXACT_MS && self.audit != look.audit => Found::Nothing,
            () if age <= fresh => Found::New,
            () if age <= fresh.saturating_add(old) => Found::Old,
            () => Found::Nothing,
        }
    }
}

/// How long a gathering counts as having taken: one that waited for a busy processor, behind all
/// others, does not make what is gathered soon inexact.
fn weighed(before_ms: Option<i64>, took_ms: i64) -> i64 {
    match before_ms {
        Some(before_ms) if before_ms < took_ms => before_ms + (took_ms - before_ms) / 2,
        _ => took_ms,
    }
}

/// One thing that is kept.
#[derive(Debug)]
pub struct Snapshot<T> {
    last: Mutex<Option<Made<T>>>,
    /// Whoever gathers holds it: others wait for what comes of it.
    making: tokio::sync::Mutex<()>,
    /// Whether gathering it behind what is shown waits for its turn.
    is_due: AtomicBool,
}

impl<T> Default for Snapshot<T> {
    fn default() -> Self {
        Self {
            last: Mutex::new(None),
            making: tokio::sync::Mutex::default(),
            is_due: AtomicBool::new(false),
        }
    }
}

/// How to gather.
pub trait Gather<T>: Send + 'static {
    /// How many changes of people there are; asked before the gathering begins.
    fn said(&self) -> u64;
    /// The time now.
    fn now(&self) -> UtcMs;
    /// From when on it is measured how long gathering takes.
    fn begin(&self) -> Instant {
        clock::begin()
    }
    /// Who gathers what nobody waits for.
    fn behind(&self) -> Behind;
    /// Waits until what is gathered is of no use any more.
    fn ends(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }
    /// Gathers.
    fn gather(self) -> impl Future<Output = Result<T, Failure>> + Send;
}

impl<T: Send + Sync + 'static> Snapshot<T> {
    /// What is kept, or what is gathered now.
    ///
    /// # Errors
    /// Where gathering fails.
    pub async fn get(self: &Arc<Self>, look: Look, how: impl Gather<T>) -> Result<Arc<T>, Failure> {
        match self.found(look) {
            (Found::New, Some(value)) => return Ok(value),
            (Found::Old, Some(value)) => {
                self.renew(look, how);
                return Ok(value);
            }
            _ => {}
        }
        let kept = Arc::clone(self);
        // Not ended by a browser that goes away: others wait for it.
        let work = tokio::spawn(async move {
            let _place = kept.making.lock().await;
            match kept.found(look) {
                (Found::New, Some(value)) => Ok(value),
                _ => kept.make(how, look.audit).await,
            }
        });
        work.await.map_err(|panic| {
            tracing::error!(%panic, "gathering for a page ended with a fault");
            Failure::fault()
        })?
    }

    /// Gathers it anew behind what is shown, once however many look meanwhile.
    fn renew(self: &Arc<Self>, look: Look, how: impl Gather<T>) {
        if self.is_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let kept = Arc::clone(self);
        how.behind().in_turn(async move {
            kept.is_due.store(false, Ordering::Release);
            // Somebody who could not wait for its turn may be gathering it, or have done so.
            let Ok(_place) = kept.making.try_lock() else {
                return;
            };
            if let (Found::New, _) = kept.found(Look {
                now: how.now(),
                ..look
            }) {
                return;
            }
            if let Err(failure) = kept.make(how, look.audit).await {
                tracing::warn!(%failure, "what pages show could not be gathered anew");
            }
        });
    }

    /// Whether the last gathering took long enough to be kept.
    pub fn is_worth(&self) -> bool {
        self.took(WORTH_MS)
    }

    /// Whether it took so long that it is done ahead.
    pub fn is_slow(&self) -> bool {
        self.took(SOON_MS)
    }

    fn took(&self, ms: i64) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|made| made.took_ms >= ms)
    }

    fn found(&self, look: Look) -> (Found, Option<Arc<T>>) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(made) => (made.judge(look), Some(Arc::clone(&made.value))),
            None => (Found::Nothing, None),
        }
    }

    async fn make(&self, how: impl Gather<T>, audit: u64) -> Result<Arc<T>, Failure> {
        let (said, at, begun) = (how.said(), how.now(), how.begin());
        let ends = how.ends();
        let value = tokio::select! {
            value = how.gather() => Arc::new(value?),
            () = ends => return Err(Failure::unavailable("The collector ends; ask again soon.")),
        };
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.take();
        *last = Some(Made {
            value: Arc::clone(&value),
            at,
            took_ms: weighed(before.as_ref().map(|made| made.took_ms), took_ms),
            said,
            audit,
        });
        // To free a hospital's rows takes as long as to make a page: nobody who looks waits for that.
        drop(last);
        drop(before);
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
