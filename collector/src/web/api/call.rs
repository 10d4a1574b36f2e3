//! A request of a program: known, allowed, read, carried out once, answered.

use super::bearer::{Asking, asking};
use super::body::{MAX_JSON_BYTES, Sent, WHY};
use super::problem::Problem;
use crate::account::Weight;
use crate::control::{Failure, Output};
use crate::web::asks::Asks as _;
use crate::web::form::post::{self, Posted};
use crate::web::form::{Form, call};
use crate::web::{Web, answer, download};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest as _, Multipart, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse as _, Response};
use patchward_common::digest::Digest;
use patchward_common::id::Label;
use serde_json::json;

/// A key that makes a repeated request count once.
pub const ONCE: &str = "idempotency-key";
/// Longest such key in bytes: a UUID has 36.
pub const MAX_ONCE_BYTES: usize = 255;

/// How a command is asked for: what only tells and takes no file, with GET.
pub fn method(form: &Form) -> Method {
    match form.rule.weight == Weight::Ask && !form.takes_file() {
        true => Method::GET,
        false => Method::POST,
    }
}

/// The command at an address; none that names files of the collector's own computer.
pub fn form_at(path: &str) -> Option<&'static Form> {
    let form = Form::of(&path.replace('/', " "))?;
    (form.rule.weight != Weight::Terminal).then_some(form)
}

/// Whether a request has to say why.
pub fn needs_why(form: &Form) -> bool {
    form.rule.weight == Weight::Grave && !form.has_reason()
}

/// Answers a request.
pub async fn handle(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // What is no text is no address of ours.
    let path = path.map_or_else(|_| String::new(), |Path(path)| path);
    match carried_out(&web, &path, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

/// Answers what is asked of the API as a whole.
pub async fn nothing() -> Problem {
    Problem::from(no_call())
}

fn no_call() -> Failure {
    Failure::not_found("There is nothing at this address; /api/v1/openapi.json says what is.")
}

async fn carried_out(web: &Web, path: &str, request: Request) -> Result<Response, Problem> {
    let form = form_at(path).ok_or_else(no_call)?;
    let allowed = method(form);
    let is_head = request.method() == Method::HEAD && allowed == Method::GET;
    if *request.method() != allowed && !is_head {
        return Err(Problem::no_method(&allowed));
    }
    let program = asking(web, request.headers()).await?;
    answer::may_open(&program, form)?;
    let once = once(request.headers())?;
    let (sent, files) = read(form, request).await?;
    let named = |problem: call::Mistake| match &files {
        Some(files) => call::Mistake {
            text: files.without_folder(&problem.text),
            ..problem
        },
        None => problem,
    };
    let command = call::command(form, &sent.answers).map_err(named)?;
    answer::allowed(web, &program, form, &sent.answers).await?;
    let why = reason(form, &sent)?;
    if let Some(once) = once {
        take_once(web, &program, &once).await?;
    }
    if let Some(why) = why {
        note(web, &program, form, why).await?;
    }
    let output = answer::carry_out(web, &program, form, command).await;
    let output = output.map_err(|refusal| match (refusal, &files) {
        (answer::Refusal::Failed(failure), Some(files)) => Problem::from(Failure {
            text: files.without_folder(&failure.text),
            ..failure
        }),
        (other, _) => Problem::from(other),
    })?;
    Ok(match output {
        Output::File { bytes, .. } => download::file(form, bytes.into_vec()),
        output => {
            let headers = [(header::CONTENT_TYPE, "application/json")];
            (headers, output.json().to_string()).into_response()
        }
    })
}

/// What was sent, and the files of it, which are gone when they are dropped.
async fn read(form: &Form, request: Request) -> Result<(Sent, Option<Posted>), Problem> {
    if method(form) == Method::GET {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        let pairs = pairs.map_err(|error| Problem::unreadable(error.body_text()))?;
        return Ok((Sent::of_address(form, &pairs.0)?, None));
    }
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    if form.takes_file() {
        let wanted = "multipart/form-data";
        if !kind.eq_ignore_ascii_case(wanted) {
            return Err(Problem::media_type(wanted));
        }
        let parts = Multipart::from_request(request, &()).await;
        let parts = parts.map_err(|error| Problem::unreadable(error.body_text()))?;
        let posted = post::read(Some(form), parts).await?;
        let why = posted.own.get(WHY).cloned().unwrap_or_default();
        let sent = Sent::of_parts(form, &posted.answers, why)?;
        return Ok((sent, Some(posted)));
    }
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::media_type("application/json"));
    }
    let bytes = axum::body::to_bytes(request.into_body(), MAX_JSON_BYTES).await;
    let bytes = bytes.map_err(|_| Problem::too_large(MAX_JSON_BYTES))?;
    Ok((Sent::of_json(form, &bytes)?, None))
}

/// The reason that has to be given, or was.
fn reason(form: &Form, sent: &Sent) -> Result<Option<Label>, Problem> {
    let why = sent.why.trim();
    match (why.is_empty(), needs_why(form)) {
        (true, true) => Err(Problem::field(
            WHY,
            "This decides on machines beside patients, so say why it is done.",
        )),
        (true, false) => Ok(None),
        (false, _) => {
            let why = why.parse();
            let why = why.map_err(|error| Problem::field(WHY, format!("{error}")))?;
            Ok(Some(why))
        }
    }
}

async fn note(web: &Web, program: &Asking, form: &Form, why: Label) -> Result<(), Failure> {
    let mut change = web.app.change(&program.caller()).await?;
    change.note("api.reason", form.path, &json!({ "reason": why }));
    change.commit().await?;
    Ok(())
}

/// The key that a request brings to count once.
fn once(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(ONCE) else {
        return Ok(None);
    };
    let is_key = |text: &&str| {
        let fits = (1..=MAX_ONCE_BYTES).contains(&text.len());
        fits && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let text = value.to_str().ok().filter(is_key);
    let text = text.ok_or_else(|| {
        Problem::unreadable(format!(
            "{ONCE} is 1 to {MAX_ONCE_BYTES} visible characters of ASCII."
        ))
    })?;
    Ok(Some(text.to_owned()))
}

async fn take_once(web: &Web, program: &Asking, key: &str) -> Result<(), Failure> {
    let id = Digest::of(format!("{} {key}", program.name()).as_bytes());
    match web
        .app
        .store
        .take_form(&id.to_string(), web.app.now())
        .await?
    {
        true => Ok(()),
        false => Err(Failure::conflict(format!(
            "A request with this {ONCE} was taken already and is not carried out twice. Ask for \
             what there is, and send another key if you mean it again."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn what_only_tells_is_asked_with_get() {
        assert_eq!(method(Form::of("unit list").unwrap()), Method::GET);
        assert_eq!(method(Form::of("mds2 check").unwrap()), Method::POST);
        assert_eq!(method(Form::of("unit add").unwrap()), Method::POST);
        assert!(form_at("release/import").is_none() && form_at("unit").is_none());
        assert!(needs_why(form_at("asset/remove").unwrap()));
        assert!(!needs_why(form_at("machine/revoke").unwrap()));
    }

    #[test]
    fn a_key_is_short_and_visible() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ONCE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            once(&headers)
        };
        assert_eq!(once(&HeaderMap::new()).unwrap(), None);
        assert_eq!(with("k-1").unwrap().as_deref(), Some("k-1"));
        assert!(with("").is_err() && with(&"k".repeat(256)).is_err() && with("ä").is_err());
    }
}
