//! Two collectors on one database: what must be one is one, whichever of them is asked.

use super::go::{ask, ward};
use super::go_races::going;
use super::journal::append;
use super::*;
use patchward_collector::rollout::clocks::AHEAD_MS;
use patchward_collector::store::StoreError;
use patchward_collector::store::journal::JournalError;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

on_both_engines!(
    goes_of_two_collectors_never_go_beyond_minimum_ready,
    two_collectors_answer_one_nonce_alike,
    machines_bring_their_journals_to_two_collectors_at_once,
    two_collectors_write_one_log,
    a_time_from_a_clock_that_was_wrong_is_replaced,
    who_has_to_be_heard_waits_behind_nobody,
);

async fn another(world: &World) -> Store {
    // As one that is initialised: the row is there.
    let mut change = world.change().await;
    change.name_collector(&name("main")).await.unwrap();
    change.commit().await.unwrap();
    Store::open(&world.place).await.unwrap()
}

async fn goes_of_two_collectors_never_go_beyond_minimum_ready(world: World) {
    let (world, plan) = ward(world, 6, 4, &["monitors"]).await;
    let other = another(&world).await;
    let going = going(&[&world.store, &other], plan, 2).await;
    assert_eq!(going.len(), 2, "{going:?}");
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.outstanding_goes().await.unwrap().len(), 2);
    view.verify_audit(None).await.unwrap();
    drop(view);
    other.close().await;
}

/// The answer of one was lost on the way, and the other is asked: there is one go for one job.
async fn two_collectors_answer_one_nonce_alike(world: World) {
    let (world, plan) = ward(world, 2, 1, &["monitors"]).await;
    let other = another(&world).await;
    let asked = ask(plan, 1, 1);
    let signs = |by: &'static [u8]| move |_: &_| Ok::<_, String>(by.to_vec());
    let (one, two) = tokio::join!(
        world.store.decide_go(&asked, NOW, signs(b"one")),
        other.decide_go(&asked, NOW, signs(b"two")),
    );
    assert_eq!(one.unwrap(), two.unwrap());
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.goes_of(&asked.job).await.unwrap().len(), 1);
    drop(view);
    other.close().await;
}

/// Machines whose outbox neither of them knows, and who bring the same events to both.
async fn machines_bring_their_journals_to_two_collectors_at_once(world: World) {
    let other = another(&world).await;
    let mut tasks = JoinSet::new();
    for number in 1..=40u8 {
        for store in [&world.store, &other] {
            let store = store.clone();
            tasks.spawn(async move {
                // What one has acknowledged the other is not asked for.
                let first = u64::from(number % 2) + 1;
                for (first, count) in [(1, first), (first + 1, 3), (1, first + 3)] {
                    let stored = stores(&store, (number, first, count)).await;
                    assert!(stored >= first + count - 1, "{number}: {stored}");
                }
            });
        }
    }
    tasks.join_all().await;
    let mut view = world.store.view().await.unwrap();
    for number in 1..=40u8 {
        let one = append(number, 1, u64::from(number % 2) + 4);
        let (machine, outbox) = (one.machine, one.outbox);
        let position = view.journal_position(&machine, &outbox).await.unwrap();
        assert_eq!(position, one.events.len() as u64);
        let events = view.journal_after(&machine, &outbox, 0, 100).await.unwrap();
        let events: Vec<_> = events.into_iter().map(|event| event.bytes).collect();
        assert_eq!(events, one.events);
    }
    drop(view);
    other.close().await;
}

/// Brings events as a machine does: it comes again where the collector is busy.
async fn stores(store: &Store, (number, first, count): (u8, u64, u64)) -> u64 {
    loop {
        match store.append_journal(append(number, first, count)).await {
            Ok(stored) => return stored,
            Err(JournalError::Store(StoreError::Busy | StoreError::Conflict(_))) => {}
            Err(error) => panic!("{number}: {error}"),
        }
    }
}

async fn two_collectors_write_one_log(world: World) {
    let other = another(&world).await;
    let before = world.store.hear().await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..20u8 {
        let store = if number % 2 == 0 {
            &world.store
        } else {
            &other
        }
        .clone();
        tasks.spawn(async move {
            let mut change = store.change(Actor::Local(0), NOW).await.unwrap();
            for part in ["a", "b"] {
                let site = site(&format!("site-{number}-{part}"));
                change.add_site(&site).await.unwrap();
            }
            change.commit().await.unwrap().seq
        });
    }
    let ends: BTreeSet<u64> = tasks.join_all().await.into_iter().collect();
    // The two rows of each stand together.
    let expected: BTreeSet<u64> = (1..=20).map(|count| before + 2 * count).collect();
    assert_eq!(ends, expected);
    let mut view = other.view().await.unwrap();
    view.verify_audit(None).await.unwrap();
    drop(view);
    other.close().await;
}

/// Machines are heard again as soon as a collector hears them whose clock is right.
async fn a_time_from_a_clock_that_was_wrong_is_replaced(world: World) {
    let world = world.with_machines(3).await;
    let store = &world.store;
    let far = NOW.plus_ms(AHEAD_MS + 1);
    let near = NOW.plus_ms(AHEAD_MS);
    let seen = [(machine(1), far.into()), (machine(2), near.into())];
    store.record_seen(&seen, far).await.unwrap();
    let now = [1, 2, 3].map(|number| (machine(number), NOW.into()));
    store.record_seen(&now, NOW).await.unwrap();
    let mut view = store.view().await.unwrap();
    for (number, at) in [(1, NOW), (2, near), (3, NOW)] {
        let seen = view.seen_at(&machine(number)).await.unwrap();
        assert_eq!(seen, Some(at), "{number}");
    }
}

/// A busy collector gives its signs of life: where all connections to a server are taken, it has
/// one more.
async fn who_has_to_be_heard_waits_behind_nobody(world: World) {
    let store = &world.store;
    let mut taken = Vec::new();
    if store.is_shared() {
        // As many as there are: another would not come within this time.
        let another = || tokio::time::timeout(Duration::from_secs(3), store.view());
        while let Ok(Ok(view)) = another().await {
            taken.push(view);
        }
        assert!(!taken.is_empty());
    }
    let beside = store.beside();
    let own = super::claims::collector("a");
    for beat in 1..=2 {
        let sign = beside.beat(&own, &[], &["plans"]);
        let sign = tokio::time::timeout(Duration::from_secs(9), sign).await;
        assert_eq!(sign.expect("it is heard").unwrap().len(), 1);
        let all = beside.view().await.unwrap().collectors().await.unwrap();
        assert_eq!(all[0].beat, beat);
    }
    drop(taken);
}
