//! How a stop reaches a machine that is connected.

use super::carry::{orders, stop_all_for};
use super::driver::{until, with_played};
use super::played::{Collector, Does, answered};
use super::scene::planned;
use super::world::{World, now, say};
use patchward_common::digest::Digest;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{Answer, Orders, OrdersAsked, Request, ShortDigest, Stale};
use patchward_integration_tests::fixture::Hospital;

/// A stop waits for no hello: orders are asked for at once, and the hello that follows
/// says that they are here. What only adds to them is taken too.
#[tokio::test]
async fn a_stop_is_fetched_before_the_next_hello() {
    let (first, second) = (Digest([7; 32]), Digest([8; 32]));
    let collector = Collector::new(move |_, request| match request {
        // No hello says that there is anything new.
        Request::Hello(_) => answered(Stale::default(), 0),
        Request::Orders(asked) => {
            let is_first = asked.known == Digest::default();
            Does::Answers(Answer::Orders(Box::new(Orders {
                base: (!is_first).then_some(asked.known),
                digest: if is_first { first } else { second },
                ..Orders::default()
            })))
        }
        Request::Inventory(report) => Does::Answers(Answer::Accepted(report.digest)),
        other => panic!("{other:?}"),
    });
    with_played(&collector, async {
        until(|| collector.hellos() == 1).await;
        collector.nudge(0, Nudge::Stop).await;
        until(|| collector.hellos() == 2).await;
        collector.nudge(0, Nudge::Stop).await;
        until(|| collector.hellos() == 3).await;
    })
    .await;
    let said = |request| match request {
        Request::Hello(hello) => Some(Some(hello.orders)),
        Request::Orders(_) => Some(None),
        _ => None,
    };
    let requests = collector.requests().into_iter();
    let said: Vec<_> = requests.filter_map(|(_, request)| said(request)).collect();
    let (none, first, second) = (ShortDigest::default(), first.into(), second.into());
    assert_eq!(said, [Some(none), None, Some(first), None, Some(second)]);
}

/// A fleet that is told to stop is not given all else once more.
#[tokio::test]
async fn who_lacks_nothing_but_a_stop_gets_it_alone() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    planned(&world, &hospital, &[&machine]).await;
    let link = machine.link(&world).await;
    let ask = async |known| {
        let asked = OrdersAsked { charter: 1, known };
        match link.ask(&Request::Orders(asked)).await.unwrap() {
            Answer::Orders(orders) => *orders,
            other => panic!("{other:?}"),
        }
    };
    let before = orders(&link, 1).await;
    assert_eq!(before.approvals.len(), 1);
    let mut known = before.digest;
    for reason in ["one", "two"] {
        stop_all_for(&world, &hospital, reason).await;
        let added = ask(known).await;
        assert_eq!(added.stops.len(), 1);
        let alone = Orders {
            stops: added.stops.clone(),
            base: Some(known),
            digest: added.digest,
            ..Orders::default()
        };
        assert_eq!(added, alone);
        let mut hello = machine.hello();
        hello.orders = added.digest.into();
        let answer = say(&link, hello).await.unwrap();
        assert!(!answer.stale.has(Stale::ORDERS));
        known = added.digest;
    }
    // They add up to the orders that come at once, and who names none gets these.
    let all = orders(&link, 1).await;
    assert_eq!((all.digest, all.base, all.stops.len()), (known, None, 2));
    assert_eq!(all.approvals, before.approvals);
    // So does who names others than it was given last, and who lacks something else too.
    stop_all_for(&world, &hospital, "three").await;
    let whole = ask(before.digest).await;
    assert_eq!((whole.base, whole.stops.len()), (None, 3));
    stop_all_for(&world, &hospital, "four").await;
    world.fleet.nudge_all(Nudge::OrdersChanged);
    let whole = ask(whole.digest).await;
    assert_eq!((whole.base, whole.stops.len()), (None, 4));
}
