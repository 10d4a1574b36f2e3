//! Where assets stand in their life: put away, accepted, gone.

use super::super::desk::{Desk, enrol, machine, now};
use super::{imported, tags};
use patchward_collector::control::FailureKind::{Conflict, Input};
use patchward_common::time::DAY_MS;
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use serde_json::{Value, json};

#[tokio::test]
async fn silence_of_what_is_put_away_is_nobodys_task() {
    let desk = Desk::with_papers().await;
    let desk = with_silent(desk).await;
    let silent = async || {
        let today = desk.json("today").await;
        let items = today["items"].as_array().unwrap().clone();
        let mut keys = items.iter().map(|item| item["item"].as_str().unwrap());
        keys.any(|key| key == "silent:pc-1")
    };
    assert!(silent().await);
    desk.ask("asset put A-1").await;
    desk.ask("asset link A-1 pc-1").await;
    desk.ask("asset move A-1 in_storage --reason spare").await;
    assert!(!silent().await);
    desk.ask("asset move A-1 in_use --reason needed").await;
    assert!(silent().await);
    let audit = desk.json("audit list --about A-1").await;
    let text = audit.to_string();
    assert!(
        text.contains("asset.move") && text.contains("spare"),
        "{text}"
    );
}

/// A machine that was heard a month ago.
async fn with_silent(desk: Desk) -> Desk {
    let mut change = desk.change().await;
    super::super::desk::add_token(&mut change).await;
    enrol(&mut change, 1).await;
    change.commit().await.unwrap();
    let long_ago = now().plus_ms(-30 * DAY_MS);
    let store = &desk.app.store;
    store
        .record_seen(&[(machine(1), long_ago.into())], now())
        .await
        .unwrap();
    desk
}

#[tokio::test]
async fn a_new_machine_is_used_once_it_shows_its_baseline() {
    let desk = Desk::with_machines(1).await;
    desk.ask("asset put A-1").await;
    desk.ask("asset link A-1 pc-1").await;
    desk.refuses(
        "asset accept A-1 --reason fine",
        Conflict,
        "only what is new",
    )
    .await;
    desk.ask("asset move A-1 acceptance --reason delivered")
        .await;
    desk.refuses(
        "asset move A-1 in_use --reason hurry",
        Conflict,
        "asset accept",
    )
    .await;
    desk.refuses(
        "asset accept A-1 --reason fine",
        Conflict,
        "asset baseline put",
    )
    .await;
    desk.refuses(
        "asset baseline put b --model station",
        Input,
        "asks for something",
    )
    .await;
    desk.ask(
        "asset baseline put stations --model station --component viewer>=2 --ready --interlock",
    )
    .await;
    desk.ask("asset baseline put mode --model station --mode rehearse")
        .await;
    let check = desk.json("asset accept A-1 --check").await;
    let there = check["asked"].as_array().unwrap().iter();
    let there: Vec<_> = there.map(|one| one["there"].as_bool().unwrap()).collect();
    let active = desk.row(1).mode;
    assert_eq!(
        (there, active),
        (vec![false, true, true, false], Mode::Active)
    );
    desk.refuses(
        "asset accept A-1 --reason fine",
        Conflict,
        "1, which is not in the range",
    )
    .await;
    desk.ask("asset baseline remove mode").await;
    desk.reports(1, "2").await;
    desk.ask("asset accept A-1 --reason looked").await;
    assert_eq!(desk.json("asset show A-1").await["life_cycle"], "in_use");
    assert_eq!(
        desk.json("asset baseline list").await[0]["baseline"],
        "stations"
    );
}

#[tokio::test]
async fn what_leaves_has_done_every_step_and_its_key_is_worth_nothing() {
    let desk = Desk::with_machines(2).await;
    desk.ask("asset put A-1").await;
    desk.ask("asset link A-1 pc-1").await;
    let open = async |line: &str| {
        let shown = desk.json(line).await;
        let steps = shown["steps"].as_array().unwrap().clone();
        let open = steps.iter().filter(|step| step["done"] == false);
        open.map(|step| step["step"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = ["groups", "access", "link", "data", "network", "records"];
    assert_eq!(open("asset decommission A-1").await, all);
    desk.refuses(
        "asset move A-1 decommissioned --reason x",
        Conflict,
        "asset decommission",
    )
    .await;
    desk.refuses(
        "asset decommission A-1 --done smile",
        Input,
        "data, network, records",
    )
    .await;
    let left = open("asset decommission A-1 --done data --done network").await;
    assert_eq!(left, ["groups", "access", "link", "records"]);
    let with_reason = "asset decommission A-1 --done records --reason scrapped";
    desk.refuses(with_reason, Conflict, "groups: its places")
        .await;
    let free = AssignmentLeaf {
        groups: Vec::new(),
        ..desk.row(1)
    };
    desk.assign_rows(2, vec![free]).await.unwrap();
    assert_eq!(open(with_reason).await, [""; 0]);
    let machine = desk.json("machine show pc-2").await;
    assert_eq!(machine["state"], "enrolled");
    let gone = desk
        .json(&format!("machine show {}", super::super::desk::machine(1)))
        .await;
    assert_eq!(gone["state"], "decommissioned");
    let shown = desk.json("asset show A-1").await;
    assert_eq!(
        (&shown["life_cycle"], &shown["machine"]),
        (&json!("decommissioned"), &Value::Null)
    );
    desk.refuses("asset decommission A-1", Conflict, "already")
        .await;
    // A list without it does not miss it, and one that has it does not bring it back.
    let again = imported(&desk, b"tag,status\nA-1,in use\n", "").await;
    assert_eq!(tags(&again["by_hand"]), ["A-1"]);
    desk.ask("asset remove A-1").await;
}

#[tokio::test]
async fn storage_is_no_way_around_acceptance() {
    let desk = Desk::with_machines(1).await;
    for line in [
        "asset put A-1",
        "asset link A-1 pc-1",
        "asset baseline put stations --model station --component viewer>=2",
        "asset move A-1 acceptance --reason delivered",
        "asset move A-1 in_storage --reason later",
    ] {
        desk.ask(line).await;
    }
    desk.refuses(
        "asset move A-1 in_use --reason hurry",
        Conflict,
        "never accepted",
    )
    .await;
    let by_list = imported(&desk, b"tag,status\nA-1,in use\n", "").await;
    let by_hand = by_list["by_hand"].to_string();
    assert!(by_hand.contains("asset accept A-1"), "{by_hand}");
    desk.refuses(
        "asset accept A-1 --reason fine",
        Conflict,
        "1, which is not in the range",
    )
    .await;
    desk.reports(1, "2").await;
    desk.ask("asset accept A-1 --reason looked").await;
    // What was accepted comes back from storage as it likes.
    desk.ask("asset move A-1 in_storage --reason spare").await;
    desk.ask("asset move A-1 in_use --reason needed").await;
}
