//! Signing in with a passkey.

use super::party::Party;
use super::proof::{self, Wrong};
use super::{CHALLENGE_MS, failed, locked, refused, told};
use crate::control::Failure;
use crate::secret::Secret;
use crate::store::StoreError;
use crate::store::accounts::{Account, Passkey};
use crate::web::account::login::{self, WRONG, by};
use crate::web::person::{cookie, secret_in};
use crate::web::{Web, link};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use webauthn_rp::response::auth::DiscoverableAuthentication64;
use webauthn_rp::response::auth::ser_relaxed::CustomAuthentication;

/// Binds a challenge to the browser that asked for it: who has no session yet has nothing else.
const COOKIE_NAME: &str = "__Host-patchward-challenge";

/// What a browser sends.
#[derive(Deserialize)]
struct Sent {
    /// Where the person wanted to go.
    #[serde(default)]
    to: String,
    /// What the authenticator answered.
    answer: CustomAuthentication<64, true>,
}

fn challenge_cookie(secret: Option<&Secret>) -> HeaderValue {
    let (text, seconds) = match secret {
        Some(secret) => (secret.text(), CHALLENGE_MS / 1_000),
        None => ("", 0),
    };
    let cookie = format!(
        "{COOKIE_NAME}={text}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}"
    );
    // 64 hexadecimal digits and our own words.
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}

/// Hands out a challenge.
pub(super) async fn begin(State(web): State<Web>) -> Response {
    let party = match Party::of(&web.app.settings.web_origin()) {
        Ok(party) => party,
        Err(why) => return failed(&Failure::conflict(why)),
    };
    let (entering, asked) = match proof::ask(&party) {
        Ok(asked) => asked,
        Err(failure) => return failed(&failure),
    };
    let (secret, now) = (Secret::new(), web.app.now());
    let until = now.plus_ms(CHALLENGE_MS);
    locked(&web.challenges.entering, |waiting| {
        waiting.put(secret.hash(), entering, until, now);
    });
    let cookies = [(SET_COOKIE, challenge_cookie(Some(&secret)))];
    (cookies, told(&asked)).into_response()
}

/// Signs somebody in whose answer proves a passkey. A challenge is used up by any answer.
pub(super) async fn enter(State(web): State<Web>, headers: HeaderMap, body: Bytes) -> Response {
    match proved(&web, &headers, &body).await {
        Ok(Some((account, to))) => match login::begin(&web, &account.name, true).await {
            Ok(secret) => {
                let cookies = AppendHeaders([
                    (SET_COOKIE, cookie(Some(&secret))),
                    (SET_COOKIE, challenge_cookie(None)),
                ]);
                (cookies, told(&json!({ "to": to }))).into_response()
            }
            Err(failure) => failed(&failure),
        },
        Ok(None) => refused(StatusCode::UNPROCESSABLE_ENTITY, "", WRONG),
        Err(failure) => failed(&failure),
    }
}

/// The account that an answer proves, and where its person wanted to go.
async fn proved(
    web: &Web,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<(Account, String)>, Failure> {
    let now = web.app.now();
    let party = Party::of(&web.app.settings.web_origin()).map_err(Failure::conflict)?;
    let entering = secret_in(headers, COOKIE_NAME).and_then(|secret| {
        locked(&web.challenges.entering, |waiting| {
            waiting.take(&secret.hash(), now)
        })
    });
    let sent: Option<Sent> = serde_json::from_slice(body).ok();
    let (Some(entering), Some(sent)) = (entering, sent) else {
        return Ok(None);
    };
    let answer: DiscoverableAuthentication64 = sent.answer.0;
    let mut view = web.app.store.view().await?;
    let Some(passkey) = view.passkey(answer.raw_id().as_ref()).await? else {
        return Ok(None);
    };
    let account = view.account(&passkey.account).await?;
    drop(view);
    let Some(account) = account.filter(|account| account.ended_at.is_none()) else {
        return Ok(None);
    };
    if account.locked_until.is_some_and(|until| until > now) {
        return Ok(None);
    }
    let is_taken = match proof::entered(entering, &party, &answer, &passkey) {
        Ok(state) => take(web, &passkey, &state).await?,
        Err(wrong) => {
            count(web, &passkey, &wrong).await?;
            false
        }
    };
    let to = link::local(&sent.to).unwrap_or("/").to_owned();
    Ok(is_taken.then_some((account, to)))
}

/// Notes that a passkey was used: `false` where another answer was faster.
async fn take(web: &Web, passkey: &Passkey, state: &[u8]) -> Result<bool, Failure> {
    let mut change = web.app.change(&by(&passkey.account)).await?;
    match change.use_passkey(passkey, state).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Ok(false),
        Err(other) => return Err(other.into()),
    }
    change.commit().await?;
    Ok(true)
}

/// Counts a wrong answer like a wrong password, and says in the audit log where there may be a
/// second authenticator with the same key.
async fn count(web: &Web, passkey: &Passkey, wrong: &Wrong) -> Result<(), Failure> {
    let account = &passkey.account;
    let mut change = web.app.change(&by(account)).await?;
    match wrong {
        Wrong::Copied => {
            let detail = json!({
                "passkey": passkey.title,
                "why": "its counter went back: is there a copy of the key?",
            });
            change.note("account.passkey_copied", account, &detail);
        }
        Wrong::Other(why) => tracing::warn!(%account, %why, "a passkey's answer is refused"),
    }
    change.count_failed_login(account).await?;
    change.commit().await?;
    Ok(())
}
