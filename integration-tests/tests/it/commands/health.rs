//! Whether the collector lives and can do its work, as everybody may ask.

use super::desk::{Desk, UNIT, now};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use patchward_collector::secret::Secret;
use patchward_collector::web;
use patchward_common::time::MINUTE_MS;

/// Asks a router of its own: what one has seen is kept for a second.
async fn ask(desk: &Desk, path: &str, cookie: Option<&str>) -> (StatusCode, HeaderMap, String) {
    let router = web::router(web::Web::new(desk.app.clone()));
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let service = TowerToHyperService::new(router);
    let response = service.call(request.body(Body::empty()).unwrap()).await;
    let (parts, body) = response.unwrap().into_parts();
    let body = to_bytes(body, 64 * 1024).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    (parts.status, parts.headers, text)
}

async fn is_not_ready(desk: &Desk, line: &str) {
    let (status, _, text) = ask(desk, "/readyz", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
    assert!(
        text.starts_with("not ready\n") && text.contains(line),
        "{text}"
    );
    // It lives all the same: starting it anew is for somebody to decide who read why.
    let (status, _, text) = ask(desk, "/healthz", None).await;
    assert_eq!((status, &*text), (StatusCode::OK, "ok\n"));
}

#[tokio::test]
async fn a_collector_that_can_do_its_work_says_so_and_nothing_of_the_hospital() {
    let desk = Desk::with_machines(2).await;
    for path in ["/healthz", "/readyz"] {
        let (status, headers, text) = ask(&desk, path, None).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers["x-request-id"].len(), 16);
        for word in ["pc-1", UNIT, "main", "collector", "acme", "2"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
    let (_, _, text) = ask(&desk, "/readyz", None).await;
    let parts = [
        "store",
        "confirmed",
        "index",
        "machines",
        "tasks",
        "heard",
        "clocks",
    ];
    let expected = parts.map(|part| format!("{part}: ok\n")).concat();
    let several = "running: 1\nholds: 9 of 9\n";
    assert_eq!(text, format!("ready\n{expected}{several}"));
}

#[tokio::test]
async fn a_collector_that_cannot_says_why() {
    let desk = Desk::with_papers().await;
    desk.app.pulse.beat(now().plus_ms(-16 * MINUTE_MS));
    is_not_ready(&desk, "tasks: the collector's own tasks stand still").await;
    desk.app.pulse.beat(now());
    let mut change = desk.change().await;
    change.mark_restored(None).await.unwrap();
    change.commit().await.unwrap();
    is_not_ready(&desk, "confirmed: the database was restored").await;
    let mut change = desk.change().await;
    change.confirm_restored("it is the newest").await.unwrap();
    change.commit().await.unwrap();
    let (status, _, text) = ask(&desk, "/readyz", None).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    desk.app.fleet.shutdown().await;
    is_not_ready(&desk, "machines: machines cannot connect").await;
    desk.app.store.close().await;
    is_not_ready(&desk, "store: the database does not answer").await;
    // A cookie is not looked up: who lives needs no database for it.
    let cookie = format!("__Host-patchward={}", Secret::new().text());
    let (status, _, _) = ask(&desk, "/healthz", Some(&cookie)).await;
    assert_eq!(status, StatusCode::OK);
}
