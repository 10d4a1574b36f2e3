//! Medical devices and the machines that speak for them.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::assets::Asset;
use patchward_collector::store::manual::Worker;
use patchward_common::id::Label;
use patchward_common::wire::machine::{DeviceFound, DeviceSaid};
use std::collections::BTreeMap;

on_both_engines!(devices);

fn asset(tag: &str) -> Asset {
    Asset {
        unit: Some(name("icu")),
        ..Asset::new(label(tag))
    }
}

fn said(at: i64, found: Result<&str, &str>) -> DeviceSaid {
    DeviceSaid {
        asset: label("CT-7"),
        component: "ct".into(),
        of_model: true,
        every_minutes: 60,
        at: NOW.plus_ms(at),
        found: match found {
            Ok(version) => DeviceFound::Version(version.into()),
            Err(why) => DeviceFound::Nothing(why.into()),
        },
    }
}

async fn devices(world: World) {
    let world = world.with_machines(2).await;
    let tag: Label = label("CT-7");
    let mut change = world.change().await;
    change
        .put_assets(&[asset("CT-7"), asset("PC")])
        .await
        .unwrap();
    let manual = NewMachine {
        mode: Mode::Manual,
        ..new_machine(9)
    };
    let added = change.add_manual_machine(&manual, &tag, Worker::Vendor);
    added.await.unwrap();
    change.watch_device(&tag, &machine(1)).await.unwrap();
    // A machine with an agent is no device, whatever was written.
    change
        .watch_device(&label("PC"), &machine(1))
        .await
        .unwrap();
    change
        .link_asset(&label("PC"), Some(&machine(2)))
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.watch_device(&tag, &machine(1)).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    let beside = view.devices_beside(&machine(1)).await.unwrap();
    assert_eq!(beside, BTreeMap::from([(tag.clone(), machine(9))]));
    assert_eq!(
        view.devices_beside(&machine(2)).await.unwrap(),
        BTreeMap::new()
    );
    assert_eq!(view.device_watches().await.unwrap().len(), 2);
    drop(view);

    let answer = async |said: DeviceSaid| {
        let store = &world.store;
        store
            .record_device_answers(&machine(1), &[said])
            .await
            .unwrap();
        let mut view = store.view().await.unwrap();
        let found = view
            .device_answers(Some(&label("CT-7")))
            .await
            .unwrap()
            .remove(0);
        (found.version, found.answered_at, found.problem)
    };
    let at = |ms| Some(NOW.plus_ms(ms));
    let none = answer(said(1, Err("silent"))).await;
    assert_eq!(none, (None, None, Some("silent".into())));
    let first = answer(said(2, Ok("1"))).await;
    assert_eq!(first, (Some("1".into()), at(2), None));
    let silent = answer(said(3, Err("silent"))).await;
    assert_eq!(silent, (Some("1".into()), at(2), Some("silent".into())));
    let late = answer(said(2, Ok("0"))).await;
    assert_eq!(late, silent, "an older one came late");

    let counts = async || {
        let mut view = world.store.view().await.unwrap();
        view.device_answers_that_count(&label("CT-7"))
            .await
            .unwrap()
            .len()
    };
    assert_eq!(counts().await, 1);
    let mut change = world.change().await;
    change.unwatch_device(&tag, &machine(1)).await.unwrap();
    refused!(
        change.unwatch_device(&tag, &machine(1)).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change.unwatch_device(&tag, &machine(1)).await.unwrap();
    change.remove_asset(&label("PC")).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(counts().await, 0, "it may speak for it no more");
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.device_watches().await.unwrap(), []);
    assert_eq!(
        view.device_answers(None).await.unwrap().len(),
        1,
        "it stays"
    );
}
