//! Files that are meant to never end.

use super::*;
use proptest::prelude::*;

/// That this returns at all is half of the test.
fn ends(text: &str, said: &str) {
    let found = refused(text);
    assert!(found.contains(said), "{found}");
}

fn many(count: usize, lines: &str) -> String {
    let events =
        (0..count).map(|number| format!("BEGIN:VEVENT\nUID:{number}\n{lines}END:VEVENT\n"));
    calendar(&events.collect::<String>())
}

#[test]
fn endless_rules_and_a_million_dates_are_refused() {
    let hourly = "DTSTART:20270101T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY\n";
    ends(&many(10, hourly), "more than 50000 freezes");
    let rare = "DTSTART:20270101T000000Z\nDURATION:PT1M\n\
        RRULE:FREQ=HOURLY;BYMONTH=1;BYMONTHDAY=1;BYHOUR=0\n";
    ends(&many(2_000, rare), "recur too often");
    let minutes: Vec<String> = (0..60).map(|minute| minute.to_string()).collect();
    let minutes = minutes.join(",");
    ends(
        &event(&[
            "DTSTART:20270101T000000Z",
            "DURATION:PT1S",
            &format!("RRULE:FREQ=DAILY;BYHOUR=0,1;BYMINUTE={minutes}"),
        ]),
        "times on one day",
    );
    ends(
        &event(&["DTSTART:20270101T000000Z", "RRULE:FREQ=DAILY;COUNT=1000000"]),
        "COUNT=1000000",
    );
    let dates = vec!["20270101T000000Z"; 60_000].join(",");
    ends(
        &event(&["DTSTART:20270101T000000Z", &format!("RDATE:{dates}")]),
        "more than 50000",
    );
}

#[test]
fn rules_that_never_come_true_end_and_are_refused() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=DAILY;COUNT=5;BYMONTH=2;BYMONTHDAY=30",
    ] {
        let text = event(&[
            "DTSTART:20260101T000000Z",
            "DURATION:PT1H",
            &format!("RRULE:{rule}"),
        ]);
        ends(&text, "line 7: this rule never comes true");
    }
}

#[test]
fn large_files_and_deep_ones_are_refused() {
    let one = "DTSTART:20200101T000000Z\nDURATION:PT1H\n";
    ends(&many(MAX_EVENTS + 1, one), "more than 20000 events");
    let large = event(&[&format!("X-FILLER:{}", "x".repeat(MAX_BYTES))]);
    ends(&large, "larger than");
    let deep = "BEGIN:VEVENT\n".repeat(100_000);
    ends(&calendar(&deep), "in one another");
}

#[test]
fn what_began_long_ago_is_not_counted_from_there() {
    let old = "DTSTART:19700101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20270102T000000Z\n";
    let found = read(many(1_000, old).as_bytes(), &berlin(), year()).unwrap();
    assert_eq!(found.occurrences.len(), 2_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever is changed in a calendar, it is read or refused, and ends.
    #[test]
    fn no_change_of_a_calendar_breaks_the_reader(
        changes in prop::collection::vec((0usize..1_500, any::<u8>()), 1..6),
        piece in prop::sample::select(vec![
            "INTERVAL=999;", "COUNT=36600;", "BYSETPOS=-366;", "BYWEEKNO=53;", "BYYEARDAY=-366;",
            "BYMONTHDAY=-31;", "UNTIL=21991231;", "WKST=SU;", "BYMONTH=2;", "BYHOUR=23;",
        ]),
        often in prop::sample::select(vec!["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]),
        start in prop::sample::select(vec!["19700101T000000", "20270328T023000", "21991231T235959"]),
    ) {
        let text = calendar(&format!(
            "{OUTLOOK}BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=W. Europe Standard Time:{start}\r\n\
             DURATION:P1DT1H\r\nRRULE:{piece}FREQ={often}\r\nEXDATE:20270101T000000Z\r\n\
             RDATE;VALUE=PERIOD:20270101T000000Z/PT1H\r\nEND:VEVENT\r\n"
        ));
        let _ = read(text.as_bytes(), &berlin(), year());
        let mut bytes = text.into_bytes();
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        if let Ok(found) = read(&bytes, &berlin(), year()) {
            prop_assert!(found.occurrences.iter().all(|one| one.interval.overlaps(year())));
        }
    }
}
