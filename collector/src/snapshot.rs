//! What takes long to gather, kept for those who look at pages: of a hospital of 50,000
//! machines nobody reads everything anew for each look.
//!
//! What is kept is at most some seconds old, and never older than what the one who looks
//! changed before, or anybody by command. What is gathered in no time is not kept at all, and what
//! is gathered soon for as long as many look at once: a change brings all their pages up to date.

mod behind;
mod made;

pub use behind::Behind;
pub use made::MadeOf;

use crate::clock;
use crate::control::Failure;
use patchward_common::time::UtcMs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What was gathered within this is gathered anew for each look.
const WORTH_MS: i64 = 4;
/// What was gathered within this is not shown where it is older than new: who looks waits for it.
const SOON_MS: i64 = 50;
/// How long what was gathered counts as new.
const FRESH_MS: i64 = 2_000;
/// So many times as long as the gathering took it counts as new too: gathering takes no more
/// than a tenth of one core, however many look.
const FRESH_TIMES: i64 = 10;
/// So much longer it is shown all the same, while it is gathered anew behind it.
const OLD_MS: i64 = 60_000;
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
        match () {
            () if self.said < look.must_know || took_ms < WORTH_MS => Found::Nothing,
            // Who has waited for it looked before it was begun; one from far ahead is of a
            // clock that was wrong.
            () if age < -OLD_MS => Found::Nothing,
            () if took_ms < EXACT_MS && self.audit != look.audit => Found::Nothing,
            () if age <= fresh => Found::New,
            () if took_ms < SOON_MS => Found::Nothing,
            () if age <= fresh.saturating_add(OLD_MS) => Found::Old,
            () => Found::Nothing,
        }
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
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Made {
            value: Arc::clone(&value),
            at,
            took_ms: i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX),
            said,
            audit,
        });
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    const NOW: UtcMs = UtcMs(1_000_000);

    fn look(must_know: u64, audit: u64) -> Look {
        Look {
            now: NOW,
            must_know,
            audit,
        }
    }

    fn made(age: i64, took_ms: i64) -> Made<()> {
        Made {
            value: Arc::new(()),
            at: NOW.plus_ms(-age),
            took_ms,
            said: 5,
            audit: 9,
        }
    }

    #[test]
    fn what_is_kept_is_never_older_than_what_one_has_changed() {
        let judged = |age, took, must_know| made(age, took).judge(look(must_know, 9));
        assert_eq!(judged(0, WORTH_MS - 1, 5), Found::Nothing, "no trouble");
        assert_eq!(judged(FRESH_MS, WORTH_MS, 5), Found::New);
        let waits = judged(FRESH_MS + 1, SOON_MS - 1, 5);
        assert_eq!(waits, Found::Nothing, "nobody waits for long");
        assert_eq!(judged(FRESH_MS + 1, SOON_MS, 5), Found::Old);
        assert_eq!(judged(10_000, 1_000, 5), Found::New, "it costs a second");
        assert_eq!(judged(10_001, 1_000, 5), Found::Old);
        assert_eq!(judged(70_001, 1_000, 5), Found::Nothing, "too old");
        assert_eq!(judged(0, 1_000, 6), Found::Nothing, "one's own change");
        assert_eq!(judged(-1, 1_000, 5), Found::New, "one waited for it");
        assert_eq!(judged(-70_000, 1_000, 5), Found::Nothing, "a wrong clock");
    }

    #[test]
    fn what_is_gathered_soon_is_gathered_anew_after_every_change() {
        let judged = |took, audit| made(0, took).judge(look(5, audit));
        assert_eq!(judged(EXACT_MS - 1, 9), Found::New);
        assert_eq!(judged(EXACT_MS - 1, 10), Found::Nothing);
        assert_eq!(judged(EXACT_MS, 10), Found::New);
    }

    /// Gathers for ever, and is of no use.
    struct Ending;

    impl Gather<()> for Ending {
        fn said(&self) -> u64 {
            7
        }

        fn now(&self) -> UtcMs {
            NOW
        }

        fn behind(&self) -> Behind {
            Behind::new(tokio::runtime::Handle::current())
        }

        fn ends(&self) -> impl Future<Output = ()> + Send + 'static {
            std::future::ready(())
        }

        async fn gather(self) -> Result<(), Failure> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn a_collector_that_ends_waits_for_no_gathering() {
        let kept: Arc<Snapshot<()>> = Arc::default();
        let failure = kept.get(look(7, 0), Ending).await.unwrap_err();
        assert!(failure.text.contains("ends"), "{}", failure.text);
    }

    /// Gathers how often it was gathered, in more than a second.
    #[derive(Clone)]
    struct Counting {
        count: Arc<AtomicU64>,
        now: UtcMs,
        behind: Behind,
    }

    impl Counting {
        fn new() -> Self {
            Self {
                count: Arc::default(),
                now: NOW,
                behind: Behind::new(tokio::runtime::Handle::current()),
            }
        }

        fn counted(&self) -> u64 {
            self.count.load(Ordering::SeqCst)
        }
    }

    impl Gather<u64> for Counting {
        fn said(&self) -> u64 {
            7
        }

        fn now(&self) -> UtcMs {
            self.now
        }

        fn begin(&self) -> Instant {
            let second = Duration::from_secs(1);
            clock::begin().checked_sub(second).unwrap()
        }

        fn behind(&self) -> Behind {
            self.behind.clone()
        }

        async fn gather(self) -> Result<u64, Failure> {
            Ok(self.count.fetch_add(1, Ordering::SeqCst))
        }
    }

    #[tokio::test]
    async fn many_who_look_are_served_by_one_gathering() {
        let kept: Arc<Snapshot<u64>> = Arc::default();
        let how = Counting::new();
        for _ in 0..3 {
            assert_eq!(*kept.get(look(7, 0), how.clone()).await.unwrap(), 0);
        }
        assert_eq!(*kept.get(look(8, 0), how).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_is_old_is_shown_and_gathered_anew_once_and_in_its_turn() {
        let (kept, other): (Arc<Snapshot<u64>>, Arc<Snapshot<u64>>) = Default::default();
        let (how, mut how_other) = (Counting::new(), Counting::new());
        how_other.behind = how.behind.clone();
        kept.get(look(7, 0), how.clone()).await.unwrap();
        other.get(look(7, 0), how_other.clone()).await.unwrap();
        let now = NOW.plus_ms(30_000);
        let later = Look { now, ..look(7, 0) };
        let (how, how_other) = (Counting { now, ..how }, Counting { now, ..how_other });
        // Somebody else gathers behind.
        let (begun, waits) = tokio::sync::oneshot::channel::<()>();
        how.behind.in_turn(async move { drop(waits.await) });
        for _ in 0..3 {
            assert_eq!(*kept.get(later, how.clone()).await.unwrap(), 0);
        }
        assert_eq!(*other.get(later, how_other.clone()).await.unwrap(), 0);
        tokio::task::yield_now().await;
        assert_eq!(
            (how.counted(), how_other.counted()),
            (1, 1),
            "not their turn"
        );
        begun.send(()).unwrap();
        while (how.counted(), how_other.counted()) != (2, 2) {
            tokio::task::yield_now().await;
        }
        assert_eq!(*kept.get(later, how.clone()).await.unwrap(), 1);
        assert_eq!(how.counted(), 2, "once for all who looked");
    }
}
