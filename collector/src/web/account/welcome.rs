//! One-time links: the first administrator's, and everybody's first password.

use super::login::{begin, by};
use super::password;
use crate::account::{Grant, Role};
use crate::command::Caller;
use crate::control::Failure;
use crate::secret::Secret;
use crate::store::Actor;
use crate::store::accounts::AccountLink;
use crate::web::page::Shell;
use crate::web::person::cookie;
use crate::web::whole::Whole;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "welcome.html")]
struct Page {
    shell: Shell,
    first: bool,
    name: String,
    title: String,
    problem: String,
    least: usize,
}

/// What a person sends.
#[derive(Deserialize)]
pub struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    title: String,
    password: String,
    again: String,
}

/// Shows the form of a link.
pub async fn show(State(web): State<Web>, Path(secret): Path<String>) -> Response {
    match link(&web, &secret).await {
        Ok((_, link)) => page(&link, String::new(), String::new(), String::new()),
        Err(failure) => error::page(None, &failure),
    }
}

fn page(link: &AccountLink, name: String, title: String, problem: String) -> Response {
    let wrong = !problem.is_empty();
    let page = error::render(&Page {
        shell: Shell::new("Welcome", "", None),
        first: link.account.is_none(),
        name: link.account.as_ref().map_or(name, ToString::to_string),
        title,
        problem,
        least: password::LEAST,
    });
    match wrong {
        true => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        false => page,
    }
}

async fn link(web: &Web, secret: &str) -> Result<(Digest, AccountLink), Failure> {
    let over = || {
        Failure::not_found(
            "This link was used already, or its time is over. An administrator makes another: \
             `user link`.",
        )
    };
    let hash = Secret::of(secret).ok_or_else(over)?.hash();
    let found = web.app.store.view().await?.account_link(&hash).await?;
    let counts = |link: &AccountLink| link.used_at.is_none() && link.expires_at > web.app.now();
    found
        .filter(counts)
        .map(|link| (hash, link))
        .ok_or_else(over)
}

/// Uses a link.
pub async fn enter(
    State(web): State<Web>,
    Path(secret): Path<String>,
    Whole(sent): Whole<Sent>,
) -> Response {
    let (hash, link) = match link(&web, &secret).await {
        Ok(found) => found,
        Err(failure) => return error::page(None, &failure),
    };
    let name = link
        .account
        .as_ref()
        .map_or(sent.name.trim(), Name::as_str)
        .to_owned();
    let again = |problem: String| page(&link, name.clone(), sent.title.clone(), problem);
    if let Some(problem) = password::problem(&sent.password, &sent.again, &name) {
        return again(problem);
    }
    let made = match link.account.is_none() {
        false => set(&web, &hash, None, &sent.password).await,
        true => match (Name::new(name.clone()), Label::new(sent.title.trim())) {
            (Ok(name), Ok(title)) => set(&web, &hash, Some((name, title)), &sent.password).await,
            (Err(error), _) => return again(format!("The name {error}.")),
            (_, Err(error)) => return again(format!("What people call you {error}.")),
        },
    };
    match made {
        Ok(secret) => ([(SET_COOKIE, cookie(Some(&secret)))], Redirect::to("/")).into_response(),
        Err(failure) => error::page(None, &failure),
    }
}

/// Uses the link, makes the first account where there is none, sets the password, and signs
/// in.
async fn set(
    web: &Web,
    link: &Digest,
    first: Option<(Name, Label)>,
    password: &str,
) -> Result<Secret, Failure> {
    let hash = password::hash(web, password.to_owned()).await?;
    let nobody = Caller {
        actor: Actor::Collector,
    };
    let mut change = web.app.change(&nobody).await?;
    let account = change.use_account_link(link).await?;
    let name = match (account, first) {
        (Some(name), _) => name,
        (None, Some((name, title))) => {
            // Setup is open once: with the first account it closes for ever.
            if !change.view().accounts().await?.is_empty() {
                return Err(Failure::conflict(
                    "There are accounts already, so this link makes none. An administrator adds \
                     people: `user add`.",
                ));
            }
            change.add_account(&name, &title).await?;
            let admin = Grant {
                role: Role::Admin,
                unit: None,
            };
            change.grant_roles(&name, &[admin]).await?;
            name
        }
        (None, None) => return Err(Failure::input("a name is missing")),
    };
    change.act_as(by(&name).actor);
    change.set_password(&name, &hash, false).await?;
    change.commit().await?;
    begin(web, &name, false).await
}
