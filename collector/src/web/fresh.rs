//! What takes long to gather and is asked for often by programs: gathered once for all who
//! ask, and again only after a time.

use crate::control::Failure;
use patchward_common::time::UtcMs;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// A value is kept for so many times as long as it took to gather: gathering takes at most
/// a twentieth of one processor, however large the hospital is.
const REST: i64 = 20;
/// Most values that are kept; beyond it those that are out of date are dropped.
const MAX_KEPT: usize = 1_024;

struct Kept<T> {
    value: Arc<T>,
    until: UtcMs,
}

/// Values by key.
pub(super) struct Fresh<K, T> {
    kept: Mutex<HashMap<K, Kept<T>>>,
    /// Held by who gathers: the others wait, and take what came of it.
    gathering: tokio::sync::Mutex<()>,
    at_least_ms: i64,
}

/// Waits for a gathering that goes on though who waits goes away.
pub(super) async fn to_the_end<T: Send + 'static>(
    gathering: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(gathering).await.unwrap_or_else(|panic| {
        tracing::error!(%panic, "gathering for a program ended with a fault");
        Err(Failure::fault())
    })
}

impl<K: Eq + Hash, T> Fresh<K, T> {
    /// Values that are kept for `at_least_ms` milliseconds.
    pub(super) fn new(at_least_ms: i64) -> Self {
        Self {
            kept: Mutex::default(),
            gathering: tokio::sync::Mutex::default(),
            at_least_ms,
        }
    }

    fn known(&self, key: &K, now: UtcMs) -> Option<Arc<T>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(key)?;
        // A clock that went back keeps nothing for longer.
        let left = found.until.since_ms(now);
        let is_fresh = left > 0 && left <= self.at_least_ms.saturating_mul(REST);
        is_fresh.then(|| found.value.clone())
    }

    /// The value of `key`, gathered by `gather` where none is fresh.
    ///
    /// # Errors
    /// Those of `gather`; nothing is kept of them.
    pub(super) async fn value(
        &self,
        key: K,
        clock: impl Fn() -> UtcMs,
        gather: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Arc<T>, Failure> {
        if let Some(value) = self.known(&key, clock()) {
            return Ok(value);
        }
        let _alone = self.gathering.lock().await;
        let begun = clock();
        if let Some(value) = self.known(&key, begun) {
            return Ok(value);
        }
        let value = Arc::new(gather.await?);
        let ended = clock();
        let rest = ended.since_ms(begun).max(0).saturating_mul(REST);
        let keep = rest.clamp(self.at_least_ms, self.at_least_ms.saturating_mul(REST));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, one| ended < one.until);
        }
        let new = Kept {
            value: value.clone(),
            until: ended.plus_ms(keep),
        };
        if kept.len() < MAX_KEPT {
            kept.insert(key, new);
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn it_is_gathered_again_only_after_its_time() {
        let fresh: Fresh<u8, u32> = Fresh::new(1_000);
        let (clock, gathered) = (Cell::new(0), Cell::new(0));
        let ask = async |key: u8, takes: i64| {
            let gather = async {
                clock.set(clock.get() + takes);
                gathered.set(gathered.get() + 1);
                Ok(gathered.get())
            };
            let now = || UtcMs(clock.get());
            *fresh.value(key, now, gather).await.unwrap()
        };
        assert_eq!(ask(1, 0).await, 1);
        clock.set(999);
        assert_eq!(ask(1, 0).await, 1);
        assert_eq!(ask(2, 0).await, 2, "each key has its own");
        clock.set(1_000);
        // It takes 100 ms, so it rests for two seconds.
        assert_eq!(ask(1, 100).await, 3);
        clock.set(3_099);
        assert_eq!(ask(1, 0).await, 3);
        clock.set(3_100);
        assert_eq!(ask(1, 0).await, 4);
        // The clock went back by a year.
        clock.set(-31_000_000_000);
        assert_eq!(ask(1, 0).await, 5);
        let failed = fresh.value(9, || UtcMs(0), async { Err(Failure::input("no")) });
        assert!(failed.await.is_err());
    }
}
