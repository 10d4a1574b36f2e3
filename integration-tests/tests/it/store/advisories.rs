//! Advisories: revisions, matches, what people say, and what a run was computed from.

use super::*;
use patchward_collector::advisory::kev::{Catalogue, Kev};
use patchward_collector::store::StoreError;
use patchward_collector::store::advisories::{AdvisoryRow, Mark, MatchRow, Moved, NewDecision};
use patchward_collector::store::assets::Asset;
use patchward_collector::store::manual::Worker;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::wire::machine::{DeviceFound, DeviceSaid};

on_both_engines!(revisions, notes, matches, said, held, stamps);

fn advisory(id: &str, revision: u32) -> AdvisoryRow {
    AdvisoryRow {
        id: id.into(),
        revision,
        version: revision.to_string(),
        form: "csaf_2.0".into(),
        publisher: "Acme".into(),
        title: "Monitor".into(),
        category: "csaf_security_advisory".into(),
        status: "final".into(),
        digest: digest(revision as u8),
        published: Some(NOW),
        changed: None,
        due: Some(NOW),
        score: Some(98),
        severity: "critical".into(),
        added_at: NOW,
    }
}

fn row(advisory: &str, thing: &str, value: &str) -> MatchRow {
    MatchRow {
        advisory: advisory.into(),
        thing: thing.into(),
        who: "asset/acme/m7".into(),
        shown: "Acme M7".into(),
        value: value.into(),
        reason: "version_is_affected".into(),
        why: "because".into(),
        product: "acme m7@".into(),
        product_id: "P1".into(),
        outlook: "fix".into(),
        fingerprint: digest(1),
        since: NOW,
    }
}

async fn add(world: &World, row: &AdvisoryRow, is_newest: bool, names: &[&str]) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut change = world.change().await;
    let bytes = row.version.as_bytes();
    change
        .add_advisory(row, bytes, is_newest, &names)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

async fn revisions(world: World) {
    let (first, second, older) = (advisory("A", 1), advisory("A", 2), advisory("A", 3));
    add(&world, &first, true, &["CVE-1", "CVE-1", "CVE-2"]).await;
    add(&world, &second, true, &["CVE-2"]).await;
    add(&world, &older, false, &["CVE-9"]).await;
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.advisories().await.unwrap(),
        std::slice::from_ref(&second)
    );
    let all = view.revisions("A").await.unwrap();
    assert_eq!(all, [first, second.clone(), older]);
    let newest = view.advisory("A").await.unwrap();
    assert_eq!(newest, Some((second, b"2".to_vec())));
    assert_eq!(view.advisory("B").await.unwrap(), None);
    let bytes = view.advisory_bytes("A", 1).await.unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"1"[..]));
    assert_eq!(view.advisory_bytes("A", 4).await.unwrap(), None);
    let names = view.advisory_vulnerabilities().await.unwrap();
    assert_eq!(names, [("A".to_owned(), "CVE-2".to_owned())]);
    drop(view);
    let mut change = world.change().await;
    change.remove_advisory("A").await.unwrap();
    refused!(
        change.remove_advisory("A").await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change.remove_advisory("A").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.revisions("A").await.unwrap(), []);
}

async fn notes(world: World) {
    add(&world, &advisory("A", 1), true, &[]).await;
    let mut change = world.change().await;
    change.read_advisory("A").await.unwrap();
    change.read_advisory("A").await.unwrap();
    change.comment_advisory("A", "first").await.unwrap();
    change.comment_advisory("A", "second").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let readers = view.advisory_readers().await.unwrap();
    assert_eq!(readers, [("A".into(), "person:iris".into(), NOW)]);
    let comments = view.advisory_comments("A").await.unwrap();
    let texts: Vec<_> = comments.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["first", "second"]);
    drop(view);
    // Nobody has read a new revision yet.
    add(&world, &advisory("A", 2), true, &[]).await;
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.advisory_readers().await.unwrap(), []);
}

async fn matches(world: World) {
    let put = async |rows: &[MatchRow], gone: &[&str]| {
        let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
        let mut change = world.change().await;
        change.put_matches("A", rows, &gone, 1).await.unwrap();
        change.commit().await.unwrap();
        let mut view = world.store.view().await.unwrap();
        view.advisory_matches(Some("A")).await.unwrap()
    };
    let (one, two) = (row("A", "one", "affected"), row("A", "two", "needs_person"));
    let both = [one.clone(), two.clone()];
    assert_eq!(put(&both, &[]).await, both);
    let other = row("A", "two", "not_affected");
    let changed = put(std::slice::from_ref(&other), &["one"]).await;
    assert_eq!(changed, [other], "one is gone, two is another");
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.advisory_matches(Some("B")).await.unwrap(), []);
    assert_eq!(view.advisory_matches(None).await.unwrap().len(), 1);
    drop(view);
    let (names, holders) = (["CVE-1".to_owned()], ["asset a".to_owned()]);
    for mark in [Mark::InProgress, Mark::Done] {
        let mut change = world.change().await;
        let marked = change.mark_advisory("A", &names, &holders, mark);
        marked.await.unwrap();
        change.commit().await.unwrap();
    }
    let mut view = world.store.view().await.unwrap();
    let marks = view.advisory_marks(Some("A")).await.unwrap();
    assert_eq!((marks.len(), marks[0].mark), (1, Mark::Done));
    assert_eq!(view.advisory_marks(None).await.unwrap(), marks);
}

async fn said(world: World) {
    let reason = label("closed");
    let new = NewDecision {
        advisory: "A",
        product: "p",
        who: "w",
        version: "1",
        value: "not_affected",
        reason: &reason,
    };
    let mut change = world.change().await;
    assert_eq!(change.decide(&new).await.unwrap(), 1);
    assert_eq!(change.decide(&new).await.unwrap(), 2);
    change.undo_decision(2).await.unwrap();
    change.add_alias("", "old", "acme").await.unwrap();
    change.add_alias("", "old", "new").await.unwrap();
    change.add_alias("acme", "m", "m7").await.unwrap();
    change.remove_alias("acme", "m").await.unwrap();
    let catalogue = |cve: &str| Catalogue {
        version: "1".into(),
        entries: vec![Kev {
            cve: cve.into(),
            product: "p".into(),
            added: "2026-01-01".into(),
            due: "2026-02-01".into(),
            is_ransomware: true,
        }],
    };
    change.put_exploited(&catalogue("CVE-1")).await.unwrap();
    change.put_exploited(&catalogue("CVE-2")).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let decisions = view.decisions().await.unwrap();
    let ended: Vec<_> = decisions.iter().map(|one| one.ended_at).collect();
    assert_eq!(ended, [Some(NOW), Some(NOW)], "said again, and undone");
    let aliases = view.aliases().await.unwrap();
    assert_eq!((aliases.len(), aliases[0].means.as_str()), (1, "new"));
    assert_eq!(view.alias("", "old").await.unwrap().as_deref(), Some("new"));
    assert_eq!(view.alias("acme", "old").await.unwrap(), None, "a vendor's");
    assert_eq!(view.alias("acme", "m").await.unwrap(), None, "removed");
    let exploited = view.exploited().await.unwrap();
    assert_eq!(exploited, catalogue("CVE-2").entries);
    drop(view);
    let mut change = world.change().await;
    refused!(change.undo_decision(2).await, StoreError::NotFound { .. });
    drop(change);
    let mut change = world.change().await;
    refused!(
        change.remove_alias("acme", "m").await,
        StoreError::NotFound { .. }
    );
}

fn component(name: &str, version: &str, arch: &str) -> Component {
    Component {
        source: Source::Deb,
        name: name.into(),
        version: version.into(),
        arch: arch.into(),
    }
}

/// A device of the list that a neighbour may ask.
fn device(tag: &str, model: &str) -> Asset {
    Asset {
        manufacturer: "Acme".into(),
        model: model.into(),
        unit: Some(name("icu")),
        ..Asset::new(label(tag))
    }
}

/// Two machines with sets, and the device `CT-7` without an agent.
async fn ward(world: World) -> World {
    let world = world.with_machines(2).await;
    let manual = NewMachine {
        mode: Mode::Manual,
        ..new_machine(9)
    };
    let mut change = world.change().await;
    let list = [device("CT-7", "CT"), device("OLD", ""), device("B", "Pump")];
    change.put_assets(&list).await.unwrap();
    let tag = label("CT-7");
    let added = change.add_manual_machine(&manual, &tag, Worker::Vendor);
    added.await.unwrap();
    change.watch_device(&tag, &machine(1)).await.unwrap();
    change.commit().await.unwrap();
    for (number, openssl) in [(1, "3.0.1"), (2, "3.0.2")] {
        let list = vec![
            component("openssl", openssl, "amd64"),
            component("openssl", openssl, "i386"),
            component("bash", "5", "amd64"),
        ];
        let set = ComponentSet::new(list).unwrap();
        let (store, id) = (&world.store, machine(number));
        store.record_inventory(&id, &set, NOW).await.unwrap();
    }
    world
}

async fn held(world: World) {
    let world = ward(world).await;
    let mut view = world.store.view().await.unwrap();
    let sets = view.sets_in_use().await.unwrap();
    assert_eq!(sets.len(), 2);
    let members = view.members_of_sets(&sets).await.unwrap();
    assert_eq!(members.len(), 2);
    assert_eq!(view.members_of_sets(&[digest(9)]).await.unwrap(), []);
    let known = view.components_called(&[(Source::Deb, "openssl")]);
    assert_eq!(known.await.unwrap().len(), 4);
    let other = view.components_called(&[(Source::Rpm, "openssl")]);
    assert_eq!(other.await.unwrap(), []);
    let of_set = view.machines_of_sets(&sets).await.unwrap();
    let names: std::collections::BTreeSet<_> = of_set.iter().map(|one| &one.name).collect();
    assert_eq!(names.len(), 2);
    // The device is what its asset says, and not its machine's model.
    assert_eq!(view.models_in_use().await.unwrap(), [name("station-4")]);
    let of_model = view.machines_of_models(&[name("station-4")]).await.unwrap();
    assert_eq!(of_model.len(), 2);
    let manual = view.manual_machines().await.unwrap();
    assert_eq!((manual.len(), manual[0].0), (1, machine(9)));
    let models = view.asset_models().await.unwrap();
    let pair = |model: &str| ("Acme".to_owned(), model.to_owned());
    assert_eq!(models, [pair("CT"), pair("Pump")]);
    let found = view.assets_of_models(&[pair("CT")]).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].machine, Some(machine(9)));
    drop(view);
    let mut change = world.change().await;
    let tag = label("CT-7");
    change.set_software_version(&tag, "2.5").await.unwrap();
    refused!(
        change.set_software_version(&label("none"), "1").await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change.set_software_version(&tag, "2.5").await.unwrap();
    change.commit().await.unwrap();
    let asset = world.store.view().await.unwrap().asset(&tag).await.unwrap();
    assert_eq!(asset.unwrap().software_version, "2.5");
}

async fn answer(world: &World, by: u8, at: i64, version: &str) {
    let said = DeviceSaid {
        asset: label("CT-7"),
        component: "ct".into(),
        of_model: false,
        every_minutes: 15,
        at: NOW.plus_ms(at),
        found: DeviceFound::Version(version.into()),
    };
    let store = &world.store;
    store
        .record_device_answers(&machine(by), &[said])
        .await
        .unwrap();
}

async fn stamps(world: World) {
    let world = ward(world).await;
    let stamp = async || {
        let mut view = world.store.view().await.unwrap();
        view.matching_stamp().await.unwrap()
    };
    let moved = async |since| {
        let mut view = world.store.view().await.unwrap();
        view.moved_since(&since).await.unwrap()
    };
    // Whether the hospital has what it had.
    let same = async |then| {
        let now = stamp().await;
        let mut view = world.store.view().await.unwrap();
        view.has_the_same(&then, &now).await.unwrap()
    };
    let start = stamp().await;
    assert_eq!(moved(start).await, Moved::Nothing);
    assert!(same(start).await);
    // A note changes no match.
    let mut change = world.change().await;
    change.comment_advisory("A", "seen").await.unwrap();
    change.commit().await.unwrap();
    assert_ne!(stamp().await, start);
    assert_eq!(moved(start).await, Moved::Nothing);
    // A version does; the same version once more does not; who may not speak says nothing.
    answer(&world, 1, 1, "1").await;
    assert_eq!(moved(start).await, Moved::Inventory);
    assert!(!same(start).await);
    let answered = stamp().await;
    answer(&world, 1, 2, "1").await;
    answer(&world, 2, 3, "9").await;
    assert_eq!(moved(answered).await, Moved::Nothing);
    let mut view = world.store.view().await.unwrap();
    let versions = view.device_versions().await.unwrap();
    assert_eq!(
        (versions.len(), versions[0].version.as_str()),
        (1, "1"),
        "{versions:?}"
    );
    drop(view);
    // And so does silence.
    let week = NOW.plus_ms(8 * patchward_common::time::DAY_MS);
    assert_eq!(world.store.lose_device_answers(NOW).await.unwrap(), 0);
    assert_eq!(moved(answered).await, Moved::Nothing);
    assert_eq!(world.store.lose_device_answers(week).await.unwrap(), 2);
    assert_eq!(moved(answered).await, Moved::Inventory);
    assert_eq!(world.store.lose_device_answers(week).await.unwrap(), 0);
    answer(&world, 1, 4, "1").await;
    assert_eq!(moved(answered).await, Moved::Nothing, "it answers again");
    // A change that was computed from what moved is not written.
    let new = [row("A", "one", "affected")];
    let mut change = world.change().await;
    change.put_matches("A", &new, &[], 1).await.unwrap();
    let refused = change.commit_unless_moved(&start, |_| false).await.unwrap();
    assert_eq!(refused.unwrap_err(), Moved::Inventory);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.advisory_matches(None).await.unwrap(), []);
    drop(view);
    let mut change = world.change().await;
    change.put_matches("A", &new, &[], 1).await.unwrap();
    let taken = change.commit_unless_moved(&start, |moved| moved == Moved::Inventory);
    taken.await.unwrap().unwrap();
    assert_eq!(moved(answered).await, Moved::People, "matches were written");
    let before = stamp().await;
    let mut change = world.change().await;
    change.add_alias("", "a", "b").await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(moved(before).await, Moved::People);
    assert!(
        same(before).await,
        "what people say of names is not what there is"
    );
    let tag = label("CT-7");
    let mut change = world.change().await;
    change.set_software_version(&tag, "2").await.unwrap();
    change.commit().await.unwrap();
    assert!(!same(before).await);
}
