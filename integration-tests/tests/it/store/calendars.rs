//! Calendars: their last good copy, and what they say.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::calendars::Calendar;
use patchward_collector::store::windows::{Area, Freeze};

on_both_engines!(calendars);

fn calendar(id: &str, place: Option<&str>) -> Calendar {
    Calendar {
        name: name(id),
        area: Area::Unit,
        subject: "icu".into(),
        place: place.map(ToOwned::to_owned),
        zone: "Europe/Vienna".into(),
        every_minutes: 15,
        tried_at: NOW,
    }
}

fn freeze(id: &str, start: i64, source: &str) -> Freeze {
    Freeze {
        id: label(id),
        area: Area::Unit,
        subject: "icu".into(),
        start: NOW.plus_ms(start),
        end: NOW.plus_ms(start + 10),
        reason: "list".into(),
        source: name(source),
    }
}

async fn calendars(world: World) {
    let world = world.with_unit().await;
    let feed = calendar("theatre", Some("https://h/a.ics"));
    let once = calendar("moves", None);
    let mut change = world.change().await;
    let first = [freeze("theatre/1", 0, "theatre")];
    change.add_calendar(&feed, b"one", &first).await.unwrap();
    let moves = [freeze("moves/1", 5, "moves")];
    change.add_calendar(&once, b"two", &moves).await.unwrap();
    change.commit().await.unwrap();
    for number in 0..3 {
        let mut change = world.change().await;
        match number {
            0 => refused!(
                change.add_calendar(&feed, b"", &[]).await,
                StoreError::Conflict(_)
            ),
            1 => {
                let mut lab = calendar("lab", None);
                lab.subject = "lab".into();
                refused!(
                    change.add_calendar(&lab, b"", &[]).await,
                    StoreError::NotFound { .. }
                );
            }
            _ => refused!(
                change.remove_calendar(&name("none"), "x").await,
                StoreError::NotFound { .. }
            ),
        }
    }
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.calendars().await.unwrap(),
        [once.clone(), feed.clone()]
    );
    let feeds = view.feeds().await.unwrap();
    assert_eq!(feeds.len(), 1, "one that was handed in once is no feed");
    assert_eq!(feeds[0].read_at, NOW);
    assert_eq!(
        (feeds[0].area, &feeds[0].subject),
        (feed.area, &feed.subject),
        "it holds where its calendar does"
    );
    drop(view);
    let body = async |of: &str| {
        let mut view = world.store.view().await.unwrap();
        view.calendar_body(&name(of)).await.unwrap()
    };
    assert_eq!(body("theatre").await.unwrap(), b"one");
    assert_eq!(body("none").await, None);

    // Tried without success, then with: only success counts as read.
    let later = |ms: i64| NOW.plus_ms(ms);
    let state = async || {
        let mut view = world.store.view().await.unwrap();
        let tried = view.calendars().await.unwrap().remove(1).tried_at;
        (tried, view.feeds().await.unwrap().remove(0).read_at)
    };
    let tried = async |is_same, at| {
        let store = &world.store;
        store
            .calendar_tried(&name("theatre"), is_same, at)
            .await
            .unwrap();
    };
    tried(false, later(1)).await;
    assert_eq!(state().await, (later(1), NOW));
    tried(true, later(2)).await;
    assert_eq!(state().await, (later(2), later(2)));
    let mut change = world.change_at(later(3)).await;
    change.feed_failed(&name("theatre"), "404").await.unwrap();
    change.commit().await.unwrap();
    // While a problem stands, nothing counts as read but by a change that ends it.
    tried(true, later(4)).await;
    assert_eq!(state().await, (later(4), later(2)));

    let mut change = world.change_at(later(5)).await;
    let second = [freeze("theatre/2", 20, "theatre")];
    change
        .calendar_says(&feed, b"three", &second)
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(state().await, (later(5), later(5)));
    assert_eq!(body("theatre").await.unwrap(), b"three");
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.freezes_of(&name("theatre")).await.unwrap(), second);
    assert_eq!(view.feeds().await.unwrap()[0].problem, None);
    drop(view);

    let mut change = world.change().await;
    change
        .remove_calendar(&name("theatre"), "over")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.freezes_of(&name("theatre")).await.unwrap(), []);
    assert_eq!(view.feeds().await.unwrap(), []);
    assert_eq!(view.calendars().await.unwrap(), [once]);
}
