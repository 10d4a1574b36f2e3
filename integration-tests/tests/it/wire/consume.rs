//! What machines report becomes states of jobs, and a machine that lies harms nobody.

use super::scene::{
    Drawn, Journal, Scene, consumed, go_asked, measured, planned, planned_as, start, started, until,
};
use super::world::{World, now};
use patchward_collector::store::Actor;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Nonce};
use patchward_common::job::{Event, NotStarted, Outside, Reason, State};
use patchward_common::wire::machine::Answer;
use patchward_integration_tests::fixture::{Hospital, label, name};

#[tokio::test]
async fn a_job_that_draws_back_ends_its_go() {
    let mut scene = Scene::installing().await;
    let (world, job) = (&scene.world, scene.job);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.outstanding_goes().await.unwrap().len(), 1);
    drop(view);
    let reason = Reason::new("somebody sat down");
    scene.journal.push(Event::Withdrawn(reason));
    scene.ask(&scene.journal.report(3, 3)).await;
    until(world, &job, "deferred").await;
    let mut view = world.store.view().await.unwrap();
    assert!(view.outstanding_goes().await.unwrap().is_empty());
    let goes = view.goes_of(&job).await.unwrap();
    assert_eq!(goes[0].ended_by.as_deref(), Some("withdrawn"));
}

/// The goes of a job that count, after everything that it reported was read.
async fn outstanding(scene: &Scene) -> usize {
    consumed(&scene.world).await;
    let mut view = scene.world.store.view().await.unwrap();
    view.outstanding_goes().await.unwrap().len()
}

fn refused(nonce: Option<u8>) -> Event {
    Event::Refused(NotStarted {
        reason: Reason::new("in use"),
        nonce: nonce.map(|nonce| Nonce([nonce; Nonce::LEN])),
    })
}

#[tokio::test]
async fn a_report_ends_the_go_that_it_names_and_no_newer_one() {
    let mut scene = Scene::planned().await;
    let asked = go_asked(scene.approval, &scene.machine, 2);
    let Answer::Go(go) = scene.ask(&asked).await else {
        panic!("no go");
    };
    let old = Digest::default();
    // Kept back by an agent until there is a go that it could hide: all that ever ended a go.
    let late = [
        refused(None),
        refused(Some(1)),
        Event::WouldHaveStarted(start(old)),
        started(),
        Event::Withdrawn(Reason::new("somebody sat down")),
    ];
    for event in late {
        scene.journal.push(event);
        let at = scene.journal.events.len();
        scene.ask(&scene.journal.report(at, at)).await;
        assert_eq!(outstanding(&scene).await, 1, "event {at}");
    }
    scene.journal.push(refused(Some(2)));
    scene.ask(&scene.journal.report(6, 6)).await;
    assert_eq!(outstanding(&scene).await, 0);

    let asked = go_asked(scene.approval, &scene.machine, 3);
    let Answer::Go(newer) = scene.ask(&asked).await else {
        panic!("no second go");
    };
    assert_ne!(newer.digest(), go.digest());
    let rehearsed = Event::WouldHaveStarted(start(newer.digest()));
    scene.journal.push(rehearsed);
    scene.ask(&scene.journal.report(7, 7)).await;
    assert_eq!(outstanding(&scene).await, 0);
}

/// Lets a job's machine count as up, as `job free` does.
async fn free(world: &World, job: &JobId) {
    let store = &world.store;
    let mut change = store.change(Actor::Local(0), now()).await.unwrap();
    let read = change.view().job(job).await.unwrap().unwrap();
    let seen = Outside::Freed(Reason::new("seen at the bed"));
    let state = read.state.after_outside(seen).unwrap();
    change.move_job(&read, &state, read.slot, 1).await.unwrap();
    change.commit().await.unwrap();
}

#[tokio::test]
async fn what_a_freed_machine_still_reports_counts() {
    let mut scene = Scene::installing().await;
    let job = scene.job;
    free(&scene.world, &job).await;
    // It works on: down again.
    scene
        .journal
        .push(Event::RebootPending(Reason::new("in use")));
    scene.ask(&scene.journal.report(3, 3)).await;
    until(&scene.world, &job, "reboot_pending").await;
    free(&scene.world, &job).await;
    scene.journal.push(measured());
    scene.ask(&scene.journal.report(4, 4)).await;
    until(&scene.world, &job, "verified").await;
    let mut view = scene.world.store.view().await.unwrap();
    let read = view.job(&job).await.unwrap().unwrap();
    assert_eq!((read.state, read.attempt), (State::Verified, 1));
}

/// A collector that was restored lacks plans that it gave out.
#[tokio::test]
async fn what_is_reported_before_the_plan_is_here_counts_afterwards() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let (silent, speaking) = (world.enrolled(1).await, world.enrolled(2).await);
    let drawn = Drawn::of(&hospital, &[&silent, &speaking], "Lost");
    let mut later = None;
    for machine in [&silent, &speaking] {
        let mut journal = Journal::new(machine, drawn.digest());
        journal.push(started());
        let link = machine.link(&world).await;
        link.ask(&journal.report(1, 1)).await.unwrap();
        journal.push(measured());
        later = Some((link, journal));
    }
    consumed(&world).await;
    drawn.give_to(&world, &hospital).await;
    // What it says next follows what it said first.
    let (link, journal) = later.unwrap();
    link.ask(&journal.report(2, 2)).await.unwrap();
    let job = |machine| JobId::of(drawn.digest(), machine);
    until(&world, &job(speaking.id()), "verified").await;
    // And one that says nothing more has begun.
    until(&world, &job(silent.id()), "installing").await;
    let mut view = world.store.view().await.unwrap();
    assert!(view.jobs_with_early_events(9).await.unwrap().is_empty());
    for machine in [&silent, &speaking] {
        assert!(!view.evidence(&job(machine.id())).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_machine_at_work_gets_no_second_go() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let first = planned(&world, &hospital, &[&machine]).await;
    let second = planned_as(&world, &hospital, &[&machine], "Another").await;
    let link = machine.link(&world).await;
    let mut journal = Journal::new(&machine, first);
    journal.push(started());
    link.ask(&journal.report(1, 1)).await.unwrap();
    until(&world, &JobId::of(first, machine.id()), "installing").await;
    let asked = go_asked(second, &machine, 7);
    match link.ask(&asked).await.unwrap() {
        Answer::NotNow(not) => assert!(not.reason.contains("under way"), "{}", not.reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_machine_that_claims_two_starts_stops_nobody() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let (liar, honest) = (world.enrolled(1).await, world.enrolled(2).await);
    let first = planned(&world, &hospital, &[&liar, &honest]).await;
    let second = planned_as(&world, &hospital, &[&liar, &honest], "Another").await;
    let link = liar.link(&world).await;
    let mut journal = Journal::new(&liar, first);
    journal.push(started());
    journal.job = JobId::of(second, liar.id());
    journal.approval = second;
    journal.push(started());
    link.ask(&journal.report(1, 2)).await.unwrap();
    until(&world, &JobId::of(first, liar.id()), "installing").await;
    // Whoever comes after it is still heard, and so is the liar.
    let link_2 = honest.link(&world).await;
    let mut journal_2 = Journal::new(&honest, first);
    journal_2.push(started());
    journal_2.push(measured());
    link_2.ask(&journal_2.report(1, 2)).await.unwrap();
    until(&world, &JobId::of(first, honest.id()), "verified").await;
    consumed(&world).await;
    let mut view = world.store.view().await.unwrap();
    let job = view.job(&JobId::of(second, liar.id())).await.unwrap();
    assert_eq!(job.unwrap().state.word(), "assigned");
    let audit = view.audit_before(i64::MAX as u64, 1_000).await.unwrap();
    let noted = audit
        .iter()
        .filter(|row| row.action == "job.event_unexpected" && row.detail.contains("another job"));
    assert_eq!(noted.count(), 1);
}

#[tokio::test]
async fn a_window_that_is_gone_stops_signed_work_at_once() {
    let scene = Scene::planned().await;
    let asked = async |nonce| {
        let asked = go_asked(scene.approval, &scene.machine, nonce);
        scene.ask(&asked).await
    };
    let told = || {
        let refusals = scene.world.fleet.refusals();
        refusals.get(&scene.job).map(|one| one.not.to_string())
    };
    assert!(matches!(asked(1).await, Answer::Go(_)));
    assert_eq!(told(), None);
    let store = &scene.world.store;
    let mut change = store.change(Actor::Local(0), now()).await.unwrap();
    change
        .remove_window(&name("icu"), &label("moved"))
        .await
        .unwrap();
    change.commit().await.unwrap();
    // With the nonce that was answered before, and with a new one.
    for nonce in [1, 2] {
        match asked(nonce).await {
            Answer::NotNow(not) => assert!(not.reason.contains("window"), "{}", not.reason),
            other => panic!("{other:?}"),
        }
        // Whoever asks whose move it is hears the same.
        assert!(told().is_some_and(|why| why.contains("window")));
    }
}
