//! Plans, jobs and evidence.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::jobs::Standing;
use patchward_collector::store::machines::MachineState;
use patchward_collector::store::plans::{Counted, Leaf, NewPlan, PlanState};
use patchward_collector::store::prospects::Unfit;
use patchward_common::job::{Reason, State};
use patchward_common::time::Interval;
use std::collections::HashMap;
use std::sync::Arc;

on_both_engines!(
    drafts,
    machines_of_a_plan,
    states_of_plans,
    in_the_log,
    jobs,
    a_job_moved_by_two,
    one_open_job_per_machine,
    evidence,
);

/// What every plan here installs.
pub(super) const RELEASE: Digest = Digest([5; 32]);

/// Stores a plan over machines 1 to `count` that touches the group `monitors`.
pub(super) async fn plan(change: &mut Change, title: &str, count: u8) -> Digest {
    let leaves: Vec<_> = (1..=count)
        .map(|number| Leaf {
            machine: machine(number),
            wave: u32::from(number) / 2,
            bytes: vec![0x86, number],
        })
        .collect();
    let plan = NewPlan {
        title: &label(title),
        payload: title.as_bytes(),
        expires_at: NOW.plus_ms(1_000),
        groups: &[name("monitors")],
        releases: &[RELEASE],
        leaves: &leaves,
    };
    change.add_plan(&plan).await.unwrap()
}

/// A plan with its jobs.
pub(super) async fn plan_with_jobs(change: &mut Change, title: &str, count: u8) -> Digest {
    let id = plan(change, title, count).await;
    let machines: Vec<_> = (1..=count)
        .map(|n| (machine(n), u32::from(n) / 2))
        .collect();
    let added = change.add_jobs(&id, &machines).await.unwrap();
    assert_eq!(added, u64::from(count));
    id
}

async fn drafts(world: World) {
    let mut change = world.change().await;
    let id = plan(&mut change, "spring", 200).await;
    assert_eq!(plan(&mut change, "spring", 200).await, id);
    let other = plan(&mut change, "autumn", 1).await;
    change
        .add_signatures(&other, &[documents::signature(1)])
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(id, Digest::of(b"spring"));
    assert_eq!(
        view.plan_payload(&id).await.unwrap(),
        Some(b"spring".to_vec())
    );
    assert_eq!(view.plan_payload(&digest(1)).await.unwrap(), None);
    let leaves = view.leaves(&id).await.unwrap();
    assert_eq!(leaves.len(), 200);
    assert_eq!((leaves[4].machine, leaves[4].wave), (machine(5), 2));
    let stored = view.plan(&id).await.unwrap().unwrap();
    assert_eq!(
        (stored.state, stored.created_by.as_str()),
        (PlanState::Draft, "person:iris")
    );
    assert_eq!(view.plans(None).await.unwrap().len(), 2);
    let digits = id.to_string();
    let begins = view.plans_beginning(&digits[..12]).await.unwrap();
    assert_eq!(begins, [stored]);
    assert_eq!(view.plans_beginning(&digits).await.unwrap(), begins);
    // Nobody could sign it, and what cannot be read is said and not kept.
    let table = view.plan_table(&id).await.unwrap().unwrap();
    assert_eq!((table.id(), table.unsigned().leaves.len()), (id, 200));
    assert!(table.read().is_err());
    let again = view.plan_table(&id).await.unwrap().unwrap();
    assert!(!Arc::ptr_eq(&table, &again));
    assert!(view.plan_table(&digest(1)).await.unwrap().is_none());
    let longer = format!("{digits}0");
    assert_eq!(view.plans_beginning(&longer).await.unwrap(), []);
    drop(view);
    let mut change = world.change().await;
    change.remove_draft(&id).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    assert_eq!(change.view().plan(&id).await.unwrap(), None);
    refused!(change.remove_draft(&other).await, StoreError::Conflict(_));
    refused!(change.commit().await, StoreError::Conflict(_));
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.leaves(&other).await.unwrap().len(), 1);
}

async fn machines_of_a_plan(world: World) {
    let world = world.with_machines(4).await;
    let mut change = world.change().await;
    let spring = plan(&mut change, "spring", 2).await;
    let unfit = Unfit {
        machine: machine(3),
        reason: "no window".into(),
        owner: "htm".into(),
    };
    change.add_unfit(&spring, &[unfit]).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let names = view.names_of_plan(&spring).await.unwrap();
    let named: Vec<&MachineId> = names.keys().collect();
    let mut expected = [machine(1), machine(2), machine(3)];
    expected.sort();
    assert_eq!(
        named,
        expected.iter().collect::<Vec<_>>(),
        "what fits nowhere too"
    );
    let lines = view.machines_of_plan(&spring).await.unwrap();
    assert_eq!(lines.len(), 2);
    let units = view.units_of_plan(&spring).await.unwrap();
    assert_eq!(units, [Some(lines[&machine(1)].unit.clone())].into());
    assert_eq!(lines[&machine(1)].name.to_string(), names[&machine(1)]);
    drop(view);
    let mut change = world.change().await;
    let (was, is) = (MachineState::Enrolled, MachineState::Stored);
    change
        .move_machine(&machine(2), was, is, "away")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.machines_of_plan(&spring).await.unwrap().len(),
        1,
        "of the fleet alone"
    );
    let models = view.models_of_plan(&spring).await.unwrap();
    assert_eq!(models, [lines[&machine(1)].model.clone()].into());
    assert_eq!(view.names_of_plan(&spring).await.unwrap().len(), 3);
    drop(view);
    let mut change = world.change().await;
    change
        .move_machine(&machine(1), was, is, "away")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert!(view.models_of_plan(&spring).await.unwrap().is_empty());
}

async fn states_of_plans(world: World) {
    use PlanState::{Active, Draft, Signed, Stopped};
    let world = world.with_unit().await;
    let mut change = world.change().await;
    change.add_group(&group("monitors", 1)).await.unwrap();
    let id = plan(&mut change, "spring", 3).await;
    let draft = plan(&mut change, "autumn", 3).await;
    change
        .move_plan(&id, Draft, Signed, "two approvers")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    change.move_plan(&id, Signed, Active, "").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let active = view.plans(Some(Active)).await.unwrap();
    assert_eq!(active.len(), 1);
    assert_eq!((active[0].id, active[0].changed_at), (id, NOW.plus_ms(1)));
    assert_eq!(view.plans_given_out(5).await.unwrap(), active);
    assert_eq!(view.plans_given_out(0).await.unwrap(), []);
    let of = view.leaves_of(&machine(2), Active).await.unwrap();
    assert_eq!(of.len(), 1);
    assert_eq!(
        (of[0].0, of[0].1.wave, &of[0].1.bytes),
        (id, 1, &vec![0x86, 2])
    );
    assert_eq!(
        view.leaves_of(&machine(2), Draft).await.unwrap()[0].0,
        draft
    );
    assert_eq!(view.leaves_of(&machine(9), Active).await.unwrap(), []);
    let some = [machine(9), machine(2), machine(2)];
    let in_force = view.leaves_in_force(&some).await.unwrap();
    assert_eq!(Vec::from_iter(in_force), [(machine(2), of)]);
    let made = view.plans_made([draft, Digest([9; 32]), draft]).await;
    assert_eq!(Vec::from_iter(made.unwrap()), [(draft, NOW)]);
    let monitors = name("monitors");
    let touching = view
        .plans_touching(&monitors, NOW.plus_ms(999))
        .await
        .unwrap();
    assert_eq!(touching.iter().map(|p| p.id).collect::<Vec<_>>(), [id]);
    let late = NOW.plus_ms(1_000);
    assert_eq!(view.plans_touching(&monitors, late).await.unwrap(), []);
    assert_eq!(view.plans_standing(NOW).await.unwrap(), active);
    assert_eq!(view.plans_standing(late).await.unwrap(), []);
    assert_eq!(view.plans_touching(&name("x"), NOW).await.unwrap(), []);
    drop(view);
    // A draft that touches the group finds the other one, and not itself; done or stopped,
    // it stands until it expires.
    let mut change = world.change().await;
    assert_eq!(change.lock_beside(&draft).await.unwrap(), [id]);
    assert_eq!(change.lock_beside(&id).await.unwrap(), []);
    change.move_plan(&id, Active, Stopped, "").await.unwrap();
    assert_eq!(change.lock_beside(&draft).await.unwrap(), [id]);
    drop(change);
    let mut change = world.change_at(late).await;
    assert_eq!(change.lock_beside(&draft).await.unwrap(), []);
    drop(change);
    let mut change = world.change().await;
    refused!(
        change.move_plan(&id, Signed, Stopped, "late").await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    refused!(
        change.move_plan(&digest(1), Draft, Signed, "").await,
        StoreError::NotFound { .. }
    );
}

/// The log names a plan by its id, and finds it by the first digits.
async fn in_the_log(world: World) {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    change.add_group(&group("monitors", 1)).await.unwrap();
    let id = plan(&mut change, "spring", 3).await.to_string();
    plan(&mut change, "autumn", 3).await;
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    for (digits, limit, found) in [(&id[..8], 9, 1), ("ffffffff", 9, 0), (&id[..8], 0, 0)] {
        let subjects = view.audit_subjects(digits, limit).await.unwrap();
        assert_eq!(subjects, vec![id.clone(); found], "{digits}");
    }
}

async fn jobs(world: World) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    let id = plan_with_jobs(&mut change, "spring", 3).await;
    assert_eq!(change.add_jobs(&id, &[(machine(1), 0)]).await.unwrap(), 0);
    change.commit().await.unwrap();
    let slot = Interval::new(NOW, NOW.plus_ms(60)).unwrap();
    let deferred = State::Deferred(Reason::new("in use"));
    let mut change = world.change_at(NOW.plus_ms(3)).await;
    let first = change.view().job(&job(id, 1)).await.unwrap().unwrap();
    assert_eq!(
        (&first.state, first.slot, first.attempt),
        (&State::Assigned, None, 0)
    );
    change
        .move_job(&first, &deferred, Some(slot), 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let moved = view.job(&first.id).await.unwrap().unwrap();
    assert_eq!(
        (&moved.state, moved.slot, moved.attempt),
        (&deferred, Some(slot), 1)
    );
    assert_eq!(
        (moved.since, moved.generation),
        (NOW.plus_ms(3), first.generation + 1)
    );
    assert_eq!(view.job(&job(digest(1), 1)).await.unwrap(), None);
    let of_plan = view.jobs_of_plan(&id).await.unwrap();
    let order: Vec<_> = of_plan.iter().map(|j| (j.wave, j.machine)).collect();
    assert_eq!(order, [(0, machine(1)), (1, machine(2)), (1, machine(3))]);
    assert_eq!(view.jobs_of_machine(&machine(1)).await.unwrap(), [moved]);
    assert_eq!(
        view.jobs_standing(Standing::Waiting).await.unwrap().len(),
        3
    );
    assert_eq!(view.jobs_standing(Standing::Open).await.unwrap(), []);
    let counted = view.counted_plans(Some(&id)).await.unwrap();
    let expected = Counted {
        plan: id,
        signatures: 0,
        jobs: 3,
        lacking: 3,
    };
    assert_eq!(counted.get(&id), Some(&expected));
    assert_eq!(view.counted_plans(None).await.unwrap(), counted);
    let none = view.counted_plans(Some(&digest(1))).await;
    assert!(none.unwrap().is_empty());
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.add_jobs(&digest(1), &[(machine(1), 0)]).await,
        StoreError::NotFound { .. }
    );
}

async fn a_job_moved_by_two(world: World) {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    let id = plan_with_jobs(&mut change, "spring", 1).await;
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let read = view.job(&job(id, 1)).await.unwrap().unwrap();
    let (found, other) = (read.clone(), JobId::of(digest(9), machine(1)));
    let found = HashMap::from([(found.id, found)]);
    assert_eq!(view.jobs_by_id([read.id, other]).await.unwrap(), found);
    drop(view);
    let mut tasks = tokio::task::JoinSet::new();
    for state in [State::Staged, State::Missed] {
        let (store, read) = (world.store.clone(), read.clone());
        tasks.spawn(async move {
            let mut change = store.change(Actor::Collector, NOW).await.unwrap();
            change.move_job(&read, &state, None, 0).await?;
            change.commit().await
        });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(StoreError::Conflict(_))))
    );
}

async fn one_open_job_per_machine(world: World) {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    let spring = plan_with_jobs(&mut change, "spring", 1).await;
    let autumn = plan_with_jobs(&mut change, "autumn", 1).await;
    let first = change.view().job(&job(spring, 1)).await.unwrap().unwrap();
    let second = change.view().job(&job(autumn, 1)).await.unwrap().unwrap();
    change
        .move_job(&first, &State::Installing, None, 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    for (asks, expected) in [(&first, None), (&second, Some(first.id))] {
        let at_work = change.view().at_work(&machine(1), &asks.id).await;
        assert_eq!(at_work.unwrap(), expected);
    }
    refused!(
        change.move_job(&second, &State::Installing, None, 1).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    let first = change.view().job(&first.id).await.unwrap().unwrap();
    change
        .move_job(&first, &State::Verified, None, 1)
        .await
        .unwrap();
    change
        .move_job(&second, &State::Installing, None, 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

async fn evidence(world: World) {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    let id = job(plan_with_jobs(&mut change, "spring", 1).await, 1);
    let digest = change.add_evidence(&id, b"pack").await.unwrap();
    assert_eq!(change.add_evidence(&id, b"pack").await.unwrap(), digest);
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let stored = view.evidence(&id).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (stored[0].digest, stored[0].bytes.as_slice(), stored[0].at),
        (Digest::of(b"pack"), &b"pack"[..], NOW)
    );
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.add_evidence(&JobId([1; 16]), b"x").await,
        StoreError::NotFound { .. }
    );
}
