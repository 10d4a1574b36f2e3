//! Instants as people read them: the local time of a unit first, UTC beside it.

use crate::control::{Cell, Failure};
use crate::schedule::window::at_local;
use crate::store::View;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use patchward_common::id::Name;
use patchward_common::time::{Interval, UtcMs};
use std::collections::BTreeMap;

/// The zone that says nothing of a place: windows that were opened at once have it.
const UTC: &str = "UTC";

/// The zone of each unit: that of its windows; where it has none, that of most windows of
/// its site, or of the hospital.
#[derive(Clone, Debug)]
pub(crate) struct Zones {
    units: BTreeMap<Name, TimeZone>,
    usual: TimeZone,
}

impl Zones {
    /// Reads them out of the windows.
    pub(crate) async fn read(view: &mut View) -> Result<Self, Failure> {
        let windows = view.windows(None).await?;
        let named: Vec<(&Name, &str)> = windows
            .iter()
            .map(|window| (&window.unit, window.zone.as_str()))
            .collect();
        let units = view.units().await?;
        let places: Vec<(&Name, &Name)> = units.iter().map(|u| (&u.name, &u.site)).collect();
        Ok(Self::of_windows(&named, &places))
    }

    fn of_windows(windows: &[(&Name, &str)], units: &[(&Name, &Name)]) -> Self {
        let usual = usual(windows.iter().map(|(_, zone)| *zone));
        let site_of: BTreeMap<&Name, &Name> = units.iter().copied().collect();
        let mut own: BTreeMap<&Name, Vec<&str>> = BTreeMap::new();
        let mut near: BTreeMap<&Name, Vec<&str>> = BTreeMap::new();
        for (unit, zone) in windows {
            own.entry(unit).or_default().push(zone);
            if let Some(site) = site_of.get(unit) {
                near.entry(site).or_default().push(zone);
            }
        }
        let of = |zones: Option<&Vec<&str>>| usual_of(zones?.iter().copied());
        let near: BTreeMap<&Name, TimeZone> = near
            .iter()
            .filter_map(|(site, zones)| Some((*site, of(Some(zones))?)))
            .collect();
        let of_unit = |(unit, site): &(&Name, &Name)| {
            let zone = of(own.get(unit)).or_else(|| near.get(site).cloned());
            ((*unit).clone(), zone.unwrap_or_else(|| usual.clone()))
        };
        Self {
            units: units.iter().map(of_unit).collect(),
            usual: usual.clone(),
        }
    }

    /// The zone of a unit; of the hospital where it is not about one.
    pub(crate) fn of(&self, unit: Option<&Name>) -> &TimeZone {
        let zone = unit.and_then(|unit| self.units.get(unit));
        zone.unwrap_or(&self.usual)
    }

    /// An instant in the words of a unit.
    pub(crate) fn text(&self, unit: Option<&Name>, at: UtcMs) -> String {
        beside_utc(self.of(unit), at)
    }

    /// An instant as a clock on the unit's wall shows it: `Tue 01:00 CET`.
    pub(crate) fn clock(&self, unit: &Name, at: UtcMs) -> String {
        clock(self.of(Some(unit)), at)
    }

    /// From when to when, by that clock: `Tue 01:00 to 02:30 CET`.
    pub(crate) fn span(&self, unit: &Name, span: Interval) -> String {
        from_to(self.of(Some(unit)), span)
    }

    /// The same for a table.
    pub(crate) fn cell(&self, unit: Option<&Name>, at: UtcMs) -> Cell {
        Cell::Moment {
            at,
            local: self.text(unit, at),
        }
    }

    /// A cell of an instant that there may be none of.
    pub(super) fn maybe(&self, unit: Option<&Name>, at: Option<UtcMs>) -> Cell {
        at.map_or(Cell::Empty, |at| self.cell(unit, at))
    }
}

/// The zone that most of them name, UTC only where there is no other.
fn usual<'a>(zones: impl Iterator<Item = &'a str>) -> TimeZone {
    usual_of(zones).unwrap_or(TimeZone::UTC)
}

fn usual_of<'a>(zones: impl Iterator<Item = &'a str>) -> Option<TimeZone> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in zones.filter(|zone| *zone != UTC) {
        *counts.entry(zone).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.and_then(|(zone, _)| TimeZone::get(zone).ok())
}

/// Local time first: `Tue 2027-03-02 01:00 CET (00:00 UTC)`.
pub(super) fn beside_utc(zone: &TimeZone, at: UtcMs) -> String {
    let Ok(instant) = Timestamp::from_millisecond(at.0) else {
        return at.to_string();
    };
    let local = instant.to_zoned(zone.clone());
    let utc = instant.to_zoned(TimeZone::UTC);
    let text = local.strftime("%a %Y-%m-%d %H:%M %Z");
    if zone.iana_name() == TimeZone::UTC.iana_name() {
        return text.to_string();
    }
    let beside = match local.date() == utc.date() {
        true => utc.strftime("%H:%M UTC"),
        false => utc.strftime("%Y-%m-%d %H:%M UTC"),
    };
    format!("{text} ({beside})")
}

fn clock(zone: &TimeZone, at: UtcMs) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(instant) => {
            let local = instant.to_zoned(zone.clone());
            local.strftime("%a %H:%M %Z").to_string()
        }
        Err(_) => at.to_string(),
    }
}

/// The day of the end stands there where it is another, and the zone of the start where the
/// clocks are changed in between: two o'clock comes twice in that night.
fn from_to(zone: &TimeZone, span: Interval) -> String {
    let local = |at: UtcMs| {
        let instant = Timestamp::from_millisecond(at.0).ok()?;
        Some(instant.to_zoned(zone.clone()))
    };
    let (Some(start), Some(end)) = (local(span.start()), local(span.end())) else {
        return format!("{} to {}", span.start(), span.end());
    };
    let from = match start.offset() == end.offset() {
        true => start.strftime("%a %H:%M"),
        false => start.strftime("%a %H:%M %Z"),
    };
    let to = match start.date() == end.date() {
        true => end.strftime("%H:%M %Z"),
        false => end.strftime("%a %H:%M %Z"),
    };
    format!("{from} to {to}")
}

/// Reads an instant in UTC, or a local time in `zone`.
pub(super) fn instant_in(text: &str, zone: &TimeZone) -> Result<UtcMs, Failure> {
    let local = || text.parse::<DateTime>().ok();
    let local = local().and_then(|local| at_local(zone, local));
    match (text.ends_with(['Z', 'z']), local) {
        (false, Some(at)) => Ok(at),
        _ => super::window::instant(text).map_err(Failure::input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn local_time_comes_first_and_utc_has_its_day_where_it_is_another() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        for (instant, zone, expected) in [
            (
                "2027-03-02T00:00:00Z",
                &berlin,
                "Tue 2027-03-02 01:00 CET (00:00 UTC)",
            ),
            (
                "2027-03-01T23:30:00Z",
                &berlin,
                "Tue 2027-03-02 00:30 CET (2027-03-01 23:30 UTC)",
            ),
            (
                "2027-03-02T00:00:00Z",
                &TimeZone::UTC,
                "Tue 2027-03-02 00:00 UTC",
            ),
        ] {
            assert_eq!(beside_utc(zone, UtcMs(at(instant))), expected);
        }
    }

    #[test]
    fn a_night_is_told_by_the_clock_on_the_wall() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| UtcMs(text.parse::<Timestamp>().unwrap().as_millisecond());
        for (from, until, expected) in [
            (
                "2027-03-02T00:00:00Z",
                "2027-03-02T01:30:00Z",
                "Tue 01:00 to 02:30 CET",
            ),
            (
                "2027-03-01T22:00:00Z",
                "2027-03-02T00:00:00Z",
                "Mon 23:00 to Tue 01:00 CET",
            ),
            // Two o'clock comes twice.
            (
                "2027-10-31T00:15:00Z",
                "2027-10-31T01:45:00Z",
                "Sun 02:15 CEST to 02:45 CET",
            ),
        ] {
            let span = Interval::new(at(from), at(until)).unwrap();
            assert_eq!(from_to(&berlin, span), expected);
        }
        assert_eq!(clock(&berlin, at("2027-03-02T00:00:00Z")), "Tue 01:00 CET");
    }

    #[test]
    fn a_unit_without_a_window_has_the_zone_of_its_site() {
        let (icu, lab, ward) = (name("icu"), name("lab"), name("ward"));
        let (main, east) = (name("main"), name("east"));
        let windows = [(&icu, "Europe/Berlin"), (&icu, UTC), (&ward, "Asia/Tokyo")];
        let units = [(&icu, &main), (&lab, &main), (&ward, &east)];
        let zones = Zones::of_windows(&windows, &units);
        let of = |unit: &Name| zones.of(Some(unit)).iana_name().map(str::to_owned);
        assert_eq!(of(&lab).as_deref(), Some("Europe/Berlin"));
        assert_eq!(of(&icu), of(&lab));
        assert_eq!(of(&ward).as_deref(), Some("Asia/Tokyo"));
        let none = Zones::of_windows(&[(&icu, UTC)], &units);
        assert_eq!(none.of(Some(&icu)), &TimeZone::UTC);
    }
}
