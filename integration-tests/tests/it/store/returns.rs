//! Machines that come back from storage, or after their certificate ended.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::machines::MachineState;

on_both_engines!(returns);

async fn returns(world: World) {
    use MachineState::{Decommissioned, Enrolled, Stored};
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    let ended = NOW.plus_ms(-5);
    for (serial, ends) in [("0a", ended), ("0b", NOW.plus_ms(-9))] {
        change
            .add_certificate(&machine(1), serial, ends)
            .await
            .unwrap();
    }
    change
        .move_machine(&machine(2), Enrolled, Stored, "loaned")
        .await
        .unwrap();
    for number in [1, 2, 3] {
        change.ask_return(&machine(number)).await.unwrap();
    }
    change
        .move_machine(&machine(3), Enrolled, Decommissioned, "old")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    // What is gone does not wait.
    let waiting = view.returns_waiting().await.unwrap();
    let who = waiting
        .iter()
        .map(|one| (one.machine, one.state, one.ends_at));
    let expected = [
        (machine(1), Enrolled, Some(ended)),
        (machine(2), Stored, None),
    ];
    assert_eq!(who.collect::<Vec<_>>(), expected);
    drop(view);
    // What was put away is taken out, not only accepted; nobody is accepted unasked.
    for number in [2, 3, 9] {
        let mut change = world.change().await;
        refused!(
            change.accept_return(&machine(number)).await,
            StoreError::Conflict(_)
        );
    }
    let mut change = world.change_at(NOW.plus_ms(5)).await;
    change.accept_return(&machine(1)).await.unwrap();
    change
        .move_machine(&machine(2), Stored, Enrolled, "back")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert!(view.returns_waiting().await.unwrap().is_empty());
    for number in [1, 2] {
        let back = view.return_of(&machine(number)).await.unwrap().unwrap();
        assert_eq!(back.accepted_at, Some(NOW.plus_ms(5)), "{number}");
    }
    drop(view);
    // Asked again the yes is over; with a certificate all of it is.
    let mut change = world.change_at(NOW.plus_ms(9)).await;
    change.ask_return(&machine(1)).await.unwrap();
    let again = change.view().return_of(&machine(1)).await.unwrap().unwrap();
    assert_eq!((again.asked_at, again.accepted_at), (NOW.plus_ms(9), None));
    change
        .add_certificate(&machine(1), "0c", NOW.plus_ms(99))
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.return_of(&machine(1)).await.unwrap(), None);
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.ask_return(&machine(9)).await,
        StoreError::NotFound { .. }
    );
}
