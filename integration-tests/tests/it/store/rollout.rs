//! How waves go, releases that are halted on a model, and who is called.

use super::*;
use patchward_collector::item::oncall::Level;
use patchward_collector::reconcile::limit;
use patchward_collector::rollout::model;
use patchward_collector::rollout::wave::{Before, SHARE_PERCENT};
use patchward_collector::store::StoreError;
use patchward_collector::store::documents::{DocumentKind, NewDocument};
use patchward_collector::store::oncall::{Heard, OnCall};
use patchward_collector::store::plans::{Leaf, NewPlan};
use patchward_collector::store::prospects::Unfit;
use patchward_collector::store::rollout::PlanPolicy;
use patchward_collector::store::stops::{EVERY_WAVE, HaltScope};
use patchward_collector::store::windows::Area;
use patchward_common::job::{Reason, State};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::stop::{Scope, Stop};
use std::collections::BTreeSet;

on_both_engines!(
    policies,
    waves_by_their_outcomes,
    who_rehearses_has_no_outcome,
    a_wave_soaks_from_its_outcomes,
    a_release_that_went_wrong_twice_is_halted_on_its_model,
    who_is_called_and_who_has_heard,
    what_newer_plans_carry,
);

fn wrong() -> State {
    State::RolledBack(Reason::new("its check failed"))
}

/// Moves a machine's job, so long after [`NOW`].
async fn moved(world: &World, plan: Digest, number: u8, state: &State, after_ms: i64) {
    let mut change = world.change_at(NOW.plus_ms(after_ms)).await;
    let read = change.view().job(&job(plan, number)).await.unwrap();
    let read = read.unwrap();
    change.move_job(&read, state, None, 1).await.unwrap();
    change.commit().await.unwrap();
}

async fn policies(world: World) {
    let mut change = world.change().await;
    let id = plans::plan(&mut change, "spring", 1).await;
    let policy = |share_percent| PlanPolicy {
        soak_ms: 5,
        share_percent,
        asked: Some("{}".into()),
    };
    for share in [80, 70] {
        change.keep_plan_policy(&id, &policy(share)).await.unwrap();
    }
    let kept = change.view().plan_policy(&id).await.unwrap();
    assert_eq!(kept, Some(policy(80)), "the first stands");
    assert_eq!(change.view().plan_policy(&digest(9)).await.unwrap(), None);
    change.remove_draft(&id).await.unwrap();
    assert_eq!(change.view().plan_policy(&id).await.unwrap(), None);
}

async fn waves_by_their_outcomes(world: World) {
    // Waves 0: machine 1; 1: machines 2 and 3; 2: machine 4.
    let world = world.with_machines(4).await;
    let mut change = world.change().await;
    let plan = plans::plan_with_jobs(&mut change, "spring", 4).await;
    change.commit().await.unwrap();
    let before = async |wave| {
        let mut view = world.store.view().await.unwrap();
        view.wave_before(&plan, wave).await.unwrap()
    };
    let counts = |size, verified, wrong, wrong_since_opened| {
        Some(Before {
            size,
            verified,
            wrong,
            wrong_since_opened,
            share_percent: SHARE_PERCENT,
            enough_at: None,
            soak_ms: 0,
        })
    };
    assert_eq!(before(0).await, None);
    assert_eq!(before(2).await, counts(2, 0, 0, None));
    moved(&world, plan, 2, &State::Verified, 10).await;
    moved(&world, plan, 3, &wrong(), 20).await;
    moved(&world, plan, 1, &State::Installing, 20).await;
    assert_eq!(before(1).await, counts(1, 0, 0, None));
    assert_eq!(before(2).await, counts(2, 1, 1, None));
    let mut change = world.change_at(NOW.plus_ms(30)).await;
    let why = label("a known cable");
    change.open_wave(&plan, 2, &why).await.unwrap();
    let opened = change.view().wave_openings(&plan).await.unwrap();
    assert_eq!((opened.len(), opened[0].wave), (1, 2));
    assert_eq!(opened[0].opened_by, "person:iris");
    change.commit().await.unwrap();
    assert_eq!(before(2).await, counts(2, 1, 1, Some(0)));
    moved(&world, plan, 1, &wrong(), 29).await;
    assert_eq!(before(2).await, counts(2, 1, 1, Some(1)), "an earlier wave");
    let mut change = world.change_at(NOW.plus_ms(50)).await;
    change.open_wave(&plan, 2, &why).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(before(2).await, counts(2, 1, 1, Some(0)), "opened again");
    let mut view = world.store.view().await.unwrap();
    let never = view.wrong_since_opened(&plan, 1).await.unwrap();
    assert_eq!(never, None, "nobody opened that one");
    drop(view);
    moved(&world, plan, 2, &State::InService, 60).await;
    let waves = world
        .store
        .view()
        .await
        .unwrap()
        .waves(&plan)
        .await
        .unwrap();
    let found: Vec<_> = waves
        .iter()
        .map(|w| (w.wave, w.size, w.verified, w.wrong, w.waiting, w.open))
        .collect();
    let expected = [(0, 1, 0, 1, 0, 0), (1, 2, 1, 1, 0, 0), (2, 1, 0, 0, 1, 0)];
    assert_eq!(found, expected);
    let times: Vec<_> = waves.iter().map(|w| (w.ended_at, w.wrong_at)).collect();
    let at = |ms| Some(NOW.plus_ms(ms));
    // The return to service ends nothing.
    assert_eq!(times, [(at(29), at(29)), (at(20), at(20)), (None, None)]);
    moved(&world, plan, 4, &State::RebootPending, 70).await;
    let mut view = world.store.view().await.unwrap();
    let last = view.waves(&plan).await.unwrap()[2];
    assert_eq!((last.waiting, last.open), (1, 0), "it asks for its restart");
}

/// The soak counts from the measurement that made it enough, not from the return to service.
async fn a_wave_soaks_from_its_outcomes(world: World) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    let plan = plans::plan_with_jobs(&mut change, "spring", 3).await;
    let policy = PlanPolicy {
        soak_ms: 100,
        share_percent: 50,
        asked: None,
    };
    change.keep_plan_policy(&plan, &policy).await.unwrap();
    change.commit().await.unwrap();
    let enough = async || {
        let mut view = world.store.view().await.unwrap();
        let before = view.wave_before(&plan, 2).await.unwrap().unwrap();
        let counts = view.waves(&plan).await.unwrap()[1];
        let counted = counts.before(None, 50);
        let counted = view.with_soak(&plan, 1, counted, 100).await.unwrap();
        assert_eq!(counted, before, "both ways to count say the same");
        before.enough_at.map(|at| at.since_ms(NOW))
    };
    // Wave 1: machines 2 and 3.
    moved(&world, plan, 2, &State::Verified, 10).await;
    assert_eq!(enough().await, None, "one of two");
    moved(&world, plan, 3, &wrong(), 20).await;
    assert_eq!(enough().await, Some(10), "half of both is enough");
    moved(&world, plan, 3, &State::Verified, 30).await;
    assert_eq!(
        enough().await,
        Some(30),
        "of two that are verified both are asked for"
    );
    let mut change = world.change_at(NOW.plus_ms(40)).await;
    change
        .add_evidence(&job(plan, 3), b"measured")
        .await
        .unwrap();
    change.commit().await.unwrap();
    moved(&world, plan, 3, &State::InService, 50).await;
    assert_eq!(enough().await, Some(40));
}

/// Nothing comes out of a machine that rehearses: it is not waited for.
async fn who_rehearses_has_no_outcome(world: World) {
    let world = world.with_machines(4).await;
    let mut change = world.change().await;
    let plan = plans::plan_with_jobs(&mut change, "spring", 4).await;
    for number in [2, 4] {
        let row = change.view().machine(&machine(number)).await.unwrap();
        let row = row.unwrap();
        change
            .place_machine(&row.id, &row.unit, row.class, &row.model, Mode::Rehearse)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let sizes = async || {
        let mut view = world.store.view().await.unwrap();
        let before = view.wave_before(&plan, 2).await.unwrap().unwrap();
        let waves = view.waves(&plan).await.unwrap();
        let waves = waves.iter().map(|w| (w.size, w.rehearsing, w.waiting));
        assert_eq!(
            view.waves(&plan).await.unwrap()[1].before(None, SHARE_PERCENT),
            before,
            "both ways to count say the same"
        );
        (before.size, waves.collect::<Vec<_>>())
    };
    assert_eq!(sizes().await, (1, vec![(1, 0, 1), (2, 1, 1), (1, 1, 0)]));
    moved(&world, plan, 2, &State::Missed, 10).await;
    assert_eq!(sizes().await, (1, vec![(1, 0, 1), (2, 1, 1), (1, 1, 0)]));
    // What it did before it was told to rehearse is an outcome.
    moved(&world, plan, 2, &State::Verified, 20).await;
    assert_eq!(sizes().await, (2, vec![(1, 0, 1), (2, 0, 1), (1, 1, 0)]));
}

async fn a_release_that_went_wrong_twice_is_halted_on_its_model(world: World) {
    let world = world.with_machines(4).await;
    let mut change = world.change().await;
    let spring = plans::plan_with_jobs(&mut change, "spring", 4).await;
    let autumn = plans::plan_with_jobs(&mut change, "autumn", 4).await;
    change.commit().await.unwrap();
    let subject = model::subject(&plans::RELEASE, "station-4");
    let halts = async |after_ms| {
        let at = NOW.plus_ms(after_ms);
        limit::run(&world.store, at).await.unwrap();
        let mut view = world.store.view().await.unwrap();
        let halts = view.halts_of(HaltScope::ReleaseOnModel, &subject).await;
        let halts = halts.unwrap();
        halts.iter().filter(|h| h.resumed_at.is_none()).count()
    };
    moved(&world, spring, 1, &wrong(), 10).await;
    moved(&world, autumn, 1, &wrong(), 20).await;
    assert_eq!(halts(21).await, 0, "one machine, twice");
    moved(&world, autumn, 2, &wrong(), 30).await;
    let found = world.store.view().await.unwrap().wrong_on_models().await;
    let found: Vec<_> = found.unwrap().iter().map(|w| w.machines).collect();
    assert_eq!(found, [2]);
    assert_eq!(halts(31).await, 1, "two machines, in two plans");
    assert_eq!(halts(32).await, 1, "not twice");
    let mut change = world.change_at(NOW.plus_ms(40)).await;
    change
        .resume(HaltScope::ReleaseOnModel, &subject, EVERY_WAVE, "judged")
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(halts(41).await, 0);
    // Its report was read before HTM judged, and is stored after: it is not judged.
    moved(&world, spring, 3, &wrong(), 39).await;
    assert_eq!(halts(51).await, 0, "counted anew");
    let failed = State::Failed(Reason::new("no space"));
    moved(&world, autumn, 4, &failed, 60).await;
    assert_eq!(halts(61).await, 1);
}

async fn who_is_called_and_who_has_heard(world: World) {
    let world = world.with_machines(1).await;
    let on_call = |area, subject: &str, level, who: &str| OnCall {
        area,
        subject: subject.into(),
        level: Level {
            level,
            who: label(who),
            contact: label("4711"),
            after_minutes: 15,
        },
    };
    let mut change = world.change().await;
    for (area, subject, level, who) in [
        (Area::All, "", 2, "Ben"),
        (Area::All, "", 1, "Eve"),
        (Area::All, "", 1, "Ann"),
        (Area::Unit, "icu", 1, "Iris"),
    ] {
        let set = on_call(area, subject, level, who);
        change.set_on_call(&set).await.unwrap();
    }
    change.commit().await.unwrap();
    let mut change = world.change().await;
    let nowhere = on_call(Area::Unit, "nowhere", 1, "Ann");
    refused!(
        change.set_on_call(&nowhere).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let expected = [
        on_call(Area::All, "", 1, "Ann"),
        on_call(Area::All, "", 2, "Ben"),
        on_call(Area::Unit, "icu", 1, "Iris"),
    ];
    let mut change = world.change().await;
    assert_eq!(change.view().on_call().await.unwrap(), expected);
    change.remove_on_call(Area::All, "", 2).await.unwrap();
    assert_eq!(change.view().on_call().await.unwrap().len(), 2);
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.remove_on_call(Area::All, "", 2).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    for (since, at) in [(1, 10), (1, 20), (2, 30)] {
        let mut change = world.change_at(NOW.plus_ms(at)).await;
        change.hear("failed:x", UtcMs(since)).await.unwrap();
        change.commit().await.unwrap();
        let heard = world.store.view().await.unwrap().heard().await.unwrap();
        let first = Heard {
            since: UtcMs(since),
            by: "person:iris".into(),
            at: NOW.plus_ms(if since == 1 { 10 } else { 30 }),
        };
        assert_eq!(heard.get("failed:x"), Some(&first));
    }
}

async fn what_newer_plans_carry(world: World) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    let old = plans::plan_with_jobs(&mut change, "spring", 3).await;
    change.commit().await.unwrap();
    let carried = async || {
        let mut view = world.store.view().await.unwrap();
        view.carried_by_newer(&old, NOW.plus_ms(9)).await.unwrap()
    };
    assert!(carried().await.is_empty());
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    let new = plans::plan(&mut change, "autumn", 1).await;
    let unfit = Unfit {
        machine: machine(2),
        reason: "no window".into(),
        owner: "htm".into(),
    };
    change.add_unfit(&new, &[unfit]).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(carried().await, BTreeSet::from([machine(1), machine(2)]));
    let mut view = world.store.view().await.unwrap();
    let of_newest = view.carried_by_newer(&new, NOW).await.unwrap();
    assert!(of_newest.is_empty(), "older plans carry nothing for it");
    let late = view.carried_by_newer(&old, NOW.plus_ms(5_000)).await;
    assert!(late.unwrap().is_empty(), "a draft that has expired");
    assert!(!view.is_stopped(&new, NOW).await.unwrap());
    drop(view);
    // A plan of another product is no help.
    let mut change = world.change_at(NOW.plus_ms(2)).await;
    let other = NewPlan {
        title: &label("other"),
        payload: b"other",
        expires_at: NOW.plus_ms(1_000),
        groups: &[],
        releases: &[digest(77)],
        leaves: &[Leaf {
            machine: machine(3),
            wave: 0,
            bytes: vec![1],
        }],
    };
    change.add_plan(&other).await.unwrap();
    let stop = Stop {
        scope: Scope::Plan(new),
        reason: label("smoke"),
        issued: NOW,
    };
    let document = NewDocument {
        kind: DocumentKind::Stop,
        number: None,
        scope: Some(&stop.scope),
        subject: None,
        expires_at: None,
        payload: b"stop",
    };
    change.commit().await.unwrap();
    assert_eq!(carried().await, BTreeSet::from([machine(1), machine(2)]));
    let mut change = world.change_at(NOW.plus_ms(3)).await;
    change
        .add_document(&document, &[documents::signature(1)])
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert!(carried().await.is_empty(), "what is stopped carries nobody");
    let mut view = world.store.view().await.unwrap();
    assert!(view.is_stopped(&new, NOW.plus_ms(9)).await.unwrap());
    assert!(!view.is_stopped(&old, NOW.plus_ms(9)).await.unwrap());
}
