//! The journal: exactly once, acknowledged after COMMIT.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::journal::{
    Append, JournalError, JournalRow, MAX_AHEAD, MAX_APPEND_EVENTS, MAX_EARLY_EVENTS,
    MAX_EARLY_EVENTS_OF_JOB, MAX_EVENT_BYTES, MAX_OUTBOXES, Unconsumed,
};
use patchward_common::id::OutboxId;

on_both_engines!(
    events_are_stored_once,
    other_bytes_are_an_alarm,
    gaps,
    limits_of_an_append,
    many_machines_at_once,
    duplicates_at_once,
    consuming,
    events_before_their_jobs,
    closing_writes_what_is_queued,
);

const OUTBOX: OutboxId = OutboxId([5; 16]);

fn event(sequence: u64) -> Vec<u8> {
    format!("event {sequence}").into_bytes()
}

pub(super) fn append(number: u8, first: u64, count: u64) -> Append {
    Append {
        machine: machine(number),
        outbox: OUTBOX,
        first,
        events: (first..first + count).map(event).collect(),
        received_at: NOW,
    }
}

async fn stored(world: &World, number: u8) -> Vec<(u64, Vec<u8>)> {
    let mut view = world.store.view().await.unwrap();
    let events = view
        .journal_after(&machine(number), &OUTBOX, 0, 10_000)
        .await;
    let events = events.unwrap().into_iter();
    events.map(|event| (event.sequence, event.bytes)).collect()
}

async fn events_are_stored_once(world: World) {
    let store = &world.store;
    assert_eq!(store.append_journal(append(1, 1, 3)).await.unwrap(), 3);
    // Overlapping and repeated: acknowledged again, stored once.
    assert_eq!(store.append_journal(append(1, 2, 4)).await.unwrap(), 5);
    assert_eq!(store.append_journal(append(1, 1, 5)).await.unwrap(), 5);
    assert_eq!(store.append_journal(append(2, 1, 200)).await.unwrap(), 200);
    let expected: Vec<_> = (1..=5).map(|n| (n, event(n))).collect();
    assert_eq!(stored(&world, 1).await, expected);
    let mut view = store.view().await.unwrap();
    let machine = machine(1);
    let position = view.journal_position(&machine, &OUTBOX).await.unwrap();
    assert_eq!(position, 5);
    let other = OutboxId([6; 16]);
    assert_eq!(view.journal_position(&machine, &other).await.unwrap(), 0);
    let page = view.journal_after(&machine, &OUTBOX, 3, 1).await.unwrap();
    assert_eq!(
        (page.len(), page[0].sequence, page[0].received_at),
        (1, 4, NOW)
    );
    drop(view);
    // The same event by a second outbox stands beside the first.
    let mut second = append(1, 4, 1);
    second.outbox = other;
    store.append_journal(second).await.unwrap();
    let mut view = store.view().await.unwrap();
    let both = view.journal_of(&machine, 4, 9).await.unwrap();
    let sequences: Vec<_> = both.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [4, 4, 5]);
    assert_eq!(view.journal_of(&machine, 1, 2).await.unwrap().len(), 2);
}

async fn other_bytes_are_an_alarm(world: World) {
    let store = &world.store;
    store.append_journal(append(1, 1, 3)).await.unwrap();
    let mut forged = append(1, 3, 2);
    forged.events[0] = b"forged".to_vec();
    refused!(
        store.append_journal(forged).await,
        JournalError::Altered { sequence: 3 }
    );
    assert_eq!(stored(&world, 1).await[2], (3, event(3)));
    // What came with it may be stored, but was not acknowledged; sent again, it is.
    assert_eq!(store.append_journal(append(1, 4, 1)).await.unwrap(), 4);
}

async fn gaps(world: World) {
    let store = &world.store;
    assert_eq!(store.append_journal(append(1, 3, 2)).await.unwrap(), 0);
    assert_eq!(store.append_journal(append(1, 7, 1)).await.unwrap(), 0);
    assert_eq!(store.append_journal(append(1, 1, 1)).await.unwrap(), 1);
    assert_eq!(store.append_journal(append(1, 2, 1)).await.unwrap(), 4);
    assert_eq!(store.append_journal(append(1, 5, 2)).await.unwrap(), 7);
    assert_eq!(store.append_journal(append(1, 8, 1)).await.unwrap(), 8);
    let far = append(1, 8 + MAX_AHEAD + 1, 1);
    refused!(store.append_journal(far).await, JournalError::Refused(_));
    assert_eq!(stored(&world, 1).await.len(), 8);
}

async fn limits_of_an_append(world: World) {
    let store = &world.store;
    let mut large = append(1, 1, 1);
    large.events[0] = vec![0; MAX_EVENT_BYTES + 1];
    let many = append(1, 1, MAX_APPEND_EVENTS as u64 + 1);
    let (none, zero) = (append(1, 1, 0), append(1, 0, 1));
    let mut high = append(1, 1, 1);
    high.first = u64::MAX;
    let mut edge = append(1, 1, 1);
    edge.first = i64::MAX.cast_unsigned();
    for bad in [large, many, none, zero, high, edge] {
        refused!(store.append_journal(bad).await, JournalError::Refused(_));
    }
    let mut largest = append(1, 1, 1);
    largest.events[0] = vec![0; MAX_EVENT_BYTES];
    assert_eq!(store.append_journal(largest).await.unwrap(), 1);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..MAX_OUTBOXES + 20 {
        let store = store.clone();
        let mut other = append(1, 1, 1);
        other.outbox = OutboxId([number as u8 + 10; 16]);
        tasks.spawn(async move { store.append_journal(other).await });
    }
    let results = tasks.join_all().await;
    let taken = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(taken as u64, MAX_OUTBOXES - 1);
}

async fn many_machines_at_once(world: World) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=100u8 {
        let store = world.store.clone();
        tasks.spawn(async move {
            for round in 0..10 {
                let position = store.append_journal(append(number, 1 + round * 3, 3)).await;
                assert_eq!(position.unwrap(), (round + 1) * 3);
            }
        });
    }
    tasks.join_all().await;
    for number in [1, 50, 100] {
        assert_eq!(stored(&world, number).await.len(), 30);
    }
}

/// The same events by two connections at once, and one of them forged.
async fn duplicates_at_once(world: World) {
    let mut tasks = tokio::task::JoinSet::new();
    for copy in 0..40u64 {
        let store = world.store.clone();
        let mut one = append(1, 1, 5);
        if copy % 4 == 3 {
            one.events[2] = format!("forged {copy}").into_bytes();
        }
        tasks.spawn(async move { (copy, store.append_journal(one).await) });
    }
    let (mut acknowledged, mut alarms) = (Vec::new(), 0);
    while let Some(result) = tasks.join_next().await {
        match result.unwrap() {
            (copy, Ok(position)) => acknowledged.push((copy, position)),
            (_, Err(JournalError::Altered { sequence: 3 })) => alarms += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(acknowledged.len() + alarms, 40);
    let kept = stored(&world, 1).await;
    assert_eq!(kept.len(), 5);
    // Whoever was acknowledged had sent what is stored.
    for (copy, position) in acknowledged {
        assert_eq!(position, 5);
        let sent = if copy % 4 == 3 {
            format!("forged {copy}").into_bytes()
        } else {
            event(3)
        };
        assert_eq!(kept[2].1, sent);
    }
}

async fn consuming(world: World) {
    let store = &world.store;
    store.append_journal(append(1, 1, 3)).await.unwrap();
    store.append_journal(append(2, 2, 1)).await.unwrap();
    let mut view = store.view().await.unwrap();
    let found = view.journal_unconsumed(9).await.unwrap();
    let expected = Unconsumed {
        id: 1,
        machine: machine(1),
        outbox: OUTBOX,
        consumed: 0,
        contiguous: 3,
    };
    assert_eq!(found, std::slice::from_ref(&expected));
    let events = view.journal_to_consume(&found, 2).await.unwrap();
    let sequences: Vec<_> = events.iter().map(|e| (e.outbox, e.sequence)).collect();
    assert_eq!(sequences, [(1, 1), (1, 2)]);
    drop(view);
    let mut change = world.change().await;
    change.consume_journal(&[(expected, 2)]).await.unwrap();
    change.commit().await.unwrap();
    for (from, up_to) in [
        (expected, 3),
        (
            Unconsumed {
                consumed: 2,
                ..expected
            },
            4,
        ),
    ] {
        let mut change = world.change().await;
        refused!(
            change.consume_journal(&[(from, up_to)]).await,
            StoreError::Conflict(_)
        );
    }
    store.append_journal(append(1, 4, 1)).await.unwrap();
    let mut view = store.view().await.unwrap();
    let found = view.journal_unconsumed(9).await.unwrap();
    assert_eq!((found[0].consumed, found[0].contiguous), (2, 4));
    let consumed = view.journal_consumed(&machine(1), &OUTBOX).await;
    assert_eq!(consumed.unwrap(), 2);
}

async fn events_before_their_jobs(world: World) {
    let world = world.with_machines(2).await;
    let row = |sequence| JournalRow {
        outbox: 1,
        sequence,
        bytes: event(sequence),
    };
    let (plan, none) = (Digest::of(b"spring"), digest(9));
    let up_to = MAX_EARLY_EVENTS + 1;
    for first in (1..=up_to).step_by(MAX_APPEND_EVENTS) {
        let count = (MAX_APPEND_EVENTS as u64).min(up_to + 1 - first);
        world
            .store
            .append_journal(append(1, first, count))
            .await
            .unwrap();
    }
    let mut change = world.change().await;
    for sequence in [2, 1].into_iter().chain(3..=up_to) {
        let of = match sequence {
            1 | 2 => job(plan, 1),
            _ => job(
                none,
                u8::try_from(sequence / MAX_EARLY_EVENTS_OF_JOB).unwrap(),
            ),
        };
        let kept = change
            .keep_early_event(&machine(1), &of, &row(sequence))
            .await;
        assert_eq!(kept.unwrap(), sequence < up_to, "{sequence}");
    }
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert!(view.jobs_with_early_events(9).await.unwrap().is_empty());
    drop(view);
    let mut change = world.change().await;
    change.add_group(&group("monitors", 1)).await.unwrap();
    plans::plan_with_jobs(&mut change, "spring", 2).await;
    assert_eq!(
        change.view().jobs_with_early_events(9).await.unwrap(),
        [job(plan, 1)]
    );
    let found = change
        .view()
        .early_events_of([job(plan, 1), job(plan, 2)])
        .await
        .unwrap();
    assert_eq!(found, [row(1), row(2)]);
    change.end_early_events(&found).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    assert!(
        change
            .view()
            .jobs_with_early_events(9)
            .await
            .unwrap()
            .is_empty()
    );
    refused!(
        change.end_early_events(&found).await,
        StoreError::Conflict(_)
    );
}

async fn closing_writes_what_is_queued(world: World) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=50u8 {
        let store = world.store.clone();
        tasks.spawn(async move { (number, store.append_journal(append(number, 1, 1)).await) });
    }
    let first = tasks.join_next().await.unwrap().unwrap();
    world.store.close().await;
    let mut results = tasks.join_all().await;
    results.push(first);
    refused!(
        world.store.append_journal(append(60, 1, 1)).await,
        JournalError::Store(StoreError::Closed)
    );
    let again = Store::open(&world.place).await.unwrap();
    let mut view = again.view().await.unwrap();
    for (number, result) in results {
        let position = view
            .journal_position(&machine(number), &OUTBOX)
            .await
            .unwrap();
        match result {
            Ok(acknowledged) => assert_eq!(position, acknowledged),
            Err(JournalError::Store(StoreError::Closed)) => assert_eq!(position, 0),
            Err(other) => panic!("{other:?}"),
        }
    }
}
