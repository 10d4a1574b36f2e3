//! Medical devices by command, and the jobs that they end themselves.

use super::desk::{Desk, machine, now};
use super::manual::signed;
use patchward_collector::control::FailureKind::{Conflict, NotFound};
use patchward_collector::reconcile::probed;
use patchward_common::id::JobId;
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::{DeviceFound, DeviceSaid};
use patchward_integration_tests::fixture::label;
use serde_json::{Value, json};

/// `CT-7` answered the machine beside it.
async fn answers(desk: &Desk, at: UtcMs, version: &str) {
    let said = DeviceSaid {
        asset: label("CT-7"),
        component: "viewer".into(),
        of_model: true,
        every_minutes: 60,
        at,
        found: DeviceFound::Version(version.into()),
    };
    let store = &desk.app.store;
    store
        .record_device_answers(&machine(1), &[said])
        .await
        .unwrap();
}

async fn job(desk: &Desk, id: &JobId) -> Value {
    probed::run(&desk.app.store, now()).await.unwrap();
    desk.json(&format!("job show {id}")).await
}

#[tokio::test]
async fn a_person_says_which_machine_speaks_for_which_device() {
    let (desk, _, _) = signed().await;
    desk.ask("asset put LINK --unit icu-3").await;
    desk.ask("asset link LINK pc-1").await;
    desk.ask("asset put BARE --unit icu-3").await;
    for (line, kind, says) in [
        ("device watch NONE --by pc-1", NotFound, "no asset NONE"),
        ("device watch BARE --by pc-1", Conflict, "asset manual BARE"),
        ("device watch LINK --by pc-1", Conflict, "agent of its own"),
        (
            "device watch CT-7 --by ct-7",
            Conflict,
            "no agent that could ask",
        ),
        ("device watch CT-7 --by pc-9", NotFound, "no machine pc-9"),
        ("device unwatch CT-7 --by pc-1", NotFound, "watched device"),
        ("device show NONE", NotFound, "no asset NONE"),
    ] {
        desk.refuses(line, kind, says).await;
    }
    let said = desk.ask("device watch CT-7 --by pc-1").await.text();
    assert!(said.contains("devices.d"), "{said}");
    desk.refuses("device watch CT-7 --by pc-1", Conflict, "already")
        .await;
    let listed = desk.json("device list").await;
    assert!(
        listed[0]["problem"]
            .as_str()
            .unwrap()
            .contains("never asked"),
        "{listed}"
    );
    answers(&desk, now(), "1").await;
    let listed = desk.json("device list").await;
    assert_eq!(
        (
            &listed[0]["version"],
            &listed[0]["asked_by"],
            &listed[0]["problem"]
        ),
        (&json!("1"), &json!("pc-1"), &Value::Null)
    );
    let shown = desk.json("device show CT-7").await;
    assert_eq!(shown["answers"][0]["component"], "viewer");
    desk.ask("device unwatch CT-7 --by pc-1").await;
    assert_eq!(desk.json("device list").await, json!([]));
    let none = desk.write(b"device,asked_by\nCT-7,pc-1\nNONE,pc-1\n");
    desk.refuses(
        &format!("device import {none}"),
        NotFound,
        "line 3: There is no asset NONE",
    )
    .await;
    let file = desk.write(b"device,asked_by\nCT-7,pc-1\n");
    assert_eq!(
        desk.json(&format!("device import {file}")).await["added"],
        1
    );
    let again = desk.json(&format!("device import {file}")).await;
    assert_eq!(again["as_they_are"], 1);
    assert_eq!(desk.json("device list").await[0]["asked_by"], "pc-1");
}

#[tokio::test]
async fn a_device_that_answers_with_what_was_planned_ends_its_job() {
    let (desk, _, id) = signed().await;
    desk.ask("device watch CT-7 --by pc-1").await;
    answers(&desk, now(), "2").await;
    assert_ne!(job(&desk, &id).await["state"], "attested", "nobody began");
    desk.ask(&format!("job start {id}")).await;
    let begun = now();
    assert_eq!(
        job(&desk, &id).await["state"],
        "installing",
        "it answered before"
    );
    answers(&desk, begun.plus_ms(1), "1").await;
    assert_eq!(
        job(&desk, &id).await["state"],
        "installing",
        "the work is not done"
    );
    answers(&desk, begun.plus_ms(2), "2").await;
    let shown = job(&desk, &id).await;
    assert_eq!(shown["state"], "attested");
    assert_eq!(shown["recorded_by"], "collector");
    assert_eq!(shown["work_order"], "none; read by a probe of pc-1");
    assert_eq!(
        shown["next_step_by"], "htm",
        "a person returns it to service"
    );
    // It ends once.
    assert_eq!(job(&desk, &id).await, shown);
}
