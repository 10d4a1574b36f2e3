//! What forecasts are made from, who took which item, exceptions and checklists.

use super::*;
use patchward_collector::forecast::{Counts, Outcome};
use patchward_collector::item::machine::Exception;
use patchward_collector::store::StoreError;
use patchward_collector::store::items::{ChecklistStep, Taken};
use patchward_collector::store::journal::Append;
use patchward_collector::store::machines::{MachineStatus, Readiness};
use patchward_collector::store::prospects::Unfit;
use patchward_common::id::{BootId, OutboxId};
use patchward_common::job::{Reason, State};
use patchward_common::time::{HOUR_MS, Interval};
use patchward_common::wire::machine::InterlockWord;
use std::collections::BTreeMap;

on_both_engines!(
    idle_hours_add_up,
    slots_become_history,
    dates_and_unfit_machines_of_a_plan,
    items_are_taken_by_one,
    items_of_jobs_are_closed_as_they_stand,
    exceptions_end,
    checklists_and_the_return,
);

/// From and until these hours, counted from the whole hour before now.
fn hours(from: i64, to: i64) -> Interval {
    let whole = UtcMs(NOW.0 / HOUR_MS * HOUR_MS);
    Interval::new(whole.plus_ms(from * HOUR_MS), whole.plus_ms(to * HOUR_MS)).unwrap()
}

async fn idle_hours_add_up(world: World) {
    let world = world.with_machines(2).await;
    let store = &world.store;
    let said = |span, word| BTreeMap::from([(machine(1), vec![(span, word)])]);
    let first = said(hours(0, 2), InterlockWord::Idle);
    store.record_interlocks(&first, NOW).await.unwrap();
    // A machine that is not there any more is left out, and what is known stays.
    let mut second = said(hours(2, 4), InterlockWord::InUse);
    second.insert(machine(99), vec![(hours(0, 1), InterlockWord::Idle)]);
    store.record_interlocks(&second, NOW).await.unwrap();
    let mut view = store.view().await.unwrap();
    let history = view.interlock_history(&machine(1)).await.unwrap();
    assert_eq!(history.idle_share(hours(0, 2)), Some(1.0));
    assert_eq!(history.first_in_use(hours(0, 4)), Some(hours(2, 3).start()));
    let mut change = world.change().await;
    let plan = plans::plan(&mut change, "Spring", 2).await;
    change.commit().await.unwrap();
    let of_plan = store
        .view()
        .await
        .unwrap()
        .interlock_histories_of_plan(&plan)
        .await;
    assert_eq!(
        of_plan.unwrap(),
        BTreeMap::from([(machine(1), history.clone())])
    );
    let silent = view.interlock_history(&machine(2)).await.unwrap();
    assert_eq!(silent.idle_share(hours(0, 2)), None);
    let of_unit = view.interlock_histories(&name("icu")).await.unwrap();
    assert_eq!(of_unit, [history], "of which something is known");
    drop(view);
    let status = MachineStatus {
        boot: BootId([1; 16]),
        agent_version: "1".into(),
        installer_version: "1".into(),
        readiness: Readiness::Unknown,
        interlock: InterlockWord::Unknown,
        hold_until: None,
        watermark: digest(1),
        fingerprint: digest(1),
    };
    store
        .record_status(&machine(2), &status, NOW)
        .await
        .unwrap();
    let mut view = store.view().await.unwrap();
    let unknown = view.interlocks_unknown().await.unwrap();
    assert_eq!(unknown, BTreeMap::from([(machine(2), NOW)]));
}

async fn slots_become_history(world: World) {
    let world = world.with_machines(2).await;
    let mut change = world.change().await;
    let plan = plans::plan_with_jobs(&mut change, "Spring", 2).await;
    change.commit().await.unwrap();
    let slot = |number, hour: i64, outcome| {
        let start = NOW.plus_ms(hour * HOUR_MS);
        (job(plan, number), start, machine(number), outcome)
    };
    let judged = [
        slot(1, 0, Outcome::InUse),
        slot(1, 1, Outcome::InUse),
        slot(2, 0, Outcome::Offline),
    ];
    let store = &world.store;
    store.record_outcomes(&judged).await.unwrap();
    // What was judged stays.
    let again = [slot(1, 0, Outcome::Started)];
    store.record_outcomes(&again).await.unwrap();
    let mut view = store.view().await.unwrap();
    let all = view.outcomes().await.unwrap();
    let counted = |counts: &Counts| {
        [Outcome::InUse, Outcome::Started, Outcome::Offline].map(|o| counts.of(o))
    };
    assert_eq!(counted(&all), [2, 0, 1]);
    let of_plan = view.outcomes_of_plan(&plan).await.unwrap();
    assert_eq!(counted(&of_plan[&machine(1)]), [2, 0, 0]);
    assert_eq!(counted(&of_plan[&machine(2)]), [0, 0, 1]);
    assert!(view.outcomes_of_plan(&digest(9)).await.unwrap().is_empty());
    assert_eq!(view.judged(&plan).await.unwrap().len(), 3);
    assert!(view.judged(&digest(9)).await.unwrap().is_empty());
    drop(view);
    let append = Append {
        machine: machine(1),
        outbox: OutboxId([1; 16]),
        first: 1,
        events: vec![b"one".to_vec(), b"two".to_vec()],
        received_at: NOW,
    };
    store.append_journal(append).await.unwrap();
    let mut view = store.view().await.unwrap();
    let events = view.journal_since(&machine(1), NOW).await.unwrap();
    assert_eq!(events, [b"one".to_vec(), b"two".to_vec()]);
    let later = view.journal_since(&machine(1), NOW.plus_ms(1)).await;
    assert!(later.unwrap().is_empty());
}

async fn dates_and_unfit_machines_of_a_plan(world: World) {
    let world = world.with_machines(2).await;
    let mut change = world.change().await;
    let plan = plans::plan(&mut change, "Spring", 1).await;
    let unfit = Unfit {
        machine: machine(2),
        reason: "no window".into(),
        owner: "htm".into(),
    };
    change
        .add_unfit(&plan, std::slice::from_ref(&unfit))
        .await
        .unwrap();
    change.set_due(&plan, NOW).await.unwrap();
    change.set_due(&plan, NOW.plus_ms(1)).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.due_of(&plan).await.unwrap(), Some(NOW.plus_ms(1)));
    assert_eq!(view.due_of(&digest(9)).await.unwrap(), None);
    assert_eq!(view.unfit_of(&plan).await.unwrap(), [unfit]);
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.set_due(&digest(9), NOW).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    // A draft goes with all that is known of it.
    let mut change = world.change().await;
    change.remove_draft(&plan).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.due_of(&plan).await.unwrap(), None);
    assert_eq!(view.unfit_of(&plan).await.unwrap(), []);
}

async fn items_are_taken_by_one(world: World) {
    let mut change = world.change().await;
    change.take_item("silent:pc-1").await.unwrap();
    change.commit().await.unwrap();
    // Taken again by the same person, it keeps its time.
    let mut change = world.change_at(NOW.plus_ms(5)).await;
    change.take_item("silent:pc-1").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let by = "person:iris".to_owned();
    let taken = BTreeMap::from([("silent:pc-1".to_owned(), Taken { by, at: NOW })]);
    assert_eq!(view.takers().await.unwrap(), taken);
    drop(view);
    let mut other = world.store.change(Actor::Local(1), NOW).await.unwrap();
    refused!(
        other.take_item("silent:pc-1").await,
        StoreError::Conflict(_)
    );
    drop(other);
    let mut change = world.change().await;
    change.drop_item("silent:pc-1").await.unwrap();
    refused!(
        change.drop_item("silent:pc-1").await,
        StoreError::NotFound { .. }
    );
}

async fn exceptions_end(world: World) {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    let until = NOW.plus_ms(9);
    let control = label("behind a firewall");
    change
        .set_exception(&machine(1), NOW, &control)
        .await
        .unwrap();
    change
        .set_exception(&machine(1), until, &control)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let control = control.to_string();
    let expected = BTreeMap::from([(machine(1), Exception { until, control })]);
    assert_eq!(view.exceptions().await.unwrap(), expected);
    drop(view);
    let mut change = world.change().await;
    change.end_exception(&machine(1)).await.unwrap();
    refused!(
        change.end_exception(&machine(1)).await,
        StoreError::NotFound { .. }
    );
}

async fn items_of_jobs_are_closed_as_they_stand(world: World) {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    let plan = plans::plan_with_jobs(&mut change, "Spring", 1).await;
    let read = change.view().job(&job(plan, 1)).await.unwrap().unwrap();
    let state = State::Failed(Reason::new("no space"));
    let failed = change.move_job(&read, &state, None, 1).await.unwrap();
    let replaced = label("the station is replaced");
    change.close_item(&failed, &replaced).await.unwrap();
    change.assign_item("failed:1", "person:ben").await.unwrap();
    change.assign_item("failed:1", "local:7").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.takers().await.unwrap()["failed:1"].by, "local:7");
    let closing = view.closing(&failed.id).await.unwrap().unwrap();
    assert_eq!(
        (closing.by.as_str(), closing.at, closing.reason.as_str()),
        ("person:iris", NOW, "the station is replaced")
    );
    assert!(closing.covers(NOW) && !closing.covers(NOW.plus_ms(1)));
    let all = view.closings().await.unwrap();
    assert_eq!(all, BTreeMap::from([(failed.id, closing)]));
    drop(view);
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    refused!(
        change.close_item(&failed, &replaced).await,
        StoreError::Conflict(_)
    );
    drop(change);
    // What was reported since has not been looked at.
    let mut change = world.change_at(NOW.plus_ms(2)).await;
    let again = State::RolledBack(Reason::new("its check failed"));
    let again = change.move_job(&failed, &again, None, 1).await.unwrap();
    change.close_item(&again, &label("seen")).await.unwrap();
    let closing = change.view().closing(&again.id).await.unwrap().unwrap();
    assert_eq!(
        (closing.at, closing.reason.as_str()),
        (NOW.plus_ms(2), "seen")
    );
}

async fn checklists_and_the_return(world: World) {
    let world = world.with_machines(1).await;
    let step = |text: &str| ChecklistStep {
        step: name(text),
        title: label("Look at it"),
    };
    let mut change = world.change().await;
    let model = name("station-4");
    let steps = [step("sound"), step("image")];
    change
        .set_checklist(Class::Critical, None, &[step("old")])
        .await
        .unwrap();
    change
        .set_checklist(Class::Critical, None, &steps)
        .await
        .unwrap();
    let own = [step("table")];
    change
        .set_checklist(Class::Critical, Some(&model), &own)
        .await
        .unwrap();
    let plan = plans::plan_with_jobs(&mut change, "Spring", 1).await;
    let assigned = change.view().job(&job(plan, 1)).await.unwrap().unwrap();
    change
        .move_job(&assigned, &State::Verified, None, 1)
        .await
        .unwrap();
    let verified = change.view().job(&job(plan, 1)).await.unwrap().unwrap();
    change.return_to_service(&verified, &steps).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.checklist(Class::Critical, None).await.unwrap(), steps);
    let found = view.checklist(Class::Critical, Some(&model)).await.unwrap();
    assert_eq!(found, own);
    assert_eq!(view.checklist(Class::Standard, None).await.unwrap(), []);
    let of_class = steps.iter().map(|step| (None, step.clone()));
    let of_model = own.map(|step| (Some(model.clone()), step));
    let all = of_class.chain(of_model);
    let all: Vec<_> = all
        .map(|(model, step)| (Class::Critical, model, step))
        .collect();
    assert_eq!(view.checklists().await.unwrap(), all, "in their order");
    let returned = view.job(&job(plan, 1)).await.unwrap().unwrap();
    assert_eq!(returned.state, State::InService);
    drop(view);
    // Somebody else was faster.
    let mut change = world.change().await;
    refused!(
        change.return_to_service(&verified, &steps).await,
        StoreError::Conflict(_)
    );
}
