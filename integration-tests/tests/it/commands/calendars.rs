//! Calendars that freezes come from: files and feeds, good ones and broken ones.

use super::desk::{Desk, now};
use super::windows::{openings, text, tomorrow_night};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound, Unavailable};
use patchward_collector::reconcile::calendars;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, MINUTE_MS, UtcMs};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// `20270301T080000Z`.
fn stamp(at: UtcMs) -> String {
    let text = at.to_string();
    text.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// A calendar with one event a day at this time from now on, one hour long.
fn daily(first: UtcMs) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:rounds\r\nSUMMARY:Ward rounds\r\n\
         DTSTART:{}\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        stamp(first)
    )
}

#[tokio::test]
async fn a_calendar_is_read_again_and_keeps_its_last_good_copy() {
    let desk = Desk::with_papers().await;
    desk.ask("window add night --unit icu-3 --cron 0~2~*~*~* --zone UTC --minutes 120")
        .await;
    let file = desk.write(daily(tomorrow_night()).as_bytes());
    let add = format!("freeze calendar add rounds --from {file} --zone Europe/Berlin --unit icu-3");
    let said = text(desk.ask(&add).await);
    assert!(said.starts_with("rounds freezes"), "{said}");
    desk.refuses(&add, Conflict, "rounds already").await;
    assert_eq!(
        openings(&desk).await[2]["note"],
        "partly frozen: Ward rounds"
    );
    let frozen = desk.json("freeze list").await;
    let taken = frozen[0]["freeze"].as_str().unwrap();
    let remove = format!("freeze remove {taken} --reason x");
    desk.refuses(&remove, Conflict, "comes from the calendar rounds")
        .await;
    let left = async || {
        let shown = openings(&desk).await;
        shown[2]["left"].as_i64().unwrap()
    };
    assert_eq!(left().await, 60);
    let store = &desk.app.store;
    let head = async || store.view().await.unwrap().audit_head().await.unwrap();
    let later = |minutes: i64| now().plus_ms(minutes * MINUTE_MS);
    let name = Name::new("rounds").unwrap();
    let feed = async || {
        let feeds = store.view().await.unwrap().feeds().await.unwrap();
        feeds.into_iter().find(|feed| feed.source == name).unwrap()
    };
    // Not yet due; then the same again, which is no event for the audit log.
    let (before, read_at) = (head().await, feed().await.read_at);
    calendars::run(store, later(14)).await.unwrap();
    assert_eq!(feed().await.read_at, read_at);
    calendars::run(store, later(16)).await.unwrap();
    assert!(feed().await.read_at > read_at);
    assert_eq!(head().await, before);
    // Broken: raised once, with its line, and yesterday's freezes hold.
    std::fs::write(
        &file,
        daily(tomorrow_night()).replace("DURATION:PT1H", "DURATION:1h"),
    )
    .unwrap();
    calendars::run(store, later(32)).await.unwrap();
    let problem = feed().await.problem.unwrap();
    assert!(
        problem.starts_with("line 7: this is no duration"),
        "{problem}"
    );
    assert_eq!(left().await, 60);
    let raised = head().await;
    assert_ne!(raised, before);
    calendars::run(store, later(48)).await.unwrap();
    assert_eq!(head().await, raised);
    for list in ["freeze list", "freeze calendar list"] {
        let said = text(desk.ask(list).await);
        assert!(said.contains("its freezes of then hold: line 7"), "{said}");
    }
    desk.refuses("freeze calendar read rounds", Unavailable, "last good copy")
        .await;
    // Gone altogether, and good again with longer rounds.
    std::fs::remove_file(&file).unwrap();
    calendars::run(store, later(64)).await.unwrap();
    assert!(feed().await.problem.unwrap().contains("cannot be read"));
    std::fs::write(&file, daily(tomorrow_night()).replace("PT1H", "PT90M")).unwrap();
    desk.ask("freeze calendar read rounds").await;
    assert_eq!(feed().await.problem, None);
    assert_eq!(left().await, 30);
    // Empty all at once: a server that lost it says so too, and a person decides.
    std::fs::write(&file, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n").unwrap();
    calendars::run(store, later(96)).await.unwrap();
    assert!(feed().await.problem.unwrap().contains("none at all now"));
    assert_eq!(left().await, 30);
    desk.ask("freeze calendar read rounds --accept-empty").await;
    assert_eq!(feed().await.problem, None);
    assert_eq!(left().await, 120);
    desk.ask("freeze calendar remove rounds --reason over")
        .await;
    assert_eq!(left().await, 120);
    desk.refuses(
        "freeze calendar remove rounds --reason over",
        NotFound,
        "rounds",
    )
    .await;
    desk.refuses("freeze calendar read rounds", NotFound, "calendar list")
        .await;
}

#[tokio::test]
async fn what_is_no_calendar_is_refused_with_its_line() {
    let desk = Desk::with_papers().await;
    let good = desk.write(daily(tomorrow_night()).as_bytes());
    let bomb = daily(tomorrow_night()).replace("FREQ=DAILY", "FREQ=SECONDLY");
    let bomb = desk.write(bomb.as_bytes());
    let never =
        daily(tomorrow_night()).replace("FREQ=DAILY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30");
    let never = desk.write(never.as_bytes());
    let page = desk.write(b"<!doctype html>\n<p>Sign in</p>\n");
    for (rest, kind, said) in [
        (
            format!("--from {page} --zone UTC"),
            Input,
            "line 1: no property",
        ),
        (
            format!("--file {bomb} --zone UTC"),
            Input,
            "line 8: FREQ=SECONDLY",
        ),
        (
            format!("--file {never} --zone UTC"),
            Input,
            "line 8: this rule never comes true",
        ),
        (
            format!("--from {good} --zone Europe/Berln"),
            Input,
            "did you mean",
        ),
        (
            format!("--from {good} --zone UTC --unit er"),
            NotFound,
            "er",
        ),
        (
            format!("--from {good} --zone UTC --every-minutes 0"),
            Input,
            "1 to 1440",
        ),
        ("--from theatre.ics --zone UTC".into(), Input, "full path"),
        ("--from ftp://h/a --zone UTC".into(), Input, "http or https"),
        (
            "--from /nowhere.ics --zone UTC".into(),
            Unavailable,
            "cannot be read",
        ),
        ("--zone UTC".into(), Input, "--from"),
    ] {
        desk.refuses(&format!("freeze calendar add rounds {rest}"), kind, said)
            .await;
    }
    let manual = format!("freeze calendar add manual --from {good} --zone UTC");
    desk.refuses(&manual, Input, "choose another name").await;
    // Handed in once: never counted as a feed that nobody reads any more.
    desk.ask(&format!(
        "freeze calendar add once --file {good} --zone UTC"
    ))
    .await;
    let mut view = desk.app.store.view().await.unwrap();
    assert_eq!(view.feeds().await.unwrap(), []);
    let list = view.freezes_of(&Name::new("once").unwrap()).await.unwrap();
    drop(view);
    // As days pass it is laid out further.
    let later = now().plus_ms(3 * DAY_MS);
    calendars::run(&desk.app.store, later).await.unwrap();
    let mut view = desk.app.store.view().await.unwrap();
    let further = view.freezes_of(&Name::new("once").unwrap()).await.unwrap();
    assert!(further.last().unwrap().end > list.last().unwrap().end);
    assert_eq!(view.feeds().await.unwrap(), []);
}

/// A web server that gives each of these answers once, in order.
fn server(answers: Vec<Vec<u8>>) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.push(byte[0]);
            }
            // Whoever has read enough may hang up.
            let _ = stream.write_all(&answer);
        }
    });
    (format!("http://{address}"), serving)
}

fn answer(status: &str, more: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_read_from_a_web_server() {
    let desk = Desk::with_papers().await;
    let body = daily(tomorrow_night());
    let endless = {
        let mut head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        head.extend(std::iter::repeat_n(b'x', 9 * 1024 * 1024));
        head
    };
    let (url, serving) = server(vec![
        answer("302 Found", "Location: /real.ics\r\n", ""),
        answer("200 OK", "", &body),
        answer("401 Unauthorized", "", "who are you?"),
        answer("500 Oops", "", ""),
        endless,
        answer("200 OK", "", &body),
    ]);
    let place = format!("{url}/private-key/rounds.ics?token=secret");
    desk.ask(&format!(
        "freeze calendar add rounds --from {place} --zone UTC"
    ))
    .await;
    for said in [
        "asks for a password",
        "answered 500",
        "more than 8388608 bytes",
    ] {
        let read = desk.tries(&["freeze", "calendar", "read", "rounds"]).await;
        let failure = read.unwrap_err();
        assert!(failure.text.contains(said), "{}", failure.text);
        assert!(!failure.text.contains("secret"), "{}", failure.text);
    }
    desk.ask("freeze calendar read rounds").await;
    serving.join().unwrap();
    // Nobody listens any more.
    let refused = desk.tries(&["freeze", "calendar", "read", "rounds"]).await;
    assert!(
        refused
            .unwrap_err()
            .text
            .contains("did not give the calendar")
    );
    let list = desk.json("freeze calendar list").await;
    assert_eq!(
        list[0]["from"], url,
        "the rest of the address may be its password"
    );
    let audit = desk.json("audit list").await.to_string();
    assert!(audit.contains("calendar.failed") && !audit.contains("secret"));
}
