//! A person's own account: password, second factor, passkeys, the browser's key.

use super::login::begin;
use super::openid::link::Shown;
use super::passkey::Own;
use super::{openid, password};
use crate::authority;
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::web::asks::Asks as _;
use crate::web::page::Shell;
use crate::web::person::{Person, cookie};
use crate::web::{Web, error};
use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::trust::sign::PublicKey;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "me.html")]
struct Page {
    shell: Shell,
    name: String,
    roles: String,
    has_factor: bool,
    passkeys: Own,
    keys: Vec<Key>,
    /// Whether one of them waits for a registrar.
    waits: bool,
    provider: Option<Shown>,
    problem: String,
    done: String,
}

/// How a key stands that nobody has taken into the roster yet.
const WAITS: &str = "waits for a registrar";

struct Key {
    key: String,
    asked: String,
    state: &'static str,
}

/// A new password.
#[derive(Deserialize)]
pub struct NewPassword {
    token: String,
    old: String,
    password: String,
    again: String,
}

/// A browser's key.
#[derive(Deserialize)]
pub struct NewKey {
    token: String,
    key: String,
}

/// Shows the account.
pub async fn show(State(web): State<Web>, person: Person) -> Response {
    page(&web, &person, "", "").await
}

pub(super) async fn page(web: &Web, person: &Person, done: &str, problem: &str) -> Response {
    let keys = match keys(web, person).await {
        Ok(keys) => keys,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let provider = match openid::link::shown(web, &person.account.name).await {
        Ok(provider) => provider,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let passkeys = match Own::of(web, person, "/me").await {
        Ok(passkeys) => passkeys,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let roles: Vec<String> = person.grants.iter().map(ToString::to_string).collect();
    error::render(&Page {
        shell: Shell::new("Your account", "", Some(person)),
        name: person.account.name.to_string(),
        roles: roles.join(", "),
        has_factor: person.account.totp.is_some(),
        passkeys,
        waits: keys.iter().any(|key| key.state == WAITS),
        keys,
        provider,
        problem: problem.to_owned(),
        done: done.to_owned(),
    })
}

async fn keys(web: &Web, person: &Person) -> Result<Vec<Key>, Failure> {
    let mut view = web.app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let asked = view.key_requests().await?.into_iter();
    let own = asked.filter(|request| request.account == person.account.name);
    let own: Vec<_> = own.collect();
    let held = authority::held(&mut view).await.ok();
    let known: Vec<String> = held
        .iter()
        .flat_map(|held| &held.roster.people)
        .filter(|known| known.id == person.account.name)
        .flat_map(|known| known.keys.iter().map(|key| key.key.to_string()))
        .collect();
    let shown = own.into_iter().map(|request| Key {
        state: match known.contains(&request.key) {
            true => "in the roster",
            false => WAITS,
        },
        asked: zones.cell(None, request.asked_at).to_string(),
        key: request.key,
    });
    Ok(shown.collect())
}

/// Changes the password.
pub async fn password(
    State(web): State<Web>,
    person: Person,
    Form(sent): Form<NewPassword>,
) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    match change_password(&web, &person, sent).await {
        Ok(Ok(secret)) => {
            ([(SET_COOKIE, cookie(Some(&secret)))], Redirect::to("/me")).into_response()
        }
        Ok(Err(problem)) => page(&web, &person, "", &problem).await,
        Err(failure) => error::page(Some(&person), &failure),
    }
}

/// The new session's secret, or what is wrong with what was sent. Every other session of the
/// account ends.
async fn change_password(
    web: &Web,
    person: &Person,
    sent: NewPassword,
) -> Result<Result<crate::secret::Secret, String>, Failure> {
    let name = &person.account.name;
    let now = web.app.now();
    if person.account.locked_until.is_some_and(|until| until > now) {
        let text = "After so many wrong answers the account waits for some minutes.";
        return Ok(Err(text.to_owned()));
    }
    if !password::is(web, sent.old, person.account.password.clone()).await? {
        let mut change = web.app.change(&person.caller()).await?;
        change.count_failed_login(name).await?;
        change.commit().await?;
        return Ok(Err("The old password is another.".to_owned()));
    }
    if let Some(problem) = password::problem(&sent.password, &sent.again, name.as_str()) {
        return Ok(Err(problem));
    }
    let hash = password::hash(web, sent.password).await?;
    let mut change = web.app.change(&person.caller()).await?;
    change.set_password(name, &hash, true).await?;
    change.commit().await?;
    begin(web, name, person.has_second_factor).await.map(Ok)
}

/// Asks for the browser's key to be taken into the roster.
pub async fn key(State(web): State<Web>, person: Person, Form(sent): Form<NewKey>) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    let key: Option<PublicKey> = sent.key.parse().ok();
    let Some(key) = key.filter(PublicKey::is_usable) else {
        return page(
            &web,
            &person,
            "",
            "That is no Ed25519 key; nothing was asked.",
        )
        .await;
    };
    match request(&web, &person, &key).await {
        Ok(()) => {
            let done = "Asked. Tell a registrar the first digits of the key by telephone or in \
                        person; they take it into the roster.";
            page(&web, &person, done, "").await
        }
        Err(failure) => page(&web, &person, "", &failure.text).await,
    }
}

async fn request(web: &Web, person: &Person, key: &PublicKey) -> Result<(), Failure> {
    let mut change = web.app.change(&person.caller()).await?;
    change
        .request_key(&person.account.name, &key.to_string())
        .await?;
    change.commit().await?;
    Ok(())
}
