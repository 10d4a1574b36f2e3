//! What is open is listed, however little its advisory tells and whatever became of others.

use super::{csaf, import, ward};
use patchward_collector::advisory::csaf::read;
use serde_json::{Value, json};

/// The rows of `exposure list` of one advisory, and how many it says there are.
async fn listed(desk: &super::Desk, advisory: &str) -> (Vec<Value>, Value) {
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
