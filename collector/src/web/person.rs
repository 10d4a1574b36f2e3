//! Who asks: found by the session's cookie, kept in the request for the handlers.

use super::asks::Asks;
use super::{Web, error, underway};
use crate::account::{Grant, Role, Upkeep, is_alive, upkeep};
use crate::command::Caller;
use crate::control::Failure;
use crate::secret::Secret;
use crate::store::Actor;
use crate::store::accounts::{Account, Known, Session};
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::digest::Digest;
use patchward_common::percent::encoded;
use patchward_common::time::{MINUTE_MS, UtcMs};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Browsers take a cookie of this prefix only over TLS, from this host, for all paths
/// (RFC 6265bis §4.1.3.2).
const COOKIE_NAME: &str = "__Host-patchward";
/// What a page sends with a request that nobody made: bringing itself up to date. It does not
/// keep a session alive that nobody uses.
const BACKGROUND: &str = "x-patchward-background";
/// The stream of what changes: a browser opens it again by itself.
pub const EVENTS: &str = "/events";
/// How long an exchanged secret is still good, for answers that are on their way.
const GRACE_MS: i64 = MINUTE_MS;

/// A person who is signed in.
#[derive(Clone)]
pub struct SignedIn {
    /// Their account.
    pub account: Arc<Account>,
    /// What they may.
    pub grants: Arc<[Grant]>,
    /// The hash of their session's secret.
    pub session: Digest,
    /// What their forms carry.
    pub token: String,
    /// Whether they have an app for codes, signed in with a passkey, or were vouched for in
    /// two ways.
    pub has_second_factor: bool,
}

/// A person who is signed in as well as their roles ask: what handlers take.
#[derive(Clone)]
pub struct Person(pub SignedIn);

impl std::ops::Deref for Person {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl Asks for SignedIn {
    fn caller(&self) -> Caller {
        Caller {
            actor: Actor::Person(self.account.name.clone()),
        }
    }

    fn grants(&self) -> &[Grant] {
        &self.grants
    }
}

impl Asks for Person {
    fn caller(&self) -> Caller {
        self.0.caller()
    }

    fn grants(&self) -> &[Grant] {
        &self.0.grants
    }
}

impl SignedIn {
    /// Whether they have one of these roles anywhere.
    pub fn is(&self, roles: &[Role]) -> bool {
        self.grants.iter().any(|grant| roles.contains(&grant.role))
    }

    /// Whether they are the ward and nothing else: then they see its page alone.
    pub fn is_only_ward(&self) -> bool {
        let mut roles = self.grants.iter().map(|grant| grant.role);
        !self.grants.is_empty() && roles.all(|role| role == Role::Ward)
    }

    /// Whether a form that carries `token` is theirs.
    pub fn sent(&self, token: Option<&String>) -> bool {
        token.is_some_and(|token| token.as_bytes().ct_eq(self.token.as_bytes()).into())
    }
}

/// The value of the session's cookie for a browser to keep; an empty one ends it.
pub fn cookie(secret: Option<&Secret>) -> HeaderValue {
    let text = match secret {
        Some(secret) => format!(
            "{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax",
            secret.text()
        ),
        None => format!("{COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
    };
    // 64 hexadecimal digits and our own words.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The values that a browser sends for a cookie.
pub fn cookies<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    let cookies = headers.get_all(COOKIE).iter();
    let texts = cookies.filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';'));
    let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.filter_map(move |(found, value)| (found == name).then_some(value))
}

/// The secret in the cookie of this name.
pub fn secret_in(headers: &HeaderMap, name: &str) -> Option<Secret> {
    cookies(headers, name).find_map(Secret::of)
}

/// Finds out who asks, exchanges secrets that are old, and hands the new one out with the
/// answer.
pub async fn sessions(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let mut new = None;
    if !request.uri().path().starts_with("/static/")
        && let Some(secret) = secret_in(request.headers(), COOKIE_NAME)
    {
        let path = request.uri().path();
        // These ask again by themselves, whoever sits there.
        let is_by_itself = path == EVENTS || path.starts_with(underway::ADDRESS);
        let is_background = is_by_itself || request.headers().contains_key(BACKGROUND);
        match found(&web, secret, is_background).await {
            Ok(Some((person, rotated))) => {
                new = rotated;
                request.extensions_mut().insert(person);
            }
            Ok(None) => {}
            Err(failure) => return error::page(None, &failure),
        }
    }
    let mut response = next.run(request).await;
    if let Some(secret) = new
        && !sets_session(response.headers())
    {
        response
            .headers_mut()
            .append(SET_COOKIE, cookie(Some(&secret)));
    }
    response
}

/// Whether an answer begins or ends a session by itself; other cookies do not.
fn sets_session(headers: &HeaderMap) -> bool {
    let set = headers.get_all(SET_COOKIE).iter();
    let mut names = set.filter_map(|value| value.to_str().ok()?.split('=').next());
    names.any(|name| name == COOKIE_NAME)
}

async fn found(
    web: &Web,
    secret: Secret,
    is_background: bool,
) -> Result<Option<(SignedIn, Option<Secret>)>, Failure> {
    let now = web.app.now();
    let Some(known) = web.app.store.signed_in(&secret.hash()).await? else {
        return Ok(None);
    };
    let Known {
        session,
        account,
        grants,
    } = known;
    if !is_alive(session.seen_at, session.ends_at, now) {
        return Ok(None);
    }
    let rotated = match is_background {
        true => None,
        false => keep(web, &session, &secret, now).await?,
    };
    let has_second_factor = account.totp.is_some() || session.second_factor == 1;
    let person = SignedIn {
        account,
        grants,
        session: rotated.as_ref().unwrap_or(&secret).hash(),
        token: session.form_token,
        has_second_factor,
    };
    Ok(Some((person, rotated)))
}

/// Notes that a session is used, and exchanges its secret where that is due.
async fn keep(
    web: &Web,
    session: &Session,
    secret: &Secret,
    now: UtcMs,
) -> Result<Option<Secret>, Failure> {
    let store = &web.app.store;
    match upkeep(session.made_at, session.seen_at, now) {
        Upkeep::None => Ok(None),
        Upkeep::Note => {
            store.session_seen(&secret.hash(), now).await?;
            Ok(None)
        }
        Upkeep::Exchange => {
            let new = Secret::new();
            let until = now.plus_ms(GRACE_MS);
            let did = store
                .rotate_session(&secret.hash(), &new.hash(), now, until)
                .await?;
            Ok(did.then_some(new))
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| {
            let to = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let to = encoded(to);
            Redirect::to(&format!("/login?to={to}")).into_response()
        })
    }
}

impl FromRequestParts<Web> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let person = <SignedIn as FromRequestParts<Web>>::from_request_parts(parts, web).await?;
        let asks_more = web.asks_two_proofs(&person.grants) && !person.has_second_factor;
        if asks_more {
            return Err(Redirect::to("/me/second-factor").into_response());
        }
        Ok(Self(person))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use patchward_common::id::{Label, Name};

    /// Somebody who has these roles everywhere.
    pub(crate) fn with_roles(roles: &[Role]) -> SignedIn {
        let grants: Vec<Grant> = roles
            .iter()
            .map(|role| Grant {
                role: *role,
                unit: None,
            })
            .collect();
        SignedIn {
            account: Arc::new(Account {
                name: Name::new("ada").unwrap(),
                title: Label::new("Ada").unwrap(),
                password: None,
                totp: None,
                totp_step: 0,
                failures: 0,
                locked_until: None,
                added_at: UtcMs(0),
                ended_at: None,
            }),
            grants: grants.into(),
            session: Digest::default(),
            token: "token".into(),
            has_second_factor: false,
        }
    }

    #[test]
    fn a_form_is_taken_with_its_own_token_alone() {
        let person = with_roles(&[]);
        assert!(person.sent(Some(&"token".to_owned())));
        for bad in [None, Some(""), Some("Token"), Some("token2")] {
            assert!(!person.sent(bad.map(str::to_owned).as_ref()), "{bad:?}");
        }
    }

    #[test]
    fn an_exchanged_secret_goes_along_with_other_cookies() {
        let mut headers = HeaderMap::new();
        assert!(!sets_session(&headers));
        let other = format!("{COOKIE_NAME}-openid=a.b; Path=/");
        headers.append(SET_COOKIE, other.parse().unwrap());
        assert!(!sets_session(&headers));
        headers.append(SET_COOKIE, cookie(None));
        assert!(sets_session(&headers));
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let secret = Secret::new();
        let mut headers = HeaderMap::new();
        let text = format!("a=b; {COOKIE_NAME}={}; c=d", secret.text());
        headers.insert(COOKIE, text.parse().unwrap());
        let found = secret_in(&headers, COOKIE_NAME).unwrap();
        assert_eq!(found.hash(), secret.hash());
        assert!(secret_in(&headers, "__Host").is_none());
        headers.insert(COOKIE, format!("{COOKIE_NAME}=short").parse().unwrap());
        assert!(secret_in(&headers, COOKIE_NAME).is_none());
    }
}
