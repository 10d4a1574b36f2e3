//! What is asked of many machines at once: each gets its own, and one state of it.

use super::*;
use patchward_collector::store::documents::DocumentKind;
use patchward_collector::store::go::GoOutcome;
use patchward_collector::store::inventory::MachineSet;
use patchward_collector::store::machines::{
    MachineState, MachineStatus, OutboxEnd, Readiness, Reported,
};
use patchward_collector::store::plans::PlanState;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::id::{BootId, OutboxId};
use patchward_common::job::{Reason, State};
use patchward_common::wire::machine::InterlockWord;
use std::collections::HashMap;

on_both_engines!(
    machines_that_come_together,
    places_of_many,
    what_many_said,
    sets_with_their_time,
    jobs_that_machines_have_a_go_for,
    jobs_of_those_that_failed,
    jobs_that_no_return_came_after,
);

fn status(number: u8) -> MachineStatus {
    MachineStatus {
        boot: BootId([number; 16]),
        agent_version: "1.2".into(),
        installer_version: "1.1".into(),
        readiness: Readiness::Ready,
        interlock: InterlockWord::Idle,
        hold_until: None,
        watermark: digest(number),
        fingerprint: digest(number),
    }
}

/// Asks for all of these at once.
async fn of_all<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    store: &Store,
    machines: &[MachineId],
    ask: impl Fn(Store, MachineId) -> F,
) -> Vec<T> {
    let asked = machines
        .iter()
        .map(|one| tokio::spawn(ask(store.clone(), *one)));
    let mut found = Vec::new();
    for task in asked.collect::<Vec<_>>() {
        found.push(task.await.unwrap());
    }
    found
}

/// More than one statement takes, the first four with something of their own.
async fn machines_that_come_together(world: World) {
    let world = world.with_machines(200).await;
    let store = &world.store;
    let set = ComponentSet::new(Vec::new()).unwrap();
    store
        .record_inventory(&machine(1), &set, NOW)
        .await
        .unwrap();
    store
        .record_status(&machine(2), &status(2), NOW)
        .await
        .unwrap();
    // Its newest outbox has a gap; it had another before.
    let newest = OutboxId([6; 16]);
    store
        .append_journal(journal::append(3, 1, 4))
        .await
        .unwrap();
    for (first, count) in [(1, 2), (4, 1)] {
        let mut append = journal::append(3, first, count);
        append.outbox = newest;
        store.append_journal(append).await.unwrap();
    }
    let mut change = world.change().await;
    change
        .suspect_clone(&machine(4), "two boots")
        .await
        .unwrap();
    change
        .move_machine(
            &machine(5),
            MachineState::Enrolled,
            MachineState::Stored,
            "tidied",
        )
        .await
        .unwrap();
    change.commit().await.unwrap();
    let machines: Vec<_> = (1..=201).map(machine).collect();
    let found = of_all(store, &machines, |store, machine| async move {
        store.acquainted(&machine).await.unwrap()
    });
    let found = found.await;
    for (machine, found) in machines.iter().zip(&found) {
        assert_eq!(*found, store.acquainted(machine).await.unwrap());
        let mut view = store.view().await.unwrap();
        let row = view.machine(machine).await.unwrap();
        let row = row.filter(|row| row.state == MachineState::Enrolled);
        let key = |spki: &Vec<u8>, unit: &Name| (spki.clone(), unit.clone());
        assert_eq!(
            found.as_ref().map(|found| key(&found.spki, &found.unit)),
            row.as_ref().map(|row| key(&row.spki, &row.unit))
        );
    }
    // One that is put away, and one that never was.
    assert_eq!((&found[4], &found[200]), (&None, &None));
    let found: Vec<_> = found.into_iter().flatten().collect();
    assert_eq!(found.len(), 199);
    assert_eq!((found[0].set, found[1].set), (Some(set.digest()), None));
    assert_eq!(found[1].status, Some(status(2)));
    assert_eq!((&found[0].status, &found[0].journal), (&None, &None));
    let end = OutboxEnd {
        outbox: newest,
        sequence: 2,
        event: Some(b"event 2".to_vec()),
    };
    assert_eq!(found[2].journal, Some(end));
    assert!(found[2].clone_suspected_at.is_none() && found[3].clone_suspected_at.is_some());
}

async fn places_of_many(world: World) {
    use PlanState::{Active, Draft, Signed};
    let store = &world.store;
    let mut change = world.change().await;
    let mut assignments = Vec::new();
    for (number, count) in [(1, 3), (2, 2)] {
        let payload = format!("assignment {number}").into_bytes();
        let document = documents::numbered(DocumentKind::Assignment, number, &payload);
        let assignment = change.add_document(&document, &[]).await.unwrap();
        let leaves: Vec<_> = (1..=count).map(|n| (machine(n), b"row".to_vec())).collect();
        change
            .add_assignment_leaves(&assignment, &leaves)
            .await
            .unwrap();
        assignments.push(Some(assignment));
    }
    let mut plans = Vec::new();
    for (title, count) in [("spring", 3), ("summer", 1), ("draft", 3)] {
        let plan = plans::plan(&mut change, title, count).await;
        if title != "draft" {
            change.move_plan(&plan, Draft, Signed, "two").await.unwrap();
            change.move_plan(&plan, Signed, Active, "").await.unwrap();
        }
        plans.push(plan);
    }
    change.commit().await.unwrap();
    let machines: Vec<_> = (1..=4).map(machine).collect();
    let found = of_all(store, &machines, |store, machine| async move {
        store.standing(&machine).await.unwrap()
    });
    let found = found.await;
    for (machine, found) in machines.iter().zip(&found) {
        let mut view = store.view().await.unwrap();
        let alone = view.leaves_of(machine, Active).await.unwrap();
        let alone: Vec<_> = alone.into_iter().map(|(plan, _)| plan).collect();
        assert_eq!(found.plans, alone);
    }
    let of: Vec<_> = found.iter().map(|found| found.assignment).collect();
    assert_eq!(of, [assignments[1], assignments[1], assignments[0], None]);
    let mut both = vec![plans[0], plans[1]];
    both.sort_unstable();
    let mut first = found[0].plans.clone();
    first.sort_unstable();
    assert_eq!(first, both);
    assert_eq!(
        (&found[1].plans, &found[3].plans),
        (&vec![plans[0]], &vec![])
    );
}

async fn what_many_said(world: World) {
    let world = world.with_machines(200).await;
    let store = &world.store;
    let set = ComponentSet::new(Vec::new()).unwrap();
    let machines: Vec<_> = (1..=200).map(machine).collect();
    let facts: Vec<_> = machines.iter().map(|one| (*one, &one.0[..])).collect();
    store.record_facts_of(&facts[1..], NOW).await.unwrap();
    let other = ComponentSet::new(vec![Component {
        source: Source::Deb,
        name: "openssl".into(),
        version: "3".into(),
        arch: "amd64".into(),
    }]);
    let other = other.unwrap();
    let of = |number| match number % 3 {
        0 => &other,
        _ => &set,
    };
    for number in 1..=199 {
        store
            .record_inventory(&machine(number), of(number), NOW)
            .await
            .unwrap();
        store
            .record_status(&machine(number), &status(number), NOW)
            .await
            .unwrap();
    }
    // One that is asked for twice is told once.
    let asked = [&machines[..], &machines[..3]].concat();
    let mut view = store.view().await.unwrap();
    let beside = [machine(201), machine(7)];
    let these = view.these_machines(beside).await.unwrap();
    let seven = view.machine(&machine(7)).await.unwrap();
    assert_eq!(
        these.into_values().collect::<Vec<_>>(),
        Vec::from_iter(seven)
    );
    let told = view.reported_by(&asked).await.unwrap();
    assert_eq!(told.len(), 200);
    let sets = view.sets_of(&asked).await.unwrap();
    assert_eq!(sets.len(), 199);
    for (number, machine) in (1..=200).zip(&machines) {
        let set = (number < 200).then(|| of(number).digest());
        assert_eq!(sets.get(machine), set.as_ref());
        let own = Reported {
            facts: (number > 1).then(|| machine.0.to_vec()),
            interlock: (number < 200).then(|| status(number).interlock),
            set,
        };
        assert_eq!(told.get(machine), Some(&own));
    }
    assert!(view.sets_of(&[]).await.unwrap().is_empty());
}

async fn sets_with_their_time(world: World) {
    let world = world.with_machines(4).await;
    let store = &world.store;
    let set = |version: &str| {
        let one = Component {
            source: Source::Deb,
            name: "openssl".into(),
            version: version.into(),
            arch: "amd64".into(),
        };
        ComponentSet::new(vec![one]).unwrap()
    };
    // The third is not asked for, the fourth told nothing.
    let mut expected = HashMap::new();
    for (number, version, after_ms) in [(1, "1", 1), (2, "1", 2), (3, "1", 3), (2, "2", 4)] {
        let (set, since) = (set(version), NOW.plus_ms(after_ms));
        let id = machine(number);
        store.record_inventory(&id, &set, since).await.unwrap();
        let held = MachineSet {
            machine: id,
            digest: set.digest(),
            since,
        };
        expected.insert(id, held);
    }
    let mut view = store.view().await.unwrap();
    let asked = [2, 9, 1, 4, 2].map(machine);
    expected.remove(&machine(3));
    assert_eq!(view.these_sets(&asked).await.unwrap(), expected);
    assert!(view.these_sets(&[]).await.unwrap().is_empty());
}

async fn jobs_that_machines_have_a_go_for(world: World) {
    let (world, spring) = go::ward(world, 5, 1, &["monitors"]).await;
    let mut change = world.change().await;
    let autumn = plans::plan_with_jobs(&mut change, "autumn", 5).await;
    change.commit().await.unwrap();
    let issue = async |plan, number, nonce| {
        let ask = go::ask(plan, number, nonce);
        let decided = world
            .store
            .decide_go(&ask, NOW, |_| Ok::<_, ()>(vec![nonce]));
        assert_eq!(decided.await.unwrap(), GoOutcome::Issued(vec![nonce]));
    };
    let ended = async |number, state| {
        let mut change = world.change().await;
        let read = change.view().job(&job(spring, number)).await.unwrap();
        let read = read.unwrap();
        change.move_job(&read, &state, None, 1).await.unwrap();
        change.commit().await.unwrap();
    };
    for number in 1..=4 {
        issue(spring, number, number).await;
    }
    ended(1, State::Verified).await;
    ended(2, State::Verified).await;
    // Who was stopped may have started a moment before.
    ended(3, State::Stopped(Reason::new("a call"))).await;
    issue(autumn, 1, 11).await;
    let mut view = world.store.view().await.unwrap();
    // The fourth has one and is not asked for, the fifth has none.
    let asked = [5, 3, 9, 2, 1, 1].map(machine);
    let expected = [(1, autumn), (3, spring)].map(|(n, plan)| (machine(n), job(plan, n)));
    assert_eq!(view.going(&asked).await.unwrap(), HashMap::from(expected));
    assert!(view.going(&[]).await.unwrap().is_empty());
}

/// What a return to service came after is over with it; what is not over stays, however old.
async fn jobs_that_no_return_came_after(world: World) {
    let world = world.with_machines(2).await;
    let failed = || State::Failed(Reason::new("no space"));
    let mut change = world.change().await;
    let waiting = plans::plan_with_jobs(&mut change, "winter", 1).await;
    let spring = plans::plan_with_jobs(&mut change, "spring", 2).await;
    let summer = plans::plan_with_jobs(&mut change, "summer", 2).await;
    change.commit().await.unwrap();
    let moved = async |after, plan, number, state: State| {
        let mut change = world.change_at(NOW.plus_ms(after)).await;
        let job = change.view().job(&JobId::of(plan, machine(number))).await;
        let job = job.unwrap().unwrap();
        change.move_job(&job, &state, None, 1).await.unwrap();
        change.commit().await.unwrap();
    };
    let told = async |number| -> Vec<_> {
        let mut view = world.store.view().await.unwrap();
        let jobs = view
            .unreturned_jobs_of(&[machine(9), machine(number)])
            .await;
        let jobs = jobs.unwrap().remove(&machine(number)).unwrap_or_default();
        jobs.iter().map(|job| job.plan).collect()
    };
    moved(1, spring, 1, failed()).await;
    moved(1, spring, 2, failed()).await;
    moved(2, summer, 1, State::Verified).await;
    assert_eq!(told(1).await, [summer, spring, waiting], "newest first");
    moved(3, summer, 1, State::InService).await;
    assert_eq!(told(1).await, [waiting]);
    assert_eq!(told(2).await, [spring, summer], "another machine's return");
    moved(4, waiting, 1, failed()).await;
    assert_eq!(told(1).await, [waiting], "after the return");
    // At the same moment the order of ids says what came later, as in lists of jobs.
    moved(5, spring, 2, failed()).await;
    moved(5, summer, 2, State::InService).await;
    let is_later = JobId::of(spring, machine(2)) > JobId::of(summer, machine(2));
    let left: &[_] = if is_later { &[spring] } else { &[] };
    assert_eq!(told(2).await, left);
}

async fn jobs_of_those_that_failed(world: World) {
    let world = world.with_machines(4).await;
    let mut change = world.change().await;
    let ended = |number| match number {
        1 => State::Failed(Reason::new("no space")),
        2 => State::RolledBack(Reason::new("a check failed")),
        _ => State::Verified,
    };
    let mut jobs = Vec::new();
    for title in ["spring", "summer"] {
        let plan = plans::plan_with_jobs(&mut change, title, 4).await;
        for number in 1..=4 {
            let id = JobId::of(plan, machine(number));
            let read = change.view().job(&id).await.unwrap().unwrap();
            let state = match title {
                "spring" => ended(number),
                _ => State::Verified,
            };
            jobs.push(change.move_job(&read, &state, None, 1).await.unwrap());
        }
    }
    change.commit().await.unwrap();
    let machines: Vec<_> = (1..=4).map(machine).collect();
    let mut view = world.store.view().await.unwrap();
    let asked = [machine(3), machine(9), machine(1)];
    let of_some = view.jobs_of_machines(&asked).await.unwrap();
    assert_eq!(of_some.len(), 2);
    for (machine, of_one) in of_some {
        assert_eq!(of_one.len(), 2);
        assert_eq!(of_one, view.jobs_of_machine(&machine).await.unwrap());
    }
    jobs.retain(|job| [machine(1), machine(2)].contains(&job.machine));
    jobs.sort_by_key(|job| job.id);
    let mut found = view.jobs_of_failed(&machines).await.unwrap();
    found.sort_by_key(|job| job.id);
    assert_eq!(found, jobs);
    assert!(
        view.jobs_of_failed(&machines[2..])
            .await
            .unwrap()
            .is_empty()
    );
}
