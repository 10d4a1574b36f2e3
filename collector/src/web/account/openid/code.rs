//! The account's own second factor, where the provider's word is of one alone.

use super::{FOREIGN, brought, over, provider, refused, signed_in};
use crate::control::Failure;
use crate::openid::ticket::Stage;
use crate::store::accounts::Account;
use crate::web::account::login;
use crate::web::page::Shell;
use crate::web::whole::Whole;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use patchward_common::id::Name;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "openid_code.html")]
struct Page {
    shell: Shell,
    problem: &'static str,
}

/// What a person sends who was asked for the account's own second factor.
#[derive(Deserialize)]
pub struct Code {
    code: String,
}

/// Asks for the account's own second factor.
pub async fn show(State(web): State<Web>, headers: HeaderMap) -> Response {
    let openid = match provider(&web) {
        Ok(openid) => openid,
        Err(failure) => return error::page(None, &failure),
    };
    match brought(&web, &openid, &headers).map(|ticket| ticket.stage) {
        Some(Stage::Code { .. }) => page(""),
        _ => over(refused(&web, FOREIGN, String::new())),
    }
}

fn page(problem: &'static str) -> Response {
    let page = error::render(&Page {
        shell: Shell::new("Second factor", "", None),
        problem,
    });
    match problem.is_empty() {
        true => page,
        false => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
    }
}

/// Takes the code of the account's own second factor.
pub async fn enter(
    State(web): State<Web>,
    headers: HeaderMap,
    Whole(sent): Whole<Code>,
) -> Response {
    let openid = match provider(&web) {
        Ok(openid) => openid,
        Err(failure) => return error::page(None, &failure),
    };
    let Some(ticket) = brought(&web, &openid, &headers) else {
        return over(refused(&web, FOREIGN, String::new()));
    };
    let Stage::Code { account, to } = ticket.stage.clone() else {
        return over(refused(&web, FOREIGN, String::new()));
    };
    let proved = match proves(&web, &account, &sent.code).await {
        Ok(proved) => proved,
        Err(failure) => return error::page(None, &failure),
    };
    if !proved {
        return page(login::WRONG);
    }
    if !openid.tickets.take(&ticket, web.app.now()) {
        return over(refused(&web, FOREIGN, String::new()));
    }
    let begun = signed_in(&web, &openid, &account, false, &to).await;
    begun.unwrap_or_else(|failure| error::page(None, &failure))
}

/// Whether a code proves an account. Wrong ones count as wrong passwords do: there are only a
/// million of them.
async fn proves(web: &Web, name: &Name, code: &str) -> Result<bool, Failure> {
    let now = web.app.now();
    let account = web.app.store.view().await?.account(name).await?;
    let is_heard = |account: &Account| {
        account.ended_at.is_none() && account.locked_until.is_none_or(|until| until <= now)
    };
    let Some(account) = account.filter(is_heard) else {
        return Ok(false);
    };
    let Some(secret) = &account.totp else {
        return Ok(false);
    };
    let is_right = login::code(web, name, secret, code).await?;
    if !is_right {
        let mut change = web.app.change(&login::by(name)).await?;
        change.count_failed_login(name).await?;
        change.commit().await?;
    }
    Ok(is_right)
}
