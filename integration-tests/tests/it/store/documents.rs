//! Signed documents and their signatures.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::documents::{DocumentKind, NewDocument, StoredSignature};
use patchward_common::trust::sign::KeyId;
use patchward_common::trust::stop::Scope;

on_both_engines!(
    numbered_documents,
    documents_in_force,
    signatures,
    assignments,
);

pub(super) fn document<'a>(kind: DocumentKind, payload: &'a [u8]) -> NewDocument<'a> {
    NewDocument {
        kind,
        number: None,
        scope: None,
        subject: None,
        expires_at: None,
        payload,
    }
}

pub(super) fn numbered(kind: DocumentKind, number: u64, payload: &[u8]) -> NewDocument<'_> {
    NewDocument {
        number: Some(number),
        ..document(kind, payload)
    }
}

pub(super) fn signature(number: u8) -> StoredSignature {
    StoredSignature {
        signer: KeyId([number; 32]),
        bytes: vec![0x84, number],
    }
}

async fn numbered_documents(world: World) {
    use DocumentKind::{Charter, Roster};
    let mut change = world.change().await;
    for (kind, number, payload) in [
        (Charter, 1, b"charter 1"),
        (Charter, 2, b"charter 2"),
        (Charter, 10, b"charter x"),
        (Roster, 1, b"roster  1"),
    ] {
        let digest = change
            .add_document(&numbered(kind, number, payload), &[signature(1)])
            .await
            .unwrap();
        assert_eq!(digest, Digest::of(payload));
    }
    // The same again changes nothing.
    let same = numbered(Charter, 2, b"charter 2");
    change.add_document(&same, &[signature(1)]).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let newest = view.newest(Charter).await.unwrap().unwrap();
    assert_eq!(newest.payload, b"charter x");
    assert_eq!(newest.number, Some(10));
    assert_eq!(view.newest(DocumentKind::Assignment).await.unwrap(), None);
    let chain = view.numbered_after(Charter, 1).await.unwrap();
    let numbers: Vec<_> = chain.iter().map(|d| d.number).collect();
    assert_eq!(numbers, [Some(2), Some(10)]);
    let found = view.document(&Digest::of(b"roster  1")).await.unwrap();
    assert_eq!(found.unwrap().kind, Roster);
    assert_eq!(view.document(&digest(1)).await.unwrap(), None);
    drop(view);
    // A fork: another document with a number that is taken.
    let mut change = world.change().await;
    refused!(
        change
            .add_document(&numbered(Charter, 2, b"fork"), &[])
            .await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    let too_high = numbered(Charter, 1 << 63, b"far");
    refused!(
        change.add_document(&too_high, &[]).await,
        StoreError::Invalid(_)
    );
}

async fn documents_in_force(world: World) {
    let icu = Scope::Unit(name("icu"));
    let stop = NewDocument {
        scope: Some(&icu),
        ..document(DocumentKind::Stop, b"stop the unit")
    };
    let all = NewDocument {
        scope: Some(&Scope::All),
        ..document(DocumentKind::Stop, b"stop it all")
    };
    let subject = machine(1).to_string();
    let handover = NewDocument {
        subject: Some(&subject),
        expires_at: Some(NOW.plus_ms(100)),
        ..document(DocumentKind::Handover, b"handover")
    };
    let mut change = world.change().await;
    let stop = change.add_document(&stop, &[]).await.unwrap();
    change.add_document(&handover, &[]).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    change.add_document(&all, &[]).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let stops = view.in_force(DocumentKind::Stop, NOW).await.unwrap();
    let said: Vec<_> = stops
        .iter()
        .map(|d| (d.scope.as_deref(), d.subject.as_deref()))
        .collect();
    assert_eq!(said, [(Some("unit"), Some("icu")), (Some("all"), Some(""))]);
    for (at, count) in [(99, 1), (100, 0)] {
        let at = NOW.plus_ms(at);
        let found = view.in_force(DocumentKind::Handover, at).await.unwrap();
        assert_eq!(found.len(), count);
    }
    drop(view);
    let mut change = world.change().await;
    change.end_document(&stop, "lift 0a").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let stops = view.in_force(DocumentKind::Stop, NOW).await.unwrap();
    assert_eq!(stops.len(), 1);
    let ended = view.document(&stop).await.unwrap().unwrap();
    assert_eq!(
        (ended.ended_at, ended.ended_by.as_deref()),
        (Some(NOW), Some("lift 0a"))
    );
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.end_document(&stop, "twice").await,
        StoreError::NotFound { .. }
    );
}

async fn signatures(world: World) {
    let mut change = world.change().await;
    let stop = document(DocumentKind::Lift, b"lift");
    let digest = change.add_document(&stop, &[signature(2)]).await.unwrap();
    change
        .add_signatures(&digest, &[signature(1), signature(2)])
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.signatures(&digest).await.unwrap(),
        [signature(1), signature(2)]
    );
}

async fn assignments(world: World) {
    let mut change = world.change().await;
    for (number, leaf, count) in [(1u64, b"old", 200u8), (2, b"new", 2)] {
        let payload = [b"assignment ", &leaf[..]].concat();
        let document = numbered(DocumentKind::Assignment, number, &payload);
        let digest = change.add_document(&document, &[]).await.unwrap();
        let leaves: Vec<_> = (1..=count).map(|n| (machine(n), leaf.to_vec())).collect();
        change
            .add_assignment_leaves(&digest, &leaves)
            .await
            .unwrap();
        assert_eq!(
            change.view().assignment_leaves(&digest).await.unwrap(),
            leaves
        );
    }
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    for (number, assignment) in [(1, Some(2)), (3, Some(1)), (201, None)] {
        let found = view.assignment_of(&machine(number)).await.unwrap();
        assert_eq!(found.and_then(|d| d.number), assignment, "machine {number}");
    }
}
