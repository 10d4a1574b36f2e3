//! A program at the API of a desk.

use super::browsing::{Answer, Guest};
use crate::commands::desk::Desk;
use axum::http::request::Builder;
use axum::http::{Method, Request, StatusCode, header};
use patchward_collector::web::api::call::{ONCE, method, needs_why};
use patchward_collector::web::form::{Form, Kind};
use patchward_common::percent::encoded;
use serde_json::{Map, Value};

/// What every address of the API begins with.
pub(super) const BASE: &str = "/api/v1";

/// Somebody's program.
pub(super) struct Program {
    guest: Guest,
    token: String,
}

impl Program {
    /// A new program with these roles, of the widest scope.
    pub(super) async fn with_roles(desk: &Desk, called: &str, roles: &[&str]) -> Self {
        let roles: String = roles.iter().map(|role| format!(" --role {role}")).collect();
        let add = format!("program add {called} --scope decide{roles}");
        let added = desk.json(&add).await;
        Self {
            guest: Guest::at(desk),
            token: added["token"].as_str().unwrap().to_owned(),
        }
    }

    /// A request of this program to an address of the API.
    pub(super) fn request(&self, method: &Method, path: &str) -> Builder {
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}/{path}"));
        request.header(header::AUTHORIZATION, format!("Bearer {}", self.token))
    }

    /// Sends a request.
    pub(super) async fn sends(&mut self, request: Builder, body: impl Into<Vec<u8>>) -> Answer {
        self.guest.ask(request, body.into()).await
    }

    /// Sends a request with JSON.
    pub(super) async fn sends_json(&mut self, request: Builder, body: &Value) -> Answer {
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.sends(request, body.to_string()).await
    }

    /// Sends a request with files, or what could be some.
    pub(super) async fn sends_parts(&mut self, request: Builder, parts: &[(&str, &str)]) -> Answer {
        self.guest.posts(request, parts).await
    }

    /// Calls the command of a form with these answers and a key by which it counts once.
    pub(super) async fn calls(
        &mut self,
        form: &Form,
        fields: &[(&str, &str)],
        once: &str,
    ) -> Answer {
        let (method, path) = (method(form), form.path.replace(' ', "/"));
        if method == Method::GET {
            let pairs = texts(form, fields).into_iter();
            let pairs = pairs.map(|(name, word)| format!("{name}={}", encoded(word)));
            let pairs: Vec<String> = pairs.collect();
            let path = format!("{path}?{}", pairs.join("&"));
            let request = self.request(&method, &path).header(ONCE, once);
            return self.sends(request, "").await;
        }
        let request = self.request(&method, &path).header(ONCE, once);
        let why = needs_why(form).then_some(("_why", "a test"));
        if form.takes_file() {
            let parts: Vec<_> = texts(form, fields).into_iter().chain(why).collect();
            return self.sends_parts(request, &parts).await;
        }
        let mut body = members(form, fields);
        body.extend(why.map(|(name, why)| (name.to_owned(), Value::from(why))));
        self.sends_json(request, &Value::Object(body)).await
    }
}

/// Answers to a form as they stand in an address or beside files.
fn texts<'w>(form: &Form, fields: &[(&'w str, &'w str)]) -> Vec<(&'w str, &'w str)> {
    let is_flag = |name| form.field(name).is_some_and(|it| it.kind == Kind::Flag);
    let texts = fields.iter().map(|(name, word)| match is_flag(name) {
        true => (*name, "true"),
        false => (*name, *word),
    });
    texts.collect()
}

/// Answers to a form as members of a JSON object, each of its field's own type.
pub(super) fn members(form: &Form, fields: &[(&str, &str)]) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, word) in fields {
        let field = form.field(name).unwrap();
        let value = match &field.kind {
            Kind::Flag => Value::Bool(true),
            _ if field.number => Value::from(word.parse::<i64>().unwrap()),
            _ => Value::from(*word),
        };
        if !field.many {
            members.insert((*name).to_owned(), value);
            continue;
        }
        let array = members
            .entry(*name)
            .or_insert_with(|| Value::Array(Vec::new()));
        array.as_array_mut().unwrap().push(value);
    }
    members
}

/// Asserts that an answer is a problem document of this status, and gives back what it says.
pub(super) fn problem(answer: &Answer, of: &str) -> Value {
    let text = answer.text();
    let kind = answer.headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or("", |kind| kind.to_str().unwrap());
    assert_eq!(kind, "application/problem+json", "{of}: {text}");
    assert!(answer.status.is_client_error(), "{of}: {text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["status"], answer.status.as_u16(), "{of}: {text}");
    for part in ["title", "detail"] {
        let said = document[part].as_str().unwrap_or_default();
        assert!(!said.is_empty(), "{of}: no {part} in {text}");
    }
    document
}

/// The same of one status, with these words.
pub(super) fn is_problem(answer: &Answer, of: &str, status: StatusCode, words: &str) -> Value {
    let document = problem(answer, of);
    assert_eq!(answer.status, status, "{of}: {document}");
    let said = document["detail"].as_str().unwrap();
    assert!(said.contains(words), "{of}: no {words:?} in {said}");
    document
}
