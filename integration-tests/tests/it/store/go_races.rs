//! Goes, stops and assignments that race: decided one after the other, and nobody waits for ever.

use super::go::{ask, decide, ward};
use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::documents::{DocumentKind, NewDocument};
use patchward_collector::store::go::GoOutcome;
use patchward_common::trust::stop::Scope;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

on_both_engines!(
    never_beyond_minimum_ready,
    overlapping_groups_do_not_wait_for_each_other,
    assignments_and_decisions_do_not_wait_for_each_other,
    a_stop_is_seen_by_every_later_decision,
);

/// The machines that go where six ask at once for so many rounds, of one store or of several
/// in turns.
pub(super) async fn going(stores: &[&Store], plan: Digest, rounds: u8) -> BTreeSet<u8> {
    let mut tasks = JoinSet::new();
    for round in 0..rounds {
        for number in 1..=6u8 {
            let store = stores[usize::from(number + round) % stores.len()].clone();
            let asked = ask(plan, number, round * 10 + number);
            tasks.spawn(async move { (number, store.decide_go(&asked, NOW, decide).await) });
        }
    }
    let mut going = BTreeSet::new();
    while let Some(result) = tasks.join_next().await {
        let (number, outcome) = result.unwrap();
        if let GoOutcome::Issued(_) = outcome.unwrap() {
            going.insert(number);
        }
    }
    going
}

/// All ask at once, again and again: at most size less minimum ready get a go.
async fn never_beyond_minimum_ready(world: World) {
    let (world, plan) = ward(world, 6, 4, &["monitors"]).await;
    let going = going(&[&world.store], plan, 3).await;
    assert_eq!(going.len(), 2, "{going:?}");
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.outstanding_goes().await.unwrap().len(), 2);
    view.verify_audit(None).await.unwrap();
}

/// Machines whose groups overlap crosswise, and others that move between the groups.
async fn overlapping_groups_do_not_wait_for_each_other(world: World) {
    let (world, plan) = ward(world, 6, 5, &["c", "a", "b"]).await;
    let mut tasks = JoinSet::new();
    for number in 1..=6u8 {
        let store = world.store.clone();
        tasks.spawn(async move {
            for round in 0..5u8 {
                let asked = ask(plan, number, round * 10 + number);
                match store.decide_go(&asked, NOW, decide).await {
                    // Its groups changed between reading and locking: asked again later.
                    Ok(_) | Err(StoreError::Busy) => {}
                    Err(error) => panic!("{error:?}"),
                }
                let groups = if round % 2 == 0 {
                    ["b", "a"]
                } else {
                    ["c", "b"]
                };
                let mut change = store.change(Actor::Collector, NOW).await.unwrap();
                let groups = groups.map(name);
                change
                    .set_groups_of(&machine(number), &groups)
                    .await
                    .unwrap();
                change.commit().await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let mut view = world.store.view().await.unwrap();
    assert!(view.outstanding_goes().await.unwrap().len() <= 6);
}

/// An assignment that has the groups in another order than their names, row by row.
async fn assignments_and_decisions_do_not_wait_for_each_other(world: World) {
    let (world, plan) = ward(world, 3, 0, &["a", "b"]).await;
    let store = world.store.clone();
    let asks = tokio::spawn(async move {
        for round in 0..40u8 {
            let asked = ask(plan, 3, round);
            store.decide_go(&asked, NOW, decide).await.unwrap();
        }
    });
    let (a, b) = (name("a"), name("b"));
    for _ in 0..40 {
        let mut change = world.change().await;
        change
            .lock_placement(&[machine(1), machine(2)], [&b, &a].into_iter())
            .await
            .unwrap();
        for (number, group) in [(1, &b), (2, &a)] {
            change
                .set_groups_of(&machine(number), std::slice::from_ref(group))
                .await
                .unwrap();
        }
        change.commit().await.unwrap();
    }
    asks.await.unwrap();
}

/// A stop that was acknowledged is in every decision that begins afterwards, and a
/// decision that had begun is finished before the stop is acknowledged.
async fn a_stop_is_seen_by_every_later_decision(world: World) {
    let (world, plan) = ward(world, 6, 0, &["monitors"]).await;
    let stopped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for number in 1..=6u8 {
        let (store, stopped) = (world.store.clone(), stopped.clone());
        tasks.spawn(async move {
            for round in 0..20u8 {
                let before = stopped.load(std::sync::atomic::Ordering::SeqCst);
                let asked = ask(plan, number, round * 10 + number);
                let outcome = store.decide_go(&asked, NOW, decide).await.unwrap();
                let issued = matches!(outcome, GoOutcome::Issued(_));
                assert!(!(before && issued), "issued after the stop");
            }
        });
    }
    let stop = NewDocument {
        scope: Some(&Scope::All),
        ..documents::document(DocumentKind::Stop, b"stop")
    };
    let mut change = world.change().await;
    change.add_document(&stop, &[]).await.unwrap();
    change.commit().await.unwrap();
    stopped.store(true, std::sync::atomic::Ordering::SeqCst);
    tasks.join_all().await;
}
