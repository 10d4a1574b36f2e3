//! Every form that the page has, out of the table of access: what it refuses is said, and
//! changes nothing. A command that is added is among them by itself.

use super::browsing::{Answer, Guest, on_large_stack};
use super::fitting::{HOSTILE, fitting, forms, meant, pairs};
use crate::commands::desk::Desk;
use axum::http::{Request, StatusCode};
use patchward_collector::account::Weight;
use patchward_collector::secret::Secret;
use patchward_collector::store::audit::Head;
use patchward_collector::web::form::{Form, Kind};
use std::collections::BTreeMap;

/// Every role that is held everywhere.
pub(super) const ROLES: [&str; 7] = [
    "viewer",
    "auditor",
    "technician",
    "approver",
    "security",
    "operator",
    "admin",
];

/// A hospital, and somebody in it who may everything.
struct Scene {
    desk: Desk,
    guest: Guest,
    token: String,
}

impl Scene {
    async fn begin() -> Self {
        let desk = Desk::with_machines(1).await;
        let mut guest = Guest::with_roles(&desk, "root", &ROLES).await;
        let token = guest.open("/do/site/add").await.value("_token");
        Self { desk, guest, token }
    }

    async fn head(&self) -> Head {
        let mut view = self.desk.app.store.view().await.unwrap();
        view.audit_head().await.unwrap()
    }

    /// Sends these fields with the session's token.
    async fn sends(&mut self, form: &Form, fields: &[(&str, &str)]) -> Answer {
        let token = self.token.clone();
        let own = [("_token", token.as_str())];
        let fields = [&own[..], fields].concat();
        self.guest.fills(&form.href(), &fields).await
    }

    /// The same, where nothing may come of it.
    async fn refused(&mut self, form: &Form, fields: &[(&str, &str)]) -> Answer {
        let before = self.head().await;
        let answer = self.sends(form, fields).await;
        said(form, &answer);
        assert_eq!(self.head().await, before, "{} did something", form.path);
        answer
    }
}

/// It is said on a page, and is no fault of ours.
fn said(form: &Form, answer: &Answer) {
    let status = answer.status;
    assert!(
        !status.is_server_error(),
        "{}: {}",
        form.path,
        answer.text()
    );
    assert!(answer.is_page(), "{}: {status}", form.path);
}

#[test]
fn no_form_is_taken_from_another_session_or_another_site() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let foreign = Secret::new();
        let before = scene.head().await;
        for form in forms() {
            let answers = fitting(form).unwrap_or_default();
            let id = Secret::new();
            let fields = [&pairs(&answers)[..], &meant(id.text())].concat();
            for token in [None, Some(""), Some(foreign.text())] {
                let token: Vec<_> = token.map(|token| ("_token", token)).into_iter().collect();
                let sent = [&token[..], &fields[..]].concat();
                let answer = scene.guest.fills(&form.href(), &sent).await;
                answer.says(StatusCode::FORBIDDEN, "is not of your session");
            }
            let site = Request::post(form.href()).header("sec-fetch-site", "cross-site");
            let own = [("_token", scene.token.as_str())];
            let sent = [&own[..], &fields[..]].concat();
            let answer = scene.guest.posts(site, &sent).await;
            answer.says(StatusCode::FORBIDDEN, "came from another site");
        }
        assert_eq!(scene.head().await, before);
    });
}

#[test]
fn no_form_is_carried_out_twice_or_before_it_was_meant() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let (mut known, mut unknown) = (0, Vec::new());
        for form in forms() {
            let Some(answers) = fitting(form) else {
                unknown.push(form.path);
                continue;
            };
            known += 1;
            let id = Secret::new();
            assert!(scene.guest.web.take_form(id.text()).await.unwrap());
            let answers = pairs(&answers);
            let twice = [&answers[..], &meant(id.text())].concat();
            let answer = scene.refused(form, &twice).await;
            if form.rule.weight == Weight::Terminal {
                answer.says(StatusCode::FORBIDDEN, "so it is done there");
                continue;
            }
            answer.says(StatusCode::CONFLICT, "This form was sent already");
            let none = [&answers[..], &meant("none")].concat();
            let answer = scene.refused(form, &none).await;
            answer.says(
                StatusCode::UNPROCESSABLE_ENTITY,
                "This is no form of this page",
            );
            if form.rule.weight == Weight::Grave {
                let fresh = Secret::new();
                let sent = [&answers[..], &[("_form", fresh.text())]].concat();
                let answer = scene.refused(form, &sent).await;
                // Where it names nothing that is there, it is refused at once.
                if answer.status.is_success() {
                    answer.says(StatusCode::OK, "Read this first.");
                }
            }
        }
        // What needs a file has no answers here; for another kind of word, add one to the list.
        assert!(known > 5 * unknown.len(), "{known} known, not {unknown:?}");
    });
}

/// No page has it as it came, and no header.
fn not_echoed(form: &Form, answer: &Answer, mark: &str) {
    let text = answer.text();
    assert!(!text.contains(mark), "{}: {text}", form.path);
    for value in answer.headers.values() {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(!value.contains("stolen"), "{}: {value}", form.path);
    }
    assert!(!answer.headers.contains_key("set-cookie"), "{}", form.path);
}

#[test]
fn hostile_words_do_nothing_in_any_field_of_any_form() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        for form in forms() {
            for (word, mark) in HOSTILE {
                let all: Vec<_> = form.fields.iter().map(|f| (&*f.name, word)).collect();
                let answer = scene.refused(form, &all).await;
                not_echoed(form, &answer, mark);
            }
            // Beside good answers it comes as far as what is shown before anything happens.
            let good = fitting(form).unwrap_or_default();
            let (word, mark) = HOSTILE[0];
            for field in &form.fields {
                let mut answers: BTreeMap<_, _> = pairs(&good).into_iter().collect();
                answers.insert(&field.name, word);
                let answers: Vec<_> = answers.into_iter().collect();
                let answer = scene.refused(form, &answers).await;
                not_echoed(form, &answer, mark);
            }
        }
    });
}

/// With its confirmation, what is words may become words of the hospital; what is refused is not.
#[test]
fn a_form_full_of_hostile_words_is_done_or_it_is_refused() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let forms = forms().into_iter().filter(|form| !form.fields.is_empty());
        let (word, mark) = HOSTILE[0];
        for form in forms {
            let id = Secret::new();
            let mut fields: Vec<_> = form.fields.iter().map(|f| (&*f.name, word)).collect();
            fields.extend(meant(id.text()));
            let before = scene.head().await;
            let answer = scene.sends(form, &fields).await;
            assert!(!answer.status.is_server_error(), "{}", form.path);
            if answer.is_page() {
                not_echoed(form, &answer, mark);
            }
            let mut view = scene.desk.app.store.view().await.unwrap();
            let rows = view.audit_after(before.seq, 100).await.unwrap();
            // Why somebody wanted it is kept, whatever came of it.
            let did = rows.iter().any(|row| row.action != "page.reason");
            assert!(answer.status == 200 || !did, "{}: {rows:?}", form.path);
        }
    });
}

#[test]
fn what_is_too_much_for_a_form_is_refused() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let (long, lines) = ("x".repeat(64 * 1024 + 1), "x\n".repeat(5_001));
        let (long, lines) = (long.as_str(), lines.as_str());
        let many = vec![("_more", "x"); 501];
        for form in forms() {
            let wrong = StatusCode::UNPROCESSABLE_ENTITY;
            let nothing = scene.guest.fills(&form.href(), &[]).await;
            nothing.says(StatusCode::FORBIDDEN, "is not of your session");
            scene.refused(form, &[]).await;
            let answer = scene.refused(form, &many).await;
            answer.says(wrong, "a form has at most 500 fields");
            let answer = scene.refused(form, &[("_why", long)]).await;
            answer.says(wrong, "a field holds at most 65536 bytes");
            for field in form.fields.iter().filter(|field| field.kind != Kind::File) {
                let answer = scene.refused(form, &[(field.name.as_str(), long)]).await;
                answer.says(wrong, "a field holds at most 65536 bytes");
                if field.many {
                    let answer = scene.refused(form, &[(field.name.as_str(), lines)]).await;
                    answer.says(wrong, "has at most 5000 lines");
                }
            }
        }
        // Those that are no commands.
        let long = format!("name=x&token={long}");
        for path in ["/login", "/me/password", "/me/second-factor", "/me/key"] {
            let before = scene.head().await;
            let answer = scene.guest.send(path, &long).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
            assert_eq!(scene.head().await, before, "{path}");
        }
    });
}

#[test]
fn files_that_are_too_large_are_refused() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let form = Form::of("advisory import").unwrap();
        let before = scene.head().await;
        let one = "x".repeat(64 * 1024 * 1024 + 1);
        let answer = scene.sends(form, &[("files", one.as_str())]).await;
        answer.says(
            StatusCode::UNPROCESSABLE_ENTITY,
            "is larger than 64 MiB, so it is none of the files that are taken here",
        );
        // Each of them is small enough, and all of them are not.
        let part = &one[..44 * 1024 * 1024];
        let three = [("files", part); 3];
        let answer = scene.sends(form, &three).await;
        answer.says(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the form did not arrive whole",
        );
        assert_eq!(scene.head().await, before);
    });
}
