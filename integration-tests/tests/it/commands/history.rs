//! How the machines stood, day by day: counted once a day, told for the whole hospital and for
//! single units.

use super::desk::{Desk, UNIT, machine, now};
use patchward_collector::control::FailureKind::NotFound;
use patchward_collector::item::tally::{Counted, Tally, day_of, day_words};
use patchward_collector::reconcile::counts::Counts;
use patchward_common::time::DAY_MS;
use patchward_integration_tests::fixture::name;
use serde_json::{Value, json};

fn tally(text: &str) -> Tally {
    Tally::of_text(text).unwrap()
}

async fn rows(desk: &Desk, rest: &str) -> Vec<Value> {
    let told = desk.json(&format!("machine history{rest}")).await;
    told.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_day_is_counted_once_and_a_hospital_without_machines_is_not() {
    let desk = Desk::with_papers().await;
    let (mut counts, at) = (Counts::default(), now());
    counts.run(&desk.app, at).await.unwrap();
    assert!(rows(&desk, "").await.is_empty(), "there is no machine");
    let desk = Desk::with_machines(3).await;
    counts = Counts::default();
    counts.run(&desk.app, at).await.unwrap();
    let counted = rows(&desk, "").await;
    assert_eq!(counted.len(), 1, "{counted:?}");
    let today = day_words(day_of(at));
    assert_eq!(counted[0]["day"], today);
    assert_eq!(
        (&counted[0]["machines"], &counted[0]["unplanned"]),
        (&json!(3), &json!(3))
    );
    // Later on the same day nothing is counted again, by whoever remembers and by whoever not.
    let gone = format!("machine revoke {} --reason lost", machine(1));
    desk.ask(&gone).await;
    counts.run(&desk.app, at).await.unwrap();
    Counts::default().run(&desk.app, at).await.unwrap();
    assert_eq!(rows(&desk, "").await, counted);
    // On the next day it is.
    let tomorrow = at.plus_ms(DAY_MS);
    counts.run(&desk.app, tomorrow).await.unwrap();
    let mut view = desk.app.store.view().await.unwrap();
    let days = view.fleet_days(None).await.unwrap();
    let machines: Vec<u64> = days.iter().map(|day| day.tally.machines()).collect();
    assert_eq!(machines, [3, 2]);
    let of_unit = view.fleet_days(Some(&name(UNIT))).await.unwrap();
    assert_eq!(of_unit, days, "all of them are in one unit");
}

#[tokio::test]
async fn gaps_are_told_and_units_are_added_up() {
    let desk = Desk::with_papers().await;
    desk.ask("unit add lab --site main --class standard").await;
    desk.ask("unit add new --site main --class standard").await;
    let today = day_of(now());
    let store = &desk.app.store;
    for (ago, whole, units) in [
        (3, "verified=1", vec![(UNIT, "verified=1")]),
        (
            1,
            "failed=1 unknown=2 verified=4",
            vec![(UNIT, "verified=4"), ("lab", "failed=1 unknown=2")],
        ),
    ] {
        let units = units.into_iter();
        let counted = Counted {
            whole: tally(whole),
            units: units
                .map(|(unit, text)| (name(unit), tally(text)))
                .collect(),
        };
        let at = now().plus_ms(-ago * DAY_MS);
        store
            .keep_fleet_day(today - ago, at, &counted)
            .await
            .unwrap();
    }
    let whole = rows(&desk, "").await;
    let told: Vec<(&Value, &Value)> = whole
        .iter()
        .map(|r| (&r["machines"], &r["failed"]))
        .collect();
    let null = &Value::Null;
    // The newest first: today was not counted yet, nor the day before yesterday.
    assert_eq!(
        told,
        [
            (null, null),
            (&json!(7), &json!(1)),
            (null, null),
            (&json!(1), &json!(0)),
        ]
    );
    assert_eq!(whole[0]["counted"], "not counted");
    assert_eq!(whole[2]["counted"], "not counted");
    let lab = rows(&desk, " --unit lab").await;
    let machines: Vec<&Value> = lab.iter().map(|row| &row["machines"]).collect();
    assert_eq!(machines, [null, &json!(3)], "from its first machine on");
    let both = rows(&desk, " --unit lab,icu-3").await;
    assert_eq!(both, whole, "together they are the hospital");
    assert!(rows(&desk, " --unit new").await.is_empty());
    desk.refuses("machine history --unit nowhere", NotFound, "unit list")
        .await;
}
