//! Instants, intervals and durations. No clock is read here.

use serde::{Deserialize, Serialize};

/// One second in milliseconds.
pub const SECOND_MS: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day of 24 hours in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UtcMs(pub i64);

impl UtcMs {
    /// The instant `ms` milliseconds later (earlier, where negative); saturates.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative where it is later.
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::fmt::Display for UtcMs {
    /// RFC 3339 in UTC with seconds, such as `2026-11-23T02:14:00Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.div_euclid(SECOND_MS);
        let (days, second_of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (
            second_of_day / 3_600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// Proleptic Gregorian date of a day number counted from 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Count from 0000-03-01, so that a leap day is the last day of its year.
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A half-open interval `[start, end)` that is never empty; `[start, end]` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(UtcMs, UtcMs)", into = "(UtcMs, UtcMs)")]
pub struct Interval {
    start: UtcMs,
    end: UtcMs,
}

/// An interval whose end is not after its start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an interval must end after it starts")]
pub struct EmptyInterval;

impl Interval {
    /// The interval from `start` up to, but not including, `end`.
    pub fn new(start: UtcMs, end: UtcMs) -> Result<Self, EmptyInterval> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(EmptyInterval)
        }
    }

    /// The first instant inside.
    pub fn start(self) -> UtcMs {
        self.start
    }

    /// The first instant after it.
    pub fn end(self) -> UtcMs {
        self.end
    }

    /// Elapsed length in milliseconds, at least 1.
    pub fn length_ms(self) -> i64 {
        self.end.since_ms(self.start)
    }

    /// Whether `instant` lies inside.
    pub fn contains(self, instant: UtcMs) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Whether the two share an instant.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl TryFrom<(UtcMs, UtcMs)> for Interval {
    type Error = EmptyInterval;

    fn try_from((start, end): (UtcMs, UtcMs)) -> Result<Self, EmptyInterval> {
        Self::new(start, end)
    }
}

impl From<Interval> for (UtcMs, UtcMs) {
    fn from(interval: Interval) -> Self {
        (interval.start, interval.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_print_as_rfc_3339() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_400_040_999, "2026-11-23T02:14:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(UtcMs(ms).to_string(), text);
        }
    }

    #[test]
    fn intervals_are_half_open() {
        let slot = Interval::new(UtcMs(10), UtcMs(20)).unwrap();
        assert!(slot.contains(UtcMs(10)) && !slot.contains(UtcMs(20)));
        let next = Interval::new(UtcMs(20), UtcMs(30)).unwrap();
        assert!(!slot.overlaps(next) && slot.overlaps(slot));
        assert_eq!(Interval::new(UtcMs(5), UtcMs(5)), Err(EmptyInterval));
    }
}
