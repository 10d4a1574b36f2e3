//! Windows as people use them: previews, changes, approved work as a calendar.

use super::desk::{Desk, UNIT, now};
use super::jobs::job;
use patchward_collector::control::FailureKind::{Input, NotFound};
use patchward_collector::control::Output;
use patchward_collector::store::windows::{Opening, Window};
use patchward_common::id::Name;
use patchward_common::job::State;
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};
use serde_json::{Value, json};

/// Tomorrow at 02:00 in UTC.
pub(super) fn tomorrow_night() -> UtcMs {
    UtcMs((now().0 / DAY_MS + 1) * DAY_MS).plus_ms(2 * HOUR_MS)
}

pub(super) fn text(output: Output) -> String {
    match output {
        Output::Text(text) => text,
        Output::Table(table) => table.note.unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn openings(desk: &Desk) -> Vec<Value> {
    let shown = desk.json("window preview icu-3").await;
    shown.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_preview_says_what_the_clock_changes_and_what_freezes_take() {
    let desk = Desk::with_papers().await;
    desk.ask("window add night --unit icu-3 --cron 0~2~*~*~* --zone UTC --minutes 120")
        .await;
    let first = tomorrow_night();
    let (from, until) = (first.plus_ms(HOUR_MS), first.plus_ms(DAY_MS + 2 * HOUR_MS));
    desk.ask(&format!(
        "freeze add move --unit icu-3 --from {from} --until {until} --reason x"
    ))
    .await;
    let shown = openings(&desk).await;
    assert_eq!(shown.len(), 20);
    let at = shown
        .iter()
        .position(|row| row["opens_utc"] == first.to_string())
        .unwrap();
    let told = |number: usize| {
        let row = &shown[at + number];
        (
            row["left"].clone(),
            row["note"].clone(),
            row["windows"].clone(),
        )
    };
    assert_eq!(
        told(0),
        (json!(60), json!("partly frozen: move"), json!(["night"]))
    );
    assert_eq!(told(1), (json!(0), json!("frozen: move"), json!(["night"])));
    assert_eq!(told(2), (json!(120), Value::Null, json!(["night"])));
    // A year of a window in the night of both changes says so.
    desk.ask("unit add lab --site main --class standard").await;
    desk.ask(
        "window add lab-night --unit lab --cron 30~2~25-31~3,10~Sun --zone Europe/Berlin --minutes 60",
    )
    .await;
    let lab = desk.json("window preview lab").await;
    let lab = lab.as_array().unwrap();
    assert_eq!(lab.len(), 20);
    assert!(lab.iter().all(|row| row["note"] == "the clock changes"));
    let words = text(desk.ask("window preview lab").await);
    assert!(
        words.contains("every Sunday that is day 25 to 31 of the month"),
        "{words}"
    );
}

#[tokio::test]
async fn a_freeze_that_leaves_nothing_says_what_to_do() {
    let desk = Desk::with_papers().await;
    desk.ask("window add night --unit icu-3 --cron 0~2~*~*~* --zone UTC --minutes 60")
        .await;
    let half = |name: &str, from: i64, until: i64| {
        let at = |days: i64| now().plus_ms(days * DAY_MS);
        format!(
            "freeze add {name} --site main --from {} --until {} --reason x",
            at(from),
            at(until)
        )
    };
    let said = text(desk.ask(&half("first", -1, 12)).await);
    assert!(!said.contains("leave nothing"), "{said}");
    let said = text(desk.ask(&half("second", 10, 40)).await);
    assert!(
        said.contains("icu-3: Freezes leave nothing of the next 20 openings"),
        "{said}"
    );
    assert!(said.contains("\"first\" takes from"), "{said}");
    assert!(said.contains("freeze remove"), "{said}");
    let said = text(desk.ask("window preview icu-3").await);
    assert!(said.contains("leave nothing"), "{said}");
}

#[tokio::test]
async fn windows_are_changed_and_are_valid_for_a_time() {
    let desk = Desk::with_papers().await;
    let until = now().plus_ms(10 * DAY_MS);
    desk.ask(&format!(
        "window add night --unit icu-3 --cron 0~2~*~*~* --zone UTC --minutes 60 --valid-until {until}"
    ))
    .await;
    // One more where it is open at this hour.
    assert!((9..=11).contains(&openings(&desk).await.len()));
    desk.ask("window change night --minutes 30 --zone Europe/Berlin")
        .await;
    // Of one that is open at this hour only what is to come is shown.
    let shown = openings(&desk).await;
    assert!(shown.iter().skip(1).all(|row| row["minutes"] == 30));
    assert!((0..=30).contains(&shown[0]["minutes"].as_i64().unwrap()));
    for (line, kind, said) in [
        ("window change night --minutes 1440", Input, "1 to 1439"),
        (
            "window change night --cron *~*~*~*~*",
            Input,
            "write fewer starts",
        ),
        (
            "window add often --unit icu-3 --cron *~*~*~6~* --zone UTC --minutes 1",
            Input,
            "write fewer starts",
        ),
        ("window change night --cron 0~2~30~2~*", Input, "never"),
        ("window change night --zone Berln", Input, "did you mean"),
        ("window change none --minutes 30", NotFound, "window list"),
        (
            "window once x --unit icu-3 --at 2027-03-28T02:30 --zone Nowhere --minutes 5",
            Input,
            "zone",
        ),
        (
            "window once x --unit icu-3 --at tomorrow --minutes 5",
            Input,
            "write it as",
        ),
    ] {
        desk.refuses(line, kind, said).await;
    }
    desk.ask(
        "window once rare --unit icu-3 --at 2040-07-01T02:30 --zone Europe/Berlin --minutes 5",
    )
    .await;
    desk.refuses("window change rare --cron 0~2~*~*~*", Input, "opens once")
        .await;
    let last = openings(&desk).await.pop().unwrap();
    assert_eq!(last["opens_utc"], "2040-07-01T00:30:00Z");
    assert_eq!(last["opens"], "Sun 2040-07-01 02:30 CEST");
    // 02:30 does not exist then: the end of the gap, and it is said.
    desk.ask("unit add lab --site main --class standard").await;
    desk.ask("window once gap --unit lab --at 2040-03-25T02:30 --zone Europe/Berlin --minutes 60")
        .await;
    let gap = desk.json("window preview lab").await;
    assert_eq!(
        (&gap[0]["opens_utc"], &gap[0]["opens"], &gap[0]["note"]),
        (
            &json!("2040-03-25T01:00:00Z"),
            &json!("Sun 2040-03-25 03:00 CEST"),
            &json!("the clock changes")
        )
    );
}

/// A window that was kept before such were refused.
#[tokio::test]
async fn a_freeze_that_is_stored_is_no_failure_whatever_else_is_wrong() {
    let desk = Desk::with_papers().await;
    let mut change = desk.change().await;
    let often = Window {
        id: Name::new("often").unwrap(),
        unit: Name::new(UNIT).unwrap(),
        opening: Opening::Cron("* * * * *".into()),
        zone: "UTC".into(),
        minutes: 1,
        day_offset: 0,
        valid_from: None,
        valid_until: None,
    };
    change.add_window(&often).await.unwrap();
    change.commit().await.unwrap();
    let until = now().plus_ms(DAY_MS);
    let said = text(
        desk.ask(&format!("freeze add move --until {until} --reason x"))
            .await,
    );
    assert!(said.contains("cannot be told"), "{said}");
    let shown = desk.json("freeze list").await;
    assert_eq!(shown[0]["freeze"], "move");
}

/// What Debian's icalendar, which shares no code with us, reads of a calendar: an event a
/// line.
const READER: &str = "
import sys, icalendar
calendar = icalendar.Calendar.from_ical(open(sys.argv[1], 'rb').read())
for event in calendar.walk('VEVENT'):
    at = lambda name: event.decoded(name).strftime('%Y-%m-%dT%H:%M:%SZ')
    text = lambda name: str(event[name]).replace('\\n', '|')
    print(at('DTSTART'), at('DTEND'), text('STATUS'), text('SUMMARY'), text('DESCRIPTION'), sep=';')
";

fn independently_read(calendar: &std::path::Path) -> Vec<String> {
    let output = std::process::Command::new("/usr/bin/python3")
        .args(["-c", READER])
        .arg(calendar)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}; `cargo test-needs` installs what is missing"
    );
    let read = String::from_utf8(output.stdout).unwrap();
    read.lines().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn approved_work_goes_out_as_a_calendar() {
    let desk = Desk::with_machines(3).await;
    let mut opens = Vec::new();
    for (name, hours) in [("a", 24), ("b", 96), ("c", 200)] {
        let at = UtcMs((now().0 / HOUR_MS + hours) * HOUR_MS);
        opens.push(at.to_string());
        desk.ask(&format!(
            "window once {name} --unit {UNIT} --at {at} --minutes 600"
        ))
        .await;
    }
    desk.import(&["1", "2"]).await;
    let export = format!("window export {UNIT} --out unused");
    let written = async || match desk.ask(&export).await {
        Output::File { bytes, text } => (bytes.into_vec(), text),
        other => panic!("{other:?}"),
    };
    let rest = "--release viewer=2 --unit icu-3 --soak-minutes 0 --spare-slots 1";
    let plan = desk.plan("Viewer;~2,~\u{fc}ber~Nacht", rest).await;
    let (calendar, said) = written().await;
    assert!(
        !String::from_utf8_lossy(&calendar).contains("VEVENT"),
        "a draft is not approved"
    );
    assert!(said.starts_with("0 times"), "{said}");
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let (calendar, _) = written().await;
    let again = written().await.0;
    assert_eq!(again, calendar, "the same work is the same calendar");
    let file = desk.path("work.ics");
    std::fs::write(&file, &calendar).unwrap();
    let events = independently_read(&file);
    // Three machines, of which two may be down at once, each with a slot and a spare one.
    let of = |status: &str| -> Vec<&String> {
        let status = format!(";{status};");
        events
            .iter()
            .filter(|event| event.contains(&status))
            .collect()
    };
    let machines = |events: &[&String]| -> usize {
        events
            .iter()
            .map(|event| event.matches("|pc-").count())
            .sum()
    };
    let (confirmed, tentative) = (of("CONFIRMED"), of("TENTATIVE"));
    assert_eq!(
        (machines(&confirmed), machines(&tentative)),
        (3, 3),
        "{events:#?}"
    );
    assert!(confirmed[0].starts_with(&opens[0]), "{events:#?}");
    assert!(
        events
            .iter()
            .all(|event| event.contains(";Viewer; 2, \u{fc}ber Nacht ("))
    );
    // Our own reader finds the same times.
    let zone = patchward_collector::schedule::ical::zone_of("UTC").unwrap();
    let year = patchward_common::time::Interval::new(now(), now().plus_ms(365 * DAY_MS)).unwrap();
    let read = patchward_collector::schedule::ical::read(&calendar, &zone, year).unwrap();
    let mut ours: Vec<String> = read
        .occurrences
        .iter()
        .map(|one| format!("{};{};", one.interval.start(), one.interval.end()))
        .collect();
    ours.sort();
    let mut theirs = events.clone();
    theirs.sort();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!(theirs.starts_with(ours), "{theirs} is not {ours}");
    }
    desk.refuses("window export nowhere --out x", NotFound, "nowhere")
        .await;
    the_calendar_follows_what_happens(&desk, &plan).await;
}

/// How many events of each status there are, of those in which a machine is named.
async fn statuses(desk: &Desk) -> [usize; 3] {
    let export = format!("window export {UNIT} --out unused");
    let Output::File { bytes, .. } = desk.ask(&export).await else {
        panic!("no file");
    };
    let file = desk.path("again.ics");
    std::fs::write(&file, bytes.into_vec()).unwrap();
    let events = independently_read(&file);
    ["CONFIRMED", "TENTATIVE", "CANCELLED"].map(|status| {
        let status = format!(";{status};");
        let of = events.iter().filter(|event| event.contains(&status));
        of.map(|event| event.matches("|pc-").count()).sum()
    })
}

/// Three machines with a first and a spare slot each.
async fn the_calendar_follows_what_happens(desk: &Desk, plan: &str) {
    for (what, then, undo) in [
        (
            format!("rollout halt {plan} --reason smoke"),
            [0, 0, 6],
            format!("rollout resume {plan} --reason judged"),
        ),
        (
            "freeze add move --until 2099-01-01T00:00:00Z --reason x".to_owned(),
            [0, 0, 6],
            "freeze remove move --reason over".to_owned(),
        ),
    ] {
        desk.ask(&what).await;
        assert_eq!(statuses(desk).await, then, "{what}");
        desk.ask(&undo).await;
        assert_eq!(statuses(desk).await, [3, 3, 0], "{undo}");
    }
    // One has ended, and needs none of its slots.
    let mut change = desk.change().await;
    let job = change.view().job(&job(plan, 1)).await.unwrap().unwrap();
    change
        .move_job(&job, &State::Verified, None, 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(statuses(desk).await, [2, 2, 0]);
    desk.ask(&format!("stop now --plan {plan} --reason smoke"))
        .await;
    assert_eq!(statuses(desk).await, [0, 0, 4]);
}
