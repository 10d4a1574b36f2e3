//! Who does the work that must happen once: one collector at a time, and another after its end.

use super::*;
use patchward_collector::store::claims::Collector;
use std::collections::BTreeSet;

on_both_engines!(
    work_is_one_collectors_and_another_has_it_after_its_end,
    who_was_taken_for_gone_begins_anew,
    two_that_claim_at_once_hold_each_work_once,
);

const WORKS: [&str; 2] = ["notices", "plans"];

pub(super) fn collector(id: &str) -> Collector {
    Collector {
        id: id.into(),
        host: format!("host-of-{id}"),
        address: "0.0.0.0:9443".into(),
        version: "0.2.0".into(),
        started_at: NOW,
        beat: 0,
        beat_at: NOW,
        connected: 3,
        reach: "{}".into(),
    }
}

/// Gives a sign of life; what this one holds then.
async fn beat(store: &Store, id: &str, still: &[(String, u64)]) -> Vec<String> {
    let claims = store.beat(&collector(id), still, &WORKS).await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.claims().await.unwrap(), claims);
    let own = claims.into_iter().filter(|claim| claim.holder == id);
    own.map(|claim| claim.work).collect()
}

async fn beats(store: &Store) -> Vec<(String, u64)> {
    let all = store.view().await.unwrap().collectors().await.unwrap();
    all.into_iter().map(|one| (one.id, one.beat)).collect()
}

async fn work_is_one_collectors_and_another_has_it_after_its_end(world: World) {
    let store = &world.store;
    assert_eq!(beat(store, "a", &[]).await, WORKS);
    assert!(beat(store, "b", &[]).await.is_empty());
    assert_eq!(beat(store, "a", &[]).await, WORKS);
    assert_eq!(
        beats(store).await,
        [("a".to_owned(), 2), ("b".to_owned(), 1)]
    );
    let all = store.view().await.unwrap().collectors().await.unwrap();
    let expected = Collector {
        beat: 1,
        ..collector("b")
    };
    assert_eq!(all[1], expected);
    // One that ends in order frees what it held.
    store.leave("a").await.unwrap();
    assert_eq!(beat(store, "b", &[]).await, WORKS);
    // One that stood still at another sign of life than its last is not gone.
    assert!(beat(store, "c", &[("b".to_owned(), 1)]).await.is_empty());
    assert_eq!(beat(store, "c", &[("b".to_owned(), 2)]).await, WORKS);
    assert_eq!(beats(store).await, [("c".to_owned(), 2)]);
}

async fn who_was_taken_for_gone_begins_anew(world: World) {
    let store = &world.store;
    beat(store, "a", &[]).await;
    assert_eq!(beat(store, "b", &[("a".to_owned(), 1)]).await, WORKS);
    assert!(beat(store, "a", &[]).await.is_empty());
    assert_eq!(
        beats(store).await,
        [("a".to_owned(), 1), ("b".to_owned(), 1)]
    );
}

async fn two_that_claim_at_once_hold_each_work_once(world: World) {
    let other = Store::open(&world.place).await.unwrap();
    let (one, two) = (collector("a"), collector("b"));
    let (one, two) = tokio::join!(
        world.store.beat(&one, &[], &WORKS),
        other.beat(&two, &[], &WORKS),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let mut view = world.store.view().await.unwrap();
    let claims = view.claims().await.unwrap();
    let works: BTreeSet<_> = claims.iter().map(|claim| claim.work.as_str()).collect();
    assert_eq!(works, BTreeSet::from(WORKS));
    assert_eq!(claims.len(), WORKS.len());
    // Whatever each was told that it holds, it holds.
    for (told, id) in [(one, "a"), (two, "b")] {
        let mut own = told.iter().filter(|claim| claim.holder == id);
        assert!(own.all(|claim| claims.contains(claim)), "{id}");
    }
    drop(view);
    other.close().await;
}
