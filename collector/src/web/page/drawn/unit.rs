//! A unit's month and week: openings less freezes.

use crate::allowed;
use crate::app::App;
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::web::picture::week::{Frozen, Times};
use crate::web::picture::{Figure, Sign, Way, days, month, week};
use crate::web::show::Block;
use crate::web::show::listing::Query;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchward_common::id::Name;
use patchward_common::time::{Interval, UtcMs};

/// The name of the address that says which week.
const WEEK: &str = "week";

/// The calendar of a unit, at the week that the address names.
pub(super) async fn calendar(
    app: &App,
    text: &str,
    query: &Query,
) -> Result<Option<Block>, Failure> {
    let mut view = app.store.view().await?;
    // Where there is no such unit, the page has said so.
    let Ok(name) = Name::new(text) else {
        return Ok(None);
    };
    let Some(unit) = view.unit(&name).await? else {
        return Ok(None);
    };
    let zones = Zones::read(&mut view).await?;
    let (zone, now) = (zones.of(Some(&name)), app.now());
    let (monday, mistake) = asked(query.value(WEEK), zone, now);
    let Some(range) = range(zone, monday) else {
        return Ok(None);
    };
    let openings = allowed::openings(&mut view, &name, range).await?;
    let titles = view.freezes(range).await?;
    // A calendar's event is known by its title; its name is for programs.
    let freezes: Vec<Frozen> = allowed::freezes_of(&titles, &name, &unit.site)
        .into_iter()
        .map(|freeze| {
            let stored = titles.iter().find(|stored| stored.id == freeze.name);
            let reason = stored.map(|stored| stored.reason.clone());
            Frozen {
                name: reason
                    .filter(|reason| !reason.is_empty())
                    .unwrap_or_else(|| freeze.name.to_string()),
                interval: freeze.interval,
            }
        })
        .collect();
    let times = Times {
        openings: &openings,
        freezes: &freezes,
        zone,
        now,
    };
    let figure = figure(&times, monday, mistake, query);
    Ok(Some(Block::Picture(figure.html())))
}

/// The Monday of the week that is asked for, and what is wrong with an address that names
/// none: then it is this week.
fn asked(text: Option<&str>, zone: &TimeZone, now: UtcMs) -> (Date, Option<String>) {
    let this = days::monday_of(days::date_of(zone, now));
    match text.map(|text| (text, days::week_named(text))) {
        None => (this, None),
        Some((_, Some(monday))) => (monday, None),
        Some((text, None)) => {
            let text: String = text.chars().take(20).collect();
            let name = days::week_name(this);
            let mistake =
                format!("\"{text}\" names no week: write it as {name}. This week is shown.");
            (this, Some(mistake))
        }
    }
}

/// The day by which a week belongs to a month: its Thursday, as ISO 8601 has it for years.
fn middle(monday: Date) -> Date {
    days::plus_days(monday, 3)
}

/// From the first Monday of the month to the end of its last week.
fn range(zone: &TimeZone, monday: Date) -> Option<Interval> {
    let mondays = month::mondays(middle(monday));
    let (first, last) = (*mondays.first()?, *mondays.last()?);
    let end = days::start_of(zone, days::plus_days(last, 7));
    Interval::new(days::start_of(zone, first), end).ok()
}

fn figure(times: &Times<'_>, monday: Date, mistake: Option<String>, query: &Query) -> Figure {
    let date = middle(monday);
    let (drawing, words) = week::drawn(times, monday);
    let way = |monday: Option<Date>, words: &str| {
        let name = monday.map(days::week_name);
        Way {
            href: query.with(&[(WEEK, name.as_deref())]),
            words: words.to_owned(),
        }
    };
    let zone = times.zone.iana_name().unwrap_or("the unit's clock");
    let mut notes: Vec<String> = mistake.into_iter().collect();
    notes.push(format!("By the clock of {zone}. The dotted line is now."));
    if times.openings.is_empty() {
        notes.push("No window opens in this month: nothing starts in this unit.".to_owned());
    }
    Figure {
        heading: format!(
            "When work may be done: week {}, {}",
            monday.iso_week_date().week(),
            date.strftime("%B %Y")
        ),
        ways: vec![
            way(Some(days::plus_days(monday, -7)), "← Week before"),
            way(None, "This week"),
            way(Some(days::plus_days(monday, 7)), "Week after →"),
        ],
        drawings: vec![month::drawn(times, date, monday), drawing],
        signs: vec![
            Sign::new("f-good", "open"),
            Sign::new("f-bad dashed", "would be open, and is frozen (dashed edge)"),
        ],
        notes,
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use patchward_common::time::DAY_MS;

    /// 2026-11-25T00:00:00Z, a Wednesday.
    const NOW: UtcMs = UtcMs(1_795_564_800_000);

    #[test]
    fn the_address_names_the_week_and_leads_to_those_beside_it() {
        assert_eq!(asked(None, &TimeZone::UTC, NOW), (date(2026, 11, 23), None));
        let chicago = TimeZone::get("America/Chicago").unwrap();
        let sunday = NOW.plus_ms(-2 * DAY_MS);
        assert_eq!(asked(None, &chicago, sunday).0, date(2026, 11, 16));
        assert_eq!(asked(Some("2027-01"), &chicago, NOW).0, date(2027, 1, 4));
        let (monday, mistake) = asked(Some("<soon>"), &TimeZone::UTC, NOW);
        assert_eq!(monday, date(2026, 11, 23));
        assert!(mistake.unwrap().contains("write it as 2026-48"));
        let times = Times {
            openings: &[],
            freezes: &[],
            zone: &TimeZone::UTC,
            now: NOW,
        };
        let query = Query {
            path: "/unit/icu".into(),
            parts: vec![
                ("week".into(), "2026-53".into()),
                ("machines.sort".into(), "name".into()),
            ],
        };
        let shown = figure(&times, date(2026, 12, 28), None, &query);
        let hrefs: Vec<&str> = shown.ways.iter().map(|way| way.href.as_str()).collect();
        assert_eq!(
            hrefs,
            [
                "/unit/icu?machines.sort=name&week=2026-52",
                "/unit/icu?machines.sort=name",
                "/unit/icu?machines.sort=name&week=2027-01",
            ]
        );
        assert!(shown.heading.contains("week 53, December 2026"));
        assert!(shown.html().contains("No window opens in this month"));
    }

    #[test]
    fn what_is_read_covers_the_month_and_the_week() {
        for monday in [date(2026, 12, 28), date(2026, 11, 30), date(2027, 2, 1)] {
            let range = range(&TimeZone::UTC, monday).unwrap();
            for day in [monday, days::plus_days(monday, 6)] {
                let day = days::whole(&TimeZone::UTC, day).unwrap();
                assert!(
                    range.start() <= day.start() && day.end() <= range.end(),
                    "{monday}"
                );
            }
            assert!(range.length_ms() <= 42 * DAY_MS);
        }
    }
}
