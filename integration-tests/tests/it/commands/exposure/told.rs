//! What is open is listed, however little its advisory tells and whatever became of others, and
//! a word counts for what was there.

use super::{Desk, csaf, day, import, ward};
use patchward_collector::advisory::csaf::read;
use patchward_collector::control::FailureKind::Conflict;
use serde_json::{Value, json};

/// The rows of `exposure list` of one advisory, and how many it says there are.
async fn listed(desk: &Desk, advisory: &str) -> (Vec<Value>, Value) {
    let listed = desk.json("exposure list").await;
    let rows = listed["matches"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["advisory"] == advisory);
    (rows.cloned().collect(), listed["unreadable"].clone())
}

#[tokio::test]
async fn an_advisory_that_names_no_vulnerability_is_listed_until_it_is_done() {
    let desk = ward().await;
    let mut bare: Value = serde_json::from_slice(&csaf("BARE-1", "1", &[])).unwrap();
    bare["vulnerabilities"] = json!([]);
    let bytes = bare.to_string().into_bytes();
    assert!(read(&bytes).is_ok());
    import(&desk, &bytes).await;
    let (rows, _) = listed(&desk, "BARE-1").await;
    assert_eq!(rows.len(), 3, "two monitors of a version, one of none");
    for row in &rows {
        assert_eq!(row["vulnerabilities"], json!(["BARE-1"]));
        assert_eq!(row["value"], "needs_person");
    }
    desk.ask("advisory mark BARE-1 done --all").await;
    assert_eq!(listed(&desk, "BARE-1").await.0.len(), 0);
}

#[tokio::test]
async fn an_advisory_that_cannot_be_read_any_more_ends_no_other() {
    let desk = ward().await;
    let before = listed(&desk, "ACME-1").await.0.len();
    assert_eq!(before, 3);
    let mut change = desk.change().await;
    let (mut row, _) = change.view().advisory("ACME-1").await.unwrap().unwrap();
    row.revision += 1;
    let names = ["CVE-2026-0001".to_owned()];
    let damaged = change.add_advisory(&row, b"{", true, &names);
    damaged.await.unwrap();
    change.commit().await.unwrap();
    let taken = import(&desk, &csaf("ACME-2", "1", &[("none_available", "None")])).await;
    assert_eq!(taken["affected"], 1, "{taken}");
    let said = desk.ask("advisory match").await.text();
    assert!(said.contains("2 advisories were matched"), "{said}");
    assert!(
        said.contains("advisory ACME-1 cannot be read any more"),
        "{said}"
    );
    let (rows, unreadable) = listed(&desk, "ACME-1").await;
    assert_eq!(rows.len(), before, "what it came to stands");
    assert_eq!(unreadable[0]["advisory"], "ACME-1");
    assert_eq!(listed(&desk, "ACME-2").await.0.len(), 3);
    desk.ask("advisory list --product monitor").await;
    desk.ask("advisory alias suggest").await;
}

#[tokio::test]
async fn a_machine_that_is_left_as_it_is_says_so_beside_its_matches() {
    let desk = Desk::with_machines(1).await;
    for line in [
        "asset put a-1 --manufacturer Acme~Medical --model Monitor~M7",
        "asset link a-1 pc-1",
        "advisory installed a-1 2.5",
    ] {
        desk.ask(line).await;
    }
    import(&desk, &csaf("ACME-1", "1", &[("none_available", "None")])).await;
    let row = async || listed(&desk, "ACME-1").await.0.remove(0);
    assert_eq!(row().await["machine_left_as_it_is"], Value::Null);
    let until = day(3);
    desk.ask(&format!("item except pc-1 --until {until} --control wall"))
        .await;
    let excepted = row().await;
    let left = excepted["machine_left_as_it_is"].as_str().unwrap();
    assert!(
        left.starts_with("until ") && left.ends_with(", wall"),
        "{left}"
    );
    assert_eq!(
        excepted["state"], "waiting(vendor)",
        "it waits all the same"
    );
}

#[tokio::test]
async fn a_word_that_all_is_in_place_says_nothing_of_an_asset_that_comes_later() {
    let desk = ward().await;
    desk.ask(&format!(
        "mitigation add ACME-1 --title x --step y --owner it --all --due {}",
        day(7)
    ))
    .await;
    let attest = "mitigation attest 1 --by Ada --words closed";
    let said = desk.json(attest).await;
    assert_eq!(
        (&said["state"], &said["left"]),
        (&json!("in_place"), &json!(0))
    );
    // Of a kind that is known, so that its match is older than the word.
    desk.ask("asset put a-9 --manufacturer Acme~Medical --model Monitor~M7")
        .await;
    desk.ask("advisory installed a-9 2.5").await;
    let shown = desk.json("mitigation show 1").await;
    assert_eq!(
        (&shown["state"], &shown["left"]),
        (&json!("open"), &json!(1))
    );
    let said = desk.json(&format!("{attest} --asset a-9")).await;
    assert_eq!(said["left"], 0);
    // What is not open any more, nobody has a word to say of.
    desk.ask("advisory mark ACME-1 done --all").await;
    desk.refuses(attest, Conflict, "nothing open").await;
}
