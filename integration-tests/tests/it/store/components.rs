//! What a search reads, bills of materials of releases, ends of support.

use super::vendors::{release, vendor};
use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::boms::{ReleaseComponent, ReleaseMatch, StoredBom};
use patchward_collector::store::releases::ReleaseState;
use patchward_collector::store::support::{SupportEnd, SupportKind};
use patchward_common::component::{Component, ComponentSet, Source};

on_both_engines!(searches, bills, what_releases_meet, ends_of_support);

async fn searches(world: World) {
    let world = world.with_machines(2).await;
    let store = &world.store;
    let names = ["lib", "libssl", "libssl3", "libz", "Lib", "lib\u{e4}"];
    let list = names.map(|name| Component {
        source: Source::Deb,
        name: name.into(),
        version: "1".into(),
        arch: String::new(),
    });
    let set = ComponentSet::new(list.into()).unwrap();
    store
        .record_inventory(&machine(1), &set, NOW)
        .await
        .unwrap();
    for number in [1, 2] {
        store
            .record_facts(&machine(number), b"packed", NOW)
            .await
            .unwrap();
    }
    let mut view = store.view().await.unwrap();
    for (begin, limit, expected) in [
        ("libssl", 9, &["libssl", "libssl3"][..]),
        ("lib", 2, &["lib", "libssl"]),
        ("lib\u{e4}", 9, &["lib\u{e4}"]),
        ("none", 9, &[]),
    ] {
        let found = view.components_beginning(begin, limit).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|one| one.component.name).collect();
        assert_eq!(found, expected, "{begin}");
    }
    let all = view.components_beginning("", 99).await.unwrap();
    assert_eq!(all.len(), names.len());
    let placed = view.placed_machines(Some(&name("icu"))).await.unwrap();
    assert_eq!(placed.len(), 2);
    assert_eq!(
        (&placed[1].name, placed[1].class),
        (&name("pc-2"), Class::Critical)
    );
    assert_eq!(view.placed_machines(None).await.unwrap(), placed);
    let none = view.placed_machines(Some(&name("er"))).await.unwrap();
    assert!(none.is_empty());
    let facts = view.facts_after(None, 1).await.unwrap();
    assert_eq!(facts, [(machine(1), b"packed".to_vec())]);
    let facts = view.facts_after(Some(&machine(1)), 9).await.unwrap();
    assert_eq!(facts.len(), 1);
}

async fn bills(world: World) {
    let bom = |file: u8| StoredBom {
        release: digest(1),
        file: digest(file),
        length: 9,
        format: "CycloneDX 1.6".into(),
        taken_by: String::new(),
        taken_at: UtcMs(0),
    };
    let component = |name: &str, version: &str| ReleaseComponent {
        release: digest(1),
        source: Source::Probe,
        name: name.into(),
        version: version.into(),
        purl: String::new(),
    };
    let first = [component("openssl", "3"), component("zlib", "")];
    let mut change = world.change().await;
    change.put_bom(&bom(2), &first).await.unwrap();
    change.commit().await.unwrap();
    let second = [component("openssl", "4")];
    let mut change = world.change().await;
    change.put_bom(&bom(3), &second).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let kept = view.bom(&digest(1)).await.unwrap().unwrap();
    assert_eq!((kept.file, kept.taken_at), (digest(3), NOW));
    assert_eq!(kept.taken_by, "person:iris");
    assert_eq!(view.bom(&digest(9)).await.unwrap(), None);
    let listed = view.bom_components(&digest(1)).await.unwrap();
    assert_eq!(listed, second, "the later bill took the place of the first");
    let found = view.released_components("open", "opep", 9).await.unwrap();
    assert_eq!(found, second);
    let found = view.released_components("a", "b", 9).await.unwrap();
    assert!(found.is_empty());
}

async fn what_releases_meet(world: World) {
    let release = release(1);
    let bom = StoredBom {
        release: release.sha256,
        file: digest(2),
        length: 9,
        format: "CycloneDX 1.6".into(),
        taken_by: String::new(),
        taken_at: UtcMs(0),
    };
    let met = |thing: &str, value: &str| ReleaseMatch {
        release: release.sha256,
        advisory: "A".into(),
        thing: thing.into(),
        shown: thing.into(),
        value: value.into(),
        reason: "why".into(),
        why: "why".into(),
    };
    let mut change = world.change().await;
    change.add_vendor(&vendor("acme")).await.unwrap();
    change.add_release(&release, &[]).await.unwrap();
    change.put_bom(&bom, &[]).await.unwrap();
    let first = [met("a@1", "affected"), met("b@1", "affected")];
    change.put_release_matches("A", &first).await.unwrap();
    change.put_release_matches("B", &[]).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let with = view.releases_with_bom().await.unwrap();
    assert_eq!(with, [release.sha256]);
    assert_eq!(view.release_matches(None, None).await.unwrap(), first);
    let of = Some(&release.sha256);
    assert_eq!(view.release_matches(of, Some("A")).await.unwrap(), first);
    assert_eq!(view.release_matches(None, Some("B")).await.unwrap(), []);
    let other = digest(9);
    assert_eq!(view.release_matches(Some(&other), None).await.unwrap(), []);
    drop(view);
    let later = [met("b@1", "needs_person")];
    let mut change = world.change().await;
    change.put_release_matches("A", &later).await.unwrap();
    let state = ReleaseState::Withdrawn;
    change
        .set_release_state(&release.sha256, state, "taken back")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.release_matches(of, None).await.unwrap(), later);
    assert_eq!(view.releases_with_bom().await.unwrap(), []);
}

async fn ends_of_support(world: World) {
    let end = |name: &str, ends_on: &str| SupportEnd {
        kind: SupportKind::Os,
        name: name.into(),
        versions: "< 12".into(),
        ends_on: ends_on.into(),
        source: Some(label("the project's page")),
        put_by: "person:iris".into(),
        put_at: NOW,
    };
    let mut change = world.change().await;
    for (name, ends_on) in [
        ("debian", "2028-06-30"),
        ("ubuntu", "2027-04-01"),
        ("debian", "2026-07-14"),
    ] {
        change.put_support_end(&end(name, ends_on)).await.unwrap();
    }
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let all = view.support_ends().await.unwrap();
    assert_eq!(
        all,
        [end("debian", "2026-07-14"), end("ubuntu", "2027-04-01")]
    );
    drop(view);
    let mut change = world.change().await;
    let os = SupportKind::Os;
    change
        .remove_support_end(os, "debian", "< 12")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.remove_support_end(os, "debian", "< 12").await,
        StoreError::NotFound { .. }
    );
}
