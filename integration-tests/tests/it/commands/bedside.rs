//! What somebody before a machine is told: by a job that went wrong, on the machine's page and on
//! its asset's.

use super::desk::{Desk, machine, now};
use super::jobs::{job, signed};
use super::ward::{open, person};
use axum::http::StatusCode;
use patchward_collector::store::machines::MachineStatus;
use patchward_common::job::{Reason, State};
use patchward_common::time::HOUR_MS;
use patchward_common::trust::assignment::AssignmentLeaf;
use patchward_common::wire::machine::InterlockWord;
use patchward_integration_tests::fixture::name;
use serde_json::json;

/// Moves a machine's job as the machine would have.
pub(super) async fn moves(desk: &Desk, plan: &str, number: u8, state: State) {
    let mut change = desk.change().await;
    let id = job(plan, number);
    let read = change.view().job(&id).await.unwrap().unwrap();
    change.move_job(&read, &state, read.slot, 1).await.unwrap();
    change.commit().await.unwrap();
}

/// Somebody says "not now" for an hour at a machine itself.
pub(super) async fn held_there(desk: &Desk, number: u8) {
    let id = machine(number);
    let mut view = desk.app.store.view().await.unwrap();
    let status = view.machine_status(&id).await.unwrap().unwrap();
    drop(view);
    let held = MachineStatus {
        hold_until: Some(now().plus_ms(HOUR_MS)),
        ..status
    };
    let store = &desk.app.store;
    store.record_status(&id, &held, now()).await.unwrap();
}

#[tokio::test]
async fn a_job_says_whether_its_machine_is_safe_who_stands_in_and_whom_to_call() {
    let (desk, plan) = signed().await;
    desk.ask("oncall set Ada --contact 4711 --unit icu-3").await;
    let id = job(&plan, 1);
    let show = format!("job show {id}");
    let shown = desk.json(&show).await;
    assert!(shown["safe_to_use"].is_null(), "nothing began: {shown}");
    let dark = || Reason::new("dark");
    for (state, safe, todo) in [
        (State::Installing, "no", "do not switch it off"),
        (State::RolledBack(dark()), "not_yet", "call HTM"),
        (State::Freed(dark()), "unknown", "call IT"),
        (State::Failed(dark()), "no", "`job journal"),
    ] {
        moves(&desk, &plan, 1, state.clone()).await;
        let shown = desk.json(&show).await;
        assert_eq!(shown["safe_to_use"], safe, "{state:?}: {shown}");
        let other = json!([{ "machine": "pc-2", "unit": "icu-3", "state": "ready" }]);
        assert_eq!(shown["stand_ins"], other);
        assert!(shown["stand_ins_elsewhere"].is_null(), "{shown}");
        assert_eq!(shown["call"], json!(["Ada (4711)"]));
        let said = shown["what_to_do"].as_str().unwrap();
        assert!(said.starts_with("Use a stand-in; "), "{said}");
        assert!(said.contains(todo), "{state:?}: {said}");
    }
    let viewer = person(&desk, "vera", "viewer").await;
    let page = open(&desk, &format!("/job/{id}"), Some(&viewer)).await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "No: neither the new version",
        "pc-2",
        "Ada (4711)",
        "Use a stand-in; call IT",
    ] {
        assert!(page.page.contains(words), "{words}: {}", page.page);
    }
    // The other is down as well.
    moves(&desk, &plan, 2, State::Measuring).await;
    let shown = desk.json(&show).await;
    assert_eq!(shown["stand_ins"][0]["state"], "not_ready");
    let said = shown["what_to_do"].as_str().unwrap();
    assert!(
        said.starts_with("No stand-in is known to be ready"),
        "{said}"
    );
    moves(&desk, &plan, 1, State::InService).await;
    let shown = desk.json(&show).await;
    assert!(shown["safe_to_use"].is_null(), "HTM said so: {shown}");
}

#[tokio::test]
async fn a_stand_in_whose_own_job_failed_is_in_use_or_is_held_is_not_ready() {
    let (desk, plan) = signed().await;
    moves(&desk, &plan, 1, State::Failed(Reason::new("dark"))).await;
    let show = format!("job show {}", job(&plan, 1));
    let stands = async || {
        let shown = desk.json(&show).await;
        shown["stand_ins"][0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(stands().await, "ready");
    desk.says(2, InterlockWord::InUse).await;
    assert_eq!(stands().await, "not_ready");
    desk.says(2, InterlockWord::Idle).await;
    desk.ask("hold add --unit icu-3 --for 1 --reason rounds")
        .await;
    assert_eq!(stands().await, "not_ready");
    desk.ask("hold end --unit icu-3").await;
    assert_eq!(stands().await, "ready");
    for state in [State::Verified, State::RolledBack(Reason::new("dark"))] {
        moves(&desk, &plan, 2, state.clone()).await;
        assert_eq!(stands().await, "not_ready", "{state:?}");
    }
    moves(&desk, &plan, 2, State::InService).await;
    assert_eq!(stands().await, "ready");
}

#[tokio::test]
async fn a_machine_whose_version_fell_back_is_not_safe_whatever_its_job_says() {
    let (desk, plan) = signed().await;
    let show = format!("job show {}", job(&plan, 1));
    moves(&desk, &plan, 1, State::InService).await;
    assert!(desk.json(&show).await["safe_to_use"].is_null());
    desk.reports(1, "0").await;
    let told = desk.ask(&show).await.text();
    assert!(told.contains("0 is there now"), "{told}");
    assert_eq!(desk.json(&show).await["safe_to_use"], "no");
    // And no stand-in for the other.
    moves(&desk, &plan, 2, State::Failed(Reason::new("dark"))).await;
    let shown = desk.json(&format!("job show {}", job(&plan, 2))).await;
    assert_eq!(shown["stand_ins"][0]["state"], "not_ready", "{shown}");
}

#[tokio::test]
async fn who_does_not_see_the_unit_of_a_stand_in_is_told_the_unit_and_whom_to_call() {
    let (desk, plan) = signed().await;
    desk.ask("unit add or-1 --site main --class standard").await;
    desk.ask("oncall set Bob --contact 4712 --unit or-1").await;
    let there = AssignmentLeaf {
        unit: name("or-1"),
        ..desk.row(2)
    };
    desk.assign_rows(2, vec![desk.row(1), there]).await.unwrap();
    moves(&desk, &plan, 1, State::Failed(Reason::new("dark"))).await;
    let path = format!("/job/{}", job(&plan, 1));
    let everywhere = person(&desk, "vera", "viewer").await;
    let page = open(&desk, &path, Some(&everywhere)).await;
    assert!(page.page.contains("pc-2"), "{}", page.page);
    let here = person(&desk, "tom", "technician:icu-3").await;
    let page = open(&desk, &path, Some(&here)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.page.contains("pc-2"), "{}", page.page);
    for words in ["or-1", "Bob (4712)", "Use a stand-in"] {
        assert!(page.page.contains(words), "{words}: {}", page.page);
    }
}

#[tokio::test]
async fn a_machine_and_its_asset_show_where_it_stands_and_what_holds_it() {
    let (desk, plan) = signed().await;
    desk.ask("asset put A-1 --serial S1 --location Room~2 --unit icu-3")
        .await;
    desk.ask("asset link A-1 pc-1").await;
    desk.ask("asset put A-2 --unit icu-3").await;
    for name in ["pc-1", "pc-2"] {
        desk.ask(&format!(
            "hold add --machine {name} --for 2 --reason rounds"
        ))
        .await;
    }
    let shown = desk.json("machine show pc-1").await;
    let of_asset = ["asset", "serial", "location", "life_cycle"].map(|part| shown[part].clone());
    assert_eq!(
        of_asset,
        ["A-1", "S1", "Room 2", "in_use"].map(|text| json!(text))
    );
    let job = format!("/job/{}", job(&plan, 1));
    let viewer = person(&desk, "vera", "viewer").await;
    for path in ["/assets/machine/pc-1", "/assets/asset/A-1"] {
        let page = open(&desk, path, Some(&viewer)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for words in [
            "Room 2",
            "Life cycle",
            "tonight",
            "rounds",
            "viewer",
            "/evidence/machine/pc-1",
            job.as_str(),
        ] {
            assert!(page.page.contains(words), "{path} {words}: {}", page.page);
        }
        assert!(!page.page.contains("pc-2"), "{path} is about one");
    }
    // What is no machine says so, and stands in a unit all the same.
    let page = open(&desk, "/assets/asset/A-2", Some(&viewer)).await;
    assert!(
        page.page.contains("It is no machine of ours"),
        "{}",
        page.page
    );
    assert!(page.page.contains("tonight") && !page.page.contains("/job/"));
    let page = open(&desk, "/assets/asset/A-9", Some(&viewer)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_holds_of_a_machine_are_its_own_its_units_and_what_was_said_there() {
    let desk = Desk::with_machines(2).await;
    let reasons = async || {
        let held = desk.json("hold list --machine pc-1").await;
        let rows = held.as_array().unwrap().iter();
        let text = |row: &serde_json::Value| row["reason"].as_str().unwrap().to_owned();
        rows.map(text).collect::<Vec<_>>()
    };
    desk.ask("hold add --machine pc-2 --for 1 --reason rounds")
        .await;
    assert!(reasons().await.is_empty());
    held_there(&desk, 1).await;
    desk.ask("hold add --machine pc-1 --for 1 --reason procedure")
        .await;
    desk.ask("hold add --unit icu-3 --for 1 --reason rounds")
        .await;
    let expected = ["rounds", "procedure", "said at the machine"];
    assert_eq!(reasons().await, expected);
}
