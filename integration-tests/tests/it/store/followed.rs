//! What a collector reads of what the others wrote.

use super::*;
use patchward_collector::store::inventory::MachineSet;
use patchward_common::component::ComponentSet;

on_both_engines!(
    rows_that_concern_others_are_found,
    who_changed_something_elsewhere_must_see_it,
    reports_are_found_by_when_they_came
);

async fn rows_that_concern_others_are_found(world: World) {
    let world = world.with_machines(1).await;
    let store = &world.store;
    let head = async || store.view().await.unwrap().audit_head().await.unwrap().seq;
    let before = head().await;
    let mut change = world.change().await;
    // This one concerns nobody.
    change.add_site(&site("outpost")).await.unwrap();
    change
        .rename_machine(&machine(1), &name("reading-1"))
        .await
        .unwrap();
    change.commit().await.unwrap();
    let written = async |after| {
        let mut view = store.view().await.unwrap();
        view.written_after(after, 10).await.unwrap()
    };
    let rows = written(before).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].seq, rows[0].action.as_str()),
        (before + 2, "machine.rename")
    );
    assert_eq!(rows[0].subject, machine(1).to_string());
    assert!(written(head().await).await.is_empty());
    // It wrote it itself; another process did not.
    let is_shared = store.is_shared();
    assert_eq!(is_shared, store.engine() == "postgres");
    let other = Store::open(&world.place).await.unwrap();
    assert!(!other.wrote(before + 2));
    assert_eq!(store.wrote(before + 2), is_shared);
    assert!(!store.wrote(before + 3));
    other.close().await;
}

/// What somebody changed with another collector they must see with this one too.
async fn who_changed_something_elsewhere_must_see_it(world: World) {
    let store = &world.store;
    let other = Store::open(&world.place).await.unwrap();
    let ada = Actor::Person(name("ada"));
    let head = other.hear().await.unwrap();
    assert_eq!(store.hear().await.unwrap(), head);
    let change = async |store: &Store, actor: Actor, id: &str| {
        let mut change = store.change(actor, NOW).await.unwrap();
        change.add_site(&site(id)).await.unwrap();
        change.commit().await.unwrap();
    };
    change(store, ada.clone(), "one").await;
    change(store, Actor::Collector, "two").await;
    let (own, elsewhere) = (store.said(), other.said());
    let is_shared = store.is_shared();
    // A file has one that writes, who knows what it wrote.
    let heard = head + if is_shared { 2 } else { 0 };
    assert_eq!(other.hear().await.unwrap(), heard);
    assert_eq!(store.hear().await.unwrap(), head + 2);
    assert_eq!(other.said(), elsewhere + u64::from(is_shared));
    assert_eq!(other.said_for(&ada), other.said());
    assert_eq!(other.said_for(&Actor::Person(name("ben"))), 0);
    // One's own counts once, and what was heard is not heard again.
    for _ in 0..2 {
        store.hear().await.unwrap();
        other.hear().await.unwrap();
    }
    assert_eq!(store.said(), own);
    assert_eq!(other.said(), elsewhere + u64::from(is_shared));
    // So does what a person did that is no row of the log.
    let ben = Actor::Person(name("ben"));
    store.did(&ben);
    assert_eq!((store.said(), store.said_for(&ben)), (own + 1, own + 1));
    store.did(&Actor::Collector);
    assert_eq!(store.said(), own + 1);
    other.close().await;
}

async fn reports_are_found_by_when_they_came(world: World) {
    let world = world.with_machines(2).await;
    let store = &world.store;
    let later = NOW.plus_ms(1_000);
    store
        .record_seen(&[heard(1), (machine(2), later.into())], later)
        .await
        .unwrap();
    let set = ComponentSet::new(Vec::new()).unwrap();
    store
        .record_inventory(&machine(1), &set, NOW)
        .await
        .unwrap();
    store
        .record_inventory(&machine(2), &set, later)
        .await
        .unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.heard_after(NOW).await.unwrap(), [(machine(2), later)]);
    assert_eq!(view.heard_after(NOW.plus_ms(-1)).await.unwrap().len(), 2);
    assert_eq!(view.heard_machines().await.unwrap(), 2);
    let expected = MachineSet {
        machine: machine(2),
        digest: set.digest(),
        since: later,
    };
    assert_eq!(view.machine_sets_since(later).await.unwrap(), [expected]);
    assert_eq!(view.machine_sets_since(NOW).await.unwrap().len(), 2);
}
