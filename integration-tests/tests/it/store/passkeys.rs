//! Passkeys of accounts: added, used, removed, and gone with what they belong to.

use super::*;
use patchward_collector::account::MAX_PASSKEYS;
use patchward_collector::store::StoreError;
use patchward_collector::store::accounts::Passkey;

on_both_engines!(added, used, removed, gone_with_the_account);

async fn with_people(world: World) -> World {
    let mut change = world.change().await;
    for (person, title) in [("ada", "Ada"), ("ben", "Ben")] {
        change
            .add_account(&name(person), &label(title))
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    world
}

fn passkey(person: &str, title: &str) -> Passkey {
    Passkey {
        id: format!("key of {person}: {title}").into_bytes(),
        account: name(person),
        title: label(title),
        handle: vec![1; 64],
        key: vec![0xff, 0, 2],
        state: vec![0; 7],
        added_at: NOW,
        used_at: None,
    }
}

async fn add(world: &World, new: &Passkey) -> Result<(), StoreError> {
    let mut change = world.change().await;
    change.add_passkey(new).await?;
    change.commit().await.map(|_| ())
}

async fn of(world: &World, person: &str) -> Vec<Passkey> {
    let mut view = world.store.view().await.unwrap();
    let found = view.passkeys_of(&name(person)).await.unwrap();
    let has_any = view.has_passkey(&name(person)).await.unwrap();
    assert_eq!(has_any, !found.is_empty());
    found
}

async fn added(world: World) {
    let world = with_people(world).await;
    let first = passkey("ada", "telephone");
    add(&world, &first).await.unwrap();
    assert_eq!(of(&world, "ada").await, std::slice::from_ref(&first));
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.passkey(&first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(view.passkey(b"another").await.unwrap(), None);
    drop(view);
    // A device's key is one person's, a name one passkey's; both may be somebody else's name.
    let taken = Passkey {
        id: first.id.clone(),
        ..passkey("ben", "telephone")
    };
    refused!(add(&world, &taken).await, StoreError::Conflict(_));
    let again = Passkey {
        id: b"a second telephone".to_vec(),
        ..first.clone()
    };
    refused!(add(&world, &again).await, StoreError::Conflict(_));
    add(&world, &passkey("ben", "telephone")).await.unwrap();
    let nobody = passkey("nobody", "telephone");
    refused!(add(&world, &nobody).await, StoreError::Conflict(_));
    for number in 1..MAX_PASSKEYS {
        add(&world, &passkey("ada", &format!("key {number}")))
            .await
            .unwrap();
    }
    let more = passkey("ada", "one too many");
    refused!(add(&world, &more).await, StoreError::Conflict(_));
    let mut view = world.store.view().await.unwrap();
    let most = i64::try_from(MAX_PASSKEYS).unwrap();
    assert_eq!(
        view.passkey_counts().await.unwrap(),
        [(name("ada"), most), (name("ben"), 1)]
    );
}

async fn used(world: World) {
    let world = with_people(world).await;
    let first = passkey("ada", "telephone");
    add(&world, &first).await.unwrap();
    let later = NOW.plus_ms(5_000);
    let mut change = world.change_at(later).await;
    change.use_passkey(&first, &[1; 7]).await.unwrap();
    change.commit().await.unwrap();
    let found = of(&world, "ada").await.remove(0);
    assert_eq!((&found.state, found.used_at), (&vec![1; 7], Some(later)));
    // Another answer that counts on what was before comes too late.
    let mut change = world.change_at(later).await;
    refused!(
        change.use_passkey(&first, &[2; 7]).await,
        StoreError::Conflict(_)
    );
    drop(change);
    // What never counts is used again and again.
    for at in [6_000, 7_000] {
        let mut change = world.change_at(NOW.plus_ms(at)).await;
        change.use_passkey(&found, &found.state).await.unwrap();
        change.commit().await.unwrap();
    }
    let found = of(&world, "ada").await.remove(0);
    assert_eq!(found.used_at, Some(NOW.plus_ms(7_000)));
}

async fn removed(world: World) {
    let world = with_people(world).await;
    let first = passkey("ada", "telephone");
    add(&world, &first).await.unwrap();
    for (person, title) in [("ben", "telephone"), ("ada", "another")] {
        let mut change = world.change().await;
        refused!(
            change.remove_passkey(&name(person), &label(title)).await,
            StoreError::NotFound { .. }
        );
    }
    let mut change = world.change().await;
    change
        .remove_passkey(&name("ada"), &label("telephone"))
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(of(&world, "ada").await, []);
    let mut change = world.change().await;
    refused!(
        change.use_passkey(&first, &[1; 7]).await,
        StoreError::Conflict(_)
    );
}

async fn gone_with_the_account(world: World) {
    let world = with_people(world).await;
    for person in ["ada", "ben"] {
        add(&world, &passkey(person, "telephone")).await.unwrap();
    }
    // Another password of one's own keeps them; an administrator's link does not.
    for (keeps, left) in [(true, 1), (false, 0)] {
        let mut change = world.change().await;
        change
            .set_password(&name("ada"), "hash", keeps)
            .await
            .unwrap();
        change.commit().await.unwrap();
        assert_eq!(of(&world, "ada").await.len(), left, "{keeps}");
        assert_eq!(of(&world, "ben").await.len(), 1, "somebody else's stay");
    }
    let mut change = world.change().await;
    change.end_account(&name("ben")).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(of(&world, "ben").await, []);
    let late = passkey("ben", "after the end");
    refused!(add(&world, &late).await, StoreError::Conflict(_));
}
