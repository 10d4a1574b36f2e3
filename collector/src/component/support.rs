//! Until when something is supported, and what of ours is past that. Pure.

use super::wanted::{Verdict, Wanted};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use patchward_common::component::Source;
use patchward_common::time::UtcMs;

/// How an end of support stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// It is over, for so many days.
    Past(i64),
    /// It is in so many days.
    In(i64),
}

/// How an end stands at `now`. Its last day is supported, in UTC.
pub fn due(ends: Date, now: UtcMs) -> Option<Due> {
    let now = Timestamp::from_millisecond(now.0).ok()?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let days = i64::from(today.until(ends).ok()?.get_days());
    Some(match days < 0 {
        true => Due::Past(-days),
        false => Due::In(days),
    })
}

/// When an end has passed: the beginning of the day after it, in UTC.
pub fn passed_at(ends: Date) -> Option<UtcMs> {
    let after = ends.checked_add(Span::new().days(1)).ok()?;
    let at = after.to_zoned(TimeZone::UTC).ok()?;
    Some(UtcMs(at.timestamp().as_millisecond()))
}

/// Whether a version is one whose support is meant; a version that nobody knows is in every
/// range of all versions, and needs a person for any other.
pub fn is_meant(versions: &Wanted, source: Source, version: Option<&str>) -> Verdict {
    match (versions, version.filter(|version| !version.is_empty())) {
        (Wanted::All, _) => Verdict::In,
        (_, Some(version)) => versions.verdict(source, version),
        (_, None) => Verdict::Unknown("its version is not known".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMs {
        UtcMs(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn the_last_day_is_still_supported() {
        let ends: Date = "2028-06-30".parse().unwrap();
        assert_eq!(due(ends, at("2028-06-29T23:59:59Z")), Some(Due::In(1)));
        assert_eq!(due(ends, at("2028-06-30T23:59:59Z")), Some(Due::In(0)));
        assert_eq!(due(ends, at("2028-07-01T00:00:00Z")), Some(Due::Past(1)));
        assert_eq!(due(ends, at("2027-06-30T00:00:00Z")), Some(Due::In(366)));
        assert_eq!(passed_at(ends), Some(at("2028-07-01T00:00:00Z")));
        assert_eq!(passed_at(Date::MAX), None);
    }

    #[test]
    fn an_unknown_version_is_never_supported_by_silence() {
        let twelve = Wanted::parse("< 13").unwrap();
        let of = |versions: &Wanted, version| is_meant(versions, Source::Probe, version);
        assert_eq!(of(&twelve, Some("12")), Verdict::In);
        assert_eq!(of(&twelve, Some("13")), Verdict::Out);
        assert!(matches!(of(&twelve, None), Verdict::Unknown(_)));
        assert!(matches!(of(&twelve, Some("")), Verdict::Unknown(_)));
        assert_eq!(of(&Wanted::All, None), Verdict::In);
    }
}
