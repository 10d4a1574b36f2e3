//! Signing in by the hospital's OpenID provider.
//!
//! It begins by a link, not by a form: Chromium holds the redirects after a form to the policy's
//! `form-action` too, and a link changes nothing. Whoever makes somebody follow it has them sign
//! in as themselves.

pub mod code;
pub mod link;

use super::login::{self, Wanted};
use super::passkey;
use crate::account::SESSION_MS;
use crate::command::Caller;
use crate::control::Failure;
use crate::openid::ticket::{FLOW_MS, Stage, Ticket};
use crate::openid::{DONE, OpenId, Refused, Vouched};
use crate::secret::Secret;
use crate::store::Actor;
use crate::web::person::{self, SignedIn};
use crate::web::{Web, error, link as links};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use patchward_common::id::Name;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The cookie of a sign-in that is under way. Browsers send it along when the provider leads
/// them back (`SameSite=Lax`), over TLS, to this host.
const COOKIE: &str = "__Host-patchward-openid";
/// Longest code that is exchanged: providers whose codes hold a whole token stay below.
const MAX_CODE_BYTES: usize = 8 * 1024;

/// The same for a sign-in of another browser, one that was ended before, and one that took too
/// long.
const FOREIGN: &str = "This sign-in was not begun in this browser, or it is over already. Begin \
                       again.";

/// What the provider sends the browser back with (RFC 6749 §4.1.2, RFC 9207).
#[derive(Deserialize)]
pub struct Answer {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// The ways in by the provider, and those of a person's own link to it.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/login/openid", get(begin))
        .route(DONE, get(done))
        .route("/login/openid/code", get(code::show).post(code::enter))
        .route("/me/openid", get(link::begin))
        .route("/me/openid/link", get(link::show).post(link::link))
        .route("/me/openid/unlink", post(link::unlink))
}

/// The provider, if the settings name one.
fn provider(web: &Web) -> Result<Arc<OpenId>, Failure> {
    web.openid.clone().ok_or_else(|| {
        Failure::not_found("The settings name no OpenID provider. Sign in with name and password.")
    })
}

/// The cookie's value for a browser to keep; an empty one ends it.
fn cookie(ticket: Option<&str>) -> HeaderValue {
    let rest = "Path=/; Secure; HttpOnly; SameSite=Lax";
    let text = match ticket {
        Some(ticket) => format!("{COOKIE}={ticket}; {rest}; Max-Age={}", FLOW_MS / 1_000),
        None => format!("{COOKIE}=; {rest}; Max-Age=0"),
    };
    // Letters of base 64, a dot and our own words.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The ticket that a browser brought.
fn brought(web: &Web, openid: &OpenId, headers: &HeaderMap) -> Option<Ticket> {
    let mut texts = person::cookies(headers, COOKIE);
    texts.find_map(|text| openid.tickets.open(text, web.app.now()))
}

/// An answer with which the browser forgets its ticket.
fn over(response: Response) -> Response {
    (AppendHeaders([(SET_COOKIE, cookie(None))]), response).into_response()
}

/// Sends the browser to a page of ours with another ticket.
fn on(openid: &OpenId, ticket: &Ticket, to: &str) -> Response {
    let text = openid.tickets.seal(ticket);
    ([(SET_COOKIE, cookie(Some(&text)))], Redirect::to(to)).into_response()
}

/// Begins a sign-in.
pub async fn begin(State(web): State<Web>, Query(wanted): Query<Wanted>) -> Response {
    let openid = match provider(&web) {
        Ok(openid) => openid,
        Err(failure) => return error::page(None, &failure),
    };
    let to = links::local(&wanted.to).unwrap_or("/").to_owned();
    away(&web, &openid, to, None).await
}

/// Sends the browser to the provider.
async fn away(web: &Web, openid: &OpenId, to: String, linking: Option<Name>) -> Response {
    let stage = Stage::Away {
        to: to.clone(),
        linking,
    };
    match openid.begin(stage, web.app.now()).await {
        Ok(begun) => (
            [(SET_COOKIE, cookie(Some(&begun.ticket)))],
            Redirect::to(&begun.address),
        )
            .into_response(),
        Err(problem) => unasked(web, &problem, to),
    }
}

fn unasked(web: &Web, problem: &str, to: String) -> Response {
    let text = format!(
        "The provider of {} cannot be asked now: {problem}. With name and password you get in \
         meanwhile.",
        web.openid
            .as_ref()
            .map_or("accounts", |openid| &openid.title)
    );
    login::refused(web, StatusCode::SERVICE_UNAVAILABLE, text, to)
}

fn refused(web: &Web, text: impl Into<String>, to: String) -> Response {
    login::refused(web, StatusCode::UNPROCESSABLE_ENTITY, text.into(), to)
}

/// Ends a sign-in: the provider sent the browser back.
pub async fn done(
    State(web): State<Web>,
    person: Option<SignedIn>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    let openid = match provider(&web) {
        Ok(openid) => openid,
        Err(failure) => return error::page(None, &failure),
    };
    let ticket = brought(&web, &openid, &headers).filter(|ticket| is_of(ticket, &answer));
    // What anybody can send is logged and not audited: the log of the hospital is no place to
    // fill.
    let Some(ticket) = ticket.filter(|ticket| openid.tickets.take(ticket, web.app.now())) else {
        tracing::warn!("an OpenID sign-in came back that was not begun here, or twice");
        return over(refused(&web, FOREIGN, String::new()));
    };
    let Stage::Away { to, linking } = ticket.stage.clone() else {
        return over(refused(&web, FOREIGN, String::new()));
    };
    let code = match code_of(&openid, answer) {
        Ok(code) => code,
        Err(text) => return over(refused(&web, text, to)),
    };
    let vouched = match openid.vouched(&ticket, code, web.app.now()).await {
        Ok(vouched) => vouched,
        Err(why) => return over(unproved(&web, &openid, why, to).await),
    };
    let ended = match linking {
        None => enter(&web, &openid, vouched, to).await,
        Some(account) => link::ask(&web, &openid, person, account, vouched),
    };
    ended.unwrap_or_else(|failure| over(error::page(None, &failure)))
}

/// Whether an answer is of the sign-in of this ticket.
fn is_of(ticket: &Ticket, answer: &Answer) -> bool {
    let state = answer.state.as_deref().unwrap_or_default();
    matches!(ticket.stage, Stage::Away { .. })
        && bool::from(state.as_bytes().ct_eq(ticket.state().as_bytes()))
}

/// The code of an answer, or why there is none.
fn code_of(openid: &OpenId, answer: Answer) -> Result<String, String> {
    if answer.iss.is_some_and(|issuer| issuer != openid.issuer) {
        return Err("Another provider answered than was asked; nothing was done.".to_owned());
    }
    match answer.code {
        Some(code) if code.len() <= MAX_CODE_BYTES && !code.is_empty() => Ok(code),
        _ => Err(format!(
            "The provider did not say who you are{}. Begin again, or sign in with name and \
             password.",
            word(answer.error.as_deref())
        )),
    }
}

/// The word of an error, where it is one (RFC 6749 §4.1.2.1): nothing else of what comes from
/// elsewhere stands on our page.
fn word(error: Option<&str>) -> String {
    let is_word = |text: &&str| {
        (1..=40).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
    };
    let error = error.filter(is_word);
    error.map_or(String::new(), |word| format!(" ({word})"))
}

async fn unproved(web: &Web, openid: &OpenId, why: Refused, to: String) -> Response {
    match why {
        Refused::Unasked(problem) => {
            tracing::warn!(problem, "the OpenID provider cannot be asked");
            unasked(web, &problem, to)
        }
        Refused::Code => {
            let text = "The provider does not take back what it gave out: that is good once, and \
                        for a short time. Begin again.";
            refused(web, text, to)
        }
        Refused::Token(problem) => {
            let noted = note(web, openid, "", problem).await;
            let text = format!(
                "What the provider said of you does not hold: {problem}. Nothing was done. Tell \
                 IT; with name and password you get in meanwhile."
            );
            noted.map_or_else(
                |failure| error::page(None, &failure),
                |()| refused(web, text, to),
            )
        }
    }
}

/// Notes that somebody whom the provider sent did not get in.
async fn note(web: &Web, openid: &OpenId, subject: &str, why: &str) -> Result<(), Failure> {
    let nobody = Caller {
        actor: Actor::Collector,
    };
    let mut change = web.app.change(&nobody).await?;
    let detail = json!({ "issuer": openid.issuer, "why": why });
    change.note("account.provider_refused", subject, &detail);
    change.commit().await?;
    Ok(())
}

/// Lets somebody in whom the provider knows, if they have an account here.
async fn enter(
    web: &Web,
    openid: &OpenId,
    vouched: Vouched,
    to: String,
) -> Result<Response, Failure> {
    let subject = &vouched.subject;
    let mut view = web.app.store.view().await?;
    let account = view.account_of_subject(&openid.issuer, subject).await?;
    drop(view);
    let Some(account) = account else {
        note(web, openid, subject.as_str(), "no account is linked").await?;
        let text = format!(
            "You are {subject} at the provider, and no account here is linked to that. If you \
             have one, sign in with name and password and link it under your name; or tell an \
             administrator: user openid link NAME --subject {subject}"
        );
        return Ok(over(refused(web, text, to)));
    };
    if account.ended_at.is_some() {
        note(web, openid, subject.as_str(), "the account has ended").await?;
        let text = "Your account here has ended. Should you have one, an administrator adds \
                    another and links it.";
        return Ok(over(refused(web, text, to)));
    }
    if account.totp.is_some() && !vouched.has_second_factor {
        let stage = Stage::Code {
            account: account.name,
            to,
        };
        let ticket = Ticket::new(stage, web.app.now());
        return Ok(on(openid, &ticket, "/login/openid/code"));
    }
    if !vouched.has_second_factor && passkey::is_asked_of(web, &account.name).await? {
        let text = "The provider asked for one proof of who you are, and what you decide on here \
                    asks for two. Sign in with your passkey.";
        return Ok(over(refused(web, text, to)));
    }
    signed_in(web, openid, &account.name, vouched.has_second_factor, &to).await
}

/// Begins a session for which the provider vouched.
async fn signed_in(
    web: &Web,
    openid: &OpenId,
    account: &Name,
    has_second_factor: bool,
    to: &str,
) -> Result<Response, Failure> {
    let (secret, token) = (Secret::new(), Secret::new());
    let hash = secret.hash();
    let mut change = web.app.change(&login::by(account)).await?;
    let ends = change.now().plus_ms(SESSION_MS);
    change
        .begin_session(&hash, account, token.text(), ends)
        .await?;
    change
        .vouch_for_session(&hash, account, &openid.issuer, has_second_factor)
        .await?;
    change.commit().await?;
    let kept = [
        (SET_COOKIE, person::cookie(Some(&secret))),
        (SET_COOKIE, cookie(None)),
    ];
    Ok((AppendHeaders(kept), Redirect::to(to)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_error_stands_on_a_page_but_its_word() {
        assert_eq!(word(Some("access_denied")), " (access_denied)");
        for bad in [None, Some(""), Some("<b>"), Some("A"), Some("call 555")] {
            assert_eq!(word(bad), "", "{bad:?}");
        }
        assert_eq!(word(Some(&"a".repeat(41))), "");
    }

    #[test]
    fn a_ticket_is_kept_by_the_browser_for_its_time_alone() {
        let set = cookie(Some("abc.def"));
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-patchward-openid=abc.def; Path=/; Secure; HttpOnly"));
        assert!(set.ends_with("SameSite=Lax; Max-Age=600"), "{set}");
        assert!(cookie(None).to_str().unwrap().ends_with("Max-Age=0"));
    }
}
