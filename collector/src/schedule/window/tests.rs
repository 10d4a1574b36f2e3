use super::civil::{Rule, resolve, zone};
use super::*;
use jiff::Timestamp;
use jiff::civil::DateTime;
use proptest::prelude::*;

mod kept;
mod reference;

fn at(text: &str) -> UtcMs {
    let timestamp: Timestamp = text.parse().unwrap();
    UtcMs(timestamp.as_millisecond())
}

fn interval(from: &str, until: &str) -> Interval {
    Interval::new(at(from), at(until)).unwrap()
}

fn recurring(cron: &str, zone: &str, length_minutes: u32) -> Recurring {
    Recurring {
        cron: cron.into(),
        zone: zone.into(),
        length_minutes,
        day_offset: 0,
        from: None,
        until: None,
    }
}

fn window(spec: Recurring) -> Window {
    Window::parse(&When::Recurring(spec)).unwrap()
}

fn openings(spec: Recurring, from: &str, until: &str) -> Vec<String> {
    let openings = window(spec).openings(interval(from, until)).unwrap();
    let written = openings.iter();
    written
        .map(|o| format!("{} {}", o.start(), o.end()))
        .collect()
}

#[test]
fn clock_changes_neither_skip_nor_double_an_opening() {
    for (zone, cron, day, expected) in [
        // Spring: 02:30 does not exist and moves to 03:00.
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2027-03-28",
            "2027-03-28T01:00:00Z",
        ),
        (
            "America/Chicago",
            "30 2 * * *",
            "2027-03-14",
            "2027-03-14T08:00:00Z",
        ),
        // Half an hour only.
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-04",
            "2026-10-03T15:30:00Z",
        ),
        // Midnight itself does not exist.
        (
            "Africa/Cairo",
            "0 0 * * *",
            "2027-04-30",
            "2027-04-29T22:00:00Z",
        ),
        // A whole day does not exist.
        (
            "Pacific/Apia",
            "0 12 * * *",
            "2011-12-30",
            "2011-12-30T10:00:00Z",
        ),
        // Autumn: 02:30 exists twice, the first counts.
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2027-10-31",
            "2027-10-31T00:30:00Z",
        ),
        (
            "America/Chicago",
            "30 1 * * *",
            "2027-11-07",
            "2027-11-07T06:30:00Z",
        ),
        // No change.
        (
            "Asia/Kathmandu",
            "0 2 * * *",
            "2027-01-01",
            "2026-12-31T20:15:00Z",
        ),
    ] {
        let rule = Rule::parse(cron).unwrap();
        let tz = super::civil::zone(zone).unwrap();
        let local: DateTime = format!("{day}T00:00").parse().unwrap();
        let time = rule.times().next().unwrap();
        let start = resolve(&tz, local.date().to_datetime(time)).unwrap();
        assert_eq!(start.instant, at(expected), "{zone} {day}");
    }
}

#[test]
fn every_night_has_one_opening_across_a_change() {
    assert_eq!(
        openings(
            recurring("30 2 * * *", "Europe/Berlin", 60),
            "2027-03-27T00:00:00Z",
            "2027-03-30T00:00:00Z"
        ),
        [
            "2027-03-27T01:30:00Z 2027-03-27T02:30:00Z",
            "2027-03-28T01:00:00Z 2027-03-28T02:00:00Z",
            "2027-03-29T00:30:00Z 2027-03-29T01:30:00Z",
        ]
    );
    assert_eq!(
        openings(
            recurring("30 2 * * *", "Europe/Berlin", 60),
            "2027-10-30T00:00:00Z",
            "2027-11-01T12:00:00Z"
        ),
        [
            "2027-10-30T00:30:00Z 2027-10-30T01:30:00Z",
            "2027-10-31T00:30:00Z 2027-10-31T01:30:00Z",
            "2027-11-01T01:30:00Z 2027-11-01T02:30:00Z",
        ]
    );
}

#[test]
fn length_is_elapsed_time_and_overlaps_merge() {
    // From 01:30 for two hours over the change: 04:30 on the clock.
    assert_eq!(
        openings(
            recurring("30 1 * * Sun", "Europe/Berlin", 120),
            "2027-03-28T00:00:00Z",
            "2027-03-29T00:00:00Z"
        ),
        ["2027-03-28T00:30:00Z 2027-03-28T02:30:00Z"]
    );
    assert_eq!(
        openings(
            recurring("0,30 2 * * *", "UTC", 45),
            "2027-01-01T00:00:00Z",
            "2027-01-02T00:00:00Z"
        ),
        ["2027-01-01T02:00:00Z 2027-01-01T03:15:00Z"]
    );
}

#[test]
fn an_opening_that_has_begun_is_still_one() {
    assert_eq!(
        openings(
            recurring("0 22 * * *", "UTC", 600),
            "2027-01-01T03:00:00Z",
            "2027-01-01T04:00:00Z"
        ),
        ["2026-12-31T22:00:00Z 2027-01-01T08:00:00Z"]
    );
    let three = interval("2027-01-01T03:00:00Z", "2027-01-01T04:00:00Z");
    let once = When::Once(three, "UTC".into());
    let window = Window::parse(&once).unwrap();
    let found = |from, until| window.openings(interval(from, until)).unwrap().len();
    assert_eq!(found("2027-01-01T03:30:00Z", "2027-01-02T00:00:00Z"), 1);
    assert_eq!(found("2027-01-01T04:00:00Z", "2027-01-02T00:00:00Z"), 0);
}

#[test]
fn a_window_is_open_only_while_it_is_valid() {
    let mut spec = recurring("0 2 * * *", "UTC", 120);
    spec.from = Some(at("2027-01-02T03:00:00Z"));
    spec.until = Some(at("2027-01-04T02:30:00Z"));
    assert_eq!(
        openings(spec, "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        [
            "2027-01-02T03:00:00Z 2027-01-02T04:00:00Z",
            "2027-01-03T02:00:00Z 2027-01-03T04:00:00Z",
            "2027-01-04T02:00:00Z 2027-01-04T02:30:00Z",
        ]
    );
}

#[test]
fn a_day_offset_counts_from_the_day_of_the_expression() {
    // Patch Tuesday of September 2026 is the 8th; the Thursday after it is the 10th.
    let mut spec = recurring("0 2 8-14 * Tue", "America/Chicago", 150);
    spec.day_offset = 2;
    assert_eq!(
        openings(spec.clone(), "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z"),
        ["2026-09-10T07:00:00Z 2026-09-10T09:30:00Z"]
    );
    spec.day_offset = -31;
    assert_eq!(
        openings(spec, "2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z"),
        ["2026-08-08T07:00:00Z 2026-08-08T09:30:00Z"]
    );
}

#[test]
fn windows_are_told_in_words() {
    for (cron, length, offset, zone, words) in [
        (
            "0 2 15-21 * Tue",
            150,
            0,
            "America/Chicago",
            "third Tuesday of the month, 02:00 to 04:30, Chicago",
        ),
        (
            "0 2 8-14 * Tue",
            60,
            1,
            "Europe/Berlin",
            "the day after the second Tuesday of the month, 02:00 to 03:00, Berlin",
        ),
        (
            "0 2 * * *",
            60,
            0,
            "America/New_York",
            "every day, 02:00 to 03:00, New York",
        ),
        (
            "30 22 * * Mon-Fri",
            120,
            0,
            "Europe/Paris",
            "Monday to Friday, 22:30 to 00:30, Paris",
        ),
        (
            "0 3 * * Tue,Thu",
            60,
            0,
            "UTC",
            "every Tuesday and Thursday, 03:00 to 04:00, UTC",
        ),
        (
            "0 3 * * Sat,Sun",
            60,
            0,
            "UTC",
            "Saturdays and Sundays, 03:00 to 04:00, UTC",
        ),
        (
            "0 3 1 * *",
            60,
            0,
            "UTC",
            "day 1 of the month, 03:00 to 04:00, UTC",
        ),
        (
            "0 3 1,10-12,20 * *",
            60,
            0,
            "UTC",
            "days 1, 10 to 12 and 20 of the month, 03:00 to 04:00, UTC",
        ),
        (
            "0 3 13 * Fri",
            60,
            -3,
            "UTC",
            "3 days before each Friday that is day 13 of the month, 03:00 to 04:00, UTC",
        ),
        (
            "0 3 1 1,7 *",
            60,
            0,
            "UTC",
            "day 1 of the month in January and July, 03:00 to 04:00, UTC",
        ),
        (
            "0 2,12 * * *",
            60,
            0,
            "UTC",
            "every day, 02:00 to 03:00 and 12:00 to 13:00, UTC",
        ),
        (
            "0 * * * *",
            30,
            0,
            "UTC",
            "every day, 24 times a day for 30 minutes, UTC",
        ),
    ] {
        let mut spec = recurring(cron, zone, length);
        spec.day_offset = offset;
        assert_eq!(window(spec).words(), words);
    }
}

#[test]
fn a_preview_marks_what_a_clock_change_touches() {
    let spec = recurring("30 2 * * *", "Europe/Berlin", 60);
    let preview = window(spec)
        .preview(at("2027-03-26T12:00:00Z"), 20)
        .unwrap();
    assert_eq!(preview.len(), 20);
    let first: Vec<_> = preview
        .iter()
        .take(3)
        .map(|p| (p.local_start.as_str(), p.local_end.as_str(), p.clock_change))
        .collect();
    assert_eq!(
        first,
        [
            (
                "Sat 2027-03-27 02:30 CET",
                "Sat 2027-03-27 03:30 CET",
                false
            ),
            (
                "Sun 2027-03-28 03:00 CEST",
                "Sun 2027-03-28 04:00 CEST",
                true
            ),
            (
                "Mon 2027-03-29 02:30 CEST",
                "Mon 2027-03-29 03:30 CEST",
                false
            ),
        ]
    );
    let yearly = window(recurring("0 2 1 7 *", "UTC", 60));
    assert_eq!(
        yearly
            .preview(at("2027-01-01T00:00:00Z"), 20)
            .unwrap()
            .len(),
        20
    );
    let hourly = window(recurring("0 * * * *", "UTC", 60));
    assert_eq!(
        hourly
            .preview(at("2027-01-01T00:00:00Z"), 20)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_preview_marks_an_opening_around_a_change() {
    let spec = recurring("0 1 * * Sun", "America/Chicago", 180);
    let preview = window(spec).preview(at("2027-03-08T00:00:00Z"), 2).unwrap();
    assert_eq!(
        preview.iter().map(|p| p.clock_change).collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn mistakes_are_told_with_their_remedy() {
    let parse = |spec: Recurring| {
        let error = Window::parse(&When::Recurring(spec)).unwrap_err();
        error.to_string()
    };
    let cron = |cron: &str| parse(recurring(cron, "UTC", 60));
    assert!(cron("0 2 * * 2").contains("write names instead, such as \"Tue\""));
    assert!(cron("0 2 * * 1-5").contains("\"Mon-Fri\""));
    assert!(cron("0 2 * * 0,6").contains("\"Sun,Sat\""));
    assert!(cron("0 2 * * */2").contains("Mon,Wed,Fri"));
    assert!(cron("0 2 * * Tue#3").contains("third Tue write days 15-21"));
    assert!(cron("0 2 * * Tue#2").contains("\"0 2 8-14 * Tue\""));
    assert!(cron("0 2 * * FriL").contains("last Fri of a month"));
    assert!(cron("0 25 * * Tue").contains("Hours must be at most 23"));
    assert!(cron("0 2 * * FRIL").contains("'L'"));
    assert!(cron("0 2 30 2 *").contains("never"));
    assert!(cron("0 2 * *").contains("4 fields"));
    assert!(cron("0 0 2 * * Tue").contains("6 fields"));
    for bad in [
        "61 2 * * *",
        "0 24 * * *",
        "0 2 0 * *",
        "0 2 * 13 *",
        "a b c d e",
        "0 2 * * Tuedsay",
    ] {
        assert!(
            cron(bad).contains("is not understood"),
            "{bad}: {}",
            cron(bad)
        );
    }
    assert!(cron(&format!("{} 2 * * *", "1,".repeat(100))).contains("longer than"));
    let zone = |zone: &str| parse(recurring("0 2 * * *", zone, 60));
    assert!(zone("Europe/Berln").contains("did you mean \"Europe/Berlin\"?"));
    assert!(zone("Berln").contains("did you mean \"Europe/Berlin\"?"));
    assert!(zone("Chicago").contains("did you mean \"America/Chicago\"?"));
    assert!(zone("new york").contains("did you mean \"America/New_York\"?"));
    assert!(zone("").contains("IANA"));
    assert!(zone("../../etc/passwd").contains("there is no time zone"));
    assert!(zone(&"x".repeat(10_000)).len() < 300);
    for length in [0, 1_440, u32::MAX] {
        assert!(parse(recurring("0 2 * * *", "UTC", length)).contains("1 to 1439"));
    }
    let mut spec = recurring("0 2 * * *", "UTC", 60);
    spec.day_offset = i16::MIN;
    assert!(parse(spec.clone()).contains("day offset"));
    spec.day_offset = 0;
    (spec.from, spec.until) = (Some(UtcMs(2)), Some(UtcMs(1)));
    assert!(parse(spec).contains("swap"));
}

#[test]
fn expansion_is_bounded() {
    let minutely = window(recurring("* * * * *", "UTC", 1));
    let year = interval("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    assert_eq!(
        minutely.openings(year),
        Err(BadWindow::TooMany(MAX_OPENINGS))
    );
    let nightly = window(recurring("0 2 * * *", "UTC", 60));
    for (from, until) in [
        (0, i64::MAX),
        (i64::MIN, 0),
        (i64::MAX - 1, i64::MAX),
        (0, 200_000_000_000_000),
    ] {
        let range = Interval::new(UtcMs(from), UtcMs(until)).unwrap();
        assert_eq!(
            nightly.openings(range),
            Err(BadWindow::TooMany(MAX_OPENINGS))
        );
    }
}

#[test]
fn unknown_keys_of_a_stored_window_are_refused() {
    let good = r#"{"recurring":{"cron":"0 2 * * *","zone":"UTC","length_minutes":60}}"#;
    assert!(serde_json::from_str::<When>(good).is_ok());
    let bad = good.replace("zone", "timezone");
    assert!(serde_json::from_str::<When>(&bad).is_err());
}

/// The first minute at which the local clock shows `wanted` or later.
fn first_minute_at_or_after(zone: &TimeZone, wanted: DateTime) -> UtcMs {
    let around = wanted.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let first = UtcMs(around.as_millisecond()).plus_ms(-27 * 60 * MINUTE_MS);
    let mut minutes = (0..60 * 60).map(|minute| first.plus_ms(minute * MINUTE_MS));
    minutes
        .find(|at| zone.to_datetime(Timestamp::from_millisecond(at.0).unwrap()) >= wanted)
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Asked of the clock on the wall, minute by minute, instead of the zone's rules.
    #[test]
    fn a_start_is_when_the_wall_clock_first_reaches_it(
        zone_at in 0usize..10,
        day in 0i32..3_000,
        minute in 0i64..1_440,
    ) {
        let names = [
            "Europe/Berlin", "America/Chicago", "America/St_Johns", "Australia/Lord_Howe",
            "Africa/Cairo", "Asia/Kathmandu", "America/Santiago", "Pacific/Chatham",
            "Africa/Casablanca", "Asia/Beirut",
        ];
        let zone = zone(names[zone_at]).unwrap();
        let date = jiff::civil::Date::constant(2020, 1, 1)
            .checked_add(jiff::Span::new().days(day)).unwrap();
        let wanted = date.at(0, 0, 0, 0).checked_add(jiff::Span::new().minutes(minute)).unwrap();
        let start = resolve(&zone, wanted).unwrap();
        prop_assert_eq!(start.instant, first_minute_at_or_after(&zone, wanted));
    }
}
