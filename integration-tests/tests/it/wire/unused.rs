//! A go whose answer was lost holds its group no longer than it could be used.

use super::scene::{Scene, change, go_asked, planned, started, until};
use super::world::{Machine, World, now, say};
use patchward_agent::link::Link;
use patchward_collector::reconcile::unused::{self, Unused};
use patchward_collector::rollout::go::GO_LIFE_MS;
use patchward_collector::store::go::Go;
use patchward_collector::store::journal::Append;
use patchward_collector::store::places::{Group, SwitchedOff};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, OutboxId};
use patchward_common::job::Event;
use patchward_common::time::MINUTE_MS;
use patchward_common::wire::machine::{Answer, Hello};
use patchward_integration_tests::fixture::{Hospital, name};

/// How long an agent may have waited for the answer to a hello.
const HELLO_MS: i64 = 2 * MINUTE_MS;

/// One of the machines has to stay ready.
pub(super) async fn grouped(world: &World, machines: &[&Machine]) {
    let mut change = change(world).await;
    let group = Group {
        name: name("monitors"),
        unit: name("icu"),
        minimum_ready: 1,
        switched_off: SwitchedOff::DoesNotCount,
    };
    change.add_group(&group).await.unwrap();
    for machine in machines {
        let groups = [group.name.clone()];
        change.set_groups_of(&machine.id(), &groups).await.unwrap();
    }
    change.commit().await.unwrap();
}

/// The job's go after the collector looked.
pub(super) async fn looked(unused: &mut Unused, world: &World, job: &JobId) -> Go {
    unused
        .run(&world.store, &world.fleet, world.now())
        .await
        .unwrap();
    let mut view = world.store.view().await.unwrap();
    view.goes_of(job).await.unwrap().remove(0)
}

async fn told(link: &Link, hello: Hello) {
    say(link, hello).await.unwrap();
}

#[tokio::test]
async fn a_go_that_nobody_used_lets_its_group_go_on() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let (one, two) = (world.enrolled(1).await, world.enrolled(2).await);
    let approval = planned(&world, &hospital, &[&one, &two]).await;
    grouped(&world, &[&one, &two]).await;
    let (link, partner) = (one.link(&world).await, two.link(&world).await);
    let job = JobId::of(approval, one.id());
    let go = link.ask(&go_asked(approval, &one, 1)).await.unwrap();
    assert!(matches!(go, Answer::Go(_)), "{go:?}");
    let asks = async |nonce| {
        let asked = go_asked(approval, &two, nonce);
        partner.ask(&asked).await.unwrap()
    };
    match asks(2).await {
        Answer::NotNow(not) => assert!(not.reason.contains("monitors"), "{}", not.reason),
        other => panic!("{other:?}"),
    }
    let mut unused = Unused::default();
    assert_eq!(looked(&mut unused, &world, &job).await.ended_at, None);
    // A hello within the go's life may come before the start.
    world.pass(GO_LIFE_MS + HELLO_MS - MINUTE_MS);
    told(&link, one.hello()).await;
    assert_eq!(looked(&mut unused, &world, &job).await.ended_at, None);
    // Time alone proves nothing, and neither does an agent whose installer is silent.
    world.pass(2 * MINUTE_MS);
    assert_eq!(looked(&mut unused, &world, &job).await.ended_at, None);
    let mut silent = one.hello();
    silent.watermark = Digest::default();
    told(&link, silent).await;
    assert_eq!(looked(&mut unused, &world, &job).await.ended_at, None);
    told(&link, one.hello()).await;
    told(&partner, two.hello()).await;
    let ended = looked(&mut unused, &world, &job).await;
    assert!(ended.ended_at.is_some());
    assert_eq!(ended.ended_by.as_deref(), Some(unused::ENDED_BY));
    let mut view = world.store.view().await.unwrap();
    let audit = view.audit_of(&job.to_string(), 99).await.unwrap();
    drop(view);
    let ends = audit.iter().filter(|row| row.action == "go.end");
    assert_eq!(ends.count(), 1);
    let go = asks(3).await;
    assert!(matches!(go, Answer::Go(_)), "{go:?}");
}

#[tokio::test]
async fn a_start_that_is_not_known_yet_keeps_its_go() {
    let mut scene = Scene::planned().await;
    let asked = go_asked(scene.approval, &scene.machine, 1);
    let go = scene.ask(&asked).await;
    assert!(matches!(go, Answer::Go(_)), "{go:?}");
    scene.journal.push(Event::Prepared);
    scene.journal.push(started());
    let (world, job) = (&scene.world, scene.job);
    let mut unused = Unused::default();
    assert_eq!(looked(&mut unused, world, &job).await.ended_at, None);
    world.pass(GO_LIFE_MS + HELLO_MS + MINUTE_MS);
    // On the machine's disk only.
    let mut hello = scene.machine.hello();
    hello.journal = 2;
    told(&scene.link, hello.clone()).await;
    assert_eq!(looked(&mut unused, world, &job).await.ended_at, None);
    // Stored, and nobody woke the task that turns it into a state.
    let append = Append {
        machine: scene.machine.id(),
        outbox: OutboxId([4; 16]),
        first: 1,
        events: scene.journal.events.iter().map(|e| e.to_vec()).collect(),
        received_at: world.now(),
    };
    assert_eq!(world.store.append_journal(append).await.unwrap(), 2);
    assert_eq!(looked(&mut unused, world, &job).await.ended_at, None);
    // Turned into a state: the job is at work.
    scene.ask(&scene.journal.report(1, 2)).await;
    until(world, &job, "installing").await;
    told(&scene.link, hello).await;
    assert_eq!(looked(&mut unused, world, &job).await.ended_at, None);
}
