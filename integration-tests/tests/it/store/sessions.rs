//! Sessions that are open and in use.

use super::*;
use patchward_collector::account::{IDLE_MS, SESSION_MS};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

on_both_engines!(
    those_of_an_account_are_counted,
    who_is_signed_in_is_known_with_what_they_may,
    who_is_signed_in_is_never_known_as_before_a_change,
    a_commit_that_nobody_waits_for_any_more_is_known
);

fn secret(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

async fn those_of_an_account_are_counted(world: World) {
    let mut change = world.change().await;
    for who in ["ada", "bob", "cleo"] {
        change.add_account(&name(who), &label(who)).await.unwrap();
    }
    // One of Ada's ends soon.
    for (text, who, lasts_ms) in [
        ("desk", "ada", SESSION_MS),
        ("ward", "ada", SESSION_MS),
        ("brief", "ada", 100),
        ("other", "bob", SESSION_MS),
    ] {
        let ends = NOW.plus_ms(lasts_ms);
        change
            .begin_session(&secret(text), &name(who), text, ends)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let store = &world.store;
    let open = async |who: &str, after_ms: i64| {
        let mut view = store.view().await.unwrap();
        let now = NOW.plus_ms(after_ms);
        view.open_sessions(&name(who), now).await.unwrap()
    };
    assert_eq!((open("ada", 0).await, open("bob", 0).await), (3, 1));
    assert_eq!(open("cleo", 0).await, 0);
    // A session ends at its end.
    assert_eq!((open("ada", 99).await, open("ada", 100).await), (3, 2));
    // With two secrets at once it is one.
    let (exchanged, both_until) = (NOW.plus_ms(200), NOW.plus_ms(300));
    let (old, new) = (secret("desk"), secret("desk anew"));
    let is_new = store.rotate_session(&old, &new, exchanged, both_until);
    assert!(is_new.await.unwrap());
    assert_eq!((open("ada", 299).await, open("ada", 300).await), (2, 2));
    // What nobody used for so long is not in use: the one, and later the one exchanged.
    let idle = |after_ms: i64| after_ms + IDLE_MS;
    assert_eq!(open("ada", idle(-1)).await, 2);
    assert_eq!(
        (open("ada", idle(0)).await, open("bob", idle(0)).await),
        (1, 0)
    );
    assert_eq!(open("ada", idle(199)).await, 1);
    assert_eq!(open("ada", idle(200)).await, 0);
    let used = NOW.plus_ms(250);
    store.session_seen(&secret("ward"), used).await.unwrap();
    assert_eq!(
        (open("ada", idle(249)).await, open("ada", idle(250)).await),
        (1, 0)
    );
}

async fn who_is_signed_in_is_known_with_what_they_may(world: World) {
    let mut change = world.change().await;
    for who in ["ada", "bob"] {
        change.add_account(&name(who), &label(who)).await.unwrap();
        let ends = NOW.plus_ms(SESSION_MS);
        change
            .begin_session(&secret(who), &name(who), who, ends)
            .await
            .unwrap();
    }
    let given = ["approver", "auditor"].map(|grant| grant.parse().unwrap());
    change.grant_roles(&name("ada"), &given).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    for who in ["ada", "bob"] {
        let known = world.store.signed_in(&secret(who)).await.unwrap().unwrap();
        let account = view.account(&name(who)).await.unwrap().unwrap();
        assert_eq!(
            (known.session.form_token.as_str(), &*known.account),
            (who, &account)
        );
        assert_eq!(*known.grants, *view.grants_of(&name(who)).await.unwrap());
        assert_eq!(known.grants.is_empty(), who == "bob");
    }
    assert!(
        world
            .store
            .signed_in(&secret("no"))
            .await
            .unwrap()
            .is_none()
    );
}

/// Of each kind of way in which a session, its account or what it may becomes another.
async fn who_is_signed_in_is_never_known_as_before_a_change(world: World) {
    let (store, ada) = (&world.store, name("ada"));
    let known = async |text: &str| store.signed_in(&secret(text)).await.unwrap();
    let begin = async |text: &str| {
        let mut change = world.change().await;
        let ends = NOW.plus_ms(SESSION_MS);
        change
            .begin_session(&secret(text), &ada, text, ends)
            .await
            .unwrap();
        change.commit().await.unwrap();
        assert_eq!(known(text).await.unwrap().session.form_token, text);
    };
    let mut change = world.change().await;
    change.add_account(&ada, &label("ada")).await.unwrap();
    change.commit().await.unwrap();
    assert!(known("desk").await.is_none());
    begin("desk").await;
    // It is used, and its secret exchanged.
    let (used, until) = (NOW.plus_ms(1_000), NOW.plus_ms(2_000));
    store.session_seen(&secret("desk"), used).await.unwrap();
    assert_eq!(known("desk").await.unwrap().session.seen_at, used);
    let (old, new) = (secret("desk"), secret("anew"));
    let anew = store.rotate_session(&old, &new, used, until);
    assert!(anew.await.unwrap());
    assert_eq!(known("desk").await.unwrap().session.ends_at, until);
    assert_eq!(known("anew").await.unwrap().session.made_at, used);
    // What they may, and what they prove.
    let mut change = world.change().await;
    let given = ["operator".parse().unwrap()];
    change.grant_roles(&ada, &given).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(*known("anew").await.unwrap().grants, given);
    let mut change = world.change().await;
    change.count_failed_login(&ada).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(known("anew").await.unwrap().account.failures, 1);
    // What is not committed is not so.
    let mut change = world.change().await;
    change.end_session(&secret("anew"), &ada).await.unwrap();
    drop(change);
    assert!(known("anew").await.is_some());
    let mut change = world.change().await;
    change.end_session(&secret("anew"), &ada).await.unwrap();
    change.commit().await.unwrap();
    assert!(known("anew").await.is_none() && known("desk").await.is_none());
    // Everything that ends all sessions of an account, or of everybody.
    begin("password").await;
    let mut change = world.change().await;
    change.set_password(&ada, "$argon2id$", true).await.unwrap();
    change.commit().await.unwrap();
    assert!(known("password").await.is_none());
    begin("restored").await;
    let mut change = world.change().await;
    change.mark_restored(None).await.unwrap();
    change.commit().await.unwrap();
    assert!(known("restored").await.is_none());
    begin("ended").await;
    let mut change = world.change().await;
    change.end_account(&ada).await.unwrap();
    change.commit().await.unwrap();
    assert!(known("ended").await.is_none());
}

/// What becomes of `work`, unless whoever waits for it goes away when they have waited so many
/// times.
async fn waited<T>(work: impl Future<Output = T>, mut times: u32) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if times == 0 => Poll::Ready(None),
        Poll::Pending => {
            times -= 1;
            Poll::Pending
        }
    })
    .await
}

/// A browser that goes away takes its request with it, at whatever point of the commit.
async fn a_commit_that_nobody_waits_for_any_more_is_known(world: World) {
    let (store, ada) = (&world.store, name("ada"));
    let mut change = world.change().await;
    change.add_account(&ada, &label("ada")).await.unwrap();
    change.commit().await.unwrap();
    for times in 0.. {
        let text = format!("{times}");
        let mut change = world.change().await;
        let ends = NOW.plus_ms(SESSION_MS);
        change
            .begin_session(&secret(&text), &ada, &text, ends)
            .await
            .unwrap();
        change.commit().await.unwrap();
        let known = async || store.signed_in(&secret(&text)).await.unwrap().is_some();
        assert!(known().await);
        let mut change = world.change().await;
        change.end_session(&secret(&text), &ada).await.unwrap();
        let done = waited(change.commit(), times).await.is_some();
        // What stands in the database afterwards: who writes the log waits for whoever does.
        let mut change = world.change().await;
        change.note("test.after", "", &serde_json::json!({}));
        change.commit().await.unwrap();
        let fresh = Store::open(&world.place).await.unwrap();
        let is_there = fresh.signed_in(&secret(&text)).await.unwrap().is_some();
        fresh.close().await;
        let known_so = async {
            while known().await != is_there {
                tokio::task::yield_now().await;
            }
        };
        let known_so = tokio::time::timeout(Duration::from_secs(10), known_so).await;
        assert!(known_so.is_ok(), "left after {times}: {is_there}");
        if done {
            assert!(!is_there && times > 0);
            return;
        }
    }
}
