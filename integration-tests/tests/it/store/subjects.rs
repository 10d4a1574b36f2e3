//! Who people are at an OpenID provider.

use super::*;
use patchward_collector::account::{SESSION_MS, SubjectId};
use patchward_collector::store::StoreError;

on_both_engines!(links, ended_accounts, vouched_sessions);

const ISSUER: &str = "https://login.hospital.example";

fn subject(text: &str) -> SubjectId {
    text.parse().unwrap()
}

fn secret(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

async fn with_people(world: World) -> World {
    let mut change = world.change().await;
    for who in ["ada", "bob"] {
        change.add_account(&name(who), &label(who)).await.unwrap();
    }
    change.commit().await.unwrap();
    world
}

async fn links(world: World) {
    let world = with_people(world).await;
    let (ada, bob) = (name("ada"), name("bob"));
    let mut change = world.change().await;
    change
        .link_subject(&ada, ISSUER, &subject("Ada-1"))
        .await
        .unwrap();
    // The same word at another provider is somebody else.
    change
        .link_subject(&bob, "https://other.example", &subject("Ada-1"))
        .await
        .unwrap();
    change.commit().await.unwrap();
    for (account, text) in [(&bob, "Ada-1"), (&ada, "another")] {
        let mut change = world.change().await;
        refused!(
            change.link_subject(account, ISSUER, &subject(text)).await,
            StoreError::Conflict(_)
        );
    }
    let mut change = world.change().await;
    refused!(
        change
            .link_subject(&name("nobody"), ISSUER, &subject("x"))
            .await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.linked_subjects().await.unwrap().len(), 2);
    let linked = view.subject_of(&ada, ISSUER).await.unwrap().unwrap();
    assert_eq!((linked.subject.as_str(), linked.linked_at), ("Ada-1", NOW));
    assert!(view.subject_of(&bob, ISSUER).await.unwrap().is_none());
    for (issuer, text, expected) in [
        (ISSUER, "Ada-1", Some(&ada)),
        (ISSUER, "ada-1", None),
        ("https://other.example", "Ada-1", Some(&bob)),
        ("https://third.example", "Ada-1", None),
    ] {
        let found = view.account_of_subject(issuer, &subject(text)).await;
        let found = found.unwrap().map(|account| account.name);
        assert_eq!(found.as_ref(), expected, "{issuer} {text}");
    }
    drop(view);
    let mut change = world.change().await;
    change
        .begin_session(&secret("s"), &ada, "token", NOW.plus_ms(SESSION_MS))
        .await
        .unwrap();
    change.unlink_subject(&ada, ISSUER).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.unlink_subject(&ada, ISSUER).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert!(view.subject_of(&ada, ISSUER).await.unwrap().is_none());
    let known = world.store.signed_in(&secret("s")).await.unwrap();
    assert!(known.is_none());
    assert_eq!(view.linked_subjects().await.unwrap().len(), 1);
}

async fn ended_accounts(world: World) {
    let world = with_people(world).await;
    let (ada, bob) = (name("ada"), name("bob"));
    let one = subject("one");
    let mut change = world.change().await;
    change.link_subject(&ada, ISSUER, &one).await.unwrap();
    change.end_account(&ada).await.unwrap();
    change.commit().await.unwrap();
    // It is still known whose it was, until somebody else has it.
    let mut view = world.store.view().await.unwrap();
    let found = view.account_of_subject(ISSUER, &one).await.unwrap();
    assert!(found.is_some_and(|found| found.name == ada && found.ended_at.is_some()));
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.link_subject(&ada, ISSUER, &subject("two")).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change.link_subject(&bob, ISSUER, &one).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let found = view.account_of_subject(ISSUER, &one).await.unwrap();
    assert_eq!(found.unwrap().name, bob);
    assert_eq!(view.linked_subjects().await.unwrap().len(), 1);
}

async fn vouched_sessions(world: World) {
    let world = with_people(world).await;
    let ada = name("ada");
    let ends = NOW.plus_ms(SESSION_MS);
    let mut change = world.change().await;
    for (text, has_second_factor) in [("two", true), ("one", false)] {
        change
            .begin_session(&secret(text), &ada, text, ends)
            .await
            .unwrap();
        change
            .vouch_for_session(&secret(text), &ada, ISSUER, has_second_factor)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change
            .vouch_for_session(&secret("two"), &name("bob"), ISSUER, true)
            .await,
        StoreError::NotFound { .. }
    );
    drop(change);
    // What was proved in two ways here counts as much.
    let mut change = world.change().await;
    change
        .begin_session(&secret("key"), &ada, "key", ends)
        .await
        .unwrap();
    change
        .prove_second_factor(&secret("key"), &ada)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change
            .prove_second_factor(&secret("key"), &name("bob"))
            .await,
        StoreError::NotFound { .. }
    );
    drop(change);
    // An exchange of the secret keeps it.
    let later = NOW.plus_ms(1_000);
    let (old, new) = (secret("two"), secret("new"));
    let exchanged = world.store.rotate_session(&old, &new, later, later).await;
    assert!(exchanged.unwrap());
    for (text, expected) in [("new", 1), ("one", 0), ("key", 1)] {
        let known = world.store.signed_in(&secret(text)).await.unwrap().unwrap();
        assert_eq!(known.session.second_factor, expected, "{text}");
    }
}
