use super::*;
use jiff::Timestamp;
use patchward_common::time::UtcMs;

mod bombs;
mod brute;
mod round;

pub(super) fn at(text: &str) -> UtcMs {
    let timestamp: Timestamp = text.parse().unwrap();
    UtcMs(timestamp.as_millisecond())
}

fn year() -> Interval {
    Interval::new(at("2027-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z")).unwrap()
}

pub(super) fn calendar(inside: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inside}END:VCALENDAR\r\n")
}

pub(super) fn event(lines: &[&str]) -> String {
    calendar(&format!(
        "BEGIN:VEVENT\r\nUID:u\r\n{}\r\nEND:VEVENT\r\n",
        lines.join("\r\n")
    ))
}

fn berlin() -> TimeZone {
    zone_of("Europe/Berlin").unwrap()
}

fn told(text: &str) -> Vec<String> {
    let read = read(text.as_bytes(), &berlin(), year()).unwrap();
    let occurrences = read.occurrences.iter();
    occurrences
        .map(|one| format!("{} {}", one.interval.start(), one.interval.end()))
        .collect()
}

fn refused(text: &str) -> String {
    let error = read(text.as_bytes(), &berlin(), year()).unwrap_err();
    error.to_string()
}

#[test]
fn one_event_in_each_form() {
    for (lines, expected) in [
        // UTC, with an end and with a duration.
        (
            &["DTSTART:20270301T180000Z", "DTEND:20270301T200000Z"][..],
            "2027-03-01T18:00:00Z 2027-03-01T20:00:00Z",
        ),
        (
            &["DTSTART:20270301T180000Z", "DURATION:PT90M"],
            "2027-03-01T18:00:00Z 2027-03-01T19:30:00Z",
        ),
        // In a zone by its name, and without one in the calendar's own.
        (
            &[
                "DTSTART;TZID=America/Chicago:20270301T180000",
                "DTEND;TZID=America/Chicago:20270301T200000",
            ],
            "2027-03-02T00:00:00Z 2027-03-02T02:00:00Z",
        ),
        (
            &["DTSTART:20270301T180000", "DTEND:20270301T200000"],
            "2027-03-01T17:00:00Z 2027-03-01T19:00:00Z",
        ),
        // Over two zones: from Berlin to Chicago.
        (
            &[
                "DTSTART;TZID=Europe/Berlin:20270301T180000",
                "DTEND;TZID=America/Chicago:20270301T180000",
            ],
            "2027-03-01T17:00:00Z 2027-03-02T00:00:00Z",
        ),
        // Whole days: one, three, and one of 23 hours.
        (
            &["DTSTART;VALUE=DATE:20270301"],
            "2027-02-28T23:00:00Z 2027-03-01T23:00:00Z",
        ),
        (
            &["DTSTART;VALUE=DATE:20270301", "DTEND;VALUE=DATE:20270304"],
            "2027-02-28T23:00:00Z 2027-03-03T23:00:00Z",
        ),
        (
            &["DTSTART;VALUE=DATE:20270328"],
            "2027-03-27T23:00:00Z 2027-03-28T22:00:00Z",
        ),
        // One of 25 hours.
        (
            &["DTSTART;VALUE=DATE:20271031"],
            "2027-10-30T22:00:00Z 2027-10-31T23:00:00Z",
        ),
    ] {
        let found = told(&event(lines));
        assert_eq!(found, [expected], "{lines:?}");
    }
}

#[test]
fn a_local_time_is_frozen_as_long_as_it_may_mean() {
    for (start, end, expected) in [
        // Twice 02:30: from the first to the second.
        (
            "20271031T023000",
            "20271031T024500",
            "2027-10-31T00:30:00Z 2027-10-31T01:45:00Z",
        ),
        // 02:30 does not exist: from the end of the gap.
        (
            "20270328T023000",
            "20270328T050000",
            "2027-03-28T01:00:00Z 2027-03-28T03:00:00Z",
        ),
        // The end does not exist: as late as it may be.
        (
            "20270328T010000",
            "20270328T023000",
            "2027-03-28T00:00:00Z 2027-03-28T01:30:00Z",
        ),
    ] {
        let text = event(&[&format!("DTSTART:{start}"), &format!("DTEND:{end}")]);
        assert_eq!(told(&text), [expected]);
    }
}

#[test]
fn recurring_with_exceptions_additions_and_replacements() {
    let series = "BEGIN:VEVENT\nUID:theatre\nSUMMARY:Theatre list\n\
        DTSTART;TZID=Europe/Berlin:20261207T070000\nDTEND;TZID=Europe/Berlin:20261207T160000\n\
        RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270201T060000Z\n\
        EXDATE;TZID=Europe/Berlin:20270104T070000,20270111T070000\n\
        RDATE;TZID=Europe/Berlin:20270106T070000\n\
        RDATE;VALUE=PERIOD:20270107T060000Z/PT1H\nEND:VEVENT\n";
    let moved = "BEGIN:VEVENT\nUID:theatre\nRECURRENCE-ID:20270118T060000Z\n\
        DTSTART:20270119T060000Z\nDTEND:20270119T080000Z\nEND:VEVENT\n";
    let called_off = "BEGIN:VEVENT\nUID:theatre\nSTATUS:CANCELLED\n\
        RECURRENCE-ID;TZID=Europe/Berlin:20270125T070000\nEND:VEVENT\n";
    let text = calendar(&format!("{moved}{series}{called_off}"));
    assert_eq!(
        told(&text),
        [
            "2027-01-06T06:00:00Z 2027-01-06T15:00:00Z",
            "2027-01-07T06:00:00Z 2027-01-07T07:00:00Z",
            "2027-01-19T06:00:00Z 2027-01-19T08:00:00Z",
            // The last one is the end of the rule itself.
            "2027-02-01T06:00:00Z 2027-02-01T15:00:00Z",
        ]
    );
}

#[test]
fn this_and_all_after_are_moved() {
    let text = calendar(
        "BEGIN:VEVENT\nUID:u\nDTSTART:20270101T080000Z\nDURATION:PT1H\n\
         RRULE:FREQ=MONTHLY;COUNT=4\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:u\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270301T080000Z\n\
         DTSTART:20270301T100000Z\nDURATION:PT2H\nEND:VEVENT\n",
    );
    assert_eq!(
        told(&text),
        [
            "2027-01-01T08:00:00Z 2027-01-01T09:00:00Z",
            "2027-02-01T08:00:00Z 2027-02-01T09:00:00Z",
            "2027-03-01T10:00:00Z 2027-03-01T12:00:00Z",
            "2027-04-01T10:00:00Z 2027-04-01T12:00:00Z",
        ]
    );
}

#[test]
fn a_weekend_ends_as_late_as_any_program_shows_it() {
    // From Saturday 18:00 to Monday 06:00, over both changes of the clock.
    let weekly = |start: &str, end: &str| {
        let found = told(&event(&[
            &format!("DTSTART;TZID=Europe/Berlin:{start}"),
            &format!("DTEND;TZID=Europe/Berlin:{end}"),
            "RRULE:FREQ=WEEKLY;COUNT=2",
        ]));
        found.last().unwrap().clone()
    };
    // Spring: 36 elapsed hours end at 07:00.
    assert_eq!(
        weekly("20270320T180000", "20270322T060000"),
        "2027-03-27T17:00:00Z 2027-03-29T05:00:00Z"
    );
    // Autumn: they would end at 05:00, and people read 06:00.
    assert_eq!(
        weekly("20271023T180000", "20271025T060000"),
        "2027-10-30T16:00:00Z 2027-11-01T05:00:00Z"
    );
}

/// A zone as Outlook writes it: a name that nobody knows, rules since 1601.
const OUTLOOK: &str = "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\n\
    BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n\
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n\
    BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n";

#[test]
fn a_zone_that_the_file_defines_is_as_the_known_one() {
    // Every half hour of the days around both changes.
    for day in ["0327", "0328", "0329", "1030", "1031", "1101", "0701"] {
        for half in 0..48 {
            let time = format!("2027{day}T{:02}{:02}00", half / 2, half % 2 * 30);
            let with = |zone: &str, definition: &str| {
                told(&calendar(&format!(
                    "{definition}BEGIN:VEVENT\r\nUID:u\r\nDTSTART;TZID={zone}:{time}\r\n\
                     DURATION:PT45M\r\nEND:VEVENT\r\n"
                )))
            };
            assert_eq!(
                with("W. Europe Standard Time", OUTLOOK),
                with("Europe/Berlin", ""),
                "{time}"
            );
        }
    }
}

#[test]
fn mistakes_are_told_with_their_line() {
    let with = |line: &str| refused(&event(&["DTSTART:20270101T080000Z", line]));
    for (line, text) in [
        ("DTEND:20270101", "ends before it begins"),
        ("DTEND:tomorrow", "DTEND is no date"),
        ("DURATION:1H", "written as PT2H30M"),
        ("RRULE:INTERVAL=2", "without FREQ"),
        ("RRULE:FREQ=FORTNIGHTLY", "FREQ=FORTNIGHTLY is not known"),
        ("RRULE:FREQ=SECONDLY", "write one longer event"),
        ("RRULE:FREQ=DAILY;COUNT=0", "COUNT=0 is not possible"),
        ("RRULE:FREQ=DAILY;COUNT=x", "COUNT=x is not possible"),
        ("RRULE:FREQ=DAILY;COUNT=2;COUNT=3", "stands twice"),
        ("RRULE:FREQ=DAILY;BYDAY=XX", "BYDAY=XX is not possible"),
        ("RRULE:FREQ=DAILY;RSCALE=HEBREW", "RSCALE"),
        ("RRULE:FREQ=WEEKLY;BYDAY=2MO", "only where FREQ is MONTHLY"),
        ("RRULE:FREQ=MONTHLY;BYDAY=MO,2TU", "write two events"),
        ("RRULE:FREQ=MONTHLY;BYWEEKNO=3", "this rule is not possible"),
        ("EXDATE:2027", "EXDATE is no date"),
        ("RDATE;VALUE=PERIOD:20270101T080000Z/x", "RDATE is no date"),
    ] {
        let said = with(line);
        assert!(said.starts_with("line 6: "), "{line}: {said}");
        assert!(said.contains(text), "{line}: {said}");
    }
    let zone = refused(&event(&["DTSTART;TZID=Europe/Berln:20270101T080000"]));
    assert!(zone.starts_with("line 5: "), "{zone}");
    assert!(zone.contains("did you mean \"Europe/Berlin\"?"), "{zone}");
    for (text, said) in [
        ("", "line 1: there is no calendar"),
        ("<html>\n", "line 1: no property"),
        ("BEGIN:VEVENT\nEND:VEVENT\n", "line 1: a calendar begins"),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n",
            "line 2: VEVENT has no END; the file ends at line 3",
        ),
        (
            "BEGIN:VCALENDAR\nEND:VEVENT\n",
            "line 2: END:VEVENT without",
        ),
        (
            "BEGIN:VCALENDAR\nMETHOD:CANCEL\nEND:VCALENDAR\n",
            "line 2: METHOD:CANCEL",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n",
            "line 2: this VEVENT has no DTSTART",
        ),
    ] {
        let found = refused(text);
        assert!(found.starts_with(said), "{found}");
    }
}

#[test]
fn a_defined_zone_with_a_mistake_is_told_with_its_line() {
    let with = |old: &str, new: &str| {
        refused(&calendar(&format!(
            "{}BEGIN:VEVENT\r\nUID:u\r\nDTSTART;TZID=W. Europe Standard Time:20270101T080000\r\n\
             END:VEVENT\r\n",
            OUTLOOK.replace(old, new)
        )))
    };
    assert!(with("TZOFFSETTO:+0100", "TZOFFSETTO:+1").starts_with("line 8: this is no offset"));
    assert!(with("TZOFFSETFROM:+0200\r\n", "").starts_with("line 5: this STANDARD has no"));
    assert!(with("DTSTART:16010101T030000", "DTSTART:x").starts_with("line 6: this is no date"));
    assert!(with("TZID:W.", "TZID:E.").contains("this file does not define it"));
}

#[test]
fn what_freezes_nothing_is_noted() {
    let text = event(&["SUMMARY:Visit", "DTSTART:20270301T180000Z"]);
    let found = read(text.as_bytes(), &berlin(), year()).unwrap();
    assert_eq!(found.occurrences, []);
    assert_eq!(
        found.notes,
        ["line 3: \"Visit\" has no length and freezes nothing"]
    );
    let text = event(&[
        "SUMMARY:List",
        "DTSTART:20270301T180000Z",
        "DTEND:20270301T190000Z",
        "RRULE:FREQ=DAILY;COUNT=2",
        "EXDATE;VALUE=DATE:20270302",
    ]);
    let found = read(text.as_bytes(), &berlin(), year()).unwrap();
    assert_eq!(found.occurrences.len(), 2);
    assert!(
        found.notes[0].contains("EXDATE names whole days"),
        "{:?}",
        found.notes
    );
    let text = calendar(
        "BEGIN:VTODO\nDUE:x\nEND:VTODO\nBEGIN:VEVENT\nUID:1\nSTATUS:Cancelled\nDTSTART;VALUE=DATE:20270301\nBEGIN:VALARM\nTRIGGER:x\nEND:VALARM\nEND:VEVENT\n",
    );
    assert_eq!(told(&text), [""; 0]);
}
