//! What one shift hands over to the next, by command and on its page.

use super::bedside::{held_there, moves};
use super::desk::{Desk, machine, now};
use super::jobs::{job, signed};
use super::ward::{open, person};
use axum::http::StatusCode;
use patchward_collector::control::FailureKind::Input;
use patchward_collector::secret::Secret;
use patchward_collector::store::go::GoAsk;
use patchward_common::id::Nonce;
use patchward_common::job::{Reason, State};
use patchward_integration_tests::fixture::name;
use serde_json::{Value, json};

/// A column of a list of what is handed over.
async fn column(desk: &Desk, list: &str, name: &str) -> Vec<Value> {
    let told = desk.json("shift").await;
    let rows = told[list].as_array().unwrap().iter();
    rows.map(|row| row[name].clone()).collect()
}

/// A technician of a unit, signed in with both proofs.
async fn technician(desk: &Desk, who: &str, unit: &str) -> Secret {
    let session = person(desk, who, &format!("technician:{unit}")).await;
    let (hash, account) = (session.hash(), name(who));
    let mut change = desk.change().await;
    change.prove_second_factor(&hash, &account).await.unwrap();
    change.commit().await.unwrap();
    session
}

#[tokio::test]
async fn the_next_shift_is_told_what_begins_and_whose_move_it_is() {
    let (desk, _) = signed().await;
    let mut machines = column(&desk, "begins", "machine").await;
    machines.sort_by_key(Value::to_string);
    assert_eq!(machines, ["pc-1", "pc-2"]);
    assert_eq!(column(&desk, "begins", "owner").await, ["time", "time"]);
    desk.ask("stop now --unit icu-3 --reason smoke").await;
    assert_eq!(
        column(&desk, "nothing_starts", "about").await,
        ["unit icu-3"]
    );
    desk.refuses("shift --hours 0", Input, "1..=72").await;
}

#[tokio::test]
async fn the_next_shift_is_told_what_went_wrong_and_what_is_not_back() {
    let (desk, plan) = signed().await;
    for list in ["went_wrong", "not_in_service", "holds"] {
        assert!(column(&desk, list, "machine").await.is_empty(), "{list}");
    }
    moves(&desk, &plan, 1, State::RolledBack(Reason::new("dark"))).await;
    moves(&desk, &plan, 2, State::Attested).await;
    held_there(&desk, 1).await;
    desk.ask("hold add --machine pc-2 --for 2 --reason rounds")
        .await;
    let told = desk.json("shift").await;
    let wrong = &told["went_wrong"][0];
    assert_eq!(
        (&wrong["machine"], &wrong["state"], &wrong["owner"]),
        (&json!("pc-1"), &json!("rolled_back"), &json!("htm"))
    );
    assert!(wrong["owner_since"].is_string(), "{wrong}");
    let mut down = column(&desk, "not_in_service", "item").await;
    down.sort_by_key(Value::to_string);
    let back = format!("rolled-back:{}", job(&plan, 1));
    assert_eq!(down, [format!("return:{}", job(&plan, 2)), back.clone()]);
    // The one that ends first comes first.
    assert_eq!(column(&desk, "holds", "machine").await, ["pc-1", "pc-2"]);
    assert!(column(&desk, "begins", "machine").await.is_empty());
    desk.ask(&format!("item take {back}")).await;
    let taken = column(&desk, "went_wrong", "taken_by").await;
    assert_eq!(taken, ["local:0"]);
    // What is back in service is not handed over.
    moves(&desk, &plan, 2, State::InService).await;
    desk.reports(2, "2").await;
    assert_eq!(column(&desk, "not_in_service", "item").await, [back]);
}

#[tokio::test]
async fn a_machine_that_counts_as_down_is_not_in_service_whatever_its_job_says() {
    let (desk, plan) = signed().await;
    // Its go is out; whose move its job is, is said elsewhere.
    let ask = GoAsk {
        machine: machine(1),
        job: job(&plan, 1),
        nonce: Nonce([1; 32]),
        longest_run_ms: 60_000,
    };
    let issued = desk
        .app
        .store
        .decide_go(&ask, now(), |_| Ok::<_, ()>(vec![1]));
    issued.await.unwrap();
    moves(&desk, &plan, 2, State::Measuring).await;
    let mut down = column(&desk, "not_in_service", "about").await;
    down.sort_by_key(Value::to_string);
    assert_eq!(down, ["pc-1", "pc-2"]);
    // A close says nothing of the machine.
    moves(&desk, &plan, 2, State::Failed(Reason::new("dark"))).await;
    desk.ask(&format!("job close {} --reason looked", job(&plan, 2)))
        .await;
    let items = column(&desk, "not_in_service", "item").await;
    let behind = json!(format!("behind:{}", job(&plan, 2)));
    assert!(items.contains(&behind), "{items:?}");
    assert_eq!(items.len(), 2, "{items:?}");
}

#[tokio::test]
async fn the_list_is_a_page_a_file_and_a_line_on_today_for_who_sees_the_unit() {
    let (desk, plan) = signed().await;
    desk.ask("unit add or-1 --site main --class standard").await;
    moves(&desk, &plan, 1, State::Failed(Reason::new("dark"))).await;
    let here = technician(&desk, "tom", "icu-3").await;
    let page = open(&desk, "/shift", Some(&here)).await;
    assert_eq!(page.status, StatusCode::OK);
    for words in ["Went wrong", "Not in service", "pc-1", "dark"] {
        assert!(page.page.contains(words), "{words}: {}", page.page);
    }
    let file = open(&desk, "/shift?csv=shift-went_wrong", Some(&here)).await;
    assert!(
        file.page.contains("pc-1") && !file.page.contains('<'),
        "{}",
        file.page
    );
    let today = open(&desk, "/", Some(&here)).await;
    assert!(today.page.contains("href=\"/shift\""), "{}", today.page);
    assert!(today.page.contains("1 went wrong"), "{}", today.page);
    let elsewhere = technician(&desk, "una", "or-1").await;
    let page = open(&desk, "/shift", Some(&elsewhere)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.page.contains("pc-1"), "{}", page.page);
    let today = open(&desk, "/", Some(&elsewhere)).await;
    assert!(!today.page.contains("went wrong"), "{}", today.page);
}
