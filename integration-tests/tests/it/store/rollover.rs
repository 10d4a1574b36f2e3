//! The certificate authority and its follower, on record.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::machines::MachineState;

on_both_engines!(
    an_authority_is_followed,
    who_comes_meanwhile_waits_and_sees_it,
);

async fn an_authority_is_followed(world: World) {
    let world = world.with_machines(4).await;
    let (old, new) = (digest(1), digest(2));
    let mut change = world.change().await;
    change.note_authority(&old).await.unwrap();
    let (enrolled, stored) = (MachineState::Enrolled, MachineState::Stored);
    change
        .move_machine(&machine(4), enrolled, stored, "away")
        .await
        .unwrap();
    // The later one counts.
    for (relay, serial) in [("site-b", "4a"), ("site-c", "4b"), ("site-b", "4c")] {
        change
            .certify_relay(&name(relay), serial, NOW.plus_ms(7))
            .await
            .unwrap();
    }
    change.begin_authority(&new, "it ends").await.unwrap();
    let ends = NOW.plus_ms(9);
    change
        .add_certificate(&machine(2), "0a", ends)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let store = &world.store;
    store
        .record_seen(&[(machine(2), NOW.into())], NOW)
        .await
        .unwrap();
    let reached = [machine(1), machine(4), machine(1)];
    store.record_reached(&reached, NOW).await.unwrap();
    store.record_reached(&reached[..1], NOW).await.unwrap();
    let mut view = store.view().await.unwrap();
    let relays = view.relay_certificates().await.unwrap();
    let relays: Vec<_> = relays
        .iter()
        .map(|one| (one.relay.as_str(), &*one.serial, one.expires_at))
        .collect();
    let over = NOW.plus_ms(7);
    assert_eq!(relays, [("site-b", "4c", over), ("site-c", "4b", over)]);
    assert_eq!(view.next_authority().await.unwrap(), Some(new));
    // What is put away is neither counted nor waited for.
    assert_eq!(view.reached().await.unwrap(), 1);
    let left = view.unreached().await.unwrap();
    let left: Vec<_> = left
        .iter()
        .map(|one| (one.name.as_str(), one.seen_at, one.ends_at))
        .collect();
    assert_eq!(
        left,
        [("pc-2", Some(NOW), Some(ends)), ("pc-3", None, None)]
    );
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.replace_authority(&digest(3), &new, 0, "no").await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    change
        .replace_authority(&old, &new, 2, "known")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.authority().await.unwrap(), Some(new));
    assert_eq!(view.next_authority().await.unwrap(), None);
    assert_eq!(view.reached().await.unwrap(), 0);
    assert_eq!(view.unreached().await.unwrap().len(), 3);
}

/// A collector that comes while another goes over to the next authority sees it once it counts.
async fn who_comes_meanwhile_waits_and_sees_it(world: World) {
    let store = world.store.clone();
    let mut goes = world.change().await;
    goes.note_authority(&digest(1)).await.unwrap();
    goes.commit().await.unwrap();
    let mut goes = world.change().await;
    goes.lock_authority().await.unwrap();
    let comes = tokio::spawn(async move {
        let mut change = store.change(Actor::Collector, NOW).await.unwrap();
        change.lock_authority().await.unwrap();
        change.view().next_authority().await.unwrap()
    });
    goes.begin_authority(&digest(2), "it ends").await.unwrap();
    goes.commit().await.unwrap();
    assert_eq!(comes.await.unwrap(), Some(digest(2)));
}
