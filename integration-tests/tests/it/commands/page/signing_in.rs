//! The door: name, password and code; and for how long who came through it stays.

use super::browsing::{Answer, Guest};
use crate::commands::desk::{Desk, now};
use crate::oidc::totp;
use axum::http::{Request, StatusCode};
use patchward_collector::account::{IDLE_MS, ROTATE_MS, SESSION_MS};
use patchward_collector::secret::Secret;
use patchward_collector::store::Actor;
use patchward_collector::store::accounts::Session;
use patchward_common::time::MINUTE_MS;

const PASSWORD: &str = "a+long+enough+sentence";

/// Hana, who decides on machines, follows her link and sets up an app for codes: its secret, and
/// the code that she did it with.
async fn hana(desk: &Desk) -> (String, String) {
    let added = desk.json("user add hana --title Hana --role approver");
    let link = added.await["link"].as_str().unwrap().to_owned();
    let mut hana = Guest::at(desk);
    let sent = format!("password={PASSWORD}&again={PASSWORD}");
    let path = &link[link.find("/welcome/").unwrap()..];
    assert_eq!(hana.send(path, &sent).await.status, StatusCode::SEE_OTHER);
    // Until then there is nothing else for her.
    assert_eq!(hana.open("/").await.to(), "/me/second-factor");
    let shown = hana.open("/me/second-factor").await;
    let (token, secret) = (shown.value("token"), shown.value("secret"));
    let code = totp(&secret, 0);
    let form = format!("token={token}&secret={secret}&code={code}");
    let set = hana.send("/me/second-factor", &form).await;
    set.says(StatusCode::OK, "from now on the code of your app");
    (secret, code)
}

/// Somebody tries the door.
async fn enters(desk: &Desk, password: &str, code: &str) -> (Guest, Answer) {
    let mut guest = Guest::at(desk);
    let form = format!("name=hana&password={password}&code={code}&to=%2Fplan");
    let answer = guest.send("/login", &form).await;
    (guest, answer)
}

/// The first administrator's link is worth nothing once somebody has an account, however they came to it.
#[tokio::test]
async fn the_first_link_makes_nobody_where_there_are_accounts() {
    let desk = Desk::open().await;
    let (store, link) = (&desk.app.store, Secret::new());
    let mut change = store.change(Actor::Local(0), now()).await.unwrap();
    let until = now().plus_ms(MINUTE_MS);
    change
        .add_account_link(&link.hash(), None, until)
        .await
        .unwrap();
    change.commit().await.unwrap();
    desk.json("user add vera --title Vera --role viewer").await;
    let form = format!("name=eve&title=Eve&password={PASSWORD}&again={PASSWORD}");
    let mut eve = Guest::at(&desk);
    let answer = eve.send(&format!("/welcome/{}", link.text()), &form).await;
    assert!(!answer.status.is_success() && !answer.status.is_redirection());
    answer.says(answer.status, "There are accounts already");
    assert!(eve.session.is_none());
    let accounts = store.view().await.unwrap().accounts().await.unwrap();
    let names: Vec<&str> = accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    assert!(
        names.contains(&"vera") && !names.contains(&"eve"),
        "{names:?}"
    );
}

/// How often the log says this of hana.
async fn said(desk: &Desk, action: &str) -> usize {
    let mut view = desk.app.store.view().await.unwrap();
    let rows = view.audit_of("hana", 1_000).await.unwrap();
    rows.iter().filter(|row| row.action == action).count()
}

#[tokio::test]
async fn the_door_asks_for_a_code_that_is_right_and_was_never_used() {
    let desk = Desk::open().await;
    let (secret, used) = hana(&desk).await;
    let next = totp(&secret, 30);
    let near: Vec<String> = (-4..=4).map(|step| totp(&secret, step * 30)).collect();
    let mut wrong = (0..).map(|number| format!("{number:06}"));
    let wrong = wrong.find(|code| !near.contains(code)).unwrap();
    let mut refusals = 0;
    let mut refused = async |password: &str, code: &str, what: &str| {
        let (guest, answer) = enters(&desk, password, code).await;
        answer.says(StatusCode::UNPROCESSABLE_ENTITY, "That is not right.");
        assert!(guest.session.is_none(), "{what} lets in");
        refusals += 1;
        assert_eq!(said(&desk, "account.refused").await, refusals, "{what}");
    };
    refused(PASSWORD, "", "no code").await;
    refused(PASSWORD, &wrong, "a wrong code").await;
    refused(PASSWORD, &used, "the code of the first day").await;
    refused("another+sentence", &next, "another password").await;
    assert_eq!(said(&desk, "account.code").await, 0, "no code was taken");

    // A right code beside a wrong password was not used up.
    let (mut hana, entered) = enters(&desk, PASSWORD, &next).await;
    assert_eq!((entered.status.as_u16(), entered.to()), (303, "/plan"));
    hana.open("/plan").await.says(StatusCode::OK, "<title>Plan");
    assert_eq!(said(&desk, "account.code").await, 1);
    refused(PASSWORD, &next, "a code that was seen over a shoulder").await;
    assert_eq!(
        said(&desk, "session.begin").await,
        2,
        "at the link, and now"
    );
}

/// A browser whose session began and was last used so long ago; and its secret.
async fn away(desk: &Desk, began_ms: i64, used_ms: i64) -> (Guest, Secret) {
    let mut guest = Guest::at(desk);
    guest.signs_in(desk, "vera", now().plus_ms(-began_ms)).await;
    let secret = Secret::of(guest.session.as_ref().unwrap()).unwrap();
    let (hash, used) = (secret.hash(), now().plus_ms(-used_ms));
    let store = &desk.app.store;
    store.session_seen(&hash, used).await.unwrap();
    (guest, secret)
}

async fn stored(desk: &Desk, secret: &Secret) -> Session {
    let known = desk.app.store.signed_in(&secret.hash()).await.unwrap();
    known.unwrap().session
}

async fn with_vera() -> Desk {
    let desk = Desk::open().await;
    desk.ask("user add vera --title Vera --role viewer").await;
    desk
}

#[tokio::test]
async fn a_session_ends_where_nobody_uses_it_and_at_the_end_of_a_shift() {
    let desk = with_vera().await;
    for (began, used, is_there) in [
        (IDLE_MS - MINUTE_MS, IDLE_MS - MINUTE_MS, true),
        (IDLE_MS + MINUTE_MS, IDLE_MS + MINUTE_MS, false),
        (SESSION_MS - MINUTE_MS, MINUTE_MS, true),
        (SESSION_MS + MINUTE_MS, MINUTE_MS, false),
    ] {
        let (mut vera, _) = away(&desk, began, used).await;
        let answer = vera.open("/me").await;
        match is_there {
            true => answer.says(StatusCode::OK, "Vera"),
            false => assert_eq!(answer.to(), "/login?to=%2Fme", "{began} {used}"),
        }
    }
}

#[tokio::test]
async fn the_secret_of_a_session_is_exchanged_every_hour() {
    let desk = with_vera().await;
    let (mut young, first) = away(&desk, ROTATE_MS - MINUTE_MS, 5 * MINUTE_MS).await;
    assert!(young.open("/me").await.status.is_success());
    assert_eq!(young.session.as_deref(), Some(first.text()), "not yet due");

    let (mut vera, old) = away(&desk, ROTATE_MS + MINUTE_MS, 5 * MINUTE_MS).await;
    let before = stored(&desk, &old).await;
    assert!(vera.open("/me").await.status.is_success());
    let new = Secret::of(vera.session.as_ref().unwrap()).unwrap();
    assert_ne!(new.text(), old.text());
    let after = stored(&desk, &new).await;
    assert!(after.made_at > before.made_at);
    // It is the same session: who proved who they are when, and until when that counts.
    assert_eq!(
        (after.proved_at, after.ends_at, after.form_token),
        (before.proved_at, before.ends_at, before.form_token)
    );
    // Answers are on their way that the old one asked for, but not for long.
    let cut = stored(&desk, &old).await.ends_at;
    assert!(cut <= now().plus_ms(MINUTE_MS), "{cut}");
    let mut late = Guest::at(&desk);
    late.session = Some(old.text().to_owned());
    assert!(late.open("/me").await.status.is_success());
    assert_eq!(late.session.as_deref(), Some(old.text()), "exchanged once");

    // Who has the old one a minute later has nothing.
    let (mut thief, stolen) = away(&desk, 3 * ROTATE_MS, MINUTE_MS).await;
    let (at, until) = (now().plus_ms(-2 * MINUTE_MS), now().plus_ms(-MINUTE_MS));
    let (old, next) = (stolen.hash(), Secret::new().hash());
    let store = &desk.app.store;
    let exchanged = store.rotate_session(&old, &next, at, until);
    assert!(exchanged.await.unwrap());
    assert_eq!(thief.open("/me").await.to(), "/login?to=%2Fme");
}

#[tokio::test]
async fn a_page_that_brings_itself_up_to_date_keeps_no_session_alive() {
    let desk = with_vera().await;
    let (mut vera, secret) = away(&desk, ROTATE_MS + MINUTE_MS, IDLE_MS - MINUTE_MS).await;
    let before = stored(&desk, &secret).await;
    let own = Request::get("/me").header("x-patchward-background", "1");
    assert!(vera.ask(own, Vec::new()).await.status.is_success());
    assert_eq!(vera.session.as_deref(), Some(secret.text()));
    assert_eq!(stored(&desk, &secret).await, before);
    // A person who asks does.
    assert!(vera.open("/me").await.status.is_success());
    let new = Secret::of(vera.session.as_ref().unwrap()).unwrap();
    assert!(stored(&desk, &new).await.seen_at > before.seen_at);
}
