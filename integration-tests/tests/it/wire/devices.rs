//! What medical devices answered, from a machine beside them.

use super::world::{World, label, name};
use patchward_collector::store::Actor;
use patchward_collector::store::assets::Asset;
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::manual::Worker;
use patchward_common::id::MachineId;
use patchward_common::time::HOUR_MS;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::{
    Answer, DeviceFound, DeviceSaid, DevicesReport, RefusedCode, Request,
};

const DEVICE: MachineId = MachineId([9; 32]);

/// The device `CT-7`, for which `beside` may speak.
async fn device(world: &World, beside: &MachineId) {
    let mut change = world
        .store
        .change(Actor::Collector, world.now())
        .await
        .unwrap();
    let asset = Asset {
        unit: Some(name("icu")),
        ..Asset::new(label("CT-7"))
    };
    change.put_assets(&[asset]).await.unwrap();
    let new = NewMachine {
        id: DEVICE,
        name: name("ct-7"),
        unit: name("icu"),
        class: Class::Critical,
        model: name("ct"),
        mode: Mode::Observe,
    };
    let tag = label("CT-7");
    let added = change.add_manual_machine(&new, &tag, Worker::Vendor);
    added.await.unwrap();
    change.watch_device(&tag, beside).await.unwrap();
    change.commit().await.unwrap();
}

#[tokio::test]
async fn what_a_device_answers_is_its_inventory_from_whom_it_may_come() {
    let world = World::new().await;
    let (beside, other) = (world.enrolled(1).await, world.enrolled(2).await);
    device(&world, &beside.id()).await;
    let said = |tag: &str, version: &str, ahead_ms| DeviceSaid {
        asset: label(tag),
        component: "ct-software".into(),
        of_model: true,
        every_minutes: 60,
        at: world.now().plus_ms(ahead_ms),
        found: DeviceFound::Version(version.into()),
    };
    let report = |devices| Request::Devices(DevicesReport { devices });
    let refused = |answer| match answer {
        Answer::Devices(taken) => taken.refused,
        other => panic!("{other:?}"),
    };
    let versions = async || {
        let mut view = world.store.view().await.unwrap();
        let set = view.set_of(&DEVICE).await.unwrap()?;
        let set = view.components_of(&set.digest).await.unwrap().unwrap();
        Some(
            set.iter()
                .map(|one| one.version.clone())
                .collect::<Vec<_>>(),
        )
    };

    let theirs = other.link(&world).await;
    let answer = theirs
        .ask(&report(vec![said("CT-7", "9", 0)]))
        .await
        .unwrap();
    assert_eq!(refused(answer), [label("CT-7")]);
    assert_eq!(versions().await, None, "it may not speak for it");

    let link = beside.link(&world).await;
    let both = report(vec![said("CT-7", "4.2", HOUR_MS), said("CT-8", "1", 0)]);
    assert_eq!(refused(link.ask(&both).await.unwrap()), [label("CT-8")]);
    assert_eq!(versions().await.unwrap(), ["4.2"]);
    let mut view = world.store.view().await.unwrap();
    let seen = view.seen_at(&DEVICE).await.unwrap().unwrap();
    assert!(
        seen <= world.now(),
        "a clock that runs ahead proves nothing"
    );
    drop(view);
    assert_eq!(
        world.fleet.index(|index| index.machines()),
        1,
        "it is found as machines are"
    );

    for bad in [
        vec![said("CT-7", "", 0)],
        vec![said("CT-7", "5", 0); 65],
        vec![said("CT-7", &"x".repeat(600), 0)],
    ] {
        match link.ask(&report(bad)).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(versions().await.unwrap(), ["4.2"]);
}
