//! Linking one's own account to who one is at the provider.
//!
//! Nothing is linked when the provider sends the browser back: somebody could have made the
//! browser follow a link, and be signed in there as themselves. What was found out is shown, and
//! the person says with their password that they want it.

use super::{away, brought, on, over, provider};
use crate::account::SubjectId;
use crate::control::Failure;
use crate::openid::ticket::{Stage, Ticket};
use crate::openid::{OpenId, Vouched};
use crate::store::StoreError;
use crate::web::account::{login, me, password};
use crate::web::asks::Asks as _;
use crate::web::page::Shell;
use crate::web::person::{self, Person, SignedIn};
use crate::web::whole::Whole;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::id::Name;
use serde::Deserialize;

/// What people see whose link took too long, or was of somebody else.
const OVER: &str = "This link was not begun in this browser by you, or its time is over. Begin \
                    again; nothing was changed.";

#[derive(Template)]
#[template(path = "openid_link.html")]
struct Page {
    shell: Shell,
    account: String,
    issuer: String,
    subject: String,
    problem: String,
}

/// What a person's page says of the provider.
pub(in crate::web::account) struct Shown {
    /// What people call the account there.
    pub(in crate::web::account) title: String,
    /// The provider.
    pub(in crate::web::account) issuer: String,
    /// Who the person is there, where that is known.
    pub(in crate::web::account) subject: Option<String>,
}

/// A person who wants the link.
#[derive(Deserialize)]
pub struct Wanted {
    token: String,
    password: String,
}

/// A person who does not want it any more.
#[derive(Deserialize)]
pub struct Unwanted {
    token: String,
}

/// What is known of a person at the provider, if the settings name one.
pub(in crate::web::account) async fn shown(
    web: &Web,
    account: &Name,
) -> Result<Option<Shown>, Failure> {
    let Some(openid) = &web.openid else {
        return Ok(None);
    };
    let mut view = web.app.store.view().await?;
    let linked = view.subject_of(account, &openid.issuer).await?;
    Ok(Some(Shown {
        title: openid.title.clone(),
        issuer: openid.issuer.clone(),
        subject: linked.map(|linked| linked.subject.to_string()),
    }))
}

/// Sends a person to the provider, to link who they are there.
pub async fn begin(State(web): State<Web>, person: Person) -> Response {
    match provider(&web) {
        Ok(openid) => {
            let account = person.account.name.clone();
            away(&web, &openid, "/me".to_owned(), Some(account)).await
        }
        Err(failure) => error::page(None, &failure),
    }
}

/// Asks a person who came back whether they want the link.
pub(super) fn ask(
    web: &Web,
    openid: &OpenId,
    person: Option<SignedIn>,
    account: Name,
    vouched: Vouched,
) -> Result<Response, Failure> {
    if person.is_none_or(|person| person.account.name != account) {
        return Err(Failure::conflict(OVER));
    }
    let stage = Stage::Link {
        account,
        subject: vouched.subject,
    };
    Ok(on(
        openid,
        &Ticket::new(stage, web.app.now()),
        "/me/openid/link",
    ))
}

/// What the ticket of a person's browser says that they link.
fn linking(
    web: &Web,
    openid: &OpenId,
    person: &Person,
    headers: &HeaderMap,
) -> Option<(Ticket, SubjectId)> {
    let ticket = brought(web, openid, headers)?;
    let Stage::Link { account, subject } = ticket.stage.clone() else {
        return None;
    };
    (account == person.account.name).then_some((ticket, subject))
}

/// Shows who somebody is at the provider, before it is linked.
pub async fn show(State(web): State<Web>, person: Person, headers: HeaderMap) -> Response {
    let openid = match provider(&web) {
        Ok(openid) => openid,
        Err(failure) => return error::page(None, &failure),
    };
    match linking(&web, &openid, &person, &headers) {
        Some((_, subject)) => page(&openid, &person, &subject, String::new()),
        None => over(error::page(Some(&person), &Failure::conflict(OVER))),
    }
}

fn page(openid: &OpenId, person: &Person, subject: &SubjectId, problem: String) -> Response {
    let is_wrong = !problem.is_empty();
    let page = error::render(&Page {
        shell: Shell::new("Link your account", "", Some(person)),
        account: person.account.name.to_string(),
        issuer: openid.issuer.clone(),
        subject: subject.to_string(),
        problem,
    });
    match is_wrong {
        true => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        false => page,
    }
}

/// Links what was shown.
pub async fn link(
    State(web): State<Web>,
    person: Person,
    headers: HeaderMap,
    Whole(sent): Whole<Wanted>,
) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    let openid = match provider(&web) {
        Ok(openid) => openid,
        Err(failure) => return error::page(None, &failure),
    };
    let Some((ticket, subject)) = linking(&web, &openid, &person, &headers) else {
        return over(error::page(Some(&person), &Failure::conflict(OVER)));
    };
    // Who stays signed in at a computer that was left alone could link themselves otherwise.
    match password::wrong(&web, &person, sent.password).await {
        Ok(None) => {}
        Ok(Some(problem)) => return page(&openid, &person, &subject, problem),
        Err(failure) => return error::page(Some(&person), &failure),
    }
    if !openid.tickets.take(&ticket, web.app.now()) {
        return over(error::page(Some(&person), &Failure::conflict(OVER)));
    }
    let linked = set(&web, &person, &openid, &subject).await;
    over(match linked {
        Ok(()) => {
            let done = "Linked. From now on you may sign in that way too.";
            me::page(&web, &person, done, "").await
        }
        Err(failure) => error::page(Some(&person), &failure),
    })
}

async fn set(
    web: &Web,
    person: &Person,
    openid: &OpenId,
    subject: &SubjectId,
) -> Result<(), Failure> {
    let mut change = web.app.change(&person.caller()).await?;
    let name = &person.account.name;
    change.link_subject(name, &openid.issuer, subject).await?;
    change.commit().await?;
    Ok(())
}

/// Ends a person's own link, and every session but a new one.
pub async fn unlink(
    State(web): State<Web>,
    person: Person,
    Whole(sent): Whole<Unwanted>,
) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    let openid = match provider(&web) {
        Ok(openid) => openid,
        Err(failure) => return error::page(None, &failure),
    };
    if person.account.password.is_none() {
        let text = "You have no password, so nothing would let you in any more. An administrator \
                    hands you a link for one; nothing was changed.";
        return me::page(&web, &person, "", text).await;
    }
    match ended(&web, &person, &openid).await {
        Ok(secret) => {
            let kept = [(SET_COOKIE, person::cookie(Some(&secret)))];
            (kept, Redirect::to("/me")).into_response()
        }
        Err(failure) => error::page(Some(&person), &failure),
    }
}

async fn ended(
    web: &Web,
    person: &Person,
    openid: &OpenId,
) -> Result<crate::secret::Secret, Failure> {
    let name = &person.account.name;
    let mut change = web.app.change(&person.caller()).await?;
    match change.unlink_subject(name, &openid.issuer).await {
        Err(StoreError::NotFound { .. }) => {
            return Err(Failure::conflict(
                "There is no link any more; nothing was changed.",
            ));
        }
        other => other?,
    }
    change.commit().await?;
    login::begin(web, name, person.has_second_factor).await
}
