//! What people state for planning.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::assets::Asset;
use patchward_common::job::State;
use patchward_common::plan::{
    Confirmation, Duty, Limits, Precedence, StatedMember, Statement, Training,
};
use patchward_common::time::Interval;

on_both_engines!(
    limits_and_order,
    training_and_duty,
    members_without_an_agent,
    proofs_of_plans,
);

async fn limits_and_order(world: World) {
    let world = world.with_machines(3).await;
    let limits = |parallel| Limits {
        parallel,
        bytes_per_second: parallel.map(|_| 7),
    };
    let pair = |first, next| Precedence {
        first: machine(first),
        next: machine(next),
    };
    let mut change = world.change().await;
    let site = name("main");
    for parallel in [Some(3), Some(2)] {
        let set = change.set_work_limits(Some(&site), limits(parallel));
        set.await.unwrap();
    }
    change.set_work_limits(None, limits(None)).await.unwrap();
    for pair in [pair(2, 1), pair(1, 3), pair(1, 3)] {
        change.add_precedence(pair).await.unwrap();
    }
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let expected = [(None, limits(None)), (Some(site), limits(Some(2)))];
    assert_eq!(view.work_limits().await.unwrap(), expected);
    let both = [pair(1, 3), pair(2, 1)];
    assert_eq!(view.precedence().await.unwrap(), both);
    drop(view);
    let mut change = world.change().await;
    change.remove_precedence(pair(2, 1)).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    assert_eq!(change.view().precedence().await.unwrap(), [pair(1, 3)]);
    refused!(
        change.remove_precedence(pair(2, 1)).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    let unknown = name("nowhere");
    refused!(
        change.set_work_limits(Some(&unknown), limits(None)).await,
        StoreError::NotFound { .. }
    );
}

async fn training_and_duty(world: World) {
    let world = world.with_unit().await;
    let icu = name("icu");
    let mut training = Training {
        product: name("viewer"),
        version: "2".into(),
        unit: Some(icu.clone()),
        what: label("the toolbar"),
        confirmed: None,
    };
    let time = |from, until| Interval::new(NOW.plus_ms(from), NOW.plus_ms(until)).unwrap();
    let duty = |unit: Option<&Name>, time| Duty {
        unit: unit.cloned(),
        who: label("Ann"),
        time,
    };
    let mut change = world.change().await;
    change.need_training(&training).await.unwrap();
    let by = label("Bo");
    let confirmed = change.confirm_training(&training.product, "2", Some(&icu), &by);
    confirmed.await.unwrap();
    for duty in [
        duty(Some(&icu), time(5, 9)),
        duty(None, time(0, 4)),
        duty(None, time(0, 6)),
    ] {
        change.add_duty(&duty).await.unwrap();
    }
    change.commit().await.unwrap();
    training.confirmed = Some(Confirmation { by, at: NOW });
    let mut change = world.change().await;
    assert_eq!(change.view().trainings().await.unwrap(), [training.clone()]);
    let both = [duty(None, time(0, 6)), duty(Some(&icu), time(5, 9))];
    assert_eq!(change.view().duties(NOW).await.unwrap(), both);
    let late = change.view().duties(NOW.plus_ms(6)).await.unwrap();
    assert_eq!(late, both[1..]);
    training.what = label("more");
    change.need_training(&training).await.unwrap();
    training.confirmed = None;
    assert_eq!(change.view().trainings().await.unwrap(), [training.clone()]);
    change.remove_duty(&label("Ann"), NOW).await.unwrap();
    assert_eq!(change.view().duties(NOW).await.unwrap(), both[1..]);
    change.commit().await.unwrap();
    let mut change = world.change().await;
    let twice = change.remove_duty(&label("Ann"), NOW).await;
    refused!(twice, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    let by = label("Bo");
    let elsewhere = change.confirm_training(&training.product, "2", None, &by);
    refused!(elsewhere.await, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    training.unit = Some(name("lab"));
    refused!(
        change.need_training(&training).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    let nowhere = duty(Some(&name("lab")), time(0, 1));
    refused!(change.add_duty(&nowhere).await, StoreError::NotFound { .. });
}

async fn members_without_an_agent(world: World) {
    let world = world.with_unit().await;
    let asset = |tag: &str, group: Option<&str>| Asset {
        group: group.map(name),
        ..Asset::new(label(tag))
    };
    let mut change = world.change().await;
    change.add_group(&group("monitors", 1)).await.unwrap();
    let assets = [asset("A-1", Some("monitors")), asset("A-2", None)];
    change.put_assets(&assets).await.unwrap();
    let mut member = StatedMember {
        group: name("monitors"),
        asset: label("A-1"),
        statement: None,
    };
    let found = change.view().stated_members().await.unwrap();
    assert_eq!(found, [member.clone()]);
    let by = label("Ann");
    for until in [NOW.plus_ms(5), NOW.plus_ms(9)] {
        let stated = change.state_member(&member.asset, &by, until);
        stated.await.unwrap();
    }
    change.commit().await.unwrap();
    member.statement = Some(Statement {
        by: by.clone(),
        at: NOW,
        until: NOW.plus_ms(9),
    });
    let mut change = world.change().await;
    let found = change.view().stated_members().await.unwrap();
    assert_eq!(found, [member]);
    change.remove_asset(&label("A-1")).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.state_member(&label("A-2"), &by, NOW).await,
        StoreError::Conflict(_)
    );
}

async fn proofs_of_plans(world: World) {
    let world = world.with_machines(2).await;
    let mut change = world.change().await;
    let draft = plans::plan(&mut change, "autumn", 1).await;
    let id = plans::plan_with_jobs(&mut change, "spring", 2).await;
    for number in 1..=2 {
        let job = job(id, number);
        change.add_evidence(&job, &[number]).await.unwrap();
    }
    let first = change.view().job(&job(id, 1)).await.unwrap().unwrap();
    change
        .move_job(&first, &State::Verified, None, 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let proofs = view.proofs_of_plan(&id).await.unwrap();
    assert_eq!(proofs, [(job(id, 1), vec![1])], "of verified jobs alone");
    drop(view);
    let mut change = world.change().await;
    change.remove_draft(&draft).await.unwrap();
    change.commit().await.unwrap();
}
