//! Times as people write them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS, SECOND_MS, UtcMs};

/// Longest life in days that anybody means: a charter of ten years.
const MAX_DAYS: u32 = 3_660;

/// Reads an instant such as `2027-01-31T02:00:00Z` or with an offset.
pub(crate) fn instant(text: &str) -> Result<UtcMs, String> {
    let parsed: Result<Timestamp, _> = text.parse();
    parsed.map(|at| UtcMs(at.as_millisecond())).map_err(|_| {
        format!("{text:?} is no instant; write it like 2027-01-31T02:00:00Z or 2027-01-31T02:00:00+01:00")
    })
}

/// The end of a document: an instant, or days from `now`. Exactly one must be given.
pub(crate) fn end(now: UtcMs, expires: Option<&str>, days: Option<u32>) -> Result<UtcMs, String> {
    match (expires, days) {
        (Some(text), None) => {
            let at = instant(text)?;
            if at <= now {
                return Err(format!("{text} has passed; write a later expiry"));
            }
            Ok(at)
        }
        (None, Some(days)) if (1..=MAX_DAYS).contains(&days) => {
            Ok(now.plus_ms(i64::from(days) * DAY_MS))
        }
        (None, Some(days)) => Err(format!(
            "{days} days are not possible; write 1 to {MAX_DAYS}"
        )),
        _ => Err("write either expires or days".into()),
    }
}

/// A zone for showing times beside UTC.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("there is no time zone {name:?}; write an IANA name such as Europe/Berlin")
    })
}

/// A length in the largest unit that says it exactly: `2 days`, `90 minutes`, `30 seconds`.
pub(crate) fn length(ms: i64) -> String {
    let units = [
        (DAY_MS, "day"),
        (HOUR_MS, "hour"),
        (MINUTE_MS, "minute"),
        (SECOND_MS, "second"),
    ];
    let whole = units.iter().find(|(unit, _)| ms > 0 && ms % unit == 0);
    let (unit, word) = *whole.unwrap_or(&(SECOND_MS, "second"));
    match ms.max(0) / unit {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    }
}

/// A slot as people read it, in `zone` where there is one.
pub(crate) fn slot(slot: Interval, zone: Option<&TimeZone>) -> String {
    let zone = zone.cloned().unwrap_or(TimeZone::UTC);
    let local = |at: UtcMs, format: &str| match Timestamp::from_millisecond(at.0) {
        Ok(at) => at.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => at.to_string(),
    };
    format!(
        "{} to {}",
        local(slot.start(), "%a %Y-%m-%d %H:%M"),
        local(slot.end(), "%H:%M %Z")
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_length_is_said_in_the_largest_unit_that_is_exact() {
        for (ms, text) in [
            (2 * super::DAY_MS, "2 days"),
            (36 * super::HOUR_MS, "36 hours"),
            (90 * super::MINUTE_MS, "90 minutes"),
            (super::MINUTE_MS, "1 minute"),
            (30_000, "30 seconds"),
            (0, "0 seconds"),
        ] {
            assert_eq!(super::length(ms), text);
        }
    }

    use super::*;

    #[test]
    fn instants_and_ends_are_read() {
        assert_eq!(instant("1970-01-01T00:00:01Z"), Ok(UtcMs(1_000)));
        assert_eq!(instant("1970-01-01T01:00:01+01:00"), Ok(UtcMs(1_000)));
        for bad in ["", "tomorrow", "2027-13-01T00:00:00Z", "2027-01-01"] {
            assert!(instant(bad).is_err(), "{bad:?} was read");
        }
        let now = UtcMs(0);
        assert_eq!(end(now, None, Some(2)), Ok(UtcMs(2 * DAY_MS)));
        assert_eq!(
            end(now, Some("1970-01-01T00:00:01Z"), None),
            Ok(UtcMs(1_000))
        );
        for (expires, days) in [
            (None, None),
            (None, Some(0)),
            (None, Some(u32::MAX)),
            (Some("1970-01-01T00:00:00Z"), None),
            (Some("1971-01-01T00:00:00Z"), Some(1)),
        ] {
            assert!(end(now, expires, days).is_err());
        }
    }
}
