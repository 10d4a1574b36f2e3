//! How people write the length of a hold or a handover.

use super::MAX_HOLD_MS;
use crate::time::{HOUR_MS, MINUTE_MS};

/// Reads `45m` or `2h` as milliseconds.
///
/// # Errors
/// Another shape, or a length that no hold may have; the text is for people.
pub fn hold_ms(text: &str) -> Result<i64, String> {
    let bad = || "must be minutes or hours, such as 45m or 2h".to_owned();
    let (count, unit_ms) = match (text.strip_suffix('m'), text.strip_suffix('h')) {
        (Some(minutes), _) => (minutes, MINUTE_MS),
        (_, Some(hours)) => (hours, HOUR_MS),
        _ => return Err(bad()),
    };
    let count: i64 = count.parse().map_err(|_| bad())?;
    match count.checked_mul(unit_ms) {
        Some(ms) if (1..=MAX_HOLD_MS).contains(&ms) => Ok(ms),
        _ => Err("must be at least 1m and at most 12h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_bounded() {
        assert_eq!(hold_ms("45m"), Ok(45 * MINUTE_MS));
        assert_eq!(hold_ms("12h"), Ok(MAX_HOLD_MS));
        for bad in [
            "",
            "h",
            "2",
            "-1h",
            "0m",
            "13h",
            "721m",
            "1d",
            "1.5h",
            "2ü",
            "99999999999999999h",
        ] {
            assert!(hold_ms(bad).is_err(), "{bad:?}");
        }
    }
}
