//! What the first day asks of the fleet.

use super::*;
use patchward_collector::store::documents::DocumentKind;
use patchward_collector::store::machines::{MachineState, MachineStatus, Readiness};
use patchward_collector::store::setup::UnitCounts;
use patchward_common::id::BootId;
use patchward_common::wire::machine::InterlockWord;

on_both_engines!(machines_are_counted_by_unit, who_is_enrolled_by_unit);

async fn machines_are_counted_by_unit(world: World) {
    let world = world.with_machines(4).await;
    let mut change = world.change().await;
    for number in [1, 2] {
        let mode = match number {
            1 => Mode::Rehearse,
            _ => Mode::Manual,
        };
        let class = Class::Critical;
        change
            .place_machine(&machine(number), &name("icu"), class, &name("x"), mode)
            .await
            .unwrap();
    }
    let payload = b"assignment".to_vec();
    let document = documents::numbered(DocumentKind::Assignment, 1, &payload);
    let digest = change.add_document(&document, &[]).await.unwrap();
    let leaves = [
        (machine(1), b"row".to_vec()),
        (machine(99), b"row".to_vec()),
    ];
    change
        .add_assignment_leaves(&digest, &leaves)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let status = |interlock| MachineStatus {
        boot: BootId([1; 16]),
        agent_version: "1".into(),
        installer_version: "1".into(),
        readiness: Readiness::Unknown,
        interlock,
        hold_until: None,
        watermark: digest,
        fingerprint: digest,
    };
    let store = &world.store;
    for (number, interlock) in [(1, InterlockWord::InUse), (3, InterlockWord::Unknown)] {
        let status = status(interlock);
        store
            .record_status(&machine(number), &status, NOW)
            .await
            .unwrap();
    }
    let counted = store.view().await.unwrap().unit_counts().await.unwrap();
    let icu = UnitCounts {
        unit: name("icu"),
        machines: 4,
        unassigned: 3,
        // The one that cannot tell, and the one that never said.
        untold: 2,
        manual: 1,
        rehearsing: 1,
        active: 2,
    };
    assert_eq!(counted, std::slice::from_ref(&icu));
    // What is put away or gone is not counted.
    let mut change = world.change().await;
    for (number, state) in [(3, MachineState::Stored), (4, MachineState::Revoked)] {
        change
            .move_machine(&machine(number), MachineState::Enrolled, state, "tidied")
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let counted = store.view().await.unwrap().unit_counts().await.unwrap();
    let left = UnitCounts {
        machines: 2,
        unassigned: 1,
        untold: 0,
        active: 0,
        ..icu
    };
    assert_eq!(counted, [left]);
}

async fn who_is_enrolled_by_unit(world: World) {
    let world = world.with_machines(7).await;
    let enrolled = async || {
        let mut view = world.store.view().await.unwrap();
        view.enrolled_by_unit().await.unwrap()
    };
    assert_eq!(enrolled().await, [(name("icu"), 7)]);
    // One unit before it and one after it, and one that has nobody.
    let mut change = world.change().await;
    for text in ["ward", "er", "lab"] {
        change.add_unit(&unit(text, "main")).await.unwrap();
    }
    for (number, text) in [(1, "ward"), (2, "er"), (3, "er")] {
        let (class, mode) = (Class::Standard, Mode::Manual);
        change
            .place_machine(&machine(number), &name(text), class, &name("x"), mode)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let counts = [("er", 2), ("icu", 4), ("ward", 1)];
    assert_eq!(enrolled().await, counts.map(|(unit, of)| (name(unit), of)));
    let mut change = world.change().await;
    for (number, state) in [
        (1, MachineState::Stored),
        (3, MachineState::Revoked),
        (4, MachineState::Decommissioned),
    ] {
        change
            .move_machine(&machine(number), MachineState::Enrolled, state, "tidied")
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let counts = [("er", 1), ("icu", 3)];
    assert_eq!(enrolled().await, counts.map(|(unit, of)| (name(unit), of)));
}
