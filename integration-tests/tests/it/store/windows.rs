//! Windows, freezes, holds and halts.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::stops::{EVERY_WAVE, HaltScope};
use patchward_collector::store::windows::{Area, Feed, Freeze, Opening, Window};
use patchward_common::time::Interval;

on_both_engines!(windows, freezes, holds, halts);

fn window(id: &str, opening: Opening) -> Window {
    Window {
        id: name(id),
        unit: name("icu"),
        opening,
        zone: "Europe/Vienna".into(),
        minutes: 150,
        day_offset: -1,
        valid_from: Some(NOW),
        valid_until: None,
    }
}

async fn windows(world: World) {
    let world = world.with_unit().await;
    let night = window("night", Opening::Cron("0 0 2 * * Tue".into()));
    let once = window("once", Opening::Once(NOW));
    let mut change = world.change().await;
    change.add_window(&night).await.unwrap();
    change.add_window(&once).await.unwrap();
    change.commit().await.unwrap();
    // A name is taken once, whatever is behind it.
    let shorter = Window {
        minutes: 60,
        opening: Opening::Once(NOW.plus_ms(1)),
        ..night.clone()
    };
    let mut change = world.change().await;
    refused!(change.add_window(&shorter).await, StoreError::Conflict(_));
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.windows(None).await.unwrap(),
        [night.clone(), once.clone()]
    );
    assert_eq!(view.windows(Some(&name("icu"))).await.unwrap().len(), 2);
    assert_eq!(view.windows(Some(&name("er"))).await.unwrap(), []);
    let zones = view.window_zones().await.unwrap();
    assert_eq!(zones, [(name("icu"), "Europe/Vienna".to_owned(), 2)]);
    assert_eq!(view.zones_of_windows().await.unwrap(), ["Europe/Vienna"]);
    drop(view);
    let mut change = world.change().await;
    change.change_window(&shorter).await.unwrap();
    let windows = change.view().windows(None).await.unwrap();
    assert_eq!(windows, [shorter, once.clone()]);
    change
        .remove_window(&name("once"), &label("moved"))
        .await
        .unwrap();
    refused!(
        change.change_window(&once).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    change
        .remove_window(&name("once"), &label("moved"))
        .await
        .unwrap();
    refused!(
        change.remove_window(&name("once"), &label("moved")).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    let lab = Window {
        unit: name("lab"),
        ..once
    };
    refused!(change.add_window(&lab).await, StoreError::NotFound { .. });
}

fn freeze(id: &str, start: i64, end: i64, source: &str) -> Freeze {
    Freeze {
        id: label(id),
        area: Area::Unit,
        subject: "icu".into(),
        start: NOW.plus_ms(start),
        end: NOW.plus_ms(end),
        reason: "theatre list".into(),
        source: name(source),
    }
}

async fn freezes(world: World) {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    change
        .add_freeze(&freeze("f-1", 0, 100, "manual"))
        .await
        .unwrap();
    let read = [
        freeze("uid/1", 50, 60, "theatre"),
        freeze("uid/2", 70, 80, "theatre"),
    ];
    change
        .replace_freezes(&name("theatre"), &read)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let within = |start, end| Interval::new(NOW.plus_ms(start), NOW.plus_ms(end)).unwrap();
    let ids = |list: Vec<Freeze>| list.into_iter().map(|f| f.id).collect::<Vec<_>>();
    let mut view = world.store.view().await.unwrap();
    for (start, end, expected) in [
        (0, 1, &["f-1"][..]),
        (55, 71, &["f-1", "uid/1", "uid/2"]),
        (60, 70, &["f-1"]),
        (100, 200, &[]),
    ] {
        let found = ids(view.freezes(within(start, end)).await.unwrap());
        assert_eq!(
            found,
            expected.iter().map(|id| label(id)).collect::<Vec<_>>()
        );
    }
    drop(view);
    // One as it was, one at another time, which people have to hear of again.
    let again = [read[1].clone(), freeze("uid/1", 600, 610, "theatre")];
    let mut change = world.change_at(NOW.plus_ms(5)).await;
    change
        .replace_freezes(&name("theatre"), &again)
        .await
        .unwrap();
    change.remove_freeze(&label("f-1"), "moved").await.unwrap();
    change.feed_failed(&name("theatre"), "404").await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let left = ids(view.freezes(within(0, 500)).await.unwrap());
    assert_eq!(left, [label("uid/2")], "the last good copy stays");
    for (id, since) in [
        ("f-1", None),
        ("uid/1", Some(NOW.plus_ms(5))),
        ("uid/2", Some(NOW)),
    ] {
        let found = view.freeze_added_at(&label(id)).await.unwrap();
        assert_eq!(found, since, "{id}");
    }
    let feed = Feed {
        source: name("theatre"),
        area: Area::All,
        subject: String::new(),
        read_at: NOW.plus_ms(5),
        problem: Some("404".into()),
    };
    assert_eq!(view.feeds().await.unwrap(), [feed]);
    drop(view);
    let mut nowhere = freeze("f-2", 0, 1, "manual");
    nowhere.subject = "lab".into();
    for number in 0..7 {
        let mut change = world.change().await;
        match number {
            0 => refused!(
                change.add_freeze(&nowhere).await,
                StoreError::NotFound { .. }
            ),
            1 => refused!(
                change.add_freeze(&freeze("uid/2", 0, 1, "manual")).await,
                StoreError::Conflict(_)
            ),
            2 => refused!(
                change.add_freeze(&freeze("f-3", 5, 5, "manual")).await,
                StoreError::Conflict(_)
            ),
            3 => refused!(
                change.remove_freeze(&label("f-1"), "x").await,
                StoreError::NotFound { .. }
            ),
            4 => refused!(
                change.replace_freezes(&name("other"), &read).await,
                StoreError::Invalid(_)
            ),
            5 => refused!(
                change
                    .replace_freezes(&name("other"), &[freeze("uid/2", 1, 2, "other")])
                    .await,
                StoreError::Conflict(_)
            ),
            _ => refused!(
                change.feed_failed(&name("other"), "x").await,
                StoreError::NotFound { .. }
            ),
        }
    }
}

async fn holds(world: World) {
    let world = world.with_machines(1).await;
    let subject = machine(1).to_string();
    let mut change = world.change().await;
    change
        .hold(Area::Unit, "icu", NOW.plus_ms(10), "round")
        .await
        .unwrap();
    change
        .hold(Area::Machine, &subject, NOW.plus_ms(20), "procedure")
        .await
        .unwrap();
    change
        .hold(Area::Unit, "icu", NOW.plus_ms(30), "longer")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let holds = view.holds(NOW.plus_ms(19)).await.unwrap();
    assert_eq!(holds.len(), 2);
    assert_eq!(
        (holds[1].area, holds[1].reason.as_str()),
        (Area::Unit, "longer")
    );
    assert_eq!(holds[1].set_by, "person:iris");
    assert_eq!(view.holds(NOW.plus_ms(20)).await.unwrap().len(), 1);
    drop(view);
    let mut change = world.change().await;
    change.end_hold(Area::Unit, "icu", None).await.unwrap();
    refused!(
        change.end_hold(Area::Unit, "icu", None).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    refused!(
        change.hold(Area::Unit, "lab", NOW.plus_ms(1), "x").await,
        StoreError::NotFound { .. }
    );
}

async fn halts(world: World) {
    let plan = digest(1).to_string();
    let mut change = world.change().await;
    change
        .halt(HaltScope::Plan, &plan, 2, "rolled back")
        .await
        .unwrap();
    change
        .halt(HaltScope::Plan, &plan, 2, "once more")
        .await
        .unwrap();
    change
        .halt(
            HaltScope::ReleaseOnModel,
            "ab/station-4",
            EVERY_WAVE,
            "two machines",
        )
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let halts = view.halts().await.unwrap();
    assert_eq!(halts.len(), 2);
    assert_eq!(
        (halts[0].wave, halts[0].reason.as_str()),
        (2, "rolled back")
    );
    assert_eq!(halts[1].wave, EVERY_WAVE);
    drop(view);
    let mut change = world.change_at(NOW.plus_ms(7)).await;
    change
        .resume(HaltScope::Plan, &plan, 2, "judged")
        .await
        .unwrap();
    change
        .halt(HaltScope::Plan, &plan, 2, "again")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let of = view.halts_of(HaltScope::Plan, &plan).await.unwrap();
    assert_eq!(of.len(), 2);
    assert_eq!(of[0].resumed_by.as_deref(), Some("person:iris"));
    assert_eq!(
        (of[0].resumed_at, of[1].resumed_at),
        (Some(NOW.plus_ms(7)), None)
    );
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.resume(HaltScope::Plan, &plan, 3, "x").await,
        StoreError::NotFound { .. }
    );
}
