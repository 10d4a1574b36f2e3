//! Vendors, their metadata, releases and artifacts.

use super::*;
use patchward_collector::store::releases::{ArtifactState, Release, ReleaseState};
use patchward_collector::store::vendors::{LastRead, TufFile, Vendor};
use patchward_collector::store::{StoreError, View};
use patchward_common::trust::release::Provenance;
use patchward_integration_tests::fixture::Hospital;

on_both_engines!(vendors, metadata, reads, releases, artifacts);

pub(super) fn vendor(text: &str) -> Vendor {
    Vendor {
        name: name(text),
        repository: name(&format!("{text}-repo")),
        url: "https://vendor.example/tuf".into(),
        root_digest: digest(1),
    }
}

async fn vendors(world: World) {
    let mut change = world.change().await;
    change.add_vendor(&vendor("acme")).await.unwrap();
    change
        .set_vendor_url(&name("acme"), "/srv/mirror")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut moved = vendor("acme");
    moved.url = "/srv/mirror".into();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.vendors().await.unwrap(), std::slice::from_ref(&moved));
    let of = view.vendor_of(&moved.repository).await.unwrap();
    assert_eq!(of, Some(moved.clone()));
    assert_eq!(view.vendor_of(&name("x")).await.unwrap(), None);
    let known = Hospital::new(1, NOW).release("2", 2, b"the release");
    let mut known = [known.clone(), known];
    known[0].repository = moved.repository.clone();
    known[1].repository = name("x");
    let of = view.vendors_of(&known).await.unwrap();
    assert_eq!(of, std::slice::from_ref(&moved.name));
    drop(view);
    let mut change = world.change().await;
    moved.name = name("other");
    refused!(change.add_vendor(&moved).await, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    refused!(
        change.set_vendor_url(&name("x"), "/").await,
        StoreError::NotFound { .. }
    );
}

fn file(name: &str, version: u64, bytes: &[u8]) -> TufFile {
    TufFile {
        file: name.into(),
        version,
        digest: Digest::of(bytes),
        bytes: bytes.to_vec(),
    }
}

/// What a repository was read with is one row, and none where something of it is left.
async fn reads(world: World) {
    let repository = name("acme-repo");
    let read = |number| LastRead {
        granted: digest(number),
        timestamp: digest(9),
    };
    let mut change = world.change().await;
    refused!(
        change.note_read(&repository, None).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change.add_vendor(&vendor("acme")).await.unwrap();
    change.commit().await.unwrap();
    for noted in [Some(read(1)), Some(read(2)), None] {
        let mut change = world.change().await;
        change.note_read(&repository, noted.as_ref()).await.unwrap();
        change.commit().await.unwrap();
        let mut view = world.store.view().await.unwrap();
        assert_eq!(view.last_read(&repository).await.unwrap(), noted);
    }
}

async fn metadata(world: World) {
    let repository = name("acme-repo");
    let mut change = world.change().await;
    refused!(
        change.put_tuf_files(&repository, &[]).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change.add_vendor(&vendor("acme")).await.unwrap();
    let first = [
        file("1.root.json", 1, b"{1}"),
        file("timestamp.json", 7, b"{t}"),
    ];
    change.put_tuf_files(&repository, &first).await.unwrap();
    // Fetched again without a change.
    change
        .put_tuf_files(&repository, &first[1..])
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.fetched_at(&repository).await.unwrap(), Some(NOW));
    assert_eq!(view.fetched_at(&name("x")).await.unwrap(), None);
    assert_eq!(view.tuf_files(&repository).await.unwrap(), first);
    let newest = async |view: &mut View| view.newest_root(&repository).await.unwrap();
    assert_eq!(newest(&mut view).await, Some(first[0].clone()));
    assert_eq!(view.newest_root(&name("x")).await.unwrap(), None);
    drop(view);
    for (bad, what) in [
        (file("timestamp.json", 6, b"{t}"), "older"),
        (
            file("timestamp.json", 7, b"{u}"),
            "same version, other bytes",
        ),
    ] {
        let mut change = world.change().await;
        let both = [file("2.root.json", 2, b"{2}"), bad];
        let result = change.put_tuf_files(&repository, &both).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{what}");
    }
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.tuf_file(&repository, "2.root.json").await.unwrap(),
        None
    );
    drop(view);
    // Fast-forward recovery: dropped first, then lower.
    let mut change = world.change().await;
    change
        .drop_tuf_files(&repository, &["timestamp.json"])
        .await
        .unwrap();
    let lower = file("timestamp.json", 1, b"{v}");
    change
        .put_tuf_files(&repository, std::slice::from_ref(&lower))
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let found = view.tuf_file(&repository, "timestamp.json").await.unwrap();
    assert_eq!(found, Some(lower));
    drop(view);
    // By number and not by name.
    let mut change = world.change().await;
    let tenth = file("10.root.json", 10, b"{10}");
    let both = [file("9.root.json", 9, b"{9}"), tenth.clone()];
    change.put_tuf_files(&repository, &both).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(newest(&mut view).await, Some(tenth));
}

pub(super) fn release(counter: u64) -> Release {
    Release {
        repository: name("acme-repo"),
        path: format!("viewer-{counter}.tar.zst"),
        sha256: Digest::of(&counter.to_be_bytes()),
        length: 1_000 + counter,
        product: name("viewer"),
        version: format!("4.{counter}"),
        counter,
        kind: "tree".into(),
        provenance: Provenance::VendorSignature,
        description: b"{}".to_vec(),
        state: ReleaseState::Available,
        added_at: NOW,
    }
}

async fn releases(world: World) {
    let (old, new) = (release(9), release(10));
    let mut change = world.change().await;
    refused!(
        change.add_release(&old, &[]).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change.add_vendor(&vendor("acme")).await.unwrap();
    change
        .add_release(&old, &[(old.sha256, old.length)])
        .await
        .unwrap();
    change
        .add_release(&new, &[(new.sha256, new.length)])
        .await
        .unwrap();
    change
        .add_release(&new, &[(new.sha256, new.length)])
        .await
        .unwrap();
    change
        .set_release_state(&old.sha256, ReleaseState::Withdrawn, "recall")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let withdrawn = Release {
        state: ReleaseState::Withdrawn,
        ..old.clone()
    };
    let mut view = world.store.view().await.unwrap();
    let all = view.releases(None).await.unwrap();
    assert_eq!(all, [new.clone(), withdrawn.clone()]);
    let of = view.releases(Some(&name("viewer"))).await.unwrap();
    assert_eq!(of, all);
    assert_eq!(view.releases(Some(&name("x"))).await.unwrap(), []);
    let by = view.releases_by_digest(&old.sha256).await.unwrap();
    assert_eq!(by, [withdrawn]);
    drop(view);
    let mut change = world.change().await;
    refused!(
        change
            .set_release_state(&digest(1), ReleaseState::Withdrawn, "x")
            .await,
        StoreError::NotFound { .. }
    );
}

async fn artifacts(world: World) {
    let release = release(1);
    let mut change = world.change().await;
    change.add_vendor(&vendor("acme")).await.unwrap();
    let parts = [(digest(1), 10), (digest(2), 20)];
    change.add_release(&release, &parts).await.unwrap();
    change
        .set_artifact_state(&digest(1), ArtifactState::Stored)
        .await
        .unwrap();
    // Named by another release again, it stays stored.
    change.add_release(&release, &parts).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let first = view.artifact(&digest(1)).await.unwrap().unwrap();
    assert_eq!((first.length, first.state), (10, ArtifactState::Stored));
    assert_eq!(view.artifact(&digest(3)).await.unwrap(), None);
    let to_fetch = view.artifacts_to_fetch().await.unwrap();
    assert_eq!(to_fetch.len(), 1);
    assert_eq!(
        (to_fetch[0].sha256, to_fetch[0].state),
        (digest(2), ArtifactState::Wanted)
    );
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.add_release(&release, &[(digest(1), 11)]).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    refused!(
        change
            .set_artifact_state(&digest(3), ArtifactState::Lost)
            .await,
        StoreError::NotFound { .. }
    );
}
