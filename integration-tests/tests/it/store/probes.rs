//! What probes found and answer, and who does not belong to the fleet.

use super::*;
use patchward_collector::store::machines::{MachineState, MachineStatus, Readiness};
use patchward_collector::store::search::Answered;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::id::BootId;
use patchward_common::wire::machine::InterlockWord;

on_both_engines!(
    versions_that_probes_found,
    those_that_do_not_belong_to_the_fleet,
    answers_by_what_was_heard_of_each_class,
    who_does_not_count_among_the_answers,
);

fn component(source: Source, [name, version, arch]: [&str; 3]) -> Component {
    Component {
        source,
        name: name.into(),
        version: version.into(),
        arch: arch.into(),
    }
}

async fn versions_that_probes_found(world: World) {
    let world = world.with_machines(6).await;
    // The last in order comes first, so that it has the lowest number.
    let found = [
        ["viewer", "2", ""],
        ["viewer", "10", "arm64"],
        ["viewer", "10", "amd64"],
        ["Viewer", "3", ""],
    ];
    for (number, found) in (1..).zip(found) {
        let other = [Source::Deb, Source::Tree].map(|source| component(source, found));
        let of_probe = component(Source::Probe, found);
        let set = ComponentSet::new([&other[..], &[of_probe]].concat()).unwrap();
        let store = &world.store;
        store
            .record_inventory(&machine(number), &set, NOW)
            .await
            .unwrap();
    }
    let mut view = world.store.view().await.unwrap();
    let probed = view.probed_components().await.unwrap();
    let order: Vec<_> = probed.iter().map(|one| one.component.clone()).collect();
    let mut expected = found.map(|one| component(Source::Probe, one));
    expected.reverse();
    assert_eq!(order, expected);
    let mut all = view.components_beginning("", 99).await.unwrap();
    assert_eq!(all.len(), 12);
    all.retain(|one| one.component.source == Source::Probe);
    assert_eq!(probed, all, "with their numbers");
}

/// Moves machines of the fleet.
async fn gone(world: &World, moves: &[(u8, MachineState)]) {
    let mut change = world.change().await;
    for (number, state) in moves {
        change
            .move_machine(&machine(*number), MachineState::Enrolled, *state, "tidied")
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
}

async fn those_that_do_not_belong_to_the_fleet(world: World) {
    use MachineState::{Decommissioned, Enrolled, Revoked, Stored};
    let world = world.with_machines(5).await;
    let not_enrolled = async || {
        let mut view = world.store.view().await.unwrap();
        view.machines_not_enrolled().await.unwrap()
    };
    assert_eq!(not_enrolled().await, []);
    gone(&world, &[(5, Stored), (4, Revoked), (1, Decommissioned)]).await;
    assert_eq!(not_enrolled().await, [1, 4, 5].map(machine));
    let mut change = world.change().await;
    change
        .move_machine(&machine(5), Stored, Enrolled, "back")
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(not_enrolled().await, [1, 4].map(machine));
}

/// A machine said this, and was heard so long after [`NOW`].
async fn said(world: &World, number: u8, what: (InterlockWord, Readiness), after_ms: i64) {
    let status = MachineStatus {
        boot: BootId([number; 16]),
        agent_version: "1".into(),
        installer_version: "1".into(),
        readiness: what.1,
        interlock: what.0,
        hold_until: None,
        watermark: digest(1),
        fingerprint: digest(1),
    };
    let (store, id) = (&world.store, machine(number));
    store.record_status(&id, &status, NOW).await.unwrap();
    let at = NOW.plus_ms(after_ms);
    store.record_seen(&[(id, at.into())], at).await.unwrap();
}

fn answered(what: (InterlockWord, Readiness), silent: u32, machines: u64) -> Answered {
    Answered {
        interlock: Some(what.0),
        readiness: Some(what.1),
        silent,
        machines,
    }
}

/// What is answered where the classes are heard after 10, 20 and 30; in no order, for each engine
/// puts what was never said elsewhere.
async fn assert_answers(world: &World, expected: &[Answered]) {
    let limits = [10, 20, 30].map(|after_ms| NOW.plus_ms(after_ms));
    let mut view = world.store.view().await.unwrap();
    let found = view.answers_of_probes(limits).await.unwrap();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for one in expected {
        assert!(found.contains(one), "{one:?} is not in {found:?}");
    }
}

async fn answers_by_what_was_heard_of_each_class(world: World) {
    use Class::{Critical, LifeSupport, Standard};
    let world = world.with_machines(6).await;
    let idle = |ready| (InterlockWord::Idle, ready);
    let unknown = (InterlockWord::Unknown, Readiness::NotReady);
    for (number, class, what, after_ms) in [
        (1, Standard, idle(Readiness::Ready), 10),
        (2, Standard, idle(Readiness::Ready), 11),
        (3, Critical, idle(Readiness::Unknown), 20),
        (4, Critical, idle(Readiness::Unknown), 21),
        (5, LifeSupport, unknown, 30),
        (6, LifeSupport, unknown, 31),
    ] {
        let mut change = world.change().await;
        let id = machine(number);
        change
            .place_machine(&id, &name("icu"), class, &name("x"), Mode::Active)
            .await
            .unwrap();
        change.commit().await.unwrap();
        said(&world, number, what, after_ms).await;
    }
    let expected = [0, 1].map(|silent| {
        [
            answered(idle(Readiness::Ready), silent, 1),
            answered(idle(Readiness::Unknown), silent, 1),
            answered(unknown, silent, 1),
        ]
    });
    assert_answers(&world, &expected.concat()).await;
}

async fn who_does_not_count_among_the_answers(world: World) {
    let world = world.with_machines(9).await;
    let what = (InterlockWord::InUse, Readiness::Ready);
    for number in 1..=6 {
        said(&world, number, what, 99).await;
    }
    // 7 was heard and said nothing of itself, 8 and 9 were never heard.
    world.store.record_seen(&[heard(7)], NOW).await.unwrap();
    let untold = Answered {
        interlock: None,
        readiness: None,
        silent: 1,
        machines: 3,
    };
    assert_answers(&world, &[answered(what, 0, 6), untold]).await;
    let late = NOW.plus_ms(21);
    let seen = [(machine(7), late.into())];
    world.store.record_seen(&seen, late).await.unwrap();
    gone(
        &world,
        &[(1, MachineState::Stored), (2, MachineState::Revoked)],
    )
    .await;
    let mut change = world.change().await;
    change.suspect_clone(&machine(3), "two").await.unwrap();
    change.commit().await.unwrap();
    let here = Answered {
        silent: 0,
        machines: 1,
        ..untold
    };
    let never = Answered {
        machines: 2,
        ..untold
    };
    assert_answers(&world, &[answered(what, 0, 3), here, never]).await;
    let mut change = world.change().await;
    change.clear_clone(&machine(3), "one board").await.unwrap();
    change.commit().await.unwrap();
    assert_answers(&world, &[answered(what, 0, 4), here, never]).await;
}
