//! Signing in and out.

use super::{passkey, password};
use crate::account::SESSION_MS;
use crate::command::Caller;
use crate::control::Failure;
use crate::secret::Secret;
use crate::store::accounts::Account;
use crate::store::{Actor, StoreError};
use crate::web::asks::Asks as _;
use crate::web::page::Shell;
use crate::web::person::{SignedIn, cookie};
use crate::web::whole::Whole;
use crate::web::{Web, error, link};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::id::Name;
use patchward_common::percent::encoded;
use serde::Deserialize;

/// The same for a wrong name, password, code or passkey: nobody learns which it was.
pub(super) const WRONG: &str = "That is not right. Try again; after several wrong answers the account \
                         waits for some minutes. Who has passkeys and no authenticator app signs in \
                         with a passkey.";

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    shell: Shell,
    problem: String,
    to: String,
    name: String,
    provider: Option<Provider>,
    passkeys: Option<passkey::Offer>,
}

/// The way by the hospital's OpenID provider.
struct Provider {
    title: String,
    path: String,
}

/// Where a person wanted to go.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    pub(super) to: String,
}

/// What a person sends.
#[derive(Deserialize)]
pub struct Sent {
    name: String,
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
}

/// What a form that only needs its token sends.
#[derive(Deserialize)]
pub struct Token {
    /// The token.
    #[serde(rename = "_token")]
    pub token: String,
}

/// Shows the form.
pub async fn show(State(web): State<Web>, Query(wanted): Query<Wanted>) -> Response {
    page(&web, String::new(), wanted.to, String::new())
}

/// Shows the form to somebody who did not get in by the provider, and why.
pub(super) fn refused(web: &Web, status: StatusCode, problem: String, to: String) -> Response {
    (status, form(web, problem, to, String::new())).into_response()
}

fn page(web: &Web, problem: String, to: String, name: String) -> Response {
    let wrong = !problem.is_empty();
    let page = form(web, problem, to, name);
    match wrong {
        true => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        false => page,
    }
}

fn form(web: &Web, problem: String, to: String, name: String) -> Response {
    let provider = web.openid.as_ref().map(|openid| Provider {
        title: openid.title.clone(),
        path: match to.is_empty() {
            true => "/login/openid".to_owned(),
            false => format!("/login/openid?to={}", encoded(&to)),
        },
    });
    error::render(&Page {
        shell: Shell::new("Sign in", "", None),
        problem,
        to,
        name,
        provider,
        passkeys: passkey::offer(web),
    })
}

/// Signs somebody in.
pub async fn enter(State(web): State<Web>, Whole(sent): Whole<Sent>) -> Response {
    let to = link::local(&sent.to).unwrap_or("/").to_owned();
    match proved(&web, &sent).await {
        Ok(Some(account)) => match begin(&web, &account.name, false).await {
            Ok(secret) => {
                ([(SET_COOKIE, cookie(Some(&secret)))], Redirect::to(&to)).into_response()
            }
            Err(failure) => error::page(None, &failure),
        },
        Ok(None) => page(&web, WRONG.to_owned(), sent.to, sent.name),
        Err(failure) => error::page(None, &failure),
    }
}

/// The account that name, password and code prove.
async fn proved(web: &Web, sent: &Sent) -> Result<Option<Account>, Failure> {
    let now = web.app.now();
    let name = Name::new(sent.name.trim()).ok();
    let account = match &name {
        Some(name) => web.app.store.view().await?.account(name).await?,
        None => None,
    };
    let account = account.filter(|account| account.ended_at.is_none());
    let locked = account.as_ref().and_then(|account| account.locked_until);
    let heard = account
        .as_ref()
        .filter(|_| locked.is_none_or(|until| until <= now));
    let known = heard.and_then(|account| account.password.clone());
    let is = password::is(web, sent.password.clone(), known).await?;
    let Some(account) = account else {
        return Ok(None);
    };
    if locked.is_some_and(|until| until > now) {
        return Ok(None);
    }
    let proof = match (is, &account.totp) {
        (false, _) => false,
        (true, None) => !passkey::is_asked_of(web, &account.name).await?,
        (true, Some(secret)) => code(web, &account.name, secret, &sent.code).await?,
    };
    if !proof {
        let mut change = web.app.change(&by(&account.name)).await?;
        change.count_failed_login(&account.name).await?;
        change.commit().await?;
        return Ok(None);
    }
    Ok(Some(account))
}

/// Whether a code is right, and was not taken before.
pub(super) async fn code(
    web: &Web,
    account: &Name,
    secret: &str,
    code: &str,
) -> Result<bool, Failure> {
    let Some(step) = super::factor::step_of(secret, code, web.app.now()) else {
        return Ok(false);
    };
    let mut change = web.app.change(&by(account)).await?;
    match change.take_totp_step(account, step).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Ok(false),
        Err(other) => return Err(other.into()),
    }
    change.commit().await?;
    Ok(true)
}

/// Begins a session, and notes whether a second factor was proved that is none of the
/// account's codes.
pub async fn begin(web: &Web, account: &Name, has_second_factor: bool) -> Result<Secret, Failure> {
    let secret = Secret::new();
    let mut change = web.app.change(&by(account)).await?;
    let ends = change.now().plus_ms(SESSION_MS);
    let token = Secret::new();
    change
        .begin_session(&secret.hash(), account, token.text(), ends)
        .await?;
    if has_second_factor {
        change.prove_second_factor(&secret.hash(), account).await?;
    }
    change.commit().await?;
    Ok(secret)
}

/// As the audit log names somebody who signs in.
pub fn by(account: &Name) -> Caller {
    Caller {
        actor: Actor::Person(account.clone()),
    }
}

/// Signs somebody out.
pub async fn leave(
    State(web): State<Web>,
    person: Option<SignedIn>,
    Whole(sent): Whole<Token>,
) -> Response {
    let Some(person) = person else {
        return Redirect::to("/login").into_response();
    };
    if !person.sent(Some(&sent.token)) {
        // Who is led to the door believes that they are out.
        return error::not_of_session(&person);
    }
    match end(&web, &person).await {
        Ok(()) => ([(SET_COOKIE, cookie(None))], Redirect::to("/login")).into_response(),
        Err(failure) => error::page(Some(&person), &failure),
    }
}

async fn end(web: &Web, person: &SignedIn) -> Result<(), Failure> {
    let mut change = web.app.change(&person.caller()).await?;
    change
        .end_session(&person.session, &person.account.name)
        .await?;
    change.commit().await?;
    Ok(())
}
