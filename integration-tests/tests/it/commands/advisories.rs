//! Advisories by command: taken in, matched, decided on, undone, in a new revision.

mod versions;

use super::desk::Desk;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use serde_json::{Value, json};

/// An advisory by Acme on versions of its monitor, as CSAF `csaf` writes it.
fn csaf(csaf: &str, id: &str, version: &str, range: &str, remedy: (&str, &str)) -> Vec<u8> {
    let score = json!({ "cvss_v3": { "baseScore": 9.8, "vectorString": "CVSS:3.1/AV:N" } });
    let mut old = score.clone();
    old["products"] = json!(["P1"]);
    let leaf = json!({ "category": "product_version_range", "name": range,
        "product": { "name": "Acme Monitor M7", "product_id": "P1" } });
    let named = json!({ "category": "product_name", "name": "Monitor M7", "branches": [leaf] });
    let tree = json!({ "branches": [
        { "category": "vendor", "name": "Acme Medical Inc.", "branches": [named] }] });
    json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": csaf, "title": "Acme M7",
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "tracking": { "id": id, "version": version, "status": "final",
                "current_release_date": "2026-01-02T00:00:00Z",
                "initial_release_date": "2026-01-02T00:00:00Z" },
        },
        "product_tree": tree,
        "vulnerabilities": [{
            "cve": "CVE-2026-0001",
            "product_status": { "known_affected": ["P1"] },
            "remediations": [{ "category": remedy.0, "details": remedy.1, "product_ids": ["P1"] }],
            "scores": if csaf == "2.0" { json!([old]) } else { json!([]) },
            "metrics": if csaf == "2.1" { json!([{ "products": ["P1"], "content": score }]) }
                else { json!([]) },
        }],
    })
    .to_string()
    .into_bytes()
}

const FIX: (&str, &str) = ("vendor_fix", "Update to 3.0");
const NONE: (&str, &str) = ("none_available", "There is none");

/// A collector with two monitors of one version, one of an unknown one, and a pump.
async fn ward() -> Desk {
    let desk = Desk::with_papers().await;
    for (tag, maker, model) in [
        ("a-1", "Acme~Medical", "Monitor~M7"),
        ("a-2", "Acme~Medical", "Monitor~M7"),
        ("a-3", "Acme~Medical", "Monitor~M7"),
        ("b-1", "Other", "Pump"),
    ] {
        let rest = format!("--manufacturer {maker} --model {model} --unit icu-3");
        desk.ask(&format!("asset put {tag} {rest}")).await;
    }
    for tag in ["a-1", "a-2"] {
        desk.ask(&format!("advisory installed {tag} 2.5")).await;
    }
    desk
}

async fn import(desk: &Desk, bytes: &[u8]) -> Value {
    let path = desk.write(bytes);
    desk.json(&format!("advisory import {path}")).await
}

/// Value and reason of each match, by the thing's key.
async fn matches(desk: &Desk, rest: &str) -> Vec<(String, String, String)> {
    let listed = desk.json(&format!("advisory matches{rest}")).await;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = listed.as_array().unwrap().iter();
    rows.map(|row| (text(row, "key"), text(row, "value"), text(row, "reason")))
        .collect()
}

const KNOWN: &str = "asset/acme medical/monitor m7@2.5";
const UNKNOWN: &str = "asset/acme medical/monitor m7@";

fn row(key: &str, value: &str, reason: &str) -> (String, String, String) {
    (key.into(), value.into(), reason.into())
}

async fn items(desk: &Desk) -> Vec<(String, String)> {
    let listed = desk.json("item list").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = listed.as_array().unwrap().iter();
    rows.map(|row| (text(&row["item"]), text(&row["owner"])))
        .collect()
}

#[tokio::test]
async fn an_advisory_meets_what_there_is_in_three_values() {
    let desk = ward().await;
    let taken = import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    assert_eq!(
        (&taken["affected"], &taken["needs_person"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        matches(&desk, "").await,
        [
            row(UNKNOWN, "needs_person", "version_not_recorded"),
            row(KNOWN, "affected", "version_is_affected"),
        ]
    );
    let of_unit = matches(&desk, " --unit icu-3 --affected").await;
    assert_eq!(of_unit.len(), 1);
    assert_eq!(matches(&desk, " --asset b-1").await, []);
    let listed = desk.json("advisory matches --affected").await;
    assert_eq!(listed[0]["held_by"], json!(["asset a-1", "asset a-2"]));
    // A new version of what an asset has is matched at once.
    desk.ask("advisory installed a-3 3.0").await;
    let settled = matches(&desk, " --asset a-3").await;
    assert_eq!(settled[0].1, "not_affected");
    // A new asset of a known kind is one of the affected without anybody's doing.
    desk.ask("asset put a-4 --manufacturer Acme~Medical --model Monitor~M7")
        .await;
    desk.ask("advisory match").await;
    assert_eq!(matches(&desk, " --needs-person").await[0].0, UNKNOWN);
}

#[tokio::test]
async fn the_next_step_belongs_to_who_can_take_it() {
    let desk = ward().await;
    import(&desk, &csaf("2.1", "ACME-1", "1.0.0", "<3.0", NONE)).await;
    let both = [
        ("match:ACME-1".to_owned(), "htm".to_owned()),
        ("unfixed:ACME-1".into(), "vendor".into()),
    ];
    assert_eq!(items(&desk).await, both);
    import(&desk, &csaf("2.1", "ACME-1", "2.0.0", "<3.0", FIX)).await;
    let fixable = ("fixable:ACME-1".to_owned(), "htm".to_owned());
    assert!(items(&desk).await.contains(&fixable));
    desk.ask("advisory mark ACME-1 in-progress --asset a-1")
        .await;
    assert!(items(&desk).await.contains(&fixable));
    desk.ask("advisory mark ACME-1 done --all").await;
    assert_eq!(items(&desk).await, []);
    let shown = desk.json("advisory show ACME-1").await;
    assert_eq!(
        (&shown["done"], &shown["machines_and_assets"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(shown["semantic_version"], true);
}

#[tokio::test]
async fn a_decision_is_remembered_for_new_revisions_and_undone() {
    let desk = ward().await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let decide = |key: &'static str| {
        let key = key.replace(' ', "~");
        format!("advisory decide ACME-1 {key} --not-affected --reason port~closed")
    };
    desk.ask(&decide(KNOWN)).await;
    let decided = row(KNOWN, "not_affected", "person_decided");
    assert!(matches(&desk, "").await.contains(&decided));
    // A new revision that says the same asks nothing again.
    let again = import(&desk, &csaf("2.0", "ACME-1", "2", "<3.0", FIX)).await;
    assert_eq!(again["opened"], 0);
    assert!(matches(&desk, "").await.contains(&decided));
    // One that means other versions does.
    import(&desk, &csaf("2.0", "ACME-1", "3", "<4.0", FIX)).await;
    let open = row(KNOWN, "affected", "version_is_affected");
    assert!(matches(&desk, "").await.contains(&open));
    desk.ask(&decide(KNOWN)).await;
    assert!(matches(&desk, "").await.contains(&decided));
    desk.ask("advisory undo 2").await;
    assert!(matches(&desk, "").await.contains(&open));
    desk.refuses("advisory undo 2", NotFound, "advisory decisions")
        .await;
    let listed = desk.json("advisory decisions").await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let differs = desk.json("advisory diff ACME-1 --from 1 --to 2").await;
    assert_eq!(differs.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_did_not_change_is_raised_once() {
    let desk = ward().await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let since = desk.json("advisory matches --affected").await[0]["since"].clone();
    let same = import(&desk, &csaf("2.0", "ACME-1", "1.1.0", "<3.0", FIX)).await;
    assert_eq!(same["opened"], 0);
    assert_eq!(
        desk.json("advisory matches --affected").await[0]["since"],
        since
    );
    let other = ("vendor_fix", "Update to 3.0.1");
    let changed = import(&desk, &csaf("2.0", "ACME-1", "1.2.0", "<3.0", other)).await;
    assert_eq!(changed["opened"], 2);
    // An older revision is kept and does not count.
    let older = import(&desk, &csaf("2.0", "ACME-1", "1.1.5", "<9.0", FIX)).await;
    assert_eq!(older["files"][0]["result"], "older_revision");
    assert_eq!(desk.json("advisory show ACME-1").await["version"], "1.2.0");
}

#[tokio::test]
async fn an_alias_makes_a_doubt_certain_until_it_is_removed() {
    let desk = Desk::with_papers().await;
    desk.ask("asset put a-1 --manufacturer Acme --model Monitor~M7")
        .await;
    desk.ask("advisory installed a-1 2.5").await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    assert_eq!(matches(&desk, "").await[0].2, "maker_perhaps_the_same");
    let suggested = desk.json("advisory alias suggest").await;
    assert_eq!(suggested[0]["in_our_list"], "Acme");
    desk.ask("advisory alias add Acme Acme~Medical~Inc.").await;
    assert_eq!(matches(&desk, "").await[0].1, "affected");
    desk.refuses("advisory alias add ACME acme", Input, "same name")
        .await;
    desk.refuses("advisory alias add Z Acme", Conflict, "itself stands for")
        .await;
    desk.ask("advisory alias remove Acme").await;
    assert_eq!(matches(&desk, "").await[0].1, "needs_person");
}

#[tokio::test]
async fn notices_and_what_is_exploited() {
    let desk = ward().await;
    let add = "advisory notice add FSN-1 --kind recall --manufacturer Acme~Medical --model \
               Monitor~M7 --text Battery --versions";
    desk.ask(&format!("{add} 2.5~and~prior")).await;
    assert!(
        matches(&desk, "")
            .await
            .contains(&row(KNOWN, "affected", "version_is_affected"))
    );
    desk.refuses(&format!("{add} before~May~2020"), Input, "4.2.1 and prior")
        .await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let catalogue = json!({ "catalogVersion": "1", "vulnerabilities": [{ "cveID": "CVE-2026-0001",
        "dateAdded": "2026-01-01", "dueDate": "2026-02-01" }] });
    let path = desk.write(catalogue.to_string().as_bytes());
    desk.ask(&format!("advisory kev import {path}")).await;
    let listed = desk.json("advisory list").await;
    assert_eq!(
        (&listed[0]["id"], &listed[0]["exploited"]),
        (&json!("ACME-1"), &json!(true))
    );
    let found = desk.json("advisory list --cve cve-2026-0001").await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    desk.ask("advisory read ACME-1").await;
    desk.ask("advisory comment ACME-1 asked~the~vendor").await;
    let unread = desk.json("advisory list --unread").await;
    assert_eq!(unread[0]["id"], "FSN-1");
    desk.ask("advisory remove FSN-1").await;
    assert_eq!(
        desk.json("advisory list").await.as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn bad_files_are_reported_and_change_nothing() {
    let desk = ward().await;
    let bad = desk.write(b"{");
    desk.refuses(&format!("advisory import {bad}"), Input, "not JSON")
        .await;
    desk.refuses("advisory import /nowhere", Input, "No such file")
        .await;
    desk.refuses("advisory show ACME-9", NotFound, "advisory list")
        .await;
    desk.refuses("advisory match ACME-9", NotFound, "advisory list")
        .await;
    let folder = desk.path("folder");
    std::fs::create_dir_all(folder.join("2026")).unwrap();
    let good = csaf("2.0", "ACME-1", "1", "<3.0", FIX);
    std::fs::write(folder.join("2026/good.json"), &good).unwrap();
    std::fs::write(folder.join("bad.json"), b"[1, 2").unwrap();
    std::fs::write(folder.join("huge.json"), vec![b' '; 65 * 1024 * 1024]).unwrap();
    let folder = folder.to_string_lossy().into_owned();
    let checked = desk
        .json(&format!("advisory check {folder} --hospital"))
        .await;
    assert_eq!(
        (&checked["files_bad"], &checked["affected"]),
        (&json!(2), &json!(1))
    );
    let problem = checked["files"][2]["problem"].as_str().unwrap();
    assert!(problem.contains("at most"), "{problem}");
    let nothing = desk.json("advisory list").await;
    assert_eq!(nothing, json!([]), "a check stores nothing");
    let list = desk.write(b"manufacturer,model,version\nAcme Medical,Monitor M7,3.0\n");
    let checked = desk
        .json(&format!("advisory check {folder} --assets {list}"))
        .await;
    assert_eq!(checked["not_affected"], 1);
    let taken = desk.json(&format!("advisory import {folder}")).await;
    assert_eq!((&taken["bad"], &taken["taken_in"]), (&json!(2), &json!(1)));
}
