//! A browser at the collector of a desk: every layer of the page but TLS.

use crate::commands::desk::{Desk, now};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode, header};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use patchward_collector::account::{Grant, SESSION_MS};
use patchward_collector::secret::Secret;
use patchward_collector::web::{self, Web};
use patchward_common::time::UtcMs;
use patchward_integration_tests::fixture::{label, name};

/// The most of an answer that is read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// The session's cookie.
const COOKIE: &str = "__Host-patchward";
/// What stands between the fields of a form.
const BOUNDARY: &str = "a-line-that-no-field-has";

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Where it leads.
    pub(super) fn to(&self) -> &str {
        let to = self.headers.get(header::LOCATION);
        to.map_or("", |to| to.to_str().unwrap())
    }

    /// Whether it is a page, and no file.
    pub(super) fn is_page(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html"))
    }

    /// The value of the first field of this name that has one.
    pub(super) fn value(&self, field: &str) -> String {
        let text = self.text();
        let begin = format!("name=\"{field}\" value=\"");
        let (_, rest) = text
            .split_once(&begin)
            .unwrap_or_else(|| panic!("no {field} in {text}"));
        rest.split('"').next().unwrap().to_owned()
    }

    /// What a browser sends of its form, as it is filled.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let text = self.text();
        let (_, form) = text
            .split_once("class=\"asks\"")
            .unwrap_or_else(|| panic!("no form in {text}"));
        let form = form.split("</form>").next().unwrap();
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut is_chosen = true;
        for tag in form.split('<') {
            let of = |name: &str| attribute(tag, name).unwrap_or_default();
            let inside = tag.split_once('>').map_or("", |(_, inside)| inside).trim();
            let is_sent = match of("type").as_str() {
                "checkbox" => tag.contains(" checked>"),
                kind => kind != "file",
            };
            match tag.split(' ').next().unwrap_or_default() {
                "input" if is_sent => fields.push((of("name"), of("value"))),
                "textarea" => fields.push((of("name"), inside.to_owned())),
                "select" => {
                    fields.push((of("name"), String::new()));
                    is_chosen = false;
                }
                "option" | "option>" if !is_chosen && tag.contains(" selected>") => {
                    fields.last_mut().unwrap().1 = inside.to_owned();
                    is_chosen = true;
                }
                _ => {}
            }
        }
        fields
    }

    /// Asserts its status and that it says `words`.
    pub(super) fn says(&self, status: StatusCode, words: &str) {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// Somebody's browser.
pub(super) struct Guest {
    service: TowerToHyperService<Router>,
    pub(super) web: Web,
    /// The secret of the session that it keeps.
    pub(super) session: Option<String>,
}

impl Guest {
    /// Somebody who is not signed in.
    pub(super) fn at(desk: &Desk) -> Self {
        let web = Web::new(desk.app.clone());
        Self {
            service: TowerToHyperService::new(web::router(web.clone())),
            web,
            session: None,
        }
    }

    /// The same person at the page that somebody else has open: what it keeps is kept for both.
    pub(super) fn at_the_page_of(self, other: &Self) -> Self {
        Self {
            service: other.service.clone(),
            web: other.web.clone(),
            ..self
        }
    }

    /// Somebody new with these roles, signed in with a passkey just now.
    pub(super) async fn with_roles(desk: &Desk, who: &str, roles: &[&str]) -> Self {
        let account = name(who);
        let grants: Vec<Grant> = roles.iter().map(|role| role.parse().unwrap()).collect();
        let mut change = desk.change().await;
        change.add_account(&account, &label(who)).await.unwrap();
        change.grant_roles(&account, &grants).await.unwrap();
        change.commit().await.unwrap();
        let mut guest = Self::at(desk);
        guest.signs_in(desk, who, now()).await;
        guest
    }

    /// Begins a session of an account at some time.
    pub(super) async fn signs_in(&mut self, desk: &Desk, who: &str, at: UtcMs) {
        let (secret, token, account) = (Secret::new(), Secret::new(), name(who));
        let store = &desk.app.store;
        let actor = patchward_collector::store::Actor::Person(account.clone());
        let mut change = store.change(actor, at).await.unwrap();
        let ends = at.plus_ms(SESSION_MS);
        let hash = secret.hash();
        change
            .begin_session(&hash, &account, token.text(), ends)
            .await
            .unwrap();
        change.prove_second_factor(&hash, &account).await.unwrap();
        change.commit().await.unwrap();
        self.session = Some(secret.text().to_owned());
    }

    /// Opens a page.
    pub(super) async fn open(&mut self, path: &str) -> Answer {
        self.ask(Request::get(path), Vec::new()).await
    }

    /// Sends a form without files.
    pub(super) async fn send(&mut self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request, form.as_bytes().to_vec()).await
    }

    /// Sends the form of a command from our own page.
    pub(super) async fn fills(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path).header("sec-fetch-site", "same-origin");
        self.posts(request, fields).await
    }

    /// Sends a form that was opened as it is filled, but for these answers.
    pub(super) async fn sends(
        &mut self,
        path: &str,
        form: &Answer,
        answers: &[(&str, &str)],
    ) -> Answer {
        let mut filled = form.fields();
        filled.retain(|(field, _)| answers.iter().all(|(name, _)| name != field));
        let filled = filled.iter().map(|(name, value)| (&**name, &**value));
        let fields: Vec<(&str, &str)> = filled.chain(answers.iter().copied()).collect();
        self.fills(path, &fields).await
    }

    /// Sends the form of a command in a request of one's own.
    pub(super) async fn posts(&mut self, request: Builder, fields: &[(&str, &str)]) -> Answer {
        let parts = fields.iter().map(|(name, value)| {
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
        });
        let body: String = parts.chain([format!("--{BOUNDARY}--\r\n")]).collect();
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = request.header(header::CONTENT_TYPE, kind);
        self.ask(request, body.into_bytes()).await
    }

    /// Asks, and keeps the session that is handed out.
    pub(super) async fn ask(&mut self, mut request: Builder, body: Vec<u8>) -> Answer {
        if let Some(session) = &self.session {
            request = request.header(header::COOKIE, format!("{COOKIE}={session}"));
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.service.call(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), MAX_ANSWER).await.unwrap();
        for cookie in headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            if let Some(secret) = pair.strip_prefix(&format!("{COOKIE}=")) {
                self.session = (!secret.is_empty()).then(|| secret.to_owned());
            }
        }
        Answer {
            status,
            headers,
            bytes: bytes.to_vec(),
        }
    }
}

/// Runs a test with the stack of a process's first thread: clap of a build that is not optimised
/// needs more than a test's thread has left.
pub(super) fn on_large_stack<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    let done = thread.spawn(move || runtime().block_on(test())).unwrap();
    if let Err(panic) = done.join() {
        std::panic::resume_unwind(panic);
    }
}
