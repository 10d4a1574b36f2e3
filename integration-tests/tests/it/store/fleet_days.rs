//! How many machines stood how, day by day.

use super::*;
use patchward_collector::item::tally::{Counted, Day, KEPT_DAYS, Tally};
use patchward_collector::store::StoreError;
use patchward_common::time::DAY_MS;
use std::collections::BTreeMap;

on_both_engines!(days_are_kept_for_two_years, a_damaged_count_is_said);

fn tally(text: &str) -> Tally {
    Tally::of_text(text).unwrap()
}

fn counted(whole: &str, units: &[(&str, &str)]) -> Counted {
    let units = units.iter().map(|(unit, text)| (name(unit), tally(text)));
    Counted {
        whole: tally(whole),
        units: units.collect::<BTreeMap<_, _>>(),
    }
}

async fn days_are_kept_for_two_years(world: World) {
    let store = &world.store;
    let at = |day: i64| UtcMs(day * DAY_MS + 5);
    let first = counted(
        "failed=1 verified=2",
        &[("icu", "verified=2"), ("lab", "failed=1")],
    );
    store.keep_fleet_day(100, at(100), &first).await.unwrap();
    // A day that was counted stays as it was.
    let again = counted("verified=9", &[("icu", "verified=9")]);
    store.keep_fleet_day(100, at(101), &again).await.unwrap();
    let second = counted("verified=3", &[("icu", "verified=3")]);
    store.keep_fleet_day(102, at(102), &second).await.unwrap();
    let mut view = store.view().await.unwrap();
    let day = |day: i64, text: &str| Day {
        day,
        counted_at: at(day),
        tally: tally(text),
    };
    assert_eq!(
        view.fleet_days(None).await.unwrap(),
        [day(100, "failed=1 verified=2"), day(102, "verified=3")]
    );
    assert_eq!(
        view.fleet_days(Some(&name("lab"))).await.unwrap(),
        [day(100, "failed=1")]
    );
    let none = view.fleet_days(Some(&name("or-1"))).await.unwrap();
    assert!(none.is_empty());
    assert!(view.is_counted(100).await.unwrap());
    assert!(!view.is_counted(101).await.unwrap());
    drop(view);
    // What is older than two years goes with the next day; the youngest of it stays longest.
    let last = 101 + KEPT_DAYS;
    store.keep_fleet_day(last, at(last), &second).await.unwrap();
    let mut view = store.view().await.unwrap();
    let kept = view.fleet_days(None).await.unwrap();
    let kept: Vec<i64> = kept.into_iter().map(|day| day.day).collect();
    assert_eq!(kept, [102, last]);
    assert!(
        view.fleet_days(Some(&name("lab")))
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_damaged_count_is_said(world: World) {
    let store = &world.store;
    let day = counted("verified=1", &[]);
    store.keep_fleet_day(7, NOW, &day).await.unwrap();
    limits::tamper(&world, "UPDATE fleet_days SET states = 'verified'").await;
    let mut view = store.view().await.unwrap();
    refused!(view.fleet_days(None).await, StoreError::Corrupt(_));
}
