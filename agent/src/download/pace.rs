//! How fast is downloaded: every byte costs its time, paid in pauses. Pure.

/// Shortest pause that a timer can hold.
const PAUSE_MS: u64 = 10;

/// The rate limit of one range.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes a second; 0 is no limit.
    rate: u64,
    /// Thousandths of bytes: what is less than a millisecond is paid with the next.
    unpaid: u64,
}

impl Pace {
    pub(super) fn new(rate: u64) -> Self {
        Self { rate, unpaid: 0 }
    }

    /// After so many more bytes: how long to pause now, in milliseconds; 0 for not yet.
    pub(super) fn pause_ms(&mut self, bytes: u64) -> u64 {
        if self.rate == 0 {
            return 0;
        }
        self.unpaid = self.unpaid.saturating_add(bytes.saturating_mul(1_000));
        let pause_ms = self.unpaid / self.rate;
        if pause_ms < PAUSE_MS {
            return 0;
        }
        self.unpaid %= self.rate;
        pause_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pauses of a download in pieces of `piece` bytes.
    fn total_ms(rate: u64, bytes: u64, piece: u64) -> u64 {
        let mut pace = Pace::new(rate);
        (0..bytes / piece).map(|_| pace.pause_ms(piece)).sum()
    }

    #[test]
    fn every_byte_costs_its_time() {
        for (rate, bytes, piece) in [
            (4_000_000, 40_000_000, 1_200),
            (4_000_000, 40_000_000, 64_000),
            (10_000, 300_000, 1_200),
            (999, 99_900, 333),
        ] {
            let ideal_ms = bytes * 1_000 / rate;
            let total_ms = total_ms(rate, bytes, piece);
            let unpaid_ms = PAUSE_MS + 1;
            assert!(
                (ideal_ms.saturating_sub(unpaid_ms)..=ideal_ms).contains(&total_ms),
                "{rate} bytes a second: {total_ms} ms instead of {ideal_ms}"
            );
        }
        assert_eq!(total_ms(0, 40_000_000, 1_200), 0, "no limit");
    }

    #[test]
    fn pauses_are_long_enough_for_timers() {
        let mut pace = Pace::new(4_000_000);
        let pauses = (0..1_000).map(|_| pace.pause_ms(1_200));
        assert!(pauses.filter(|ms| *ms > 0).all(|ms| ms >= PAUSE_MS));
    }
}
