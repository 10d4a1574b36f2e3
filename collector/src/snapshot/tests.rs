//! What is shown of what is kept, and when it is gathered anew.

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
    let soon = |age| judged(FRESH_MS + age, SOON_MS - 1, 5);
    assert_eq!(soon(1), Found::Old, "many look at it");
    assert_eq!(soon(SOON_OLD_MS), Found::Old);
    assert_eq!(
        soon(SOON_OLD_MS + 1),
        Found::Nothing,
        "nobody waits for long"
    );
    assert_eq!(judged(FRESH_MS + SOON_OLD_MS + 1, SOON_MS, 5), Found::Old);
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

#[test]
fn one_slow_gathering_makes_nothing_inexact_and_several_do() {
    assert_eq!(weighed(None, 150), 150);
    assert_eq!(weighed(Some(150), 5), 5);
    let once = weighed(Some(5), 150);
    assert!(once < EXACT_MS, "{once}");
    let twice = weighed(Some(once), 150);
    assert!(twice >= EXACT_MS, "{twice}");
    assert_eq!(weighed(Some(0), i64::MAX), i64::MAX / 2);
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
