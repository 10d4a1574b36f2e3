//! Collectors on one database whose clocks are apart: nothing that one of them wrote is taken for
//! more than it is by another.

use super::scene::{go_asked, planned};
use super::several::{Other, until};
use super::unused::{grouped, looked};
use super::world::{World, now, say};
use patchward_collector::reconcile::unused::Unused;
use patchward_collector::rollout::clocks::{Clocks, Sign, Watch};
use patchward_common::id::JobId;
use patchward_common::time::{HOUR_MS, MINUTE_MS};
use patchward_common::wire::machine::Answer;
use patchward_integration_tests::fixture::Hospital;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

/// More than a go's life, and what a hello takes.
const LONG_MS: i64 = 20 * MINUTE_MS;

/// Another collector whose clock is so far ahead.
async fn another(world: &World, ahead_ms: i64) -> Other {
    world.another_at(Arc::new(AtomicI64::new(ahead_ms))).await
}

fn refused(answer: &Answer, why: &str) {
    match answer {
        Answer::NotNow(not) => assert!(not.reason.contains(why), "{}", not.reason),
        other => panic!("{other:?}"),
    }
}

/// A machine that only a collector with a clock ahead has heard may be silent for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_heard_in_the_future_is_not_ready() {
    let world = World::shared().await;
    let other = another(&world, HOUR_MS).await;
    let hospital = Hospital::new(1, now());
    let (one, two) = (world.enrolled(1).await, world.enrolled(2).await);
    let approval = planned(&world, &hospital, &[&one, &two]).await;
    grouped(&world, &[&one, &two]).await;
    let link = one.link(&world).await;
    let partner = other.link(&two).await;
    other.fleet.flush().await.unwrap();
    partner.close().await;
    let go = link.ask(&go_asked(approval, &one, 1)).await.unwrap();
    refused(&go, "monitors");
    // It is heard here, and what the wrong clock said of it is over.
    let _partner = two.link(&world).await;
    let go = link.ask(&go_asked(approval, &one, 2)).await.unwrap();
    assert!(matches!(go, Answer::Go(_)), "{go:?}");
}

/// Two clocks as they are seen by who is right, after two signs of life.
fn seen(ahead_ms: i64) -> Clocks {
    let mut watch = Watch::default();
    let mut look = |beat: u64| {
        let sign = Sign {
            id: "other",
            host: "other",
            beat,
            at: now().plus_ms(ahead_ms),
        };
        let at_ms = beat * 2_000;
        watch.look([sign].into_iter(), (at_ms, at_ms), now())
    };
    look(1);
    look(2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_go_is_given_while_clocks_are_apart_or_not_known() {
    let world = World::shared().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let approval = planned(&world, &hospital, &[&machine]).await;
    let link = machine.link(&world).await;
    let asks = async |nonce| {
        link.ask(&go_asked(approval, &machine, nonce))
            .await
            .unwrap()
    };
    for (clocks, why) in [
        (Clocks::default(), "not known yet"),
        (seen(HOUR_MS), "s apart"),
        (seen(-HOUR_MS), "s apart"),
        (seen(40_000), "s apart"),
    ] {
        world.fleet.clocks_are(clocks);
        refused(&asks(1).await, why);
    }
    world.fleet.clocks_are(seen(1_000));
    let go = asks(1).await;
    assert!(matches!(go, Answer::Go(_)), "{go:?}");
}

/// A collector that starts knows no other's clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_have_others_begins_without_knowing_their_clocks() {
    let world = World::shared().await;
    let other = world.another().await;
    assert!(other.fleet.clocks().wrong().is_none(), "tests are alone");
    let bare = patchward_collector::store::Store::open(&world.place)
        .await
        .unwrap();
    let moved = Arc::new(AtomicI64::new(0));
    let settings = patchward_collector::fleet::FleetSettings::default();
    let fleet = super::world::serve(world.folder.path(), bare, settings, moved).await;
    assert!(fleet.clocks().wrong().is_some());
}

/// The go was given a moment ago, by a clock that is behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_go_lives_from_when_each_collector_first_sees_it() {
    let world = World::shared().await;
    let other = another(&world, -LONG_MS).await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let approval = planned(&world, &hospital, &[&machine]).await;
    let there = other.link(&machine).await;
    let go = there.ask(&go_asked(approval, &machine, 1)).await.unwrap();
    assert!(matches!(go, Answer::Go(_)), "{go:?}");
    there.close().await;
    let job = JobId::of(approval, machine.id());
    let mut unused = Unused::default();
    let here = machine.link(&world).await;
    assert_eq!(looked(&mut unused, &world, &job).await.ended_at, None);
    // Nobody knows what it said to another since, once it is not here any more.
    world.pass(LONG_MS);
    say(&here, machine.hello()).await.unwrap();
    here.close().await;
    until("it is gone", async || {
        !world.fleet.is_connected(&machine.id())
    })
    .await;
    assert_eq!(looked(&mut unused, &world, &job).await.ended_at, None);
    let _here = machine.link(&world).await;
    let ended = looked(&mut unused, &world, &job).await;
    assert!(ended.ended_at.is_some());
}

/// What another collector heard with a clock that is ahead seems to be newer than anything that
/// the machine said here: it counts for a stop all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_has_to_be_asked_for_again_counts_for_a_stop() {
    let world = World::shared().await;
    let machine = world.enrolled(1).await;
    let _link = machine.link(&world).await;
    let later = now().plus_ms(HOUR_MS);
    world.fleet.heard_elsewhere(&[(machine.id(), later)]);
    let holding = world.fleet.holding();
    assert_eq!(holding.len(), 1);
    assert_eq!((&holding[0].unit, holding[0].since), (&None, None));
}
