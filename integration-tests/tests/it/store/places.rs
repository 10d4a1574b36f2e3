//! Meta, audit, sites, units, groups and assets.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::assets::Asset;
use patchward_collector::store::audit::{ChainError, Head};

on_both_engines!(
    the_collector_knows_itself,
    sites_units_and_groups,
    membership,
    assets,
    every_change_is_audited,
    an_altered_log_shows,
    a_failed_step_spoils_its_change,
    a_dropped_change_changes_nothing,
    a_view_is_one_state,
    text_that_postgres_has_not,
    opening_again_keeps_everything,
);

async fn the_collector_knows_itself(world: World) {
    let mut change = world.change().await;
    assert_eq!(change.view().collector().await.unwrap(), None);
    change.name_collector(&name("north")).await.unwrap();
    assert_eq!(change.view().authority().await.unwrap(), None);
    change.note_authority(&digest(7)).await.unwrap();
    assert_eq!(change.next_crl_number().await.unwrap(), 1);
    assert_eq!(change.next_crl_number().await.unwrap(), 2);
    change.mark_restored(None).await.unwrap();
    change.mark_restored(None).await.unwrap();
    assert!(change.view().awaits_confirmation().await.unwrap());
    change
        .confirm_restored("compared with the log")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.collector().await.unwrap(), Some(name("north")));
    assert_eq!(view.authority().await.unwrap(), Some(digest(7)));
    assert!(!view.awaits_confirmation().await.unwrap());
    assert!(view.schema_version().await.unwrap() >= 3);
    let mut change = world.change().await;
    refused!(
        change.confirm_restored("twice").await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    refused!(
        change.name_collector(&name("south")).await,
        StoreError::Conflict(_)
    );
}

async fn sites_units_and_groups(world: World) {
    let mut change = world.change().await;
    refused!(
        change.add_unit(&unit("icu", "main")).await,
        StoreError::NotFound { what: "site", .. }
    );
    change.add_site(&site("main")).await.unwrap();
    change.add_unit(&unit("icu", "main")).await.unwrap();
    change.add_unit(&unit("er", "main")).await.unwrap();
    change.add_group(&group("monitors", 2)).await.unwrap();
    let mut edited = unit("er", "main");
    edited.class = Class::LifeSupport;
    change.edit_unit(&edited).await.unwrap();
    let mut rule = group("monitors", 1);
    rule.switched_off = SwitchedOff::DoesNotCount;
    change.edit_group(&rule).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.sites().await.unwrap(), [site("main")]);
    assert_eq!(
        view.units().await.unwrap(),
        [edited.clone(), unit("icu", "main")]
    );
    assert_eq!(
        view.sites_of_units().await.unwrap(),
        [(name("er"), name("main")), (name("icu"), name("main"))]
    );
    assert_eq!(view.unit(&name("er")).await.unwrap(), Some(edited));
    assert_eq!(view.groups().await.unwrap(), std::slice::from_ref(&rule));
    assert_eq!(view.group(&name("monitors")).await.unwrap(), Some(rule));
    drop(view);
    for number in 0..8 {
        let mut change = world.change().await;
        match number {
            0 => refused!(
                change.add_site(&site("main")).await,
                StoreError::Conflict(_)
            ),
            1 => refused!(
                change.add_unit(&unit("icu", "main")).await,
                StoreError::Conflict(_)
            ),
            2 => refused!(
                change.add_group(&group("monitors", 3)).await,
                StoreError::Conflict(_)
            ),
            3 => refused!(
                change.edit_unit(&unit("lab", "main")).await,
                StoreError::NotFound { .. }
            ),
            4 => refused!(
                change.edit_group(&group("pumps", 3)).await,
                StoreError::NotFound { .. }
            ),
            // Something still refers to them.
            5 => refused!(
                change.remove_site(&name("main")).await,
                StoreError::Conflict(_)
            ),
            6 => refused!(
                change.remove_unit(&name("icu")).await,
                StoreError::Conflict(_)
            ),
            _ => refused!(
                change.remove_unit(&name("lab")).await,
                StoreError::NotFound { .. }
            ),
        }
    }
    let mut change = world.change().await;
    change.remove_group(&name("monitors")).await.unwrap();
    change.remove_unit(&name("icu")).await.unwrap();
    change.remove_unit(&name("er")).await.unwrap();
    change.remove_site(&name("main")).await.unwrap();
    // The group's lock stayed, and is found again.
    change.add_site(&site("main")).await.unwrap();
    change.add_unit(&unit("icu", "main")).await.unwrap();
    change.add_group(&group("monitors", 2)).await.unwrap();
    change.commit().await.unwrap();
}

async fn membership(world: World) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    change.add_group(&group("a", 1)).await.unwrap();
    change.add_group(&group("b", 1)).await.unwrap();
    let both = [name("b"), name("a")];
    change.set_groups_of(&machine(1), &both).await.unwrap();
    change
        .set_groups_of(&machine(2), &[name("a")])
        .await
        .unwrap();
    change
        .set_groups_of(&machine(1), &[name("a"), name("a")])
        .await
        .unwrap();
    change.set_groups_of(&machine(3), &[]).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.members(&name("a")).await.unwrap(),
        [machine(1), machine(2)]
    );
    assert_eq!(view.members(&name("b")).await.unwrap(), []);
    assert_eq!(view.groups_of(&machine(1)).await.unwrap(), [name("a")]);
    assert_eq!(
        view.all_members().await.unwrap(),
        [(name("a"), machine(1)), (name("a"), machine(2))]
    );
    let sizes = view.group_sizes().await.unwrap();
    assert_eq!(Vec::from_iter(sizes), [(name("a"), 2)]);
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.set_groups_of(&machine(1), &[name("none")]).await,
        StoreError::NotFound { .. }
    );
    refused!(
        change.set_groups_of(&machine(9), &[name("a")]).await,
        StoreError::NotFound { .. }
    );
    refused!(
        change.remove_group(&name("a")).await,
        StoreError::Conflict(_)
    );
}

fn asset(tag: &str, unit: Option<&str>) -> Asset {
    Asset {
        serial: "SN 1/2".into(),
        manufacturer: "Maker & Söhne".into(),
        udi: "(01)0123".into(),
        unit: unit.map(name),
        location: "Bed 4".into(),
        criticality: "high".into(),
        group: None,
        // It comes into the list as used.
        accepted_at: Some(NOW),
        ..Asset::new(label(tag))
    }
}

async fn assets(world: World) {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    let list = [asset("A-1", Some("icu")), asset("A-2", None)];
    change.put_assets(&list).await.unwrap();
    change
        .link_asset(&label("A-1"), Some(&machine(1)))
        .await
        .unwrap();
    // Imported again: the link stays, the rest is as in the list.
    let mut moved = asset("A-1", None);
    moved.location = "Bed 5".into();
    change
        .put_assets(std::slice::from_ref(&moved))
        .await
        .unwrap();
    moved.machine = Some(machine(1));
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.asset(&label("A-1")).await.unwrap(),
        Some(moved.clone())
    );
    assert_eq!(
        view.asset_of(&machine(1)).await.unwrap(),
        Some(moved.clone())
    );
    assert_eq!(view.asset_counts().await.unwrap(), (1, 1));
    assert_eq!(view.assets(None, None, 1).await.unwrap(), [moved.clone()]);
    let after = view.assets(None, Some(&moved.tag), 9).await.unwrap();
    assert_eq!(after, [asset("A-2", None)]);
    assert_eq!(view.assets(Some(&name("icu")), None, 9).await.unwrap(), []);
    drop(view);
    let mut change = world.change().await;
    let twice = [asset("A-3", None), asset("A-3", None)];
    refused!(change.put_assets(&twice).await, StoreError::Conflict(_));
    refused!(
        change.put_assets(&[asset("A-4", Some("lab"))]).await,
        StoreError::NotFound { .. }
    );
    refused!(
        change.link_asset(&label("A-2"), Some(&machine(9))).await,
        StoreError::NotFound { .. }
    );
    change.link_asset(&label("A-1"), None).await.unwrap();
    change.remove_asset(&label("A-1")).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.remove_asset(&label("A-1")).await,
        StoreError::NotFound { .. }
    );
}

async fn every_change_is_audited(world: World) {
    let world = world.with_unit().await;
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    change.remove_unit(&name("icu")).await.unwrap();
    change.note("token.refused", "t-1", &serde_json::json!({ "host": "x" }));
    assert_eq!(change.now(), NOW.plus_ms(1));
    assert_eq!(change.actor(), &Actor::Person(name("iris")));
    let head = change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.audit_head().await.unwrap(), head);
    assert_eq!(head.seq, 4);
    let rows = view.audit_after(0, 100).await.unwrap();
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row.seq, row.action.as_str(), row.subject.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (1, "site.add", "main"),
            (2, "unit.add", "icu"),
            (3, "unit.remove", "icu"),
            (4, "token.refused", "t-1")
        ]
    );
    assert_eq!(rows[3].actor, "person:iris");
    assert_eq!(rows[3].at, NOW.plus_ms(1));
    assert_eq!(rows[3].detail, r#"{"host":"x"}"#);
    assert_eq!(view.audit_after(2, 1).await.unwrap(), [rows[2].clone()]);
    assert_eq!(
        view.audit_before(4, 2).await.unwrap(),
        [rows[2].clone(), rows[1].clone()]
    );
    assert_eq!(
        view.audit_of("icu", 9).await.unwrap(),
        [rows[2].clone(), rows[1].clone()]
    );
    assert_eq!(view.verify_audit(None).await.unwrap(), head);
    let known = Head {
        seq: rows[1].seq,
        hash: rows[1].hash,
    };
    assert_eq!(view.verify_audit(Some(known)).await.unwrap(), head);
}

/// What somebody who can write to the database could try.
async fn an_altered_log_shows(world: World) {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    for number in 0..1_100 {
        change.note("alarm.test", number, &serde_json::json!({}));
    }
    let head = change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.verify_audit(None).await.unwrap(), head);
    let other = Head {
        seq: 7,
        hash: digest(7),
    };
    let beyond = Head {
        seq: head.seq + 1,
        hash: digest(7),
    };
    let first = view.audit_after(999, 1).await.unwrap().remove(0);
    let (seq, hash) = (first.seq, first.hash);
    let found = view.verify_audit_after(Head { seq, hash }).await;
    assert_eq!(found.unwrap(), head);
    assert!(view.verify_audit_after(other).await.is_err());
    for (known, at) in [(other, 7), (beyond, head.seq + 1)] {
        match view.verify_audit(Some(known)).await {
            Err(ChainError::Broken(broken)) => assert_eq!(broken.seq, at),
            other => panic!("{other:?}"),
        }
    }
    drop(view);
    for (sql, at) in [
        (
            "UPDATE audit SET detail = '{\"a\":1}' WHERE seq = 1050",
            1050,
        ),
        ("DELETE FROM audit WHERE seq = 900", 900),
        ("UPDATE audit SET seq = 5000 WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq >= 3", 2),
    ] {
        limits::tamper(&world, sql).await;
        let mut view = world.store.view().await.unwrap();
        match view.verify_audit(None).await {
            Err(ChainError::Broken(broken)) => assert_eq!(broken.seq, at, "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

async fn a_failed_step_spoils_its_change(world: World) {
    let mut change = world.change().await;
    change.add_site(&site("main")).await.unwrap();
    refused!(
        change.add_site(&site("main")).await,
        StoreError::Conflict(_)
    );
    refused!(change.commit().await, StoreError::Conflict(_));
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.sites().await.unwrap(), []);
    assert_eq!(view.audit_head().await.unwrap(), Head::EMPTY);
}

async fn a_dropped_change_changes_nothing(world: World) {
    let mut change = world.change().await;
    change.add_site(&site("main")).await.unwrap();
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.sites().await.unwrap(), []);
    assert_eq!(view.audit_head().await.unwrap(), Head::EMPTY);
}

async fn a_view_is_one_state(world: World) {
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.sites().await.unwrap(), []);
    let mut change = world.change().await;
    change.add_site(&site("main")).await.unwrap();
    assert_eq!(change.view().sites().await.unwrap().len(), 1);
    change.commit().await.unwrap();
    assert_eq!(view.sites().await.unwrap(), []);
    drop(view);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.sites().await.unwrap().len(), 1);
}

async fn text_that_postgres_has_not(world: World) {
    let world = world.with_unit().await;
    let mut bad = asset("A-1", None);
    bad.serial = "a\0b".into();
    let mut change = world.change().await;
    refused!(change.put_assets(&[bad]).await, StoreError::Invalid(_));
    refused!(change.commit().await, StoreError::Conflict(_));
}

async fn opening_again_keeps_everything(world: World) {
    let world = world.with_unit().await;
    world.store.close().await;
    refused!(world.store.view().await, StoreError::Closed);
    refused!(
        world.store.change(Actor::Local(0), NOW).await,
        StoreError::Closed
    );
    let again = Store::open(&world.place).await.unwrap();
    let mut view = again.view().await.unwrap();
    assert_eq!(view.sites().await.unwrap(), [site("main")]);
}
