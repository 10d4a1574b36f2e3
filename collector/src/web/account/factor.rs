//! The second factor: codes of an authenticator app (TOTP, RFC 6238).

use super::passkey::Own;
use crate::config::SecondFactor;
use crate::control::Failure;
use crate::web::asks::Asks as _;
use crate::web::page::{Action, Shell};
use crate::web::person::SignedIn;
use crate::web::picture::code;
use crate::web::whole::Whole;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use patchward_common::time::UtcMs;
use serde::Deserialize;
use totp_rs::{Algorithm, Builder, Secret, Totp};

/// Seconds that a code is shown.
const STEP: u64 = 30;
/// Steps before and after now whose codes count too: clocks of telephones go wrong.
const SKEW: u16 = 1;

#[derive(Template)]
#[template(path = "factor.html")]
struct Page {
    shell: Shell,
    required: bool,
    problem: String,
    picture: String,
    secret: String,
    passkeys: Own,
}

/// What a person sends.
#[derive(Deserialize)]
pub struct Sent {
    token: String,
    secret: String,
    code: String,
}

/// The step of a code that is right now.
pub fn step_of(secret: &str, code: &str, now: UtcMs) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.0).ok()? / 1_000;
    of(secret, "somebody")?.check(&code, seconds)
}

fn of(secret: &str, account: &str) -> Option<Totp> {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP)
        .with_skew(SKEW)
        .with_secret(Secret::try_from_base32(secret).ok()?)
        .with_issuer(Some("Patchward"))
        .with_account_name(account);
    totp.build().ok()
}

/// Shows a new secret.
pub async fn show(State(web): State<Web>, person: SignedIn) -> Response {
    let secret = Secret::from(rand::random::<[u8; 20]>()).to_base32();
    page(&web, &person, secret, String::new()).await
}

async fn page(web: &Web, person: &SignedIn, secret: String, problem: String) -> Response {
    let address = of(&secret, person.account.name.as_str()).and_then(|totp| totp.to_url().ok());
    let picture = address.and_then(|address| code::drawn(&address));
    let passkeys = match Own::of(web, person, "/").await {
        Ok(passkeys) => passkeys,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let wrong = !problem.is_empty();
    let page = error::render(&Page {
        shell: Shell::new("Second factor", "", Some(person)),
        required: web.app.settings.second_factor == SecondFactor::Required,
        problem,
        picture: picture.unwrap_or_default(),
        secret,
        passkeys,
    });
    match wrong {
        true => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        false => page,
    }
}

/// Takes the secret, once its code is right.
pub async fn confirm(
    State(web): State<Web>,
    person: SignedIn,
    Whole(sent): Whole<Sent>,
) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    if person.account.totp.is_some() {
        let text = "You have a second factor. To set up another, ask an administrator for a link: \
                    it takes the old one away.";
        return error::page(Some(&person), &Failure::conflict(text));
    }
    let Some(step) = step_of(&sent.secret, &sent.code, web.app.now()) else {
        let problem =
            "That is not the code of this secret now. Look at the app again; if it shows \
                       the same, its clock is wrong."
                .to_owned();
        return page(&web, &person, sent.secret, problem).await;
    };
    match set(&web, &person, &sent.secret, step).await {
        Ok(()) => error::answered(
            &person,
            "Second factor",
            "It is set up: from now on the code of your app is asked for when you sign in.",
            vec![Action {
                title: "Today".to_owned(),
                href: "/".to_owned(),
                grave: false,
            }],
        ),
        Err(failure) => error::page(Some(&person), &failure),
    }
}

async fn set(web: &Web, person: &SignedIn, secret: &str, step: u64) -> Result<(), Failure> {
    let mut change = web.app.change(&person.caller()).await?;
    change.set_totp(&person.account.name, secret, step).await?;
    change.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the secret of its SHA-1 rows, in base 32.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (2_000_000_000, "279037"),
        ] {
            let now = UtcMs(seconds * 1_000);
            let step = u64::try_from(seconds).unwrap() / STEP;
            assert_eq!(step_of(RFC, code, now), Some(step), "{seconds}");
            assert_eq!(
                step_of(RFC, code, now.plus_ms(30_000)),
                Some(step),
                "one step late"
            );
            assert_eq!(step_of(RFC, code, now.plus_ms(90_000)), None, "too late");
        }
        assert_eq!(step_of(RFC, "", UtcMs(59_000)), None);
        assert_eq!(step_of("no secret", "287082", UtcMs(59_000)), None);
    }
}
