//! The custodian repository: what waits for a signature, origins, archives.

use super::vendors::{release, vendor};
use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::custody::Adoption;
use patchward_collector::store::releases::ReleaseState;
use patchward_common::trust::release::Provenance;

on_both_engines!(custody, archives);

async fn custody(world: World) {
    let release = release(1);
    let (repository, path) = (&release.repository, &*release.path);
    let mut adoption = Adoption {
        repository: repository.clone(),
        path: path.to_owned(),
        product: release.product.clone(),
        version: "1".into(),
        provenance: Provenance::Attested,
        targets: b"{}".to_vec(),
        adopted_by: "local:0".into(),
        adopted_at: NOW,
    };
    let mut change = world.change().await;
    change.add_vendor(&vendor("acme")).await.unwrap();
    change.put_adoption(&adoption).await.unwrap();
    adoption.version = "2".into();
    change.put_adoption(&adoption).await.unwrap();
    change.add_release(&release, &[]).await.unwrap();
    let sha256 = &release.sha256;
    change
        .put_origin(repository, path, sha256, b"origin")
        .await
        .unwrap();
    let (state, reason) = (ReleaseState::Superseded, "a later one");
    change
        .stand_release(repository, path, sha256, state, reason)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let waiting = view.adoptions().await.unwrap();
    assert_eq!(
        waiting,
        std::slice::from_ref(&adoption),
        "one for each path"
    );
    let origin = view.origin(repository, path, sha256).await.unwrap();
    assert_eq!(origin.as_deref(), Some(&b"origin"[..]));
    let none = view.origin(repository, "other", sha256).await.unwrap();
    assert_eq!(none, None);
    assert_eq!(view.releases(None).await.unwrap()[0].state, state);
    drop(view);
    let mut change = world.change().await;
    change
        .drop_adoption(repository, path, "signed")
        .await
        .unwrap();
    refused!(
        change.drop_adoption(repository, path, "signed").await,
        StoreError::NotFound { .. }
    );
}

async fn archives(world: World) {
    let mut change = world.change().await;
    change.mark_archive("/srv/a", "stable", NOW).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let seen = view.archive_seen("/srv/a", "stable").await.unwrap();
    assert_eq!(seen, Some(NOW));
    assert_eq!(view.archive_seen("/srv/a", "old").await.unwrap(), None);
    drop(view);
    let mut change = world.change().await;
    let before = NOW.plus_ms(-1);
    refused!(
        change.mark_archive("/srv/a", "stable", before).await,
        StoreError::Conflict(_)
    );
}
