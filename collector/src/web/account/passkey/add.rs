//! One passkey more.

use super::own::{Mistake, proves};
use super::party::Party;
use super::{CHALLENGE_MS, Wish, failed, locked, proof, refused, told};
use crate::account::MAX_PASSKEYS;
use crate::control::Failure;
use crate::web::Web;
use crate::web::asks::Asks as _;
use crate::web::person::SignedIn;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use patchward_common::digest::Digest;
use patchward_common::id::Label;
use serde::Deserialize;
use serde_json::{Value, json};
use webauthn_rp::response::register::ser_relaxed::CustomRegistration;

/// What a script sends for a challenge.
#[derive(Deserialize)]
struct Asked {
    token: String,
    name: String,
    #[serde(default)]
    password: String,
}

/// What it sends when the authenticator has answered.
#[derive(Deserialize)]
struct Answered {
    token: String,
    answer: CustomRegistration,
}

/// What a script reads where the session is none, or another.
fn not_of_session() -> Response {
    let text = "Your session has ended, or this page is of another: open the page again. Nothing \
                was changed.";
    refused(StatusCode::FORBIDDEN, "", text)
}

/// Where the challenge of a session waits. Its token stays when its secret is exchanged.
fn place_of(person: &SignedIn) -> Digest {
    Digest::of(person.token.as_bytes())
}

/// Hands out a challenge for a new passkey.
pub(super) async fn begin(
    State(web): State<Web>,
    person: Option<SignedIn>,
    body: Bytes,
) -> Response {
    let sent = match serde_json::from_slice::<Asked>(&body) {
        Ok(sent) => sent,
        Err(_) => return not_ours(),
    };
    let Some(person) = person.filter(|person| person.sent(Some(&sent.token))) else {
        return not_of_session();
    };
    match asked(&web, &person, sent).await {
        Ok(Ok(asked)) => told(&asked),
        Ok(Err((field, problem))) => refused(StatusCode::UNPROCESSABLE_ENTITY, field, &problem),
        Err(failure) => failed(&failure),
    }
}

fn not_ours() -> Response {
    let text = "This is nothing that this page sends; nothing was changed.";
    refused(StatusCode::BAD_REQUEST, "", text)
}

async fn asked(
    web: &Web,
    person: &SignedIn,
    sent: Asked,
) -> Result<Result<Value, Mistake>, Failure> {
    let party = Party::of(&web.app.settings.web_origin()).map_err(Failure::conflict)?;
    let title = match Label::new(sent.name.trim()) {
        Ok(title) => title,
        Err(error) => return Ok(Err(("name", format!("The name {error}.")))),
    };
    let account = &person.account;
    let known = web
        .app
        .store
        .view()
        .await?
        .passkeys_of(&account.name)
        .await?;
    if known.iter().any(|passkey| passkey.title == title) {
        let text = format!("You have a passkey {title} already; call this one otherwise.");
        return Ok(Err(("name", text)));
    }
    if known.len() >= MAX_PASSKEYS {
        let text = format!("You have {MAX_PASSKEYS} passkeys, the most there may be. Remove one.");
        return Ok(Err(("", text)));
    }
    if let Err(mistake) = proves(web, person, sent.password).await? {
        return Ok(Err(mistake));
    }
    let (adding, told) = proof::ask_new(&party, account, &known)?;
    let now = web.app.now();
    let wish = Wish {
        title,
        account: account.name.clone(),
        adding,
    };
    let until = now.plus_ms(CHALLENGE_MS);
    locked(&web.challenges.adding, |waiting| {
        waiting.put(place_of(person), wish, until, now);
    });
    Ok(Ok(told))
}

/// Adds the passkey that an authenticator made.
pub(super) async fn add(State(web): State<Web>, person: Option<SignedIn>, body: Bytes) -> Response {
    let sent = match serde_json::from_slice::<Answered>(&body) {
        Ok(sent) => sent,
        Err(_) => return not_ours(),
    };
    let Some(person) = person.filter(|person| person.sent(Some(&sent.token))) else {
        return not_of_session();
    };
    match answered(&web, &person, &sent).await {
        Ok(()) => told(&json!({})),
        Err(failure) => failed(&failure),
    }
}

async fn answered(web: &Web, person: &SignedIn, sent: &Answered) -> Result<(), Failure> {
    let now = web.app.now();
    let party = Party::of(&web.app.settings.web_origin()).map_err(Failure::conflict)?;
    let wish = locked(&web.challenges.adding, |waiting| {
        waiting.take(&place_of(person), now)
    });
    let wish = wish.filter(|wish| wish.account == person.account.name);
    let Some(wish) = wish else {
        return Err(Failure::conflict(
            "What this passkey was made for is over or was used. Begin again; the passkey that is \
             on the device now leads nowhere, and can be deleted there.",
        ));
    };
    let answer = &sent.answer.0;
    let passkey = proof::added(
        wish.adding,
        &party,
        answer,
        &person.account,
        wish.title,
        now,
    )
    .map_err(|why| {
        tracing::warn!(account = %person.account.name, %why, "a new passkey is refused");
        Failure::input("That is no answer to what was asked, so no passkey was added. Begin again.")
    })?;
    let mut change = web.app.change(&person.caller()).await?;
    change.add_passkey(&passkey).await?;
    // Who adds one has just shown both: the session is fresh, and the device knows them.
    let account = &person.account.name;
    change.prove_second_factor(&person.session, account).await?;
    change.commit().await?;
    Ok(())
}
