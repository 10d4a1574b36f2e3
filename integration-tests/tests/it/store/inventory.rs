//! Inventories: components once, sets once, one digest per machine.

use super::*;
use patchward_common::component::{Component, ComponentSet, Source};

on_both_engines!(inventories, inventories_at_once);

fn component(name: &str, version: &str) -> Component {
    Component {
        source: Source::Deb,
        name: name.into(),
        version: version.into(),
        arch: "amd64".into(),
    }
}

fn image(size: u32, openssl: &str) -> ComponentSet {
    let mut list: Vec<_> = (0..size)
        .map(|n| component(&format!("lib{n:04}"), "1.0-1"))
        .collect();
    list.push(component("openssl", openssl));
    ComponentSet::new(list).unwrap()
}

async fn inventories(world: World) {
    let world = world.with_machines(3).await;
    let store = &world.store;
    let (old, new) = (image(300, "3.0.1"), image(300, "3.0.2"));
    let first = store
        .record_inventory(&machine(1), &old, NOW)
        .await
        .unwrap();
    assert_eq!(first.len(), 301);
    assert_eq!((first.min(), first.max()), (Some(1), Some(301)));
    // The same image: the same set. Another version: one more component.
    let same = store
        .record_inventory(&machine(2), &old, NOW)
        .await
        .unwrap();
    assert_eq!(same, first);
    let later = NOW.plus_ms(60);
    let other = store
        .record_inventory(&machine(2), &new, later)
        .await
        .unwrap();
    assert_eq!((&other - &first).iter().collect::<Vec<_>>(), [302]);
    // Reported again: `since` stays.
    store
        .record_inventory(&machine(2), &new, later.plus_ms(1))
        .await
        .unwrap();
    let empty = ComponentSet::new(Vec::new()).unwrap();
    store
        .record_inventory(&machine(3), &empty, NOW)
        .await
        .unwrap();
    let mut view = store.view().await.unwrap();
    let set = view.set_of(&machine(2)).await.unwrap().unwrap();
    assert_eq!((set.digest, set.since), (new.digest(), later));
    assert_eq!(
        view.components_of(&old.digest()).await.unwrap(),
        Some(old.clone())
    );
    assert_eq!(
        view.components_of(&empty.digest()).await.unwrap(),
        Some(empty.clone())
    );
    assert_eq!(view.components_of(&digest(9)).await.unwrap(), None);
    let shared = view.shared_components_of(&new.digest()).await.unwrap();
    let mut shared: Vec<_> = shared.unwrap().iter().map(|one| (**one).clone()).collect();
    shared.sort();
    assert!(shared.iter().eq(new.iter()));
    view.know_components().await.unwrap();
    let numbered = view.components_numbered(&[302].into_iter().collect()).await;
    assert_eq!(numbered.unwrap().unwrap()[0].version, "3.0.2");
    let numbers = [302, 303].into_iter().collect();
    assert_eq!(view.components_numbered(&numbers).await.unwrap(), None);
    assert_eq!(view.members_of(&new.digest()).await.unwrap(), Some(other));
    assert_eq!(view.sets_after(None).await.unwrap().len(), 3);
    let first_set = view.sets_after(None).await.unwrap()[0].0;
    assert_eq!(view.sets_after(Some(&first_set)).await.unwrap().len(), 2);
    assert_eq!(view.machine_sets().await.unwrap().len(), 3);
    let page = view.components_after(300, 9).await.unwrap();
    assert_eq!(
        page.iter().map(|n| n.number).collect::<Vec<_>>(),
        [301, 302]
    );
    let named = view.components_named("openssl").await.unwrap();
    assert_eq!(named.len(), 2);
    let icu = name("icu");
    for (versions, unit, expected) in [
        (&["3.0.1"][..], None, vec![machine(1)]),
        (
            &["3.0.1", "3.0.2"],
            Some(&icu),
            vec![machine(1), machine(2)],
        ),
        (&["3.0.3"], None, vec![]),
        (&["3.0.1"], Some(&name("er")), vec![]),
    ] {
        let found = view.machines_with("openssl", versions, unit).await.unwrap();
        assert_eq!(found, expected, "{versions:?}");
    }
    drop(view);
    // What ran where and when.
    let at = async |number: u8, at: UtcMs| {
        let mut view = store.view().await.unwrap();
        let set = view.set_at(&machine(number), at).await.unwrap();
        set.map(|set| set.digest)
    };
    assert_eq!(at(2, NOW.plus_ms(-1)).await, None);
    assert_eq!(at(2, later.plus_ms(-1)).await, Some(old.digest()));
    assert_eq!(at(2, later).await, Some(new.digest()));
    // Nobody has the old image any more, but it is young.
    store
        .record_inventory(&machine(1), &new, later)
        .await
        .unwrap();
    assert_eq!(store.drop_unused_sets(NOW).await.unwrap(), 0);
    assert_eq!(
        store.drop_unused_sets(later).await.unwrap(),
        0,
        "they had it"
    );
    assert_eq!(store.drop_set_history(later).await.unwrap(), 0);
    assert_eq!(store.drop_set_history(later.plus_ms(1)).await.unwrap(), 2);
    let history = store.view().await.unwrap().set_history(&machine(2)).await;
    let history: Vec<_> = history.unwrap().into_iter().map(|set| set.digest).collect();
    assert_eq!(history, [new.digest()]);
    assert_eq!(store.drop_unused_sets(later).await.unwrap(), 1);
    let mut view = store.view().await.unwrap();
    assert_eq!(view.components_of(&old.digest()).await.unwrap(), None);
    assert_eq!(view.components_of(&new.digest()).await.unwrap(), Some(new));
}

/// Machines that report new components at once get one number for each.
async fn inventories_at_once(world: World) {
    let world = world.with_machines(8).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=8u8 {
        let store = world.store.clone();
        let set = image(100 + u32::from(number), "3.0.1");
        tasks.spawn(async move {
            store
                .record_inventory(&machine(number), &set, NOW)
                .await
                .unwrap()
        });
    }
    tasks.join_all().await;
    let mut view = world.store.view().await.unwrap();
    let all = view.components_after(0, 1_000).await.unwrap();
    let numbers: Vec<_> = all.iter().map(|n| n.number).collect();
    assert_eq!(numbers, (1..=109).collect::<Vec<_>>());
    for number in 1..=8u8 {
        let set = image(100 + u32::from(number), "3.0.1");
        assert_eq!(view.components_of(&set.digest()).await.unwrap(), Some(set));
    }
}
