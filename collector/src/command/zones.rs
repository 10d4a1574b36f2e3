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
    /// Reads them out of the windows. Most hospitals lie in one zone, and of those that is all that
    /// has to be known.
    pub(crate) async fn read(view: &mut View) -> Result<Self, Failure> {
        let mut zones = view.zones_of_windows().await?;
        zones.retain(|zone| zone != UTC);
        if zones.len() <= 1 {
            return Ok(Self::everywhere(zones.first().map(String::as_str)));
        }
        let windows = view.window_zones().await?;
        let units = view.sites_of_units().await?;
        Ok(Self::of_windows(&windows, units))
    }

    /// One zone for all units.
    fn everywhere(zone: Option<&str>) -> Self {
        let usual = zone.and_then(|zone| TimeZone::get(zone).ok());
        Self {
            units: BTreeMap::new(),
            usual: usual.unwrap_or(TimeZone::UTC),
        }
    }

    /// From how many windows of which zone each unit has, and from each unit's site.
    fn of_windows(windows: &[(Name, String, i64)], units: Vec<(Name, Name)>) -> Self {
        let site_of: BTreeMap<&Name, &Name> =
            units.iter().map(|(unit, site)| (unit, site)).collect();
        let (mut all, mut near, mut own) = (Counts::new(), BTreeMap::new(), BTreeMap::new());
        // A zone is looked up once, however many windows name it.
        let mut known: BTreeMap<&str, Option<TimeZone>> = BTreeMap::new();
        for (unit, zone, count) in windows.iter().filter(|(_, zone, _)| zone != UTC) {
            known
                .entry(zone)
                .or_insert_with(|| TimeZone::get(zone).ok());
            add(&mut all, zone, *count);
            add(own.entry(unit).or_default(), zone, *count);
            if let Some(site) = site_of.get(unit) {
                add(near.entry(*site).or_default(), zone, *count);
            }
        }
        let of = |counts: &Counts<'_>| known.get(most(counts)?)?.clone();
        let usual = of(&all).unwrap_or(TimeZone::UTC);
        let zones = units.iter().map(|(unit, site)| {
            let zone = own.get(unit).and_then(of);
            zone.or_else(|| near.get(site).and_then(of))
                .unwrap_or_else(|| usual.clone())
        });
        let zones: Vec<TimeZone> = zones.collect();
        let units = units.into_iter().map(|(unit, _)| unit);
        Self {
            units: units.zip(zones).collect(),
            usual,
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

/// How many windows have which zone.
type Counts<'w> = BTreeMap<&'w str, i64>;

fn add<'w>(counts: &mut Counts<'w>, zone: &'w str, count: i64) {
    *counts.entry(zone).or_default() += count;
}

/// The zone of most of them.
fn most<'w>(counts: &Counts<'w>) -> Option<&'w str> {
    let most = counts.iter().max_by_key(|(_, count)| **count);
    most.map(|(zone, _)| *zone)
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
        let row = |unit: &Name, zone: &str, count| (unit.clone(), zone.to_owned(), count);
        let windows = [
            row(&icu, "America/Lima", 1),
            row(&icu, "Europe/Berlin", 2),
            row(&icu, UTC, 9),
            row(&ward, "Asia/Tokyo", 1),
        ];
        let places = [(&icu, &main), (&lab, &main), (&ward, &east)];
        let units = || {
            let places = places.iter();
            places
                .map(|(unit, site)| ((*unit).clone(), (*site).clone()))
                .collect()
        };
        let zones = Zones::of_windows(&windows, units());
        let of = |unit: &Name| zones.of(Some(unit)).iana_name().map(str::to_owned);
        assert_eq!(of(&lab).as_deref(), Some("Europe/Berlin"));
        assert_eq!(of(&icu), of(&lab));
        assert_eq!(of(&ward).as_deref(), Some("Asia/Tokyo"));
        let none = Zones::of_windows(&[row(&icu, UTC, 1)], units());
        assert_eq!(none.of(Some(&icu)), &TimeZone::UTC);
    }

    #[test]
    fn a_hospital_in_one_zone_need_not_be_looked_through() {
        let (icu, lab) = (name("icu"), name("lab"));
        let windows = [(icu.clone(), "Asia/Tokyo".to_owned(), 1)];
        let units = vec![(icu.clone(), name("main")), (lab.clone(), name("east"))];
        let read = Zones::of_windows(&windows, units);
        let known = Zones::everywhere(Some("Asia/Tokyo"));
        for unit in [Some(&icu), Some(&lab), None] {
            assert_eq!(known.of(unit), read.of(unit));
        }
        assert_eq!(Zones::everywhere(None).of(Some(&icu)), &TimeZone::UTC);
    }
}
