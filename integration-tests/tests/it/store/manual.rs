//! Machines without an agent, and what people recorded.

use super::*;
use patchward_collector::rollout::go::is_ready;
use patchward_collector::store::StoreError;
use patchward_collector::store::assets::Asset;
use patchward_collector::store::go::{GoAsk, Member};
use patchward_collector::store::manual::{NewRecord, ReadVersions, RecordOutcome, Worker};
use patchward_common::id::Nonce;
use patchward_common::job::State;
use std::collections::{BTreeMap, BTreeSet};

on_both_engines!(people_work_on_assets, what_people_record_stays);

fn asset() -> Asset {
    Asset {
        unit: Some(name("icu")),
        group: None,
        ..Asset::new(label("CT-7"))
    }
}

/// Machine 9 without an agent in the group `monitors`, beside machine 1 which has one.
async fn ward(world: World) -> World {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    change.add_group(&group("monitors", 1)).await.unwrap();
    change.put_assets(&[asset()]).await.unwrap();
    let new = NewMachine {
        mode: Mode::Manual,
        ..new_machine(9)
    };
    change
        .add_manual_machine(&new, &label("CT-7"), Worker::Vendor)
        .await
        .unwrap();
    for number in [1, 9] {
        change
            .set_groups_of(&machine(number), &[name("monitors")])
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    world
}

async fn people_work_on_assets(world: World) {
    let world = ward(world).await;
    let mut view = world.store.view().await.unwrap();
    let workers = view.manual_workers().await.unwrap();
    assert_eq!(workers, BTreeMap::from([(machine(9), Worker::Vendor)]));
    assert_eq!(view.manual_worker(&machine(1)).await.unwrap(), None);
    let made = view.machine(&machine(9)).await.unwrap().unwrap();
    assert!(made.is_manual() && made.mode == Mode::Manual);
    let linked = view.asset(&label("CT-7")).await.unwrap().unwrap();
    assert_eq!(linked.machine, Some(machine(9)));
    // A member of a group that nobody measures: somebody vouches for it, for a time.
    let stated = view.stated_members().await.unwrap();
    assert_eq!((stated.len(), stated[0].group.as_str()), (1, "monitors"));
    drop(view);
    let mut change = world.change().await;
    let until = NOW.plus_ms(5);
    change
        .state_member(&label("CT-7"), &label("Ada"), until)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let members = view
        .group_snapshot(&name("monitors"))
        .await
        .unwrap()
        .members;
    let by_hand = members.iter().find(|one| one.machine == machine(9));
    let by_hand = by_hand.unwrap();
    assert_eq!(by_hand.vouched_until, Some(until));
    let ready = |member: &Member, at| is_ready(member, SwitchedOff::Counts, at);
    assert!(ready(by_hand, until.plus_ms(-1)) && !ready(by_hand, until));
    let nobody = Member {
        vouched_until: None,
        ..by_hand.clone()
    };
    assert!(!ready(&nobody, NOW));
    drop(view);
    let mut change = world.change().await;
    refused!(
        change
            .add_manual_machine(&new_machine(8), &label("CT-7"), Worker::It)
            .await,
        StoreError::Conflict(_)
    );
}

async fn what_people_record_stays(world: World) {
    let world = ward(world).await;
    let mut change = world.change().await;
    let plan = plans::plan(&mut change, "spring", 9).await;
    change.add_jobs(&plan, &[(machine(9), 0)]).await.unwrap();
    let read = change.view().job(&job(plan, 9)).await.unwrap().unwrap();
    let begun = change
        .move_job(&read, &State::Installing, None, 1)
        .await
        .unwrap();
    let versions = [ReadVersions {
        product: name("viewer"),
        before: "1".into(),
        after: "2".into(),
    }];
    let (order, eve) = (label("WO-1"), label("Eve"));
    let record = NewRecord {
        done_by: Some(&eve),
        outcome: RecordOutcome::Attested,
        versions: &versions,
        work_order: &order,
        photo: Some(digest(3)),
    };
    change.record_manual(&begun, &record).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let records = view.manual_records(&begun.id).await.unwrap();
    assert_eq!(records.len(), 1);
    let one = &records[0];
    assert_eq!(
        (one.attempt, one.recorded_by.as_str(), one.recorded_at),
        (1, "person:iris", NOW)
    );
    assert_eq!(
        (&one.versions[..], one.photo),
        (&versions[..], Some(digest(3)))
    );
    assert_eq!(one.done_by.as_deref(), Some("Eve"));
    let attested = view.attested_jobs().await.unwrap();
    assert_eq!(attested, BTreeSet::from([begun.id]));
    // Its machine counts as down until the job has ended.
    let ask = GoAsk {
        machine: machine(9),
        job: begun.id,
        nonce: Nonce([0; 32]),
        longest_run_ms: 60_000,
    };
    let seen = view.go_snapshot(&ask, NOW).await.unwrap();
    let members = &seen.groups[0].members;
    let by_hand = members.iter().find(|one| one.machine == machine(9));
    assert_eq!(by_hand.unwrap().open_job, Some(begun.id));
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.record_manual(&begun, &record).await,
        StoreError::Conflict(_)
    );
}
