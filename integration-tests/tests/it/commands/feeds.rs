//! Secret addresses: approved work as people's calendars read it, and figures as monitoring
//! reads them.

use super::desk::{Desk, UNIT};
use super::notices::python;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::secret::Secret;
use patchward_collector::web;

/// The most of an answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;

/// Reads a calendar with another program's library.
const READER: &str = "
import sys, icalendar
calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
for event in calendar.walk('VEVENT'):
    at = event.decoded('LAST-MODIFIED')
    assert event.decoded('DTSTAMP') == at
    print(event['UID'], event['STATUS'], event['SEQUENCE'], at.isoformat())
";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(router: &Router, path: &str, more: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in more {
        request = request.header(name, *value);
    }
    let service = TowerToHyperService::new(router.clone());
    let response = service.call(request.body(Body::empty()).unwrap()).await;
    let (parts, body) = response.unwrap().into_parts();
    let body = to_bytes(body, MAX_ANSWER).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// The path of an address that was printed.
async fn added(desk: &Desk, line: &str) -> String {
    let made = desk.json(line).await;
    let link = made["link"].as_str().unwrap().to_owned();
    let path = link.splitn(4, '/').nth(3).unwrap();
    format!("/{path}")
}

#[tokio::test]
async fn a_calendar_is_read_at_its_secret_address() {
    let desk = Desk::with_machines(2).await;
    desk.ask("unit add or-1 --site main --class standard").await;
    desk.ask("window once tonight --unit icu-3 --minutes 1200")
        .await;
    desk.import(&["1", "2"]).await;
    let plan = desk.plan("Viewer", "--release viewer=2 --unit icu-3").await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let icu = added(
        &desk,
        &format!("feed add icu --what calendar --unit {UNIT}"),
    )
    .await;
    let or = added(&desk, "feed add or --what calendar --unit or-1").await;
    let all = added(&desk, "feed add all --what calendar").await;
    assert!(icu.starts_with("/feed/") && icu.ends_with(".ics"), "{icu}");
    // A calendar is gathered anew where the router is.
    let fresh = || web::router(web::Web::new(desk.app.clone()));
    let first = ask(&fresh(), &icu, &[]).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(
        first.header(header::CONTENT_TYPE),
        "text/calendar; charset=utf-8"
    );
    assert_eq!(first.header(header::CACHE_CONTROL), "private, max-age=300");
    assert!(first.text.contains("BEGIN:VEVENT"), "{}", first.text);
    let none = ask(&fresh(), &or, &[]).await;
    assert!(none.text.contains("VCALENDAR") && !none.text.contains("VEVENT"));
    let whole = ask(&fresh(), &all, &[]).await;
    let events = |text: &str| python(READER, text.as_bytes());
    assert_eq!(
        events(&whole.text),
        events(&first.text),
        "the same ids in both"
    );
    // Nothing changed: the same file, and who has it gets it not again.
    let again = ask(&fresh(), &icu, &[]).await;
    assert_eq!(again.text, first.text);
    let tag = first.header(header::ETAG).to_owned();
    let has = [(header::IF_NONE_MATCH, tag.as_str())];
    let unchanged = ask(&fresh(), &icu, &has).await;
    assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
    assert!(unchanged.text.is_empty());
    assert_eq!(unchanged.header(header::ETAG), tag);
    revisions_rise(&desk, &plan, &icu, &events(&first.text)).await;
    // One router hands out one file, for a minute at least.
    let router = fresh();
    let before = ask(&router, &icu, &[]).await.text;
    desk.ask(&format!("rollout halt {plan} --reason smoke"))
        .await;
    assert_eq!(ask(&router, &icu, &[]).await.text, before);
    assert_ne!(ask(&fresh(), &icu, &[]).await.text, before);
}

/// What is cancelled, and comes back, is the same event with a higher number each time.
async fn revisions_rise(desk: &Desk, plan: &str, path: &str, first: &str) {
    let read = async || {
        let router = web::router(web::Web::new(desk.app.clone()));
        let events = python(READER, ask(&router, path, &[]).await.text.as_bytes());
        let one = events.lines().next().unwrap().to_owned();
        let words: Vec<String> = one.split(' ').map(str::to_owned).collect();
        (events, words)
    };
    let uid = first.split(' ').next().unwrap();
    desk.ask(&format!("rollout halt {plan} --reason smoke"))
        .await;
    let (halted, words) = read().await;
    assert_eq!([&words[0], &words[1], &words[2]], [uid, "CANCELLED", "1"]);
    // It was changed then, and not when it is asked for again.
    assert_eq!(read().await.0, halted);
    desk.ask(&format!("rollout resume {plan} --reason judged"))
        .await;
    let (_, words) = read().await;
    assert_eq!([&words[0], &words[1], &words[2]], [uid, "CONFIRMED", "2"]);
}

#[tokio::test]
async fn a_wrong_secret_is_told_what_is_told_where_nothing_is() {
    let desk = Desk::with_papers().await;
    let router = web::router(web::Web::new(desk.app.clone()));
    let path = added(&desk, "feed add icu --what calendar --unit icu-3").await;
    let metrics = desk.json("feed add prometheus --what metrics").await;
    let other = metrics["secret"].as_str().unwrap().to_owned();
    desk.refuses("feed add icu --what calendar", Conflict, "already")
        .await;
    desk.refuses(
        "feed add x --what metrics --unit icu-3",
        Input,
        "whole collector",
    )
    .await;
    desk.refuses(
        "feed add x --what calendar --unit nowhere",
        NotFound,
        "unit list",
    )
    .await;
    desk.refuses("feed end nothing", NotFound, "feed list")
        .await;
    let nothing = ask(&router, "/a/b/c/d", &[]).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    let listed = desk.json("feed list").await;
    assert!(listed[0]["last_used"].is_null(), "{listed}");
    assert_eq!(ask(&router, &path, &[]).await.status, StatusCode::OK);
    let listed = desk.json("feed list").await;
    assert!(listed[0]["last_used"].is_string(), "{listed}");
    assert!(!listed.to_string().contains(&other));
    desk.ask("feed end icu").await;
    for wrong in [
        path.clone(),
        format!("/feed/{}.ics", Secret::new().text()),
        // The secret of something else, and one without its ending.
        format!("/feed/{other}.ics"),
        path.trim_end_matches(".ics").to_owned(),
        "/feed/x.ics".to_owned(),
        "/feed/.ics".to_owned(),
    ] {
        let answer = ask(&router, &wrong, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}");
        assert_eq!(answer.text, nothing.text, "{wrong}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    }
}

#[tokio::test]
async fn figures_are_for_who_has_their_secret() {
    let desk = Desk::with_machines(3).await;
    let calendar = added(&desk, "feed add icu --what calendar").await;
    let calendar = calendar
        .trim_start_matches("/feed/")
        .trim_end_matches(".ics");
    let router = web::router(web::Web::new(desk.app.clone()));
    let bearer = |secret: &str| format!("Bearer {secret}");
    let none = ask(&router, "/metrics", &[]).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    let made = desk.json("feed add prometheus --what metrics").await;
    let secret = made["secret"].as_str().unwrap();
    for wrong in [
        bearer(Secret::new().text()),
        bearer(calendar),
        "Basic eDp5".into(),
        bearer(""),
    ] {
        let answer = ask(&router, "/metrics", &[(header::AUTHORIZATION, &wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(answer.text, none.text);
    }
    desk.ask("stop now --unit icu-3 --reason drill").await;
    let right = bearer(secret);
    let told = ask(&router, "/metrics", &[(header::AUTHORIZATION, &right)]).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    assert_eq!(
        told.header(header::CONTENT_TYPE),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let has = |line: &str| {
        assert!(
            told.text.lines().any(|one| one == line),
            "{line}\n{}",
            told.text
        )
    };
    has("patchward_machines{standing=\"unplanned\"} 3");
    has("patchward_machines_heard{within=\"5m\"} 3");
    has("patchward_items{kind=\"stopped\",owner=\"htm\"} 1");
    has("patchward_stops_in_force 1");
    has("patchward_stops_unacknowledged 0");
    has("patchward_machines_silent{class=\"standard\"} 0");
    has("patchward_rollouts_halted 0");
    has("patchward_notices{state=\"waiting\"} 0");
    for part in [
        "patchward_expires_seconds{what=\"roster\"} ",
        "patchward_store_bytes ",
    ] {
        let found = told.text.lines().find_map(|line| line.strip_prefix(part));
        let number: f64 = found.expect(part).parse().unwrap();
        assert!(number > 1.0, "{part}{number}");
    }
    // No machine and no unit is named.
    assert!(!told.text.contains("pc-1") && !told.text.contains(UNIT));
    // Gathered once for a while, whoever asks.
    desk.ask("stop now --all --reason drill").await;
    let again = ask(&router, "/metrics", &[(header::AUTHORIZATION, &right)]).await;
    assert_eq!(again.text, told.text);
}
