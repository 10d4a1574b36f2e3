//! Twenty years of openings against a reference that walks minute by minute, and against
//! croner.

use super::*;
use croner::Cron;
use croner::parser::CronParser;
use jiff::civil::Weekday;
use std::collections::BTreeSet;

/// What the five fields say, read apart from the product: lists of numbers, ranges and
/// names.
struct Fields([BTreeSet<i64>; 5]);

impl Fields {
    fn of(cron: &str) -> Self {
        let all = [0..=59, 0..=23, 1..=31, 1..=12, 0..=6];
        let mut fields = cron.split(' ').zip(all).map(|(field, all)| {
            if field == "*" {
                return all.collect();
            }
            let one = |text: &str| match ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
                .iter()
                .position(|name| *name == text)
            {
                Some(day) => day as i64,
                None => text.parse().unwrap(),
            };
            let parts = field
                .split(',')
                .flat_map(|part| match part.split_once('-') {
                    Some((first, last)) => one(first)..=one(last),
                    None => one(part)..=one(part),
                });
            parts.collect::<BTreeSet<i64>>()
        });
        Self(std::array::from_fn(|_| fields.next().unwrap()))
    }

    /// Whether a local minute, counted from 1970 on the clock on the wall, is named.
    fn name(&self, minute: i64, day_offset: i64) -> bool {
        let of_day = minute.rem_euclid(1_440);
        if !self.0[0].contains(&(of_day % 60)) || !self.0[1].contains(&(of_day / 60)) {
            return false;
        }
        let day = minute.div_euclid(1_440) - day_offset;
        let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day);
        let weekday = i64::from(date.weekday().to_sunday_zero_offset());
        self.0[2].contains(&i64::from(date.day()))
            && self.0[3].contains(&i64::from(date.month()))
            && self.0[4].contains(&weekday)
    }
}

/// The openings in minutes since 1970. The clock on the wall is looked at each minute: a
/// start is when it first shows the time that was named, or has jumped over it.
fn walked(spec: &Recurring, first: i64, last: i64) -> Vec<(i64, i64)> {
    let fields = Fields::of(&spec.cron);
    let zone = zone(&spec.zone).unwrap();
    let begin = Timestamp::from_second(first * 60).unwrap();
    let mut changes = zone.following(begin).map(|change| {
        let offset = i64::from(change.offset().seconds());
        assert_eq!(offset % 60, 0, "whole minutes");
        (change.timestamp().as_second().div_euclid(60), offset / 60)
    });
    let mut next = changes.next();
    let mut offset = i64::from(zone.to_offset(begin).seconds()) / 60;
    let mut highest = first + offset - 1;
    let mut openings: Vec<(i64, i64)> = Vec::new();
    for now in first..last {
        if let Some((at, to)) = next
            && at == now
        {
            offset = to;
            next = changes.next();
        }
        let shown = now + offset;
        while highest < shown {
            highest += 1;
            if !fields.name(highest, i64::from(spec.day_offset)) {
                continue;
            }
            let end = now + i64::from(spec.length_minutes);
            match openings.last_mut() {
                Some((_, open_until)) if now <= *open_until => *open_until = end.max(*open_until),
                _ => openings.push((now, end)),
            }
        }
    }
    openings
}

fn agrees(cron: &str, zone: &str, length: u32, day_offset: i16, from_year: i16) {
    let mut spec = recurring(cron, zone, length);
    spec.day_offset = day_offset;
    let at = |year: i16| at(&format!("{year:04}-01-10T00:00:00Z"));
    let (first, last) = (at(from_year), at(from_year + 20));
    let minutes = |at: UtcMs| at.0 / MINUTE_MS;
    // What began before the walk, and what ends behind it, it does not see whole.
    let whole = |(start, end): &(i64, i64)| {
        minutes(first) + 3 * 1_440 < *start && *end < minutes(last) - 3 * 1_440
    };
    let walked: Vec<_> = walked(&spec, minutes(first), minutes(last));
    let walked: Vec<_> = walked.into_iter().filter(whole).collect();
    let found = window(spec).openings(Interval::new(first, last).unwrap());
    let found = found.unwrap().into_iter();
    let found: Vec<_> = found
        .map(|one| (minutes(one.start()), minutes(one.end())))
        .filter(whole)
        .collect();
    assert!(walked.len() > 15, "{}", walked.len());
    if let Some(at) = (0..walked.len().max(found.len())).find(|n| walked.get(*n) != found.get(*n)) {
        panic!(
            "{cron} {zone}, the {at}th: {:?} {:?}",
            walked.get(at),
            found.get(at)
        );
    }
}

#[test]
fn twenty_years_in_berlin_and_chicago() {
    // In the hour that does not exist, or exists twice.
    agrees("30 2 * * *", "Europe/Berlin", 60, 0, 2018);
    // Over midnight and over the change of the clock: nights of 7, 8 and 9 hours shown.
    agrees("0 22 * * Fri,Sat", "America/Chicago", 480, 0, 2018);
}

#[test]
fn twenty_years_where_clocks_change_otherwise() {
    // By half an hour.
    agrees("15,45 2 * * *", "Australia/Lord_Howe", 20, 0, 2018);
    // At midnight: the day begins at 01:00, and has its last hour twice.
    agrees("0 0 * * *", "Africa/Cairo", 90, 0, 2018);
}

#[test]
fn twenty_years_with_an_offset_and_with_a_day_that_was_not() {
    // The day after the second Tuesday, nearly a day long.
    agrees("30 23 8-14 * Tue", "America/St_Johns", 1_439, 1, 2018);
    // In 2011 Samoa went over the date line: 30 December did not exist.
    agrees("0 12 * * *", "Pacific/Apia", 120, 0, 2004);
}

/// Day of month and weekday must both fit, as with us.
fn croner(cron: &str) -> Cron {
    CronParser::builder()
        .dom_and_dow(true)
        .build()
        .parse(cron)
        .unwrap()
}

#[test]
fn twenty_years_are_as_croner_says() {
    let (from, until) = (at("2018-01-10T00:00:00Z"), at("2038-01-10T00:00:00Z"));
    for (cron, zone_name) in [
        ("0 2 * * *", "UTC"),
        ("30 1,13 8-14 * Tue", "UTC"),
        ("0 3 29 2 *", "UTC"),
        ("0 4 31 * Mon-Fri", "Asia/Kathmandu"),
        ("*/20 23 1-7 1,4,7,10 Sun", "Europe/Berlin"),
        ("30 2 * * Sun", "America/Chicago"),
    ] {
        let zone = zone(zone_name).unwrap();
        let begin = Timestamp::from_millisecond(from.0).unwrap();
        let theirs: BTreeSet<UtcMs> = croner(cron)
            .iter_from(begin.to_zoned(zone.clone()), croner::Direction::Forward)
            .map(|zoned| UtcMs(zoned.timestamp().as_millisecond()))
            .take_while(|at| *at < until)
            .collect();
        let ours = Rule::parse(cron).unwrap();
        let ours = ours.starts(&zone, 0, from, until).unwrap();
        assert!(ours.len() >= 5, "{cron}");
        let changed: BTreeSet<UtcMs> = ours
            .iter()
            .filter(|start| start.clock_change)
            .map(|start| start.instant)
            .collect();
        let ours: BTreeSet<UtcMs> = ours.iter().map(|start| start.instant).collect();
        // Where the clock changes each has a rule of its own; everywhere else they agree.
        let day = |at: UtcMs| at.0.div_euclid(patchward_common::time::DAY_MS);
        let changed: BTreeSet<i64> = changed.into_iter().map(day).collect();
        let differ = ours.symmetric_difference(&theirs);
        let differ: Vec<&UtcMs> = differ.filter(|at| !changed.contains(&day(**at))).collect();
        assert_eq!(differ, [&UtcMs(0); 0], "{cron} {zone_name}");
        assert_eq!(zone_name == "America/Chicago", !changed.is_empty());
    }
}

#[test]
fn weekdays_are_counted_as_croner_counts_them() {
    let rule = Rule::parse("0 2 * * Tue").unwrap();
    let tuesday = jiff::civil::date(2027, 3, 2);
    assert_eq!(tuesday.weekday(), Weekday::Tuesday);
    let start = tuesday.at(2, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    assert!(croner("0 2 * * Tue").is_time_matching(&start).unwrap());
    let at = UtcMs(start.timestamp().as_millisecond());
    let found = rule.starts(&TimeZone::UTC, 0, at, at.plus_ms(1)).unwrap();
    assert_eq!(found.len(), 1);
}
