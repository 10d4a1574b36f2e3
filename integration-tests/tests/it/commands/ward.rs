//! The ward's page, asked as a browser asks: what a link can do, what it cannot, and what
//! people see who are signed in.

use super::desk::{Desk, now};
use super::manual;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use patchward_collector::account::Grant;
use patchward_collector::secret::Secret;
use patchward_collector::web;
use patchward_common::time::HOUR_MS;
use patchward_integration_tests::fixture::{label, name};

/// The most of a page that is read.
const MAX_PAGE: usize = 1024 * 1024;

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    to: String,
    pub(super) page: String,
}

async fn ask(desk: &Desk, request: Request<Body>) -> Answer {
    let service = TowerToHyperService::new(web::router(web::Web::new(desk.app.clone())));
    let response = service.call(request).await.unwrap();
    let status = response.status();
    let to = response.headers().get(header::LOCATION);
    let to = to.map_or("", |to| to.to_str().unwrap()).to_owned();
    let body = to_bytes(response.into_body(), MAX_PAGE).await.unwrap();
    let page = String::from_utf8(body.to_vec()).unwrap();
    Answer { status, to, page }
}

/// Opens a page, with a session or without.
pub(super) async fn open(desk: &Desk, path: &str, session: Option<&Secret>) -> Answer {
    let mut request = Request::get(path);
    if let Some(session) = session {
        request = request.header(header::COOKIE, cookie(session));
    }
    ask(desk, request.body(Body::empty()).unwrap()).await
}

fn cookie(session: &Secret) -> String {
    format!("__Host-patchward={}", session.text())
}

/// Sends a form from our own page.
async fn send(desk: &Desk, path: &str, session: Option<&Secret>, form: &str) -> Answer {
    let mut request = Request::post(path)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(session) = session {
        request = request.header(header::COOKIE, cookie(session));
    }
    ask(desk, request.body(Body::from(form.to_owned())).unwrap()).await
}

/// Fields with a form id of their own.
fn fresh(fields: &str) -> String {
    format!("_form={}&{fields}", Secret::new().text())
}

/// A ward's link of `icu-3`, by its address.
async fn link(desk: &Desk) -> String {
    let secret = Secret::new();
    let mut change = desk.change().await;
    let kiosk = (name("icu-desk"), name("icu-3"));
    change
        .add_kiosk(&kiosk.0, &kiosk.1, &secret.hash())
        .await
        .unwrap();
    change.commit().await.unwrap();
    format!("/ward/{}", secret.text())
}

/// Somebody with this role, signed in; their forms carry `token`.
pub(super) async fn person(desk: &Desk, who: &str, role: &str) -> Secret {
    let secret = Secret::new();
    let grant: Grant = role.parse().unwrap();
    let account = name(who);
    let mut change = desk.change().await;
    change.add_account(&account, &label(who)).await.unwrap();
    change.grant_roles(&account, &[grant]).await.unwrap();
    let ends = now().plus_ms(HOUR_MS);
    change
        .begin_session(&secret.hash(), &account, "token", ends)
        .await
        .unwrap();
    change
        .prove_second_factor(&secret.hash(), &account)
        .await
        .unwrap();
    change.commit().await.unwrap();
    secret
}

async fn rows(desk: &Desk, line: &str) -> Vec<serde_json::Value> {
    desk.json(line).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_link_holds_ends_its_own_hold_and_asks() {
    let (desk, _, _) = manual::signed().await;
    let ward = link(&desk).await;
    let shown = open(&desk, &ward, None).await;
    assert_eq!(shown.status, StatusCode::OK);
    for words in [
        "ct-7",
        "May ",
        "Not now",
        "Ask for handover",
        "Whom to call",
    ] {
        assert!(shown.page.contains(words), "{words}: {}", shown.page);
    }
    assert!(!shown.page.contains("/settings"), "a link leads nowhere");
    let sheet = open(&desk, &format!("{ward}/sheet"), None).await;
    assert_eq!(sheet.status, StatusCode::OK);
    assert!(sheet.page.contains("ct-7"), "{}", sheet.page);

    let hold = fresh("wish=hold&machine=ct-7&hours=2&reason=patient_waiting");
    let sent = send(&desk, &ward, None, &hold).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.page);
    assert_eq!(sent.to, format!("{ward}?done=held"));
    let again = send(&desk, &ward, None, &hold).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let holds = rows(&desk, "hold list").await;
    assert_eq!(holds.len(), 1, "{holds:?}");
    assert_eq!(holds[0]["said_by"], "kiosk:icu-desk");
    let unit = fresh("wish=hold&machine=&hours=12&reason=rounds");
    let sent = send(&desk, &ward, None, &unit).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let asked = send(&desk, &ward, None, &fresh("wish=handover&machine=ct-7")).await;
    assert_eq!(asked.to, format!("{ward}?done=asked"));
    let asked = send(&desk, &ward, None, &fresh("wish=handover&machine=ct-7")).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "once is enough");

    let items = rows(&desk, "item list").await;
    let owner = |key: &str| {
        let found = items.iter().find(|item| item["item"] == key);
        found.map(|item| item["owner"].as_str().unwrap().to_owned())
    };
    assert_eq!(owner("held:ct-7").as_deref(), Some("ward"), "{items:?}");
    assert_eq!(owner("held:unit/icu-3").as_deref(), Some("ward"));
    assert_eq!(owner("handover:ct-7").as_deref(), Some("htm"));
    desk.ask("handover done ct-7").await;
    assert!(rows(&desk, "handover list").await.is_empty());

    // What somebody else said stands.
    desk.ask("hold add --machine ct-7 --for 3 --reason rounds")
        .await;
    let end = "wish=end&machine=ct-7";
    let ended = send(&desk, &ward, None, &fresh(end)).await;
    assert_eq!(ended.to, format!("{ward}?done=ended"));
    let other = send(&desk, &ward, None, &fresh(end)).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.page);
    assert_eq!(rows(&desk, "hold list --unit icu-3").await.len(), 2);
}

#[tokio::test]
async fn a_link_can_do_nothing_else() {
    let desk = Desk::with_machines(1).await;
    desk.ask("unit add or-1 --site main --class standard").await;
    let ward = link(&desk).await;
    let machine = "wish=hold&machine=pc-9&hours=1&reason=rounds";
    for (form, status) in [
        (fresh(machine), StatusCode::NOT_FOUND),
        (
            fresh("wish=hold&hours=13&reason=rounds"),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            fresh("wish=hold&hours=1&reason=Mr+Smith"),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (fresh("wish=stop"), StatusCode::UNPROCESSABLE_ENTITY),
        (
            "wish=hold&hours=1&reason=rounds".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            fresh(&format!(
                "wish=hold&hours=1&reason=rounds&x={}",
                "x".repeat(5000)
            )),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let sent = send(&desk, &ward, None, &form).await;
        assert_eq!(sent.status, status, "{form}");
    }
    let good = fresh("wish=hold&hours=1&reason=rounds");
    let foreign = Request::post(&ward)
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(good.clone()))
        .unwrap();
    assert_eq!(ask(&desk, foreign).await.status, StatusCode::FORBIDDEN);
    let guessed = format!("/ward/{}", Secret::new().text());
    for path in [guessed.as_str(), "/ward/unit", "/ward/x"] {
        let sent = send(&desk, path, None, &good).await;
        assert_eq!(sent.status, StatusCode::NOT_FOUND, "{path}");
    }
    // An account's page asks for an account, whatever is sent along.
    let sent = send(&desk, "/ward/unit/icu-3", None, &good).await;
    assert!(sent.to.starts_with("/login"), "{}", sent.to);
    assert!(rows(&desk, "hold list").await.is_empty());
    desk.ask("kiosk end icu-desk").await;
    let sent = send(&desk, &ward, None, &good).await;
    assert_eq!(sent.status, StatusCode::NOT_FOUND);
    assert!(rows(&desk, "hold list").await.is_empty());
}

#[tokio::test]
async fn the_ward_sees_its_own_page_and_others_as_far_as_they_may() {
    let desk = Desk::with_machines(1).await;
    desk.ask("unit add or-1 --site main --class standard").await;
    let nurse = person(&desk, "nina", "ward:icu-3").await;
    let nurse = Some(&nurse);
    let here = "/ward/unit/icu-3";
    assert_eq!(open(&desk, "/", nurse).await.to, "/ward");
    assert_eq!(open(&desk, "/ward", nurse).await.to, here);
    let shown = open(&desk, here, nurse).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(!shown.page.contains("/settings"), "only its page");
    let elsewhere = open(&desk, "/ward/unit/or-1", nurse).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    let hold = "wish=hold&hours=1&reason=rounds";
    let sent = send(&desk, here, nurse, &fresh(hold)).await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN, "without its token");
    let own = format!("_token=token&{hold}");
    let sent = send(&desk, here, nurse, &fresh(&own)).await;
    assert_eq!(sent.to, format!("{here}?done=held"));

    let viewer = person(&desk, "vera", "viewer").await;
    let viewer = Some(&viewer);
    let units = open(&desk, "/ward", viewer).await;
    assert!(units.page.contains(here) && units.page.contains("/ward/unit/or-1"));
    let shown = open(&desk, here, viewer).await;
    assert!(shown.page.contains("Said by nina"), "{}", shown.page);
    assert!(
        !shown.page.contains("name=\"wish\""),
        "looks, and says nothing"
    );
    let sent = send(&desk, here, viewer, &fresh(&own)).await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN);
    let end = fresh("_token=token&wish=end");
    let sent = send(&desk, here, viewer, &end).await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN);
    assert_eq!(rows(&desk, "hold list").await.len(), 1);
}
