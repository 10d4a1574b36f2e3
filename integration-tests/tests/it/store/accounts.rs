//! People of the page, their links, sessions, and forms.

use super::*;
use patchward_collector::account::lockout::FREE_FAILURES;
use patchward_collector::account::{Grant, SESSION_MS, Scope};
use patchward_collector::store::StoreError;

on_both_engines!(
    accounts,
    links,
    passwords,
    sessions,
    forms,
    kiosks,
    programs,
    browser_keys
);

fn grants(words: &[&str]) -> Vec<Grant> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

fn secret(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

async fn with_ada(world: World) -> World {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    change
        .add_account(&name("ada"), &label("Ada"))
        .await
        .unwrap();
    change.commit().await.unwrap();
    world
}

async fn accounts(world: World) {
    let world = with_ada(world).await;
    let mut change = world.change().await;
    refused!(
        change.add_account(&name("ada"), &label("Another")).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let given = grants(&["approver", "technician:icu"]);
    let mut change = world.change().await;
    change.grant_roles(&name("ada"), &given).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change
            .grant_roles(&name("ada"), &grants(&["ward:nowhere"]))
            .await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.grants_of(&name("ada")).await.unwrap(), given);
    assert_eq!(view.grants().await.unwrap().len(), 2);
    assert_eq!(view.accounts().await.unwrap().len(), 1);
    drop(view);
    let mut change = world.change().await;
    change.end_account(&name("ada")).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.end_account(&name("ada")).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert!(view.grants_of(&name("ada")).await.unwrap().is_empty());
    let ada = view.account(&name("ada")).await.unwrap().unwrap();
    assert_eq!(ada.ended_at, Some(NOW));
}

async fn links(world: World) {
    let world = with_ada(world).await;
    let until = NOW.plus_ms(1_000);
    let mut change = world.change().await;
    change
        .add_account_link(&secret("first"), None, until)
        .await
        .unwrap();
    change
        .add_account_link(&secret("old"), Some(&name("ada")), until)
        .await
        .unwrap();
    change
        .add_account_link(&secret("new"), Some(&name("ada")), until)
        .await
        .unwrap();
    change.commit().await.unwrap();
    // A new link takes the place of the one before, of the same person alone.
    let mut view = world.store.view().await.unwrap();
    assert!(view.account_link(&secret("old")).await.unwrap().is_none());
    assert!(view.account_link(&secret("first")).await.unwrap().is_some());
    drop(view);
    let mut change = world.change().await;
    let used = change.use_account_link(&secret("new")).await.unwrap();
    assert_eq!(used, Some(name("ada")));
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.use_account_link(&secret("new")).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut late = world.change_at(until).await;
    refused!(
        late.use_account_link(&secret("first")).await,
        StoreError::Conflict(_)
    );
}

async fn passwords(world: World) {
    let world = with_ada(world).await;
    let ada = name("ada");
    let mut change = world.change().await;
    change.set_totp(&ada, "SECRET", 7).await.unwrap();
    refused!(
        change.take_totp_step(&ada, 7).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    change.set_totp(&ada, "SECRET", 7).await.unwrap();
    change.take_totp_step(&ada, 8).await.unwrap();
    for _ in 0..=FREE_FAILURES {
        change.count_failed_login(&ada).await.unwrap();
    }
    change.commit().await.unwrap();
    let found = world
        .store
        .view()
        .await
        .unwrap()
        .account(&ada)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.totp_step, 8);
    assert!(found.locked_until.is_some_and(|until| until > NOW));
    let mut change = world.change().await;
    change.set_password(&ada, "hash", true).await.unwrap();
    change.commit().await.unwrap();
    let found = world
        .store
        .view()
        .await
        .unwrap()
        .account(&ada)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.failures, found.locked_until), (0, None));
    assert_eq!(found.totp.as_deref(), Some("SECRET"));
    assert!(
        !format!("{found:?}").contains("SECRET"),
        "nothing prints it"
    );
    let mut change = world.change().await;
    change.set_password(&ada, "other", false).await.unwrap();
    change.commit().await.unwrap();
    assert!(
        world
            .store
            .view()
            .await
            .unwrap()
            .account(&ada)
            .await
            .unwrap()
            .unwrap()
            .totp
            .is_none()
    );
}

async fn sessions(world: World) {
    let world = with_ada(world).await;
    let ada = name("ada");
    let ends = NOW.plus_ms(SESSION_MS);
    let mut change = world.change().await;
    change
        .begin_session(&secret("s"), &ada, "token", ends)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let later = NOW.plus_ms(5_000);
    world.store.session_seen(&secret("s"), later).await.unwrap();
    let session = async |text: &str| {
        let known = world.store.signed_in(&secret(text)).await.unwrap();
        known.map(|known| known.session)
    };
    let found = session("s").await.unwrap();
    assert_eq!((found.seen_at, found.ends_at), (later, ends));
    // Exchanged once; the old secret is good for answers that are on their way.
    let grace = later.plus_ms(1_000);
    let exchange = |new: &str| {
        let (store, new) = (world.store.clone(), secret(new));
        async move {
            store
                .rotate_session(&secret("s"), &new, later, grace)
                .await
                .unwrap()
        }
    };
    assert!(exchange("t").await);
    assert!(!exchange("u").await, "the other of two loses");
    let (old, new) = (session("s").await.unwrap(), session("t").await.unwrap());
    assert_eq!((old.ends_at, new.ends_at), (grace, ends));
    assert_eq!((new.form_token.as_str(), new.proved_at), ("token", NOW));
    let mut change = world.change().await;
    change.end_session(&secret("t"), &ada).await.unwrap();
    change.commit().await.unwrap();
    assert!(session("t").await.is_none());
}

async fn forms(world: World) {
    let store = &world.store;
    assert!(store.take_form("a", NOW).await.unwrap());
    assert!(
        !store.take_form("a", NOW.plus_ms(1)).await.unwrap(),
        "sent twice"
    );
    assert!(store.take_form("b", NOW).await.unwrap());
}

async fn kiosks(world: World) {
    let world = world.with_unit().await;
    let (desk, icu) = (name("desk"), name("icu"));
    let mut change = world.change().await;
    change.add_kiosk(&desk, &icu, &secret("k")).await.unwrap();
    refused!(
        change.add_kiosk(&desk, &icu, &secret("l")).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    change.add_kiosk(&desk, &icu, &secret("k")).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.kiosk_by_secret(&secret("k"))
            .await
            .unwrap()
            .unwrap()
            .unit,
        icu
    );
    assert_eq!(view.kiosks().await.unwrap().len(), 1);
    drop(view);
    let mut change = world.change().await;
    change.end_kiosk(&desk).await.unwrap();
    change.commit().await.unwrap();
    assert!(
        world
            .store
            .view()
            .await
            .unwrap()
            .kiosk_by_secret(&secret("k"))
            .await
            .unwrap()
            .is_none()
    );
}

async fn browser_keys(world: World) {
    let world = with_ada(world).await;
    let mut change = world.change().await;
    change.request_key(&name("ada"), "00ff").await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.request_key(&name("ada"), "00ff").await,
        StoreError::Conflict(_)
    );
    drop(change);
    assert_eq!(
        world
            .store
            .view()
            .await
            .unwrap()
            .key_requests()
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn programs(world: World) {
    let world = world.with_unit().await;
    let until = NOW.plus_ms(1);
    let given = grants(&["technician:icu", "viewer"]);
    let mut change = world.change().await;
    let (cmms, hash) = (name("cmms"), secret("cmms"));
    change
        .add_program(&cmms, &hash, Scope::Change, &given, until)
        .await
        .unwrap();
    change.commit().await.unwrap();
    for (again, grants) in [
        (&given, &cmms),
        (&grants(&["ward:nowhere"]), &name("other")),
    ] {
        let mut change = world.change().await;
        let added = change
            .add_program(grants, &secret("x"), Scope::Ask, again, until)
            .await;
        assert!(added.is_err());
    }
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.programs().await.unwrap().len(), 1);
    assert_eq!(view.program_grants().await.unwrap().len(), 2);
    assert_eq!(view.grants_of_program(&cmms).await.unwrap(), given);
    let found = view.program_by_secret(&hash).await.unwrap().unwrap();
    assert_eq!((found.scope, found.expires_at), (Scope::Change, until));
    assert_eq!((found.seen_at, found.ended_at), (None, None));
    assert!(
        view.program_by_secret(&secret("x"))
            .await
            .unwrap()
            .is_none()
    );
    let before = view.audit_head().await.unwrap().seq;
    drop(view);
    world.store.program_seen(&cmms, until).await.unwrap();
    let mut change = world.change().await;
    change.end_program(&cmms).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(change.end_program(&cmms).await, StoreError::NotFound { .. });
    drop(change);
    let mut view = world.store.view().await.unwrap();
    let found = view.program_by_secret(&hash).await.unwrap().unwrap();
    assert_eq!(found.seen_at, Some(until));
    assert!(found.ended_at.is_some());
    // Kinds of what changed, each once.
    let kinds = view.kinds_changed(before).await.unwrap();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["program"]);
    assert!(view.kinds_changed(before + 1).await.unwrap().is_empty());
}
