//! What is written is what was meant: read back by our own reader, and held to the RFC.

use super::*;

fn entry(number: i64, summary: &str) -> Entry {
    let start = at("2027-03-01T18:00:00Z").plus_ms(number * 86_400_000);
    Entry {
        uid: format!("{number}@patchward"),
        sequence: 3,
        changed: at("2027-02-01T00:00:00Z"),
        start,
        end: start.plus_ms(90 * 60_000),
        summary: summary.into(),
        description: "Machines:\nview-1, view-2; both\\all\n".repeat(20),
        location: "Ger\u{e4}te, \u{1f3e5} 3".into(),
        status: match number % 2 {
            1 => Status::Tentative,
            _ => Status::Confirmed,
        },
    }
}

#[test]
fn what_is_written_is_read_as_it_was_meant() {
    let summaries = [
        "Viewer 2; 3 machines, one at a time",
        "a\\n b",
        "\u{fc}\u{1f3e5}",
    ];
    let entries: Vec<Entry> = (0..3)
        .map(|number| entry(number, summaries[number as usize]))
        .collect();
    let text = written("ICU-3: approved work", &entries);
    let found = read(text.as_bytes(), &TimeZone::UTC, year()).unwrap();
    let told: Vec<_> = found
        .occurrences
        .iter()
        .map(|one| {
            (
                one.uid.clone(),
                one.interval.start(),
                one.interval.end(),
                one.summary.as_str(),
            )
        })
        .collect();
    let meant: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.uid.clone(),
                entry.start,
                entry.end,
                entry.summary.as_str(),
            )
        })
        .collect();
    assert_eq!(told, meant);
}

#[test]
fn what_is_written_keeps_the_rules_of_the_format() {
    let text = written("ICU-3", &[entry(0, &"\u{1f3e5}".repeat(100)), entry(1, "")]);
    for line in text.split_inclusive("\r\n") {
        let line = line.strip_suffix("\r\n").expect("CRLF");
        assert!(line.len() <= 75, "{} octets", line.len());
        assert!(!line.contains(['\r', '\n']));
    }
    let unfolded = text.replace("\r\n ", "");
    for needed in [
        "VERSION:2.0",
        "PRODID:",
        "UID:0@patchward",
        "DTSTAMP:20270201T000000Z",
        "LAST-MODIFIED:20270201T000000Z",
        "SEQUENCE:3",
    ] {
        assert!(unfolded.contains(&format!("\r\n{needed}")), "{needed}");
    }
    assert!(unfolded.contains("LOCATION:Ger\u{e4}te\\, \u{1f3e5} 3\r\n"));
    assert!(unfolded.contains(r"Machines:\nview-1\, view-2\; both\\all\n"));
    assert_eq!(written("", &[]).matches("BEGIN").count(), 1);
}
