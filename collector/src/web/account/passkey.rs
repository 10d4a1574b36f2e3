//! Passkeys: signing in with what an authenticator has, after it has made sure who holds it
//! (Web Authentication Level 3). That is both factors at once, so no code is asked for
//! ([ADR 0054](../../../../docs/adr/0054-a-passkey-is-both-factors.md)).

mod add;
mod enter;
mod own;
mod party;
mod proof;
mod remove;
#[cfg(test)]
mod tests;
mod waiting;

pub use own::Own;

use crate::account::Grant;
use crate::control::Failure;
use crate::web::{Web, error, statics};
use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use party::Party;
use patchward_common::id::{Label, Name};
use patchward_common::time::MINUTE_MS;
use proof::{Adding, Entering};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use waiting::Waiting;

/// How long a challenge is good: long enough to fetch the telephone, and as long as browsers wait.
const CHALLENGE_MS: i64 = 5 * MINUTE_MS;

/// A passkey that is about to be added.
struct Wish {
    /// What its person calls it.
    title: Label,
    /// Whose it will be.
    account: Name,
    /// What the answer has to be.
    adding: Adding,
}

/// The challenges that wait for an answer.
#[derive(Default)]
pub struct Challenges {
    adding: Mutex<Waiting<Wish>>,
    entering: Mutex<Waiting<Entering>>,
}

/// With `waiting` alone.
fn locked<T, R>(waiting: &Mutex<Waiting<T>>, use_it: impl FnOnce(&mut Waiting<T>) -> R) -> R {
    use_it(&mut waiting.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The routes of this part.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/login/passkey/begin", post(enter::begin))
        .route("/login/passkey", post(enter::enter))
        .route("/me/passkey/begin", post(add::begin))
        .route("/me/passkey", post(add::add))
        .route("/me/passkey/remove", get(remove::ask).post(remove::remove))
}

/// The button on the page for signing in.
#[derive(Template)]
#[template(path = "passkey_enter.html")]
pub struct Offer {
    /// The address that passkeys are made for.
    origin: String,
    script: &'static str,
}

/// The button on the page for signing in; nothing where passkeys cannot be.
pub fn offer(web: &Web) -> Option<Offer> {
    let party = Party::of(&web.app.settings.web_origin()).ok()?;
    Some(Offer {
        origin: party.origin,
        script: statics::PASSKEY,
    })
}

/// Whether the password alone is too little for an account without codes: its roles ask for two
/// proofs, and a passkey would be both.
pub async fn is_asked_of(web: &Web, account: &Name) -> Result<bool, Failure> {
    let mut view = web.app.store.view().await?;
    let grants: Vec<Grant> = view.grants_of(account).await?;
    Ok(web.asks_two_proofs(&grants) && view.has_passkey(account).await?)
}

/// What a script reads.
fn told(what: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, what.to_string()).into_response()
}

/// What a script reads where something did not happen: the words, and the field they are about.
fn refused(status: StatusCode, field: &str, problem: &str) -> Response {
    let text = json!({ "problem": problem, "field": field });
    (status, told(&text)).into_response()
}

/// The same for a failure.
fn failed(failure: &Failure) -> Response {
    refused(error::status(failure.kind), "", &failure.text)
}
