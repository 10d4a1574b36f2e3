//! What reconcilers do, on both engines.

use super::*;
use crate::active_plan;
use patchward_collector::reconcile::{ending, limit, sets};
use patchward_collector::store::StoreError;
use patchward_collector::store::go::{GoAsk, GoOutcome};
use patchward_collector::store::plans::{NewPlan, PlanState};
use patchward_collector::store::stops::{EVERY_WAVE, HaltScope};
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::id::Nonce;
use patchward_common::job::{Event, Outside, Reason, State};
use patchward_common::time::DAY_MS;
use patchward_common::trust::approval::PlanLeaf;
use patchward_integration_tests::fixture::{Hospital, interval};

on_both_engines!(
    a_job_with_an_outstanding_go_is_not_missed,
    a_plan_waits_for_a_go_that_is_out,
    a_freed_job_ends_its_plan_until_its_machine_works_on,
    the_failure_limit_halts_until_a_person_resumes,
    sets_that_no_machine_has_are_dropped,
);

/// An active plan over machines 1 to `count` whose slots end in an hour.
async fn active(world: &World, count: u8, failure_limit: u32) -> Digest {
    let hospital = Hospital::new(1, NOW);
    let leaf = |number| PlanLeaf {
        machine: machine(number),
        unit: name("icu"),
        class: Class::Critical,
        groups: vec![],
        wave: 0,
        slots: vec![interval(NOW, NOW.plus_ms(3_600_000))],
    };
    let leaves: Vec<PlanLeaf> = (1..=count).map(leaf).collect();
    let mut approval = hospital.approval(vec![hospital.release("2", 2, b"x")]);
    approval.failure_limit = failure_limit;
    let placed = hospital.approve(&approval, &leaves, &[&hospital.alice]);
    let rows = active_plan::rows(&leaves);
    let mut change = world.change().await;
    let id = change
        .add_plan(&NewPlan {
            title: &label("Update"),
            payload: placed[0].signed.payload(),
            expires_at: NOW.plus_ms(3_600_000),
            groups: &[],
            releases: &[],
            leaves: &rows,
        })
        .await
        .unwrap();
    active_plan::activate(&mut change, &id, &rows).await;
    change.commit().await.unwrap();
    id
}

async fn word(world: &World, plan: Digest, number: u8) -> &'static str {
    let mut view = world.store.view().await.unwrap();
    let job = view.job(&job(plan, number)).await.unwrap();
    job.unwrap().state.word()
}

async fn a_job_with_an_outstanding_go_is_not_missed(world: World) {
    let world = world.with_machines(2).await;
    let plan = active(&world, 2, 1).await;
    let asked = GoAsk {
        machine: machine(1),
        job: job(plan, 1),
        nonce: Nonce([1; 32]),
        longest_run_ms: 60_000,
    };
    let issued = world
        .store
        .decide_go(&asked, NOW, |_| Ok::<_, ()>(vec![1]))
        .await;
    assert!(matches!(issued, Ok(GoOutcome::Issued(_))));
    let late = NOW.plus_ms(DAY_MS);
    ending::run(&world.store, late).await.unwrap();
    assert_eq!(word(&world, plan, 1).await, "assigned");
    assert_eq!(word(&world, plan, 2).await, "missed");
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.outstanding_goes().await.unwrap().len(), 1);
    let state = view.plan(&plan).await.unwrap().unwrap().state;
    assert_eq!(state, PlanState::Active, "it is looked at again");
    drop(view);
    // A person says that it is up: now nothing more can come of it.
    let mut change = world.change().await;
    change.lock_groups_of(&machine(1)).await.unwrap();
    assert!(
        change
            .end_go(&job(plan, 1), "seen at the bed")
            .await
            .unwrap()
    );
    change.commit().await.unwrap();
    ending::run(&world.store, late).await.unwrap();
    assert_eq!(word(&world, plan, 1).await, "missed");
    let mut view = world.store.view().await.unwrap();
    let state = view.plan(&plan).await.unwrap().unwrap().state;
    assert_eq!(state, PlanState::Done);
    drop(view);
    // Its report comes at last: it had started and drawn back. No plan is at work any more.
    let drawn_back = State::Deferred(Reason::new("in use"));
    for state in [State::Installing, drawn_back] {
        let mut change = world.change_at(late).await;
        let read = change.view().job(&job(plan, 1)).await.unwrap().unwrap();
        change.move_job(&read, &state, None, 1).await.unwrap();
        change.commit().await.unwrap();
    }
    ending::run(&world.store, late).await.unwrap();
    assert_eq!(word(&world, plan, 1).await, "missed");
    let mut view = world.store.view().await.unwrap();
    let state = view.plan(&plan).await.unwrap().unwrap().state;
    assert_eq!(state, PlanState::Done);
}

async fn a_plan_waits_for_a_go_that_is_out(world: World) {
    let world = world.with_machines(1).await;
    let plan = active(&world, 1, 1).await;
    let asked = GoAsk {
        machine: machine(1),
        job: job(plan, 1),
        nonce: Nonce([1; 32]),
        longest_run_ms: 60_000,
    };
    let store = &world.store;
    let issued = store.decide_go(&asked, NOW, |_| Ok::<_, ()>(vec![1]));
    issued.await.unwrap();
    let mut change = world.change().await;
    let read = change.view().job(&asked.job).await.unwrap().unwrap();
    let closed = Outside::Closed(Reason::new("not tonight"));
    let state = read.state.after_outside(closed).unwrap();
    change.move_job(&read, &state, None, 0).await.unwrap();
    change.commit().await.unwrap();
    let state = async || {
        ending::run(store, NOW.plus_ms(1)).await.unwrap();
        let mut view = store.view().await.unwrap();
        view.plan(&plan).await.unwrap().unwrap().state
    };
    assert_eq!(state().await, PlanState::Active, "it may have started");
    let mut change = world.change().await;
    change.end_go(&asked.job, "refused").await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(state().await, PlanState::Done);
}

async fn a_freed_job_ends_its_plan_until_its_machine_works_on(world: World) {
    let world = world.with_machines(1).await;
    let plan = active(&world, 1, 2).await;
    let id = job(plan, 1);
    let moved = async |next: &dyn Fn(&State) -> State| {
        let mut change = world.change().await;
        let read = change.view().job(&id).await.unwrap().unwrap();
        change
            .move_job(&read, &next(&read.state), None, 1)
            .await
            .unwrap();
        change.commit().await.unwrap();
    };
    let looked = async |after_ms| {
        let at = NOW.plus_ms(after_ms);
        ending::run(&world.store, at).await.unwrap();
        let mut view = world.store.view().await.unwrap();
        let again = view.plans_at_work_again().await.unwrap().len();
        let state = view.plan(&plan).await.unwrap().unwrap().state;
        (state, again, view.failures(&plan).await.unwrap())
    };
    moved(&|_| State::Installing).await;
    assert_eq!(looked(1).await, (PlanState::Active, 0, 0));
    let seen = || Outside::Freed(Reason::new("seen at the bed"));
    moved(&|state| state.after_outside(seen()).unwrap()).await;
    // Nobody measured it: a failure, until its machine says otherwise.
    assert_eq!(looked(2).await, (PlanState::Done, 0, 1));
    moved(&|state| {
        let waits = Event::RebootPending(Reason::new("in use"));
        state.after(&waits).unwrap()
    })
    .await;
    // Its restart needs a go, and a plan that is done gives none.
    assert_eq!(looked(3).await, (PlanState::Active, 0, 0));
    moved(&|state| state.after_outside(seen()).unwrap()).await;
    assert_eq!(looked(4).await.0, PlanState::Done);
    moved(&|_| State::Measuring).await;
    let late = looked(DAY_MS).await;
    assert_eq!(late, (PlanState::Done, 1, 0), "no slot is left for a go");
}

/// Rolls a machine's job back, so long after [`NOW`].
async fn roll_back(world: &World, plan: Digest, number: u8, after_ms: i64) {
    let mut change = world.change_at(NOW.plus_ms(after_ms)).await;
    let read = change.view().job(&job(plan, number)).await.unwrap();
    let state = State::RolledBack(Reason::new("its check failed"));
    change
        .move_job(&read.unwrap(), &state, None, 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

async fn the_failure_limit_halts_until_a_person_resumes(world: World) {
    let world = world.with_machines(4).await;
    let plan = active(&world, 4, 2).await;
    let subject = plan.to_string();
    let halts = async |after_ms| {
        limit::run(&world.store, NOW.plus_ms(after_ms))
            .await
            .unwrap();
        let mut view = world.store.view().await.unwrap();
        let halts = view.halts_of(HaltScope::Plan, &subject).await.unwrap();
        let in_force = halts.iter().filter(|halt| halt.resumed_at.is_none());
        (in_force.count(), view.failures(&plan).await.unwrap())
    };
    roll_back(&world, plan, 1, 10).await;
    assert_eq!(halts(11).await, (0, 1));
    roll_back(&world, plan, 2, 20).await;
    assert_eq!(halts(21).await, (1, 2));
    assert_eq!(halts(22).await, (1, 2), "not twice");
    let mut change = world.change_at(NOW.plus_ms(60)).await;
    change
        .resume(HaltScope::Plan, &subject, EVERY_WAVE, "a known cable")
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(halts(61).await, (0, 0), "those were judged");
    roll_back(&world, plan, 3, 70).await;
    assert_eq!(halts(71).await, (0, 1), "it goes on until the limit again");
    roll_back(&world, plan, 4, 80).await;
    assert_eq!(halts(81).await, (1, 2));
    // What a person judged may still be in quarantine where it happened.
    let mut view = world.store.view().await.unwrap();
    let wrong = view.gone_wrong_in(&plan).await.unwrap();
    let newest_first = view.jobs_gone_wrong().await.unwrap();
    drop(view);
    let newest_first = newest_first.into_iter().map(|job| (job.plan, job.machine));
    assert!(newest_first.eq([4, 3, 2, 1].map(|number| (plan, machine(number)))));
    assert!(wrong.into_iter().eq([1, 2, 3, 4].map(machine)));
    // Also for a later plan, and for its own machines alone.
    let mut change = world.change().await;
    let later = plans::plan(&mut change, "later", 1).await;
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.gone_wrong_in(&later).await.unwrap(),
        [machine(1)].into()
    );
    drop(view);
    // Another plan's are its own.
    let other = world.store.view().await.unwrap().failures(&digest(9)).await;
    assert_eq!(other.unwrap(), 0);
    let mut change = world.change().await;
    refused!(
        change.resume(HaltScope::Plan, "x", EVERY_WAVE, "r").await,
        StoreError::NotFound { .. }
    );
}

async fn sets_that_no_machine_has_are_dropped(world: World) {
    let world = world.with_machines(1).await;
    let set = |version: &str| {
        let one = Component {
            source: Source::Tree,
            name: "viewer".into(),
            version: version.into(),
            arch: "all".into(),
        };
        ComponentSet::new(vec![one]).unwrap()
    };
    for (version, days) in [("1", 0), ("2", 1)] {
        let at = NOW.plus_ms(days * DAY_MS);
        let set = set(version);
        world
            .store
            .record_inventory(&machine(1), &set, at)
            .await
            .unwrap();
    }
    let mut task = sets::Sets::default();
    let at = |days| NOW.plus_ms(days * DAY_MS);
    assert_eq!(
        task.run(&world.store, at(2)).await.unwrap(),
        0,
        "kept a while"
    );
    let had = task.run(&world.store, at(397)).await.unwrap();
    assert_eq!(had, 0, "people ask what was there a year ago");
    assert_eq!(task.run(&world.store, at(399)).await.unwrap(), 1);
    let mut view = world.store.view().await.unwrap();
    let held = view.components_of(&set("2").digest()).await.unwrap();
    assert!(held.is_some(), "what a machine has stays");
}
