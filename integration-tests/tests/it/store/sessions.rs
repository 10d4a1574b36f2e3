//! Sessions that are open and in use.

use super::*;
use patchward_collector::account::{IDLE_MS, SESSION_MS};

on_both_engines!(
    those_of_an_account_are_counted,
    who_is_signed_in_is_known_with_what_they_may
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
        let session = view.session(&secret(who)).await.unwrap().unwrap();
        let account = view.account(&name(who)).await.unwrap().unwrap();
        assert_eq!((known.session, known.account), (session, account));
        assert_eq!(known.grants, view.grants_of(&name(who)).await.unwrap());
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
