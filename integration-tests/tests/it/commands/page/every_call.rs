//! Every call of the API, out of its own description: what is wrong with it is said in a problem
//! document, and changes nothing. A command that is added is among them by itself.

mod sent;

use super::browsing::{Answer, on_large_stack};
use super::fitting::HOSTILE;
use super::programs::{BASE, Program, is_problem, problem};
use crate::commands::desk::Desk;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use patchward_collector::secret::Secret;
use patchward_collector::store::audit::Head;
use patchward_collector::web::api::call::ONCE;
use sent::{Body, Call};
use serde_json::{Value, json};

/// What the program may that asks: all that a program can.
const ROLES: [&str; 5] = ["auditor", "technician", "approver", "security", "operator"];
/// More than the body of a request holds.
const TOO_LARGE: usize = 1024 * 1024 + 1;
/// What is too long for any word; an address has room for it.
const LONG: usize = 60_000;
/// More than the answers that one field takes.
const TOO_MANY: usize = 5_001;

const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// A hospital, and a program that may ask for everything in it.
struct Scene {
    desk: Desk,
    program: Program,
    calls: Vec<Call>,
    /// A key that was used.
    used: String,
}

impl Scene {
    async fn begin() -> Self {
        let desk = Desk::with_machines(1).await;
        let mut program = Program::with_roles(&desk, "program", &ROLES).await;
        let described = program.request(&Method::GET, "openapi.json");
        let described = program.sends(described, "").await;
        let document = serde_json::from_slice(&described.bytes).unwrap();
        let used = Secret::new().text().to_owned();
        let first = program.request(&Method::GET, "site/list");
        let first = program.sends(first.header(ONCE, &used), "").await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());
        Self {
            desk,
            program,
            calls: Call::all(&document),
            used,
        }
    }

    /// What can be asked for by a program.
    fn asked(&self) -> Vec<Call> {
        let calls = self.calls.iter().filter(|call| call.is_of_programs());
        calls.cloned().collect()
    }

    async fn head(&self) -> Head {
        let mut view = self.desk.app.store.view().await.unwrap();
        view.audit_head().await.unwrap()
    }

    /// Sends this with a key.
    async fn keyed(&mut self, call: &Call, body: &Body, key: &str) -> Answer {
        let request = self.program.request(&call.method, &call.address(body));
        let request = request.header(ONCE, key);
        let answer = match body {
            Body::Query(_) => self.program.sends(request, "").await,
            Body::Json(members) => self.program.sends_json(request, members).await,
            Body::Parts(parts) => {
                let parts = parts.iter().map(|(name, word)| (&**name, &**word));
                let parts: Vec<(&str, &str)> = parts.collect();
                self.program.sends_parts(request, &parts).await
            }
        };
        is_bare(call, &answer);
        answer
    }

    /// Sends this with a key that was used already, so that nothing comes of what is right.
    async fn sends(&mut self, call: &Call, body: &Body) -> Answer {
        let (before, used) = (self.head().await, self.used.clone());
        let answer = self.keyed(call, body, &used).await;
        assert_eq!(self.head().await, before, "{} did something", call.path);
        answer
    }

    /// The same, where it is wrong at a field.
    async fn wrong(&mut self, call: &Call, body: &Body, field: &str) {
        let answer = self.sends(call, body).await;
        let document = is_problem(&answer, &call.path, WRONG, "");
        let named = &document["errors"][0]["field"];
        assert_eq!(named, field, "{}: {document}", call.path);
    }
}

/// Nothing of what was sent is in its headers, and no browser takes it for a page.
fn is_bare(call: &Call, answer: &Answer) {
    for (name, value) in &answer.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(!value.contains("stolen"), "{}: {name}: {value}", call.path);
    }
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(!answer.is_page(), "{}: {}", call.path, answer.text());
    let status = answer.status;
    assert!(
        !status.is_server_error(),
        "{}: {}",
        call.path,
        answer.text()
    );
}

/// It is refused; what only tells may tell of nothing instead.
fn is_refused_or_told(call: &Call, answer: &Answer) {
    if call.method == Method::GET && answer.status == StatusCode::OK {
        return;
    }
    problem(answer, &call.path);
}

#[test]
fn a_call_of_nobody_does_nothing() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let before = scene.head().await;
        let foreign = Secret::new();
        let foreign = format!("Bearer {}", foreign.text());
        for call in scene.calls.clone() {
            for given in [
                None,
                Some("Bearer ' OR 1=1 --"),
                Some("Basic YTpi"),
                Some(&foreign),
            ] {
                let request = Request::builder()
                    .method(&call.method)
                    .uri(format!("{BASE}{}", call.path));
                let request = match given {
                    Some(given) => request.header(header::AUTHORIZATION, given),
                    None => request,
                };
                let answer = scene.program.sends(request, "").await;
                let status = StatusCode::UNAUTHORIZED;
                is_problem(&answer, &call.path, status, "Send the token of a program");
                assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
            }
            // Which of two it would be nobody knows.
            let twice = scene.program.request(&call.method, &call.path[1..]);
            let twice = twice.header(header::AUTHORIZATION, &foreign);
            let answer = scene.program.sends(twice, "").await;
            is_problem(&answer, &call.path, StatusCode::UNAUTHORIZED, "");
        }
        assert_eq!(scene.head().await, before);
    });
}

#[test]
fn a_call_at_another_address_or_with_another_method_does_nothing() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let before = scene.head().await;
        for call in scene.calls.clone() {
            let others = [
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::DELETE,
                Method::PATCH,
            ];
            for other in others.iter().filter(|other| **other != call.method) {
                let request = scene.program.request(other, &call.path[1..]);
                let answer = scene.program.sends(request, "").await;
                is_problem(
                    &answer,
                    &call.path,
                    StatusCode::METHOD_NOT_ALLOWED,
                    "Here it is",
                );
                assert_eq!(answer.headers[header::ALLOW], call.method.as_str());
            }
            for behind in [
                "/x",
                "/",
                "/..",
                "/%2e%2e/%2e%2e/etc/passwd",
                "%00",
                "%ff",
                "%20",
                "%0d%0aSet-Cookie:%20stolen=1",
                "%27;%20DROP%20TABLE%20units;%20--",
            ] {
                let path = format!("{}{behind}", &call.path[1..]);
                let request = scene.program.request(&call.method, &path);
                let answer = scene.program.sends(request, "").await;
                is_bare(&call, &answer);
                is_problem(&answer, &path, StatusCode::NOT_FOUND, "");
            }
        }
        assert_eq!(scene.head().await, before);
    });
}

#[test]
fn a_call_in_another_form_does_nothing() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let before = scene.head().await;
        let deep = "[".repeat(100_000);
        let large = format!("{{\"x\":\"{}\"}}", "x".repeat(TOO_LARGE));
        let posted = scene.asked().into_iter();
        for call in posted.filter(|call| call.method == Method::POST) {
            let path = &call.path[1..];
            for kind in [
                "",
                "text/plain",
                "application/x-www-form-urlencoded",
                "a/b; c=\"<d>\"",
            ] {
                let request = scene.program.request(&Method::POST, path);
                let request = request.header(header::CONTENT_TYPE, kind);
                let answer = scene.program.sends(request, "{}").await;
                is_problem(
                    &answer,
                    path,
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "Here the body is",
                );
            }
            for key in [&b""[..], &[b'k'; 256], b"\xff", b"a b", b"a\tb"] {
                let request = scene.program.request(&Method::POST, path);
                let request = request.header(ONCE, HeaderValue::from_bytes(key).unwrap());
                let answer = scene.program.sends_json(request, &json!({})).await;
                is_problem(&answer, path, StatusCode::BAD_REQUEST, ONCE);
            }
            let (kind, bodies) = match call.takes_file {
                true => ("multipart/form-data", vec!["", "{}"]),
                false => (
                    "application/json",
                    vec!["", "{", "[]", "null", "\"x\"", &deep],
                ),
            };
            for body in bodies {
                let request = scene.program.request(&Method::POST, path);
                let request = request.header(header::CONTENT_TYPE, kind);
                let answer = scene.program.sends(request, body).await;
                is_problem(&answer, path, StatusCode::BAD_REQUEST, "");
            }
            if !call.takes_file {
                let request = scene.program.request(&Method::POST, path);
                let request = request.header(header::CONTENT_TYPE, kind);
                let answer = scene.program.sends(request, large.as_str()).await;
                is_problem(&answer, path, StatusCode::PAYLOAD_TOO_LARGE, "at most");
            }
        }
        assert_eq!(scene.head().await, before);
    });
}

#[test]
fn what_is_missing_unknown_or_of_another_type_is_named() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        for call in scene.asked() {
            let Some(good) = call.good() else { continue };
            let unknown = scene
                .sends(&call, &good.with("colour", &json!("red")))
                .await;
            let said = is_problem(&unknown, &call.path, WRONG, " no ").to_string();
            assert!(said.contains("colour"), "{}: {said}", call.path);
            for field in &call.fields {
                let missing = good.without(&field.name);
                if field.required && good.has(&field.name) {
                    scene.wrong(&call, &missing, &field.name).await;
                }
                for value in field.wrong(&good) {
                    scene
                        .wrong(&call, &good.with(&field.name, &value), &field.name)
                        .await;
                }
            }
        }
    });
}

#[test]
fn what_is_too_long_or_hostile_does_nothing_in_any_field() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let long = "x".repeat(LONG);
        for call in scene.asked() {
            let good = call.good().unwrap_or_else(|| call.empty());
            for word in HOSTILE.iter().map(|(word, _)| *word).chain([long.as_str()]) {
                let mut all = call.empty();
                for field in call.fields.iter().filter(|field| field.is_text()) {
                    let one = good.with(&field.name, &field.value(word));
                    let answer = scene.sends(&call, &one).await;
                    is_refused_or_told(&call, &answer);
                    if word.len() < LONG {
                        all = all.with(&field.name, &field.value(word));
                    }
                }
                let answer = scene.sends(&call, &all).await;
                is_refused_or_told(&call, &answer);
            }
            for field in call.fields.iter().filter(|field| field.is_many(&good)) {
                let many = Value::from(vec!["x"; TOO_MANY]);
                scene
                    .wrong(&call, &good.with(&field.name, &many), &field.name)
                    .await;
            }
        }
    });
}

/// With a new key it is meant: what is words may become words of the hospital.
#[test]
fn a_call_full_of_hostile_words_is_done_or_it_is_refused() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        for call in scene.asked() {
            for (word, _) in HOSTILE {
                let mut all = call.empty();
                for field in call.fields.iter().filter(|field| field.is_text()) {
                    all = all.with(&field.name, &field.value(word));
                }
                let before = scene.head().await;
                let answer = scene.keyed(&call, &all, Secret::new().text()).await;
                let mut view = scene.desk.app.store.view().await.unwrap();
                let rows = view.audit_after(before.seq, 100).await.unwrap();
                if answer.status != StatusCode::OK {
                    problem(&answer, &call.path);
                    // Why somebody wanted it is kept, whatever came of it.
                    let did = rows.iter().any(|row| row.action != "api.reason");
                    assert!(!did, "{}: {rows:?}", call.path);
                }
            }
        }
    });
}
