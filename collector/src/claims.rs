//! Which of several collectors on one database does the work that must happen once.
//!
//! Each gives a sign of life every two seconds, with the store, and takes what nobody holds. One
//! whose sign stood still for ten seconds, by the clock of who looks, is gone and holds nothing any
//! more. One that could not give its sign for six seconds begins nothing any more, so that it has
//! ended before another begins. No two clocks are held against each other for that; how far they
//! are apart is measured beside it, for a go is decided on what all of them wrote.

mod watched;

use crate::clock;
use crate::config::Settings;
use crate::rollout::clocks::{self, Clocks, Sign};
use crate::store::claims::{Claim, Collector};
use crate::store::{Store, StoreError};
use patchward_common::time::UtcMs;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use watched::Watched;

/// How often a collector gives a sign of life.
pub const BEAT_EVERY: Duration = Duration::from_secs(2);
/// So long a sign of life stands still before its collector is gone: five that were missed.
const STILL_MS: u64 = 10_000;
/// So long after its last sign of life a collector still begins what it holds. Less than
/// [`STILL_MS`] by two signs: it has stopped before another takes over.
const HOLD_MS: u64 = 6_000;
/// Longest time to say at the end that this collector leaves: its machines wait to be told.
const LEAVE_TIME: Duration = Duration::from_secs(2);

/// Work that must happen once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// Plans go on, are halted, and come to their end; what became of slots is noted.
    Plans,
    /// The custodian repository is renewed.
    Custodian,
    /// Advisories are matched.
    Matching,
    /// Calendars are read.
    Calendars,
    /// What is news is noted for those who are told.
    Notices,
    /// It is delivered, by webhook and mail.
    Delivery,
    /// Machines are counted, once a day.
    Counts,
    /// The log tells what ends soon.
    Expiries,
    /// What nobody has any more is dropped.
    Sweeping,
}

impl Work {
    /// All of it.
    pub const ALL: [Self; 9] = [
        Self::Plans,
        Self::Custodian,
        Self::Matching,
        Self::Calendars,
        Self::Notices,
        Self::Delivery,
        Self::Counts,
        Self::Expiries,
        Self::Sweeping,
    ];

    /// Its word, in the store and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plans => "plans",
            Self::Custodian => "custodian",
            Self::Matching => "matching",
            Self::Calendars => "calendars",
            Self::Notices => "notices",
            Self::Delivery => "delivery",
            Self::Counts => "counts",
            Self::Expiries => "expiries",
            Self::Sweeping => "sweeping",
        }
    }
}

/// What a collector says of itself with a sign of life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many machines are connected with it.
    pub connected: u64,
    /// How far each stop in force has come with them, as JSON.
    pub reach: String,
}

/// Another collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// What it said last.
    pub collector: Collector,
    /// Whether a sign of its life was seen to come lately: it could serve machines. One that is
    /// here for the first time may be what a killed one left.
    pub is_moving: bool,
}

/// What a sign of life tells of the others.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// Those that are not gone.
    pub all: Vec<Other>,
    /// Their clocks, as far as they are known.
    pub clocks: Clocks,
}

/// What this collector holds.
#[derive(Debug)]
pub struct Claims {
    own: Collector,
    /// Whether there may be others. Where there may not, all is this one's.
    is_shared: bool,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: BTreeSet<&'static str>,
    /// When the last sign of life was begun that was given.
    beaten_ms: Option<u64>,
    watched: Watched,
    clocks: clocks::Watch,
}

impl Claims {
    /// Those of a collector that starts now. Until its first sign of life it holds nothing, but
    /// where it is alone.
    pub fn new(store: &Store, settings: &Settings, now: UtcMs) -> Self {
        let host = rustix::system::uname();
        Self::of(
            store,
            host.nodename().to_string_lossy().as_ref(),
            settings,
            now,
        )
    }

    fn of(store: &Store, host: &str, settings: &Settings, now: UtcMs) -> Self {
        Self {
            own: Collector {
                id: format!("{:016x}", rand::random::<u64>()),
                host: host.to_owned(),
                address: settings.listen.to_string(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started_at: now,
                beat: 0,
                beat_at: now,
                connected: 0,
                reach: String::new(),
            },
            is_shared: store.is_shared(),
            began: clock::begin(),
            state: Mutex::default(),
        }
    }

    /// What names this collector among the others.
    pub fn id(&self) -> &str {
        &self.own.id
    }

    /// This collector alone, as it would be told of: where no other may be.
    pub fn alone(&self, now: UtcMs, connected: u64) -> Collector {
        Collector {
            beat_at: now,
            connected,
            ..self.own.clone()
        }
    }

    /// Whether others may run on the database.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether it is this collector's to begin some work now.
    pub fn holds(&self, work: Work) -> bool {
        !self.is_shared || {
            let at_ms = self.elapsed_ms();
            let state = self.state();
            state.is_alive(at_ms) && state.held.contains(work.word())
        }
    }

    /// Whether its sign of life was given lately.
    pub fn is_alive(&self) -> bool {
        !self.is_shared || self.state().is_alive(self.elapsed_ms())
    }

    /// Gives a sign of life, takes what nobody holds, and lets go of those that are gone. Gives
    /// back what is known of the other collectors. `store` may be another way to the database
    /// than others use: who waits behind them is not heard.
    ///
    /// # Errors
    /// Those of the store. What is held ends by itself where this goes on.
    pub async fn beat(&self, store: &Store, told: Told, now: UtcMs) -> Result<Others, StoreError> {
        if !self.is_shared {
            return Ok(Others {
                clocks: Clocks::alone(),
                ..Others::default()
            });
        }
        let at_ms = self.elapsed_ms();
        let mut all = store.view().await?.collectors().await?;
        let had_ms = self.elapsed_ms();
        all.retain(|one| one.id != self.own.id);
        let (still, others) = {
            let mut state = self.state();
            let still = state.watched.still(&all, at_ms);
            all.retain(|one| !still.iter().any(|(id, _)| *id == one.id));
            let read_at = now.plus_ms(had_ms.saturating_sub(at_ms).cast_signed());
            let signs = all.iter().map(sign);
            let clocks = state.clocks.look(signs, (at_ms, had_ms), read_at);
            let others = all.into_iter().map(|collector| Other {
                is_moving: state.watched.is_moving(&collector.id, at_ms),
                collector,
            });
            let all = others.collect();
            (still, Others { all, clocks })
        };
        for (id, _) in &still {
            tracing::warn!(
                collector = id,
                "another collector gives no sign of life any more"
            );
        }
        let own = Collector {
            beat_at: now,
            connected: told.connected,
            reach: told.reach,
            ..self.own.clone()
        };
        let words = Work::ALL.map(Work::word);
        let claims = store.beat(&own, &still, &words).await?;
        self.state().given(&claims, &self.own.id, at_ms);
        Ok(others)
    }

    /// This collector ends: what it holds is free.
    pub async fn leave(&self, store: &Store) {
        if !self.is_shared {
            return;
        }
        self.state().held.clear();
        let left = tokio::time::timeout(LEAVE_TIME, store.leave(&self.own.id)).await;
        let problem = match left {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        tracing::warn!(
            problem,
            "other collectors take over only after some seconds"
        );
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A collector's last sign of life, as clocks are told by it.
pub(crate) fn sign(one: &Collector) -> Sign<'_> {
    Sign {
        id: &one.id,
        host: &one.host,
        beat: one.beat,
        at: one.beat_at,
    }
}

impl State {
    fn is_alive(&self, at_ms: u64) -> bool {
        let beaten = self.beaten_ms;
        beaten.is_some_and(|beaten| at_ms.saturating_sub(beaten) < HOLD_MS)
    }

    /// A sign of life was given, begun at `at_ms`.
    fn given(&mut self, claims: &[Claim], own: &str, at_ms: u64) {
        let before = std::mem::take(&mut self.held);
        let mine = |word: &&'static str| {
            let mine = |claim: &Claim| claim.work == *word && claim.holder == own;
            claims.iter().any(mine)
        };
        self.held = Work::ALL.map(Work::word).into_iter().filter(mine).collect();
        self.beaten_ms = Some(at_ms);
        if self.held != before {
            let held: Vec<_> = self.held.iter().copied().collect();
            tracing::info!(held = held.join(" "), "what this collector does for all");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_give_a_sign_of_life_stops_before_another_begins() {
        let claim = |work: &str, holder: &str| Claim {
            work: work.into(),
            holder: holder.into(),
            since: UtcMs(0),
        };
        let mut state = State::default();
        assert!(!state.is_alive(0));
        let claims = [claim("plans", "own"), claim("notices", "other")];
        state.given(&claims, "own", 500);
        assert_eq!(state.held, BTreeSet::from(["plans"]));
        assert!(state.is_alive(500 + HOLD_MS - 1));
        assert!(!state.is_alive(500 + HOLD_MS));
        const { assert!(HOLD_MS + 2 * BEAT_EVERY.as_millis() as u64 <= STILL_MS) };
        state.given(&[claim("plans", "other")], "own", 9_000);
        assert!(state.held.is_empty() && state.is_alive(9_000));
    }
}
