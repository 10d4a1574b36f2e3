//! At what pace machines that were sent away come again: that at which this computer lets them in.

use crate::clock;
use rustls::crypto::aws_lc_rs::kx_group::X25519;
use std::time::Duration;

/// When the first come again after the collector stopped: a restart takes that long.
const FIRST_MS: u64 = 2_500;
/// A machine that comes back costs a core as much time as so many key exchanges: its handshake, its
/// first hello, and what the kernel and the database have to do with both (measured: 0.9 ms, and
/// 21 us for an exchange; `restart` in docs/benchmarks.md).
const EXCHANGES: u32 = 42;
/// Key exchanges that are timed: a millisecond or two.
const TIMED: usize = 32;
/// How long one takes where it cannot be timed: a slow core.
const SLOW: Duration = Duration::from_micros(60);

/// The pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Machines a second. More would wait for each other until they give up, and come once more.
    a_second: u64,
}

impl Pace {
    /// What this computer bears now.
    pub(super) fn measured() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::of(cores, exchange().unwrap_or(SLOW))
    }

    /// What so many cores bear, where one has exchanged keys after so long.
    fn of(cores: usize, exchange: Duration) -> Self {
        let one = (exchange * EXCHANGES).as_micros().max(1);
        let a_second = cores.max(1) as u128 * 1_000_000 / one;
        Self {
            a_second: u64::try_from(a_second).unwrap_or(u64::MAX).max(1),
        }
    }

    /// After how long the machine that is told so after `at` others comes again; each adds up to a
    /// second by chance.
    pub(super) fn retry_after_ms(self, at: u64) -> u64 {
        FIRST_MS + at.saturating_mul(1_000) / self.a_second
    }
}

/// How long a key exchange takes, the collector's side of it; the quickest, as others were
/// interrupted.
fn exchange() -> Option<Duration> {
    let peer = X25519.start().ok()?;
    let once = |_| {
        let begun = clock::begin();
        X25519.start().ok()?.complete(peer.pub_key()).ok()?;
        Some(clock::begin().duration_since(begun))
    };
    (0..TIMED).filter_map(once).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(20);

    #[test]
    fn a_fleet_that_was_sent_away_comes_back_as_fast_as_it_is_let_in() {
        let pace = Pace::of(2, QUICK);
        assert_eq!(pace.retry_after_ms(0), FIRST_MS);
        let times: Vec<u64> = (0..20_000).map(|at| pace.retry_after_ms(at)).collect();
        assert!(times.is_sorted());
        let within = |second: u64| {
            let from = FIRST_MS + second * 1_000;
            let times = times.iter();
            times
                .filter(|ms| (from..from + 1_000).contains(*ms))
                .count() as u64
        };
        assert!((0..4).all(|second| within(second).abs_diff(pace.a_second) <= 1));
        // With the second that chance adds, all come within what is asked for.
        assert!(times.iter().all(|ms| ms + 1_000 < 12_000));
    }

    #[test]
    fn slow_or_few_cores_let_in_fewer() {
        let slow = Pace::of(2, 4 * QUICK).a_second;
        assert_eq!(slow, Pace::of(2, QUICK).a_second / 4);
        assert_eq!(Pace::of(0, QUICK), Pace::of(1, QUICK), "a core at least");
        assert_eq!(Pace::of(1, Duration::ZERO).a_second, 1_000_000);
        assert_eq!(
            Pace::of(1, Duration::from_secs(60)).a_second,
            1,
            "and one a second"
        );
    }

    #[test]
    fn key_exchanges_are_timed() {
        let took = exchange().unwrap();
        assert!(
            took > Duration::ZERO && took < Duration::from_millis(100),
            "{took:?}"
        );
    }
}
