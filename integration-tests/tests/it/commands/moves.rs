//! Whose move it is where several things come together, by command.

use super::desk::{Desk, machine, now};
use super::jobs::{job, signed};
use patchward_collector::control::FailureKind::Conflict;
use patchward_common::job::{Reason, State};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval};
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_common::wire::machine::InterlockWord;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Moves a job as its machine would have; what proves it is stored where it was measured.
async fn moves(desk: &Desk, plan: &str, number: u8, state: State) {
    let mut change = desk.change().await;
    let id = job(plan, number);
    let read = change.view().job(&id).await.unwrap().unwrap();
    if state == State::Verified {
        change.add_evidence(&id, b"measured").await.unwrap();
    }
    change.move_job(&read, &state, read.slot, 1).await.unwrap();
    change.commit().await.unwrap();
}

async fn keys(desk: &Desk, about: &str) -> Vec<String> {
    let listed = desk.json("item list").await;
    let rows = listed.as_array().unwrap().iter();
    let rows = rows.filter(|row| row["about"] == about);
    rows.map(|row| row["item"].as_str().unwrap().to_owned())
        .collect()
}

fn with_mode(desk: &Desk, number: u8, mode: Mode) -> AssignmentLeaf {
    AssignmentLeaf {
        mode,
        ..desk.row(number)
    }
}

#[tokio::test]
async fn an_older_job_that_is_returned_hides_nothing_and_raises_nothing() {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2", "3"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let rest = "--unit icu-3 --soak-minutes 0 --release";
    let old = desk.plan("Old", &format!("{rest} viewer=2")).await;
    desk.signed(&old, &[&desk.papers.alice]).await.unwrap();
    for number in [1, 2] {
        moves(&desk, &old, number, State::Verified).await;
        desk.reports(number, "2").await;
    }
    let new = desk.plan("New", &format!("{rest} viewer=3")).await;
    desk.signed(&new, &[&desk.papers.alice]).await.unwrap();
    moves(&desk, &new, 1, State::RolledBack(Reason::new("dark"))).await;
    moves(&desk, &new, 2, State::Verified).await;
    desk.reports(2, "3").await;
    let failed = format!("rolled-back:{}", job(&new, 1));
    assert!(keys(&desk, "pc-1").await.contains(&failed));
    // A machine that was verified twice is returned once.
    let once = [format!("return:{}", job(&new, 2))];
    assert_eq!(keys(&desk, "pc-2").await, once);
    for number in [1, 2] {
        desk.ask(&format!("job return {}", job(&old, number))).await;
    }
    assert_eq!(keys(&desk, "pc-1").await, [failed]);
    assert_eq!(keys(&desk, "pc-2").await, once, "no false alarm");
    let today = desk.json("today").await;
    let states = [
        &today["machines"][0]["state"],
        &today["machines"][1]["state"],
    ];
    assert_eq!(states, [&json!("failed"), &json!("verified")]);
    assert_eq!(today["states"][0]["state"], "failed");
}

#[tokio::test]
async fn a_machine_that_fell_back_is_not_returned_to_service() {
    let (desk, plan) = signed().await;
    moves(&desk, &plan, 1, State::Verified).await;
    desk.reports(1, "0").await;
    let back = format!("job return {}", job(&plan, 1));
    desk.refuses(&back, Conflict, "0 is there now").await;
    // One that was returned a moment before this was seen is fallen all the same.
    moves(&desk, &plan, 1, State::InService).await;
    assert_eq!(keys(&desk, "pc-1").await, ["fallen:pc-1"]);
}

#[tokio::test]
async fn a_job_whose_slot_is_open_says_why_it_gets_no_go() {
    let (desk, plan) = signed().await;
    let mut open = None;
    for number in [1, 2] {
        let shown = desk.json(&format!("job show {}", job(&plan, number))).await;
        if shown["next_step"].as_str().unwrap().contains("open until") {
            open = Some(number);
        }
    }
    let show = format!("job show {}", job(&plan, open.unwrap()));
    let next = async || {
        let shown = desk.json(&show).await;
        let text = |key: &str| shown[key].as_str().unwrap().to_owned();
        (text("next_step_by"), text("next_step"))
    };
    let until = now().plus_ms(HOUR_MS);
    desk.ask(&format!("freeze add live --until {until} --reason go-live"))
        .await;
    let (owner, why) = next().await;
    assert!(owner == "time" && why.contains("go-live"), "{owner}: {why}");
    desk.ask("stop now --unit icu-3 --reason smoke").await;
    let (owner, why) = next().await;
    assert!(owner == "htm" && why.contains("stopped"), "{owner}: {why}");
    let stops = desk.json("item list --owner htm").await;
    let stop = stops.as_array().unwrap().iter();
    let stop = stop
        .clone()
        .find(|row| row["about"] == "unit icu-3")
        .unwrap();
    let why = stop["why"].as_str().unwrap();
    assert!(
        why.starts_with("smoke; ") && why.contains("0 of 0"),
        "{why}"
    );
    let listed = desk.json("stop list").await;
    assert_eq!(
        (&listed[0]["acknowledged"], &listed[0]["missing"]),
        (&json!(0), &json!([]))
    );
}

/// What a forecast says of machines that cannot be done as things stand.
async fn hindered(desk: &Desk, plan: &str) -> Vec<(String, String)> {
    let shown = desk.json(&format!("plan forecast {plan}")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = shown["hindered"].as_array().unwrap().iter();
    rows.map(|row| (text(&row["machine"]), text(&row["reason"])))
        .collect()
}

#[tokio::test]
async fn a_forecast_hopes_for_nothing_from_who_cannot_be_done() {
    let (desk, plan) = signed().await;
    assert_eq!(hindered(&desk, &plan).await, []);
    let rows = vec![with_mode(&desk, 1, Mode::Rehearse), desk.row(2)];
    desk.assign_rows(2, rows).await.unwrap();
    let [(machine, reason)] = &hindered(&desk, &plan).await[..] else {
        panic!("one only rehearses");
    };
    assert!(machine == "pc-1" && reason.contains("rehearse"), "{reason}");
    desk.ask("stop now --unit icu-3 --reason smoke").await;
    assert!(hindered(&desk, &plan).await[1].1.contains("stopped"));
    let stop = desk.json("stop list").await[0]["stop"].clone();
    let stop = stop.as_str().unwrap();
    desk.ask(&format!("stop lift {stop} --reason aired")).await;
    desk.ask(&format!("rollout halt {plan} --reason smell"))
        .await;
    assert!(hindered(&desk, &plan).await[1].1.contains("smell"));
    desk.ask(&format!("rollout resume {plan} --reason aired"))
        .await;
    let until = now().plus_ms(30 * DAY_MS);
    desk.ask(&format!("freeze add live --until {until} --reason go-live"))
        .await;
    assert!(hindered(&desk, &plan).await[1].1.contains("no slot left"));
    let said = desk.ask(&format!("plan forecast {plan}")).await.text();
    assert!(
        said.contains("as things stand it stays so") && said.contains("2 machines cannot"),
        "{said}"
    );
}

#[tokio::test]
async fn a_machine_that_is_left_as_it_is_gets_no_go_and_no_plan() {
    let (desk, plan) = signed().await;
    let rest = "--release viewer=2 --unit icu-3 --soak-minutes 0";
    let until = now().plus_ms(DAY_MS);
    let except = format!("item except pc-1 --until {until} --control wall");
    let said = desk.ask(&except).await.text();
    assert!(said.contains("no go is given"), "{said}");
    let id = job(&plan, 1);
    let shown = desk.json(&format!("job show {id}")).await;
    assert_eq!(
        (&shown["state"], &shown["why"]),
        (&json!("stopped"), &json!("wall"))
    );
    let retry = format!("job retry {id} --reason again");
    desk.refuses(&retry, Conflict, "item except pc-1 --end")
        .await;
    let made = desk.json(&format!("plan new Next {rest}")).await;
    let left = &made["impossible"][0];
    assert_eq!(
        (&left["machine"], &left["who"]),
        (&json!("pc-1"), &json!("security"))
    );
    desk.ask("item except pc-1 --end").await;
    desk.ask(&retry).await;
}

#[tokio::test]
async fn a_plan_that_is_given_out_later_leaves_an_exception_alone() {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let rest = "--release viewer=2 --unit icu-3 --soak-minutes 0";
    let plan = desk.plan("Update", rest).await;
    let until = now().plus_ms(DAY_MS);
    desk.ask(&format!("item except pc-1 --until {until} --control wall"))
        .await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let state = async |number| {
        let shown = desk.json(&format!("job show {}", job(&plan, number))).await;
        shown["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (&*state(1).await, &*state(2).await),
        ("stopped", "assigned")
    );
}

#[tokio::test]
async fn one_minute_in_which_an_interlock_cannot_tell_takes_no_machine_out() {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let at = now();
    let idle = Interval::new(at.plus_ms(-DAY_MS), at.plus_ms(-HOUR_MS)).unwrap();
    let said = BTreeMap::from([(machine(1), vec![(idle, InterlockWord::Idle)])]);
    desk.app.store.record_interlocks(&said, at).await.unwrap();
    for number in [1, 2] {
        desk.says(number, InterlockWord::Unknown).await;
    }
    let rest = "--release viewer=2 --unit icu-3 --soak-minutes 0";
    let made = desk.json(&format!("plan new Update {rest}")).await;
    assert_eq!(made["machines"].as_array().unwrap().len(), 1);
    let left = &made["impossible"][0];
    assert_eq!(left["machine"], "pc-2", "{made}");
    assert!(left["reason"].as_str().unwrap().contains("interlock"));
}
