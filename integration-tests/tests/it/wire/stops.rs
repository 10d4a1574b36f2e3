//! How a stop reaches a machine that is connected.

use super::carry::{orders, stop_all_for};
use super::driver::{until, with_played};
use super::played::{Collector, Does, answered};
use super::scene::planned;
use super::world::{World, now, nudged, say};
use patchward_agent::link::Told;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{Answer, Orders, OrdersAsked, Request, ShortDigest, Stale};
use patchward_integration_tests::fixture::Hospital;

/// The orders that each hello named; nothing where orders were asked for.
fn said(collector: &Collector) -> Vec<Option<ShortDigest>> {
    let requests = collector.requests().into_iter();
    let said = requests.filter_map(|(_, request)| match request {
        Request::Hello(hello) => Some(Some(hello.orders)),
        Request::Orders(_) => Some(None),
        _ => None,
    });
    said.collect()
}

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
    let (none, first, second) = (ShortDigest::default(), first.into(), second.into());
    let said = said(&collector);
    assert_eq!(said, [Some(none), None, Some(first), None, Some(second)]);
}

/// What is brought is taken where it adds to what the machine has, and asked for where
/// it does not.
#[tokio::test]
async fn a_stop_that_is_brought_is_taken_without_asking() {
    let (first, second, third) = (Digest([7; 32]), Digest([8; 32]), Digest([9; 32]));
    let collector = Collector::new(move |_, request| match request {
        Request::Hello(hello) if hello.orders == ShortDigest::default() => {
            answered(Stale::default().with(Stale::ORDERS), 0)
        }
        Request::Hello(_) => answered(Stale::default(), 0),
        Request::Orders(asked) => Does::Answers(Answer::Orders(Box::new(Orders {
            digest: if asked.known == second { third } else { first },
            ..Orders::default()
        }))),
        Request::Inventory(report) => Does::Answers(Answer::Accepted(report.digest)),
        other => panic!("{other:?}"),
    });
    let brings = |base, digest| {
        let stops = Orders {
            base: Some(base),
            digest,
            ..Orders::default()
        };
        collector.brings(0, stops)
    };
    let said = || said(&collector);
    let (one, two, three) = (Some(first.into()), Some(second.into()), Some(third.into()));
    with_played(&collector, async {
        // It has the first orders, and was told nothing more.
        until(|| said().contains(&None)).await;
        collector.nudge(0, Nudge::ReportNow).await;
        until(|| said().contains(&one)).await;
        // It says so at once, and once more with the next hello, which waits.
        let began = now();
        assert_eq!(brings(first, second).await, two);
        until(|| said().contains(&two)).await;
        assert!(now().since_ms(began) > 1_900);
        // It adds to what this machine never had.
        assert_eq!(brings(first, Digest([1; 32])).await, None);
        until(|| said().contains(&three)).await;
    })
    .await;
    let asked = said().iter().filter(|said| said.is_none()).count();
    assert_eq!(asked, 2, "{:?}", said());
}

/// Who holds all that it is to hold.
fn holders(world: &World) -> Vec<MachineId> {
    let holding = world.fleet.holding().into_iter();
    let holding = holding.filter(|one| one.since.is_some());
    holding.map(|one| one.machine).collect()
}

#[tokio::test]
async fn a_stop_is_brought_to_who_holds_all_else() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let (holding, behind) = (world.enrolled(1).await, world.enrolled(2).await);
    planned(&world, &hospital, &[&holding, &behind]).await;
    let (link, other) = (holding.link(&world).await, behind.link(&world).await);
    let before = orders(&link, 1).await;
    let mut hello = holding.hello();
    hello.orders = before.digest.into();
    say(&link, hello).await.unwrap();
    // It has not said that it holds what it was given.
    orders(&other, 1).await;
    say(&other, behind.hello()).await.unwrap();
    let mut base = before.digest;
    for reason in ["one", "two"] {
        stop_all_for(&world, &hospital, reason).await;
        let (brought, reply) = match link.told().await.unwrap() {
            Told::Stopped(orders, reply) => (*orders, reply),
            told => panic!("{told:?}"),
        };
        assert_eq!((brought.base, brought.stops.len()), (Some(base), 1));
        base = brought.digest;
        assert_eq!(nudged(&other).await, Nudge::Stop);
        // Until it says so it has not got it.
        assert_eq!(holders(&world), []);
        reply.holds(base).await;
        until(|| holders(&world) == [holding.id()]).await;
    }
    let mut hello = holding.hello();
    hello.orders = base.into();
    let answer = say(&link, hello).await.unwrap();
    assert!(!answer.stale.has(Stale::ORDERS));
    // They add up to the orders that come at once.
    assert_eq!(orders(&link, 1).await.digest, base);
    // Who has something else, or says nothing, is told to ask.
    stop_all_for(&world, &hospital, "a word for other orders").await;
    match link.told().await.unwrap() {
        Told::Stopped(_, reply) => assert!(reply.holds(Digest([9; 32])).await),
        told => panic!("{told:?}"),
    }
    assert_eq!(nudged(&other).await, Nudge::Stop);
    assert_eq!(nudged(&link).await, Nudge::Stop);
    assert_eq!(holders(&world), []);
    // One that is lost is made up for: the same stop is asked for.
    stop_all_for(&world, &hospital, "three").await;
    let mut hello = holding.hello();
    hello.orders = base.into();
    let answer = say(&link, hello).await.unwrap();
    assert!(answer.stale.has(Stale::ORDERS));
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
