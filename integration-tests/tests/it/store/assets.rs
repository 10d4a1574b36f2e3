//! Assets beyond their list: mappings, kinds, states of life, baselines, subnets.

use super::{NOW, World, heard, label, machine, name, on_both_engines, refused};
use patchward_collector::store::StoreError;
use patchward_collector::store::assets::{
    Asset, AssetCounts, AssetKind, Baseline, BaselineComponent, LifeCycle,
};
use patchward_collector::store::machines::Seen;
use patchward_common::trust::assignment::Mode;
use std::collections::BTreeSet;

on_both_engines!(
    life_of_assets,
    mappings_and_baselines,
    where_machines_are_heard
);

async fn life_of_assets(world: World) {
    let world = world.with_machines(2).await;
    let mut change = world.change().await;
    let assets = ["A-1", "A-2", "A-3", "A-4"].map(|tag| Asset {
        software_version: "4.1".into(),
        ..Asset::new(label(tag))
    });
    change.put_assets(&assets).await.unwrap();
    change
        .link_asset(&label("A-1"), Some(&machine(1)))
        .await
        .unwrap();
    let device = AssetKind::Device;
    change.set_asset_kind(&label("A-2"), device).await.unwrap();
    let (used, stored) = (LifeCycle::InUse, LifeCycle::InStorage);
    for tag in ["A-1", "A-3"] {
        let tag = label(tag);
        change
            .move_asset(&tag, used, stored, "spare")
            .await
            .unwrap();
    }
    change
        .leaving_step_done(&label("A-1"), "data")
        .await
        .unwrap();
    change
        .leaving_step_done(&label("A-1"), "data")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let counts = AssetCounts {
        assets: 4,
        are_machines: 1,
        devices: 1,
        away: 1,
        without_agent: 1,
        machines: 2,
        without_asset: 1,
    };
    assert_eq!(view.gap_counts().await.unwrap(), counts);
    let without_agent = view.assets_without_agent().await.unwrap();
    assert_eq!(without_agent.len(), 1);
    assert!(!without_agent[0].life_cycle.is_away());
    let without_asset = view.machines_without_asset().await.unwrap();
    let ids = without_asset.iter().map(|one| one.id);
    assert_eq!(ids.collect::<Vec<_>>(), [machine(2)]);
    // The machine that is put away is nowhere else, and no unit has subnets.
    assert_eq!(view.machines_elsewhere().await.unwrap(), []);
    let away = view.away_machines().await.unwrap();
    assert_eq!(away, BTreeSet::from([machine(1)]));
    let all = view.all_assets().await.unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(
        (all[0].life_cycle, all[0].life_cycle_since),
        (stored, Some(NOW))
    );
    // What is used was accepted, and stays so in storage.
    assert_eq!(all[0].accepted_at, Some(NOW));
    assert_eq!(
        (all[1].kind, all[1].software_version.as_str()),
        (device, "4.1")
    );
    let steps = view.leaving_steps(&label("A-1")).await.unwrap();
    assert_eq!(steps.len(), 1);
    assert_eq!(view.kept_of_machine(&machine(1)).await.unwrap(), (0, 0));
    drop(view);
    let mut change = world.change().await;
    let again = change.move_asset(&label("A-1"), used, stored, "x").await;
    refused!(again, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    let linked = change.set_asset_kind(&label("A-1"), device).await;
    refused!(linked, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    let of_device = change.link_asset(&label("A-2"), Some(&machine(2))).await;
    refused!(of_device, StoreError::Conflict(_));
}

async fn mappings_and_baselines(world: World) {
    let mut change = world.change().await;
    let columns = |field: &str| vec![("Tag".to_owned(), field.to_owned())];
    for field in ["serial", "tag"] {
        let cmms = name("cmms");
        change
            .save_asset_mapping(&cmms, &columns(field))
            .await
            .unwrap();
    }
    let baseline = Baseline {
        name: name("base"),
        model: name("station"),
        is_ready: 1,
        has_interlock: 0,
        mode: Some(Mode::Rehearse),
    };
    let asked = [("viewer".to_owned(), ">=2".to_owned())];
    change.put_baseline(&baseline, &[]).await.unwrap();
    change.put_baseline(&baseline, &asked).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let mappings = view.asset_mappings().await.unwrap();
    assert_eq!((mappings.len(), mappings[0].field.as_str()), (1, "tag"));
    assert_eq!(view.baselines().await.unwrap(), [baseline]);
    let component = BaselineComponent {
        baseline: name("base"),
        component: "viewer".into(),
        versions: ">=2".into(),
    };
    assert_eq!(view.baseline_components().await.unwrap(), [component]);
    drop(view);
    let mut change = world.change().await;
    change.remove_baseline(&name("base")).await.unwrap();
    change.remove_asset_mapping(&name("cmms")).await.unwrap();
    let gone = change.remove_baseline(&name("base")).await;
    refused!(gone, StoreError::NotFound { .. });
}

async fn where_machines_are_heard(world: World) {
    let world = world.with_machines(2).await;
    let mut change = world.change().await;
    let unit = name("icu");
    change.add_subnet(&unit, "10.3.0.0/16").await.unwrap();
    change.add_subnet(&unit, "10.4.0.0/16").await.unwrap();
    change.remove_subnet(&unit, "10.3.0.0/16").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let subnets = view.unit_subnets().await.unwrap();
    assert_eq!(subnets, [(unit.clone(), "10.4.0.0/16".to_owned())]);
    drop(view);
    let mut change = world.change().await;
    let again = change.add_subnet(&unit, "10.4.0.0/16").await;
    refused!(again, StoreError::Conflict(_));
    drop(change);
    let from = |ms: i64, from: &str| {
        let seen = Seen {
            at: NOW.plus_ms(ms),
            from: Some(from.parse().unwrap()),
        };
        (machine(1), seen)
    };
    let store = &world.store;
    let heard_from = async || {
        let mut view = store.view().await.unwrap();
        let all = view.addresses().await.unwrap().into_iter();
        let own = all.filter(|(id, ..)| *id == machine(1));
        own.map(|(_, from, since)| (from, since.since_ms(NOW)))
            .collect::<Vec<_>>()
    };
    store.record_seen(&[heard(1), heard(2)], NOW).await.unwrap();
    assert_eq!(heard_from().await, []);
    // The address is known since it is that one, however often it is heard from there; an
    // address that is not known replaces none.
    for (seen, address, since) in [
        (from(1, "10.4.0.1"), "10.4.0.1", 1),
        (from(2, "::ffff:10.4.0.1"), "10.4.0.1", 1),
        ((machine(1), NOW.plus_ms(3).into()), "10.4.0.1", 1),
        (from(5, "10.9.0.1"), "10.9.0.1", 5),
        (from(4, "10.4.0.1"), "10.9.0.1", 5),
    ] {
        store.record_seen(&[seen], NOW).await.unwrap();
        assert_eq!(heard_from().await, [(address.to_owned(), since)]);
    }
    let mut view = store.view().await.unwrap();
    let standing = view.machines_elsewhere().await.unwrap();
    let heard = standing.iter().map(|one| {
        let since = one.since.map(|since| since.since_ms(NOW));
        (one.address.as_deref(), since)
    });
    let heard: Vec<_> = heard.collect();
    assert_eq!(heard, [(Some("10.9.0.1"), Some(5)), (None, None)]);
}
