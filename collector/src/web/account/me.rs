//! A person's own account: password, second factor, passkeys, the browser's key.

use super::key::{Keys, Stands};
use super::login::begin;
use super::openid::link::Shown;
use super::passkey::Own;
use super::{openid, password};
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::store::plans::PlanState;
use crate::web::answer::Refusal;
use crate::web::asks::Asks as _;
use crate::web::form::Form as Known;
use crate::web::page::Shell;
use crate::web::page::plan::short;
use crate::web::page::sign::{self, SIGN};
use crate::web::person::{Person, cookie};
use crate::web::whole::Whole;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::trust::sign::{KeyId, PublicKey};
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
    /// The browser keys that count now.
    counting: String,
    /// Those that wait for a registrar.
    waiting: String,
    /// What is said where one waits.
    waits: String,
    /// What waits for their signature: where, and what it is called.
    drafts: Vec<(String, String)>,
    provider: Option<Shown>,
    problem: String,
    done: String,
}

/// Where it is.
const ME: &str = "/me";
/// Most drafts that are named: Today has all.
const MOST_DRAFTS: usize = 5;

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
    match read(web, person, done, problem).await {
        Ok(page) => error::render(&page),
        Err(failure) => error::page(Some(person), &failure),
    }
}

async fn read(web: &Web, person: &Person, done: &str, problem: &str) -> Result<Page, Failure> {
    let keys = Keys::of(web, person).await?;
    let roles: Vec<String> = person.grants.iter().map(ToString::to_string).collect();
    let counting: Vec<String> = keys.counting.iter().map(ToString::to_string).collect();
    let waiting = keys.all_waiting().map(|asked| asked.key.as_str());
    let waiting: Vec<&str> = waiting.collect();
    Ok(Page {
        shell: Shell {
            live: "document",
            ..Shell::new("Your account", "", Some(person))
        },
        name: person.account.name.to_string(),
        roles: roles.join(", "),
        has_factor: person.account.totp.is_some(),
        passkeys: Own::of(web, person, "/me").await?,
        keys: rows(web, &keys).await?,
        counting: counting.join(" "),
        waiting: waiting.join(" "),
        waits: keys.waiting().map_or_else(String::new, |asked| {
            format!(
                "Your key {}… waits for {}. Tell one of them these digits by telephone or in person; \
                 they take it into the roster, and this page then says so.",
                short(&asked.key),
                keys.registrar()
            )
        }),
        drafts: drafts(web, person, &keys).await?,
        provider: openid::link::shown(web, &person.account.name).await?,
        problem: problem.to_owned(),
        done: done.to_owned(),
    })
}

/// What a browser asks for that opens an address to which only forms are sent.
pub async fn again() -> Redirect {
    Redirect::to(ME)
}

/// The drafts that a person may sign and has not, once a key of theirs counts; the newest first.
async fn drafts(web: &Web, person: &Person, keys: &Keys) -> Result<Vec<(String, String)>, Failure> {
    let may_sign = Known::of(SIGN).is_some_and(|form| !person.reach(form.rule).is_nowhere());
    if keys.counting.is_empty() || !may_sign {
        return Ok(Vec::new());
    }
    let now = web.app.now();
    let own: Vec<KeyId> = keys.known.iter().map(PublicKey::id).collect();
    let mut open = Vec::new();
    let mut view = web.app.store.view().await?;
    let mut drafts = view.plans(Some(PlanState::Draft)).await?;
    drafts.retain(|plan| now < plan.expires_at);
    for plan in drafts {
        let signed = view.signatures(&plan.id).await?;
        if !signed.iter().any(|one| own.contains(&one.signer)) {
            open.push(plan);
        }
    }
    // Who asks below reads for themselves.
    drop(view);
    let mut found = Vec::new();
    for plan in open {
        let id = plan.id.to_string();
        match sign::may_sign(web, person, &id).await {
            Ok(()) => found.push((format!("/plan/{id}/sign"), plan.title.to_string())),
            Err(Refusal::Failed(failure)) => return Err(failure),
            Err(_) => {}
        }
        if found.len() == MOST_DRAFTS {
            break;
        }
    }
    Ok(found)
}

async fn rows(web: &Web, keys: &Keys) -> Result<Vec<Key>, Failure> {
    let zones = Zones::read(&mut web.app.store.view().await?).await?;
    let rows = keys.asked.iter().map(|(asked, stands)| Key {
        key: asked.key.clone(),
        asked: zones.cell(None, asked.asked_at).to_string(),
        state: match stands {
            Stands::Counts => "in the roster",
            Stands::Waits => "waits for a registrar",
            Stands::IsOver => "its time in the roster is over: a registrar makes it longer",
        },
    });
    Ok(rows.collect())
}

/// Changes the password.
pub async fn password(
    State(web): State<Web>,
    person: Person,
    Whole(sent): Whole<NewPassword>,
) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    match change_password(&web, &person, sent).await {
        Ok(Ok(secret)) => ([(SET_COOKIE, cookie(Some(&secret)))], Redirect::to(ME)).into_response(),
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
pub async fn key(State(web): State<Web>, person: Person, Whole(sent): Whole<NewKey>) -> Response {
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
        Ok(()) => Redirect::to(ME).into_response(),
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
