//! What people see when something did not happen: what, why, and what to do.

use super::Web;
use super::page::{Action, Shell};
use super::person::SignedIn;
use crate::control::{Failure, FailureKind};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'m> {
    shell: Shell,
    title: &'m str,
    text: &'m str,
    is_problem: bool,
    /// Where to go on.
    next: Vec<Action>,
}

/// The status of a failure (RFC 9110 §15).
pub fn status(kind: FailureKind) -> StatusCode {
    match kind {
        FailureKind::Input => StatusCode::UNPROCESSABLE_ENTITY,
        FailureKind::NotFound => StatusCode::NOT_FOUND,
        FailureKind::Conflict => StatusCode::CONFLICT,
        FailureKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A page that says that something did not happen.
pub fn page(person: Option<&SignedIn>, failure: &Failure) -> Response {
    let title = match failure.kind {
        FailureKind::Input => "That cannot be right",
        FailureKind::NotFound => "There is no such thing",
        FailureKind::Conflict => "That contradicts what is there",
        FailureKind::Unavailable => "Not possible now",
        FailureKind::Internal => "A fault of ours",
    };
    let page = message(person, title, &failure.text, true);
    (status(failure.kind), page).into_response()
}

/// A page that says that somebody may not.
pub fn forbidden(person: &SignedIn, text: &str) -> Response {
    let page = message(Some(person), "You may not do that", text, true);
    (StatusCode::FORBIDDEN, page).into_response()
}

/// A page that says that a form is of another session, or of none.
pub fn not_of_session(person: &SignedIn) -> Response {
    let text = "This form is not of your session: open the page again. Nothing was changed.";
    forbidden(person, text)
}

/// A page with one message.
pub fn message(person: Option<&SignedIn>, title: &str, text: &str, is_problem: bool) -> Response {
    let message = Message {
        shell: Shell::new(title, "", person),
        title,
        text,
        is_problem,
        next: Vec::new(),
    };
    render(&message)
}

/// A page that says what came of what somebody did, and where to go on.
pub fn answered(person: &SignedIn, title: &str, text: &str, next: Vec<Action>) -> Response {
    render(&Message {
        shell: Shell::new(title, "", Some(person)),
        title,
        text,
        is_problem: false,
        next,
    })
}

/// A template as an answer.
pub fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What stands where no page is.
pub async fn no_page(State(_): State<Web>, person: Option<SignedIn>) -> Response {
    let text = "There is no page at this address. The bar above leads to all of them.";
    page(person.as_ref(), &Failure::not_found(text))
}

/// What a person sees whom a command refused.
pub fn refused(person: &SignedIn, refusal: &super::answer::Refusal) -> Response {
    use super::answer::Refusal;
    match refusal {
        Refusal::Forbidden(text) => forbidden(person, text),
        Refusal::Mistake(mistake) => page(Some(person), &Failure::input(mistake.text.clone())),
        Refusal::Failed(failure) => page(Some(person), failure),
    }
}
