//! What people decide on single jobs, by command.

use super::desk::{Desk, machine, now};
use super::jobs::{job, signed};
use super::people;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::store::go::GoAsk;
use patchward_common::id::{BootId, JobId, Nonce};
use patchward_common::job::{Event, Measurement, Reason, Start, State, Verdict};
use patchward_common::time::{DAY_MS, Interval};
use serde_json::json;

/// Moves a job as its machine would have.
async fn moves(desk: &Desk, id: &JobId, state: State) {
    let mut change = desk.change().await;
    let read = change.view().job(id).await.unwrap().unwrap();
    change.move_job(&read, &state, read.slot, 1).await.unwrap();
    change.commit().await.unwrap();
}

fn start() -> Start {
    people::start(Interval::new(now(), now().plus_ms(1)).unwrap())
}

/// Stores what machine 1 signed of its job just now.
async fn tells(desk: &Desk, plan: &str, events: &[Event]) {
    let events: Vec<_> = events.iter().map(|event| (now(), event.clone())).collect();
    people::tells(desk, plan, &events).await;
}

#[tokio::test]
async fn a_go_whose_end_nobody_reports_is_ended_by_a_person() {
    let (desk, plan) = signed().await;
    let id = job(&plan, 1);
    let free = format!("job free {id} --reason seen");
    let nothing = "pc-1 does not count as down by this job: it is assigned";
    desk.refuses(&free, Conflict, nothing).await;
    let ask = GoAsk {
        machine: machine(1),
        job: id,
        nonce: Nonce([1; 32]),
        longest_run_ms: 60_000,
    };
    let issued = desk
        .app
        .store
        .decide_go(&ask, now(), |_| Ok::<_, ()>(vec![1]));
    issued.await.unwrap();
    let shown = desk.json(&format!("job show {id}")).await;
    assert!(shown["go_since"].is_string(), "{shown}");
    assert_eq!(shown["down_since"], shown["go_since"]);
    let why = shown["down_because"].as_str().unwrap();
    assert!(why.contains("a go whose end"), "{why}");
    desk.ask(&free).await;
    let shown = desk.json(&format!("job show {id}")).await;
    assert!(shown["go_since"].is_null() && shown["down_since"].is_null());
    assert_eq!(
        (&shown["state"], &shown["next_step_by"]),
        (&json!("assigned"), &json!("time"))
    );
    assert_eq!(desk.json(&format!("job journal {id}")).await, json!([]));
    desk.refuses(
        "job journal 00000000000000000000000000000000",
        NotFound,
        "job list",
    )
    .await;
}

#[tokio::test]
async fn a_machine_lost_in_the_middle_is_freed_by_a_person() {
    let (desk, plan) = signed().await;
    let id = job(&plan, 1);
    moves(&desk, &id, State::Installing).await;
    let listed = desk.json(&format!("job list --plan {plan}")).await;
    let row = |number| {
        let job = job(&plan, number).to_string();
        let rows = listed.as_array().unwrap().iter();
        rows.clone().find(|row| row["job"] == job).unwrap().clone()
    };
    assert!(row(1)["down_since"].is_string(), "{listed}");
    let why = row(1)["down_because"].as_str().unwrap().to_owned();
    assert!(why.contains("installing since"), "{why}");
    assert!(row(2)["down_since"].is_null(), "{listed}");
    let bare = format!("job free {id}");
    desk.refuses(&bare, Input, "--reason").await;
    let free = format!("job free {id} --reason seen~at~the~bed");
    let said = desk.ask(&free).await.text();
    assert!(said.contains("Nobody measured"), "{said}");
    let shown = desk.json(&format!("job show {id}")).await;
    assert_eq!(
        (&shown["state"], &shown["why"], &shown["down_since"]),
        (&json!("freed"), &json!("seen at the bed"), &json!(null))
    );
    assert_eq!(
        (&shown["next_step_by"], &shown["item"]),
        (&json!("it"), &json!(format!("freed:{id}")))
    );
    // The reason stands in the log, and what is on it is not known.
    let log = desk.json("audit list").await.to_string();
    assert!(
        log.contains("job.free") && log.contains("seen at the bed"),
        "{log}"
    );
    let today = desk.json("today").await;
    let state = today["machines"][0]["state"].as_str().unwrap();
    assert!(state.starts_with("unknown(since "), "{today}");
    let rollout = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(rollout["failures"], 1, "a failure until it is measured");
    desk.refuses(&free, Conflict, "it is freed").await;
}

#[tokio::test]
async fn a_job_that_a_person_stopped_waits_again_within_its_approval() {
    let (desk, plan) = signed().await;
    let id = job(&plan, 1);
    let retry = format!("job retry {id} --reason the~ward~agrees");
    desk.refuses(&retry, Conflict, "waits for its slot already")
        .await;
    let ask = GoAsk {
        machine: machine(1),
        job: id,
        nonce: Nonce([1; 32]),
        longest_run_ms: 60_000,
    };
    let store = &desk.app.store;
    let issued = store.decide_go(&ask, now(), |_| Ok::<_, ()>(vec![1]));
    issued.await.unwrap();
    let close = format!("job close {id} --reason not~tonight");
    let said = desk.ask(&close).await.text();
    assert!(said.contains("counts as down until"), "{said}");
    let shown = desk.json(&format!("job show {id}")).await;
    assert_eq!(
        (&shown["state"], &shown["why"], &shown["next_step_by"]),
        (&json!("stopped"), &json!("not tonight"), &json!("htm"))
    );
    assert!(shown["down_since"].is_string(), "{shown}");
    desk.refuses(&close, Conflict, "nothing to close").await;
    let said = desk.ask(&retry).await.text();
    assert!(said.contains("of the same approval"), "{said}");
    let shown = desk.json(&format!("job show {id}")).await;
    assert_eq!(shown["state"], "assigned");
    assert!(shown["slot_from"].is_string(), "{shown}");
    let log = desk.json("audit list").await.to_string();
    for (action, reason) in [("job.close", "not tonight"), ("job.retry", "ward agrees")] {
        assert!(log.contains(action) && log.contains(reason), "{log}");
    }
    // It started with the go that it had before it was closed.
    desk.ask(&close).await;
    let started = Event::Started(start());
    tells(&desk, &plan, &[Event::Prepared, started]).await;
    desk.refuses(&retry, Conflict, "its machine began it").await;
}

#[tokio::test]
async fn what_failed_is_closed_and_given_to_somebody() {
    let (desk, plan) = signed().await;
    let id = job(&plan, 1);
    let state = State::RolledBack(Reason::new("its check failed"));
    moves(&desk, &id, State::Installing).await;
    let close = format!("job close {id} --reason replaced~next~week");
    desk.refuses(&close, Conflict, "`job free`").await;
    moves(&desk, &id, state.clone()).await;
    let told = Event::Measured(Measurement {
        verdict: Verdict::RolledBack(Reason::new("its check failed")),
        versions_after: Vec::new(),
        checks: Vec::new(),
        boot: BootId([1; 16]),
    });
    let events = [Event::Prepared, Event::Started(start()), told];
    tells(&desk, &plan, &events).await;
    let retry = format!("job retry {id} --reason again");
    desk.refuses(&retry, Conflict, "--clear").await;
    let assign = format!("job assign {id}");
    desk.refuses(&assign, Input, "--to").await;
    desk.refuses(&format!("{assign} --to alise"), NotFound, "mean alice")
        .await;
    desk.refuses(
        &format!("{assign} --nobody"),
        NotFound,
        "item that was taken",
    )
    .await;
    desk.ask(&format!("{assign} --to alice")).await;
    let key = format!("rolled-back:{id}");
    let taken_by = async || {
        let listed = desk.json("item list").await;
        let rows = listed.as_array().unwrap().iter();
        let row = rows.clone().find(|row| row["about"] == "pc-1").unwrap();
        (row["item"].clone(), row["taken_by"].clone())
    };
    assert_eq!(taken_by().await, (json!(key), json!("person:alice")));
    let shown = desk.json(&format!("job show {id}")).await;
    assert_eq!(shown["taken_by"], "person:alice");
    let today = desk.json("today").await;
    let items = today["items"].as_array().unwrap().iter();
    let item = items.clone().find(|item| item["about"] == "pc-1").unwrap();
    assert_eq!(item["taken_by"], "person:alice");
    desk.ask(&format!("{assign} --to local:7")).await;
    assert_eq!(taken_by().await.1, "local:7");
    desk.ask(&format!("{assign} --nobody")).await;
    assert_eq!(taken_by().await.1, json!(null));
    let said = desk.ask(&close).await.text();
    assert!(said.contains("stays rolled_back"), "{said}");
    desk.refuses(&close, Conflict, "closed already").await;
    assert_eq!(taken_by().await.0, format!("behind:{id}"));
    let shown = desk.json(&format!("job show {id}")).await;
    assert_eq!(
        (&shown["next_step_by"], &shown["closed_why"]),
        (&json!("htm"), &json!("replaced next week"))
    );
    let today = desk.json("today").await;
    assert_eq!(today["machines"][0]["state"], "waiting(htm)");
    moves(&desk, &job(&plan, 2), State::InService).await;
    let done = format!("job assign {} --to alice", job(&plan, 2));
    desk.refuses(&done, Conflict, "Nothing is open").await;
    // An exception is HTM's word that it may stay so.
    let until = now().plus_ms(DAY_MS);
    desk.ask(&format!("item except pc-1 --until {until} --control wall"))
        .await;
    let listed = desk.json("item list").await.to_string();
    assert!(!listed.contains("pc-1"), "{listed}");
}
