//! What is posted and is no command's form: it is taken from the session whose page it stands on,
//! and changes nothing when it comes from another one, from one that is over, or from elsewhere.

use super::browsing::{Answer, Guest, on_large_stack};
use crate::commands::desk::{Desk, UNIT, now};
use crate::oidc::totp;
use axum::http::{Request, StatusCode, header};
use ed25519_dalek::SigningKey;
use patchward_collector::secret::Secret;
use patchward_collector::store::audit::Head;
use patchward_common::trust::sign::PublicKey;
use std::collections::BTreeSet;
use std::path::Path;

const PASSWORD: &str = "a+long+enough+sentence";
/// The secret of an app for codes (RFC 6238, appendix B).
const CODES: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Where the forms of commands are sent, each of which `every_form` looks at.
const COMMANDS: &str = "/do/{*path}";
/// Where somebody without a session sends something, who has no token either.
const WITHOUT_SESSION: [&str; 6] = [
    "/login",
    "/login/openid/code",
    "/login/passkey",
    "/login/passkey/begin",
    "/welcome/{secret}",
    "/ward/{secret}",
];
/// What a device says that makes a passkey, as far as its shape goes.
const PASSKEY: &str = "{\"attestationObject\":\"AA\",\"clientDataJSON\":\"AA\",\
                       \"clientExtensionResults\":{},\"transports\":[]}";
/// What stands in a form for the token.
const TOKEN: &str = "TOKEN";

/// A form as a page would send it: its route, its address here, and its words.
fn forms(plan: &str) -> Vec<(&'static str, String, String)> {
    let same = |route: &'static str, words: &str| (route, route.to_owned(), words.to_owned());
    let form = Secret::new();
    let hold = format!(
        "wish=hold&machine=&hours=1&reason=rounds&_form={}",
        form.text()
    );
    let code = totp(CODES, 0);
    let key = PublicKey::of(&SigningKey::from_bytes(&[7; 32]));
    vec![
        // Its code is good for a minute.
        same(
            "/me/second-factor",
            &format!("token=TOKEN&secret={CODES}&code={code}"),
        ),
        (
            "/plan/{plan}/sign",
            format!("/plan/{plan}/sign"),
            "token=TOKEN&declined=not+tonight".to_owned(),
        ),
        (
            "/ward/unit/{unit}",
            format!("/ward/unit/{UNIT}"),
            format!("_token=TOKEN&{hold}"),
        ),
        same("/me/key", &format!("token=TOKEN&key={key}")),
        same("/me/passkey/begin", "{\"token\":\"TOKEN\",\"name\":\"x\"}"),
        same(
            "/me/passkey",
            &format!("{{\"token\":\"TOKEN\",\"answer\":{PASSKEY}}}"),
        ),
        same("/me/passkey/remove", "token=TOKEN&name=x"),
        same(
            "/me/openid/link",
            &format!("token=TOKEN&password={PASSWORD}"),
        ),
        same("/me/openid/unlink", "token=TOKEN"),
        same(
            "/me/password",
            &format!(
                "token=TOKEN&old={PASSWORD}&password=another+{PASSWORD}&again=another+{PASSWORD}"
            ),
        ),
        same("/logout", "_token=TOKEN"),
    ]
}

/// Sends the words of a form with a token, as a page of ours does.
async fn sends(guest: &mut Guest, (path, words): (&str, &str), token: &str) -> Answer {
    let words = words.replace(TOKEN, token);
    if !words.starts_with('{') {
        return guest.send(path, &words).await;
    }
    let request = Request::post(path)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/json");
    guest.ask(request, words.into_bytes()).await
}

/// Hana, who signs plans, with the password of her link.
async fn hana(desk: &Desk) -> Guest {
    let added = desk.json("user add hana --title Hana --role approver");
    let link = added.await["link"].as_str().unwrap().to_owned();
    let mut hana = Guest::at(desk);
    let sent = format!("password={PASSWORD}&again={PASSWORD}");
    let path = &link[link.find("/welcome/").unwrap()..];
    assert_eq!(hana.send(path, &sent).await.status, StatusCode::SEE_OTHER);
    hana
}

/// A draft that hana may decline.
async fn drafted() -> (Desk, String) {
    let desk = Desk::with_machines(3).await;
    desk.import(&["1", "2"]).await;
    desk.ask(&format!("window once tonight --unit {UNIT} --minutes 600"))
        .await;
    let plan = desk.plan("P", "--release viewer=2 --unit icu-3").await;
    (desk, plan)
}

/// The token of the pages that somebody has open.
async fn token(guest: &mut Guest) -> String {
    guest.open("/me").await.value("token")
}

/// A session whose pages are open still, and another one since: the token of the first.
async fn signed_in_again(desk: &Desk, hana: &mut Guest) -> String {
    hana.signs_in(desk, "hana", now()).await;
    let stale = token(hana).await;
    let left = sends(hana, ("/logout", "_token=TOKEN"), &stale).await;
    assert_eq!((left.to(), hana.session.is_none()), ("/login", true));
    hana.signs_in(desk, "hana", now()).await;
    stale
}

async fn head(desk: &Desk) -> Head {
    let mut view = desk.app.store.view().await.unwrap();
    view.audit_head().await.unwrap()
}

/// What is said where a token is not of the session.
fn refused(path: &str, answer: &Answer) {
    match path {
        "/me/passkey" | "/me/passkey/begin" => {
            answer.says(StatusCode::FORBIDDEN, "this page is of another");
        }
        _ => answer.says(StatusCode::FORBIDDEN, "This form is not of your session"),
    }
}

#[test]
fn what_is_posted_with_a_token_that_is_not_of_the_session_does_nothing() {
    on_large_stack(|| async {
        let (desk, plan) = drafted().await;
        let mut hana = hana(&desk).await;
        let mut vera = Guest::with_roles(&desk, "vera", &["viewer"]).await;
        let (hers, made_up) = (token(&mut vera).await, Secret::new());
        for (_, path, words) in forms(&plan) {
            let form = (&*path, &*words);
            let stale = signed_in_again(&desk, &mut hana).await;
            let own = token(&mut hana).await;
            let (before, session) = (head(&desk).await, hana.session.clone());
            for token in ["", made_up.text(), &stale, &hers] {
                refused(&path, &sends(&mut hana, form, token).await);
                assert_eq!(head(&desk).await, before, "{path} did something");
                assert_eq!(hana.session, session, "{path}");
                hana.open("/me").await.says(StatusCode::OK, "Hana");
            }
            // It is the token alone that kept it from being taken.
            let answer = sends(&mut hana, form, &own).await;
            assert_ne!(answer.status, StatusCode::FORBIDDEN, "{path}");
            // There is no passkey here, and no provider.
            let needs_more = ["/me/passkey", "/me/openid"];
            if !needs_more.iter().any(|begin| path.starts_with(begin)) {
                assert!(head(&desk).await != before, "{path}: {}", answer.text());
            }
        }
    });
}

#[test]
fn what_is_posted_without_a_token_or_from_another_site_does_nothing() {
    on_large_stack(|| async {
        let (desk, plan) = drafted().await;
        let mut hana = hana(&desk).await;
        hana.signs_in(&desk, "hana", now()).await;
        let own = token(&mut hana).await;
        let (before, session) = (head(&desk).await, hana.session.clone());
        for (_, path, words) in forms(&plan) {
            let bare = words.replace("_token=TOKEN", "").replace("token=TOKEN", "");
            let bare = bare.replace("\"token\":\"TOKEN\",", "");
            let answer = sends(&mut hana, (&path, &bare), "").await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            if !words.starts_with('{') && !path.starts_with("/ward/") {
                answer.says(StatusCode::UNPROCESSABLE_ENTITY, "did not arrive whole");
            }
            let site = Request::post(&path)
                .header("sec-fetch-site", "cross-site")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let sent = words.replace(TOKEN, &own);
            let answer = hana.ask(site, sent.into_bytes()).await;
            answer.says(StatusCode::FORBIDDEN, "came from another site");
        }
        // Who has no session has no token: that it comes from our page is all that is asked.
        for route in WITHOUT_SESSION {
            let path = route.replace("{secret}", Secret::new().text());
            let site = Request::post(path).header("sec-fetch-site", "cross-site");
            let answer = hana.ask(site, b"name=hana&password=x".to_vec()).await;
            answer.says(StatusCode::FORBIDDEN, "came from another site");
        }
        assert_eq!(head(&desk).await, before);
        assert_eq!(hana.session, session);
        hana.open("/me").await.says(StatusCode::OK, "Hana");
    });
}

/// The routes of the page that take something, out of its source.
fn posted(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            posted(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for call in text.split(".route(").skip(1) {
            let mut depth = 1;
            let whole = call.chars().take_while(|sign| {
                depth += match sign {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth > 0
            });
            let whole: String = whole.collect();
            let (address, handlers) = whole.split_once(',').unwrap();
            if handlers.contains("post(") {
                found.insert(address.trim().trim_matches('"').to_owned());
            }
        }
    }
}

#[test]
fn nothing_is_posted_that_is_not_looked_at() {
    let mut found = BTreeSet::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/src/web");
    posted(&sources, &mut found);
    // Programs have tokens of their own, and no session.
    found.retain(|route| !route.starts_with("/api/") && route != COMMANDS);
    let forms = forms("").into_iter().map(|(route, ..)| route.to_owned());
    let known: BTreeSet<String> = forms.chain(WITHOUT_SESSION.map(str::to_owned)).collect();
    assert_eq!(found, known);
}
