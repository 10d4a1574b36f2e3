//! A whole store, copied into a file and back into either engine; a restored one waits.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::copy::newest_schema;
use patchward_collector::store::restored::Restored;
use std::path::Path;

on_both_engines!(
    a_whole_store_is_copied_and_comes_back,
    what_is_copied_is_one_state,
    machines_say_what_they_remember,
    looking_changes_nothing,
);

/// A file in a folder of its own, which vanishes.
fn file(folder: &tempfile::TempDir) -> Place {
    Place::of(None, folder.path().join("copy.sqlite"))
}

fn path(place: &Place) -> &Path {
    match place {
        Place::Sqlite { path, .. } => path,
        Place::Postgres { url } => panic!("{url} is no file"),
    }
}

/// An empty database of the engine that `world` has.
fn another(world: &World) -> (Place, tempfile::TempDir) {
    match world.place {
        Place::Sqlite { .. } => sqlite(),
        Place::Postgres { .. } => postgres(),
    }
}

async fn a_whole_store_is_copied_and_comes_back(world: World) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    change.name_collector(&name("north")).await.unwrap();
    let plan = plans::plan_with_jobs(&mut change, "spring", 3).await;
    change.commit().await.unwrap();
    world.store.record_seen(&[heard(2)], NOW).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = file(&folder);
    let mut view = world.store.view().await.unwrap();
    let mut steps = 0;
    let rows = view
        .copy_to_file(path(&copy), async || steps += 1)
        .await
        .unwrap();
    assert!(steps > 5, "others have their turn");
    assert_eq!(view.counts().await.unwrap(), rows);
    assert_eq!(rows["machines"], 3);
    let head = view.audit_head().await.unwrap();
    drop(view);

    let copied = copy.look().await.unwrap();
    let mut view = copied.view().await.unwrap();
    assert_eq!(view.damage().await.unwrap(), Vec::<String>::new());
    assert_eq!(view.counts().await.unwrap(), rows);
    assert_eq!(view.verify_audit(None).await.unwrap(), head);
    assert_eq!(view.schema_version().await.unwrap(), newest_schema());
    // It stays one file: nothing of it lies in a log beside it.
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);

    let (place, _folder) = another(&world);
    let again = Store::create(&place).await.unwrap();
    let filled = again.fill_from(&mut view, async || {}).await.unwrap();
    assert_eq!(filled, rows);
    let mut back = again.view().await.unwrap();
    assert_eq!(back.counts().await.unwrap(), rows);
    assert_eq!(back.verify_audit(None).await.unwrap(), head);
    assert_eq!(back.collector().await.unwrap(), Some(name("north")));
    assert_eq!(
        back.plan(&plan).await.unwrap().unwrap().title,
        label("spring")
    );
    assert_eq!(back.seen_at(&machine(2)).await.unwrap(), Some(NOW));
    assert_eq!(
        back.seen_at(&machine(1)).await.unwrap(),
        None,
        "nothing is not 0"
    );
    drop(back);
    // It is one that serves.
    let mut change = again.change(Actor::Collector, NOW).await.unwrap();
    change.add_site(&site("annex")).await.unwrap();
    change.commit().await.unwrap();
    // And nobody's is written over.
    refused!(
        again.fill_from(&mut view, async || {}).await,
        StoreError::Conflict(_)
    );
}

/// What is written while it is read comes with the next one, and waits for nobody.
async fn what_is_copied_is_one_state(world: World) {
    let world = world.with_machines(2).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = file(&folder);
    let mut view = world.store.view().await.unwrap();
    let before = view.audit_head().await.unwrap();
    let mut written = false;
    let rows = view
        .copy_to_file(path(&copy), async || {
            if !written {
                written = true;
                let mut change = world.change().await;
                change.add_site(&site("annex")).await.unwrap();
                change.commit().await.unwrap();
            }
        })
        .await
        .unwrap();
    assert!(written);
    assert_eq!(rows["sites"], 1);
    let copied = copy.look().await.unwrap();
    let mut view = copied.view().await.unwrap();
    assert_eq!(view.verify_audit(None).await.unwrap(), before);
}

async fn machines_say_what_they_remember(world: World) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    assert_eq!(change.view().restored().await.unwrap(), None);
    let of = NOW.plus_ms(-60_000);
    change.mark_restored(Some(of)).await.unwrap();
    change.commit().await.unwrap();
    let store = &world.store;
    store.record_witness(&machine(1), "", NOW).await.unwrap();
    let more = "roster 4 (here 3)";
    store.record_witness(&machine(2), "x", NOW).await.unwrap();
    store.record_witness(&machine(2), more, NOW).await.unwrap();
    let mut view = store.view().await.unwrap();
    let restored = Restored {
        at: NOW,
        of: Some(of),
    };
    assert_eq!(view.restored().await.unwrap(), Some(restored));
    let heard = view.witnesses().await.unwrap();
    let heard: Vec<_> = heard.iter().map(|one| (&one.name, &*one.ahead)).collect();
    assert_eq!(heard, [(&name("pc-2"), more), (&name("pc-1"), "")]);
    drop(view);
    // What they said stays readable, until it is restored again.
    let mut change = world.change().await;
    change.confirm_restored("compared").await.unwrap();
    assert_eq!(change.view().witnesses().await.unwrap().len(), 2);
    change.mark_restored(None).await.unwrap();
    assert_eq!(change.view().witnesses().await.unwrap(), []);
    change.commit().await.unwrap();
}

async fn looking_changes_nothing(world: World) {
    let world = world.with_unit().await;
    let looking = world.place.look().await.unwrap();
    let mut view = looking.view().await.unwrap();
    assert_eq!(view.units().await.unwrap().len(), 1);
    drop(view);
    let change = async {
        let mut change = looking.change(Actor::Collector, NOW).await?;
        change.add_site(&site("annex")).await?;
        change.commit().await
    };
    assert!(change.await.is_err(), "it is read alone");
    let (nowhere, _folder) = another(&world);
    refused!(nowhere.look().await, StoreError::NoDatabase(_));
}
