//! One passkey less.

use super::own::{Mistake, has_proved, proves};
use crate::control::Failure;
use crate::web::asks::Asks as _;
use crate::web::page::Shell;
use crate::web::person::SignedIn;
use crate::web::whole::Whole;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::id::Label;
use serde::Deserialize;

/// Which passkey is to be removed.
#[derive(Deserialize)]
pub(super) struct Wanted {
    name: String,
}

/// What the form for that sends.
#[derive(Deserialize)]
pub(super) struct Removal {
    token: String,
    name: String,
    #[serde(default)]
    password: String,
}

#[derive(Template)]
#[template(path = "passkey_remove.html")]
struct RemovePage {
    shell: Shell,
    name: String,
    /// Whether nothing else of theirs is a second proof.
    is_last: bool,
    asks_password: bool,
    problem: String,
}

/// Asks whether a passkey is to be removed.
pub(super) async fn ask(
    State(web): State<Web>,
    person: SignedIn,
    Query(wanted): Query<Wanted>,
) -> Response {
    removal(&web, &person, &wanted.name, String::new()).await
}

async fn removal(web: &Web, person: &SignedIn, name: &str, problem: String) -> Response {
    match removal_page(web, person, name, problem).await {
        Ok(page) => page,
        Err(failure) => error::page(Some(person), &failure),
    }
}

async fn removal_page(
    web: &Web,
    person: &SignedIn,
    name: &str,
    problem: String,
) -> Result<Response, Failure> {
    let account = &person.account;
    let known = web
        .app
        .store
        .view()
        .await?
        .passkeys_of(&account.name)
        .await?;
    if !known.iter().any(|passkey| passkey.title.as_str() == name) {
        let text = "You have no passkey of this name. Your account's page lists all of yours.";
        return Err(Failure::not_found(text));
    }
    let wrong = !problem.is_empty();
    let page = error::render(&RemovePage {
        shell: Shell::new("Remove a passkey", "", Some(person)),
        name: name.to_owned(),
        is_last: known.len() == 1 && account.totp.is_none(),
        asks_password: !has_proved(web, person).await?,
        problem,
    });
    Ok(match wrong {
        true => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        false => page,
    })
}

/// Removes a passkey.
pub(super) async fn remove(
    State(web): State<Web>,
    person: SignedIn,
    Whole(sent): Whole<Removal>,
) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    match removed(&web, &person, &sent.name, sent.password).await {
        Ok(Ok(())) => Redirect::to("/me").into_response(),
        Ok(Err((_, problem))) => removal(&web, &person, &sent.name, problem).await,
        Err(failure) => error::page(Some(&person), &failure),
    }
}

async fn removed(
    web: &Web,
    person: &SignedIn,
    name: &str,
    password: String,
) -> Result<Result<(), Mistake>, Failure> {
    let title = Label::new(name).map_err(|_| {
        Failure::not_found("You have no passkey of this name; nothing was changed.")
    })?;
    if let Err(mistake) = proves(web, person, password).await? {
        return Ok(Err(mistake));
    }
    let mut change = web.app.change(&person.caller()).await?;
    change.remove_passkey(&person.account.name, &title).await?;
    change.commit().await?;
    Ok(Ok(()))
}
