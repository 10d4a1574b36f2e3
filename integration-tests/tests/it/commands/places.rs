//! Places, assets, windows, freezes, machines, stops and the audit log by command.

use super::desk::{Desk, machine};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::store::Actor;
use serde_json::json;

#[tokio::test]
async fn what_something_still_uses_is_not_removed_and_is_named() {
    let desk = Desk::with_machines(1).await;
    desk.ask("unit add lab --site main --class standard").await;
    desk.ask("window add night --unit lab --cron 0~2~*~*~Tue --zone UTC --minutes 60")
        .await;
    desk.ask("asset put A-1 --unit lab --group readers").await;
    for (line, text) in [
        ("site remove main", "units (icu-3, lab)"),
        ("unit remove icu-3", "machines (pc-1)"),
        ("unit remove lab", "windows (night)"),
        ("group remove readers", "machines (pc-1)"),
    ] {
        desk.refuses(line, Conflict, text).await;
    }
    desk.ask("window remove night --reason moved").await;
    desk.refuses("unit remove lab", Conflict, "assets (A-1)")
        .await;
    desk.ask("asset remove A-1").await;
    desk.ask("unit remove lab").await;
}

#[tokio::test]
async fn units_and_groups_are_changed_in_part() {
    let desk = Desk::with_papers().await;
    desk.ask("site add east").await;
    desk.ask("unit edit icu-3 --site east").await;
    desk.ask("unit edit icu-3 --class critical").await;
    let units = desk.json("unit list").await;
    assert_eq!(units[0]["site"], "east");
    assert_eq!(units[0]["class"], "critical");
    desk.ask("group edit readers --minimum-ready 3").await;
    desk.ask("group edit readers --switched-off-counts true")
        .await;
    let groups = desk.json("group list").await;
    assert_eq!(groups[0]["minimum_ready"], 3);
    assert_eq!(groups[0]["switched_off_counts"], true);
    assert_eq!(groups[0]["unit"], "icu-3");
    desk.refuses("unit edit icu-9", NotFound, "unit list").await;
    desk.refuses("unit edit icu-3 --site west", NotFound, "west")
        .await;
    desk.refuses("group edit x", NotFound, "group list").await;
}

#[tokio::test]
async fn an_asset_keeps_what_is_not_named() {
    let desk = Desk::with_machines(2).await;
    desk.ask("asset put A-1 --serial S7 --manufacturer Acme --unit icu-3")
        .await;
    desk.ask("asset put A-1 --location bed-4").await;
    desk.ask("asset put A-2").await;
    desk.ask("asset link A-1 pc-1").await;
    desk.refuses("asset link A-2 pc-1", Conflict, "asset A-1 already")
        .await;
    desk.refuses("asset link A-9 pc-2", NotFound, "A-9").await;
    let list = desk.json("asset list").await;
    let first = &list["assets"][0];
    assert_eq!(
        (&first["serial"], &first["manufacturer"]),
        (&json!("S7"), &json!("Acme"))
    );
    assert_eq!(first["machine"], machine(1).to_string());
    assert_eq!(
        (&list["are_machines"], &list["not_covered"]),
        (&json!(1), &json!(1))
    );
    desk.ask("asset put A-1 --serial S8").await;
    let list = desk.json("asset list --unit icu-3").await;
    assert_eq!(list["assets"][0]["serial"], "S8");
    assert_eq!(list["assets"][0]["manufacturer"], "Acme");
    desk.ask("asset link A-1").await;
    desk.ask("asset remove A-1").await;
    desk.refuses("asset remove A-1", NotFound, "A-1").await;
}

#[tokio::test]
async fn rare_windows_are_shown_before_they_are_relied_on() {
    let desk = Desk::with_papers().await;
    let preview = async || {
        let shown = desk.json("window preview icu-3").await;
        shown.as_array().unwrap().len()
    };
    assert_eq!(preview().await, 0);
    for (name, cron, least) in [
        ("yearly", "0~2~24~12~*", 2),
        ("quarterly", "0~2~1~1,4,7,10~*", 8),
        ("nightly", "0~1~*~*~*", 20),
    ] {
        let add = format!("window add {name} --unit icu-3 --cron {cron} --zone UTC --minutes 60");
        desk.ask(&add).await;
        assert!(preview().await >= least, "{name}");
        desk.refuses(&add, Conflict, "already").await;
    }
    desk.ask("unit add lab --site main --class standard").await;
    desk.refuses(
        "window once nightly --unit lab --minutes 60",
        Conflict,
        "there is a window nightly already",
    )
    .await;
    let windows = desk.json("window list --unit icu-3").await;
    assert_eq!(windows.as_array().unwrap().len(), 3);
    assert!(windows[0]["opens"].as_str().unwrap().contains("01:00"));
    desk.ask("window remove yearly --reason moved").await;
    desk.refuses("window remove yearly --reason moved", NotFound, "yearly")
        .await;
    desk.refuses("window preview lab-2", NotFound, "lab-2")
        .await;
}

#[tokio::test]
async fn freezes_come_and_go() {
    let desk = Desk::with_papers().await;
    let until = "--until 2099-01-01T00:00:00Z --reason move";
    desk.ask(&format!("freeze add all {until}")).await;
    desk.ask(&format!("freeze add east --site main {until}"))
        .await;
    desk.refuses(&format!("freeze add all {until}"), Conflict, "already")
        .await;
    desk.refuses(&format!("freeze add x --unit lab {until}"), NotFound, "lab")
        .await;
    let list = desk.json("freeze list").await;
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["freeze"])
        .collect();
    assert_eq!(names, ["all", "east"]);
    desk.ask("freeze remove all --reason over").await;
    desk.refuses("freeze remove all --reason over", NotFound, "all")
        .await;
}

#[tokio::test]
async fn machines_are_found_stored_cleared_and_revoked() {
    let desk = Desk::with_machines(3).await;
    desk.reports(2, "2").await;
    let with = desk.json("machine with viewer --version 2").await;
    assert_eq!(with[0]["machine"], "pc-2");
    assert_eq!(with.as_array().unwrap().len(), 1);
    desk.ask("machine store pc-1").await;
    let state = async |line: &str| desk.json(line).await["state"].clone();
    assert_eq!(state("machine show pc-1").await, "stored");
    desk.refuses("machine store pc-1", Conflict, "").await;
    desk.ask("machine store pc-1 --out").await;
    assert_eq!(state("machine show pc-1").await, "enrolled");
    desk.refuses("machine not-a-clone pc-1 --reason r", Conflict, "")
        .await;
    let mut change = desk.change().await;
    change
        .suspect_clone(&machine(1), "two boots")
        .await
        .unwrap();
    change.commit().await.unwrap();
    desk.ask("machine not-a-clone pc-1 --reason new-mainboard")
        .await;
    desk.ask("machine revoke pc-3 --reason sold").await;
    let gone = desk.json(&format!("machine show {}", machine(3))).await;
    assert_eq!(gone["state"], "revoked");
    desk.refuses("machine revoke pc-3 --reason sold", NotFound, "pc-3")
        .await;
}

#[tokio::test]
async fn a_stop_of_what_is_not_there_is_no_stop() {
    let desk = Desk::with_papers().await;
    for (scope, text) in [
        ("--unit icu-4", "Did you mean icu-3?"),
        ("--vendor acmee", "Did you mean acme?"),
        (&*format!("--plan {}", "0".repeat(64)), "plan list"),
        ("--release 000000", "release list"),
    ] {
        let line = format!("stop now {scope} --reason r");
        desk.refuses(&line, NotFound, text).await;
    }
    desk.ask("stop now --unit icu-3 --reason smoke").await;
    let list = desk.json("stop list").await;
    assert_eq!(list[0]["about"], "icu-3");
    let stop = list[0]["stop"].as_str().unwrap();
    desk.refuses("stop lift 000000 --reason aired", NotFound, "stop list")
        .await;
    desk.ask(&format!("stop lift {} --reason aired", &stop[..8]))
        .await;
    assert_eq!(desk.json("stop list").await, json!([]));
}

#[tokio::test]
async fn a_log_that_was_written_anew_shows_by_a_head_that_was_noted() {
    let desk = Desk::with_papers().await;
    let verified = desk.json("audit verify").await;
    let head = verified["head"].as_str().unwrap().to_owned();
    desk.ask("site add east").await;
    desk.ask(&format!("audit verify --head {head}")).await;
    let (row, _) = head.split_once(':').unwrap();
    let other = format!("audit verify --head {row}:{}", "0".repeat(64));
    desk.refuses(&other, Conflict, "noted elsewhere").await;
    let later = format!("audit verify --head 9999:{}", "0".repeat(64));
    desk.refuses(&later, Conflict, "missing here").await;
    desk.refuses("audit verify --head 7", Input, "ROW:HASH")
        .await;
    let rows = desk.json("audit list --last 3").await;
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(rows[2]["what"], "site.add");
    assert_eq!(rows[2]["who"], Actor::Local(0).to_string());
    let about = desk.json("audit list --about east").await;
    assert_eq!(about.as_array().unwrap().len(), 1);
}
