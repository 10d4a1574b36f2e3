//! Exposure by command: priorities and their counts, mitigations, exceptions, cases, risks.

mod monitors;
mod risks;
mod told;

use super::desk::{Desk, machine, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::control::Output;
use patchward_common::facts::{Facts, PackedFacts, Port, Reach, Transport};
use patchward_common::time::{DAY_MS, UtcMs};
use serde_json::{Value, json};

/// An advisory by Acme on versions of its monitor below 3.0.
fn csaf(id: &str, version: &str, remedies: &[(&str, &str)]) -> Vec<u8> {
    let leaf = json!({ "category": "product_version_range", "name": "<3.0",
        "product": { "name": "Acme Monitor M7", "product_id": "P1" } });
    let named = json!({ "category": "product_name", "name": "Monitor M7", "branches": [leaf] });
    let tree = json!({ "branches": [
        { "category": "vendor", "name": "Acme Medical Inc.", "branches": [named] }] });
    let remedies: Vec<Value> = remedies
        .iter()
        .map(|(kind, details)| {
            json!({ "category": kind, "details": details, "product_ids": ["P1"] })
        })
        .collect();
    let vulnerability = |cve: &str, score: f64, vector: &str| {
        json!({
            "cve": cve, "product_status": { "known_affected": ["P1"] },
            "remediations": remedies,
            "scores": [{ "products": ["P1"],
                "cvss_v3": { "baseScore": score, "vectorString": vector } }],
        })
    };
    json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Acme M7",
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "tracking": { "id": id, "version": version, "status": "final",
                "current_release_date": "2026-01-02T00:00:00Z",
                "initial_release_date": "2026-01-02T00:00:00Z" },
        },
        "product_tree": tree,
        "vulnerabilities": [
            vulnerability("CVE-2026-0001", 9.8, "CVSS:3.1/AV:N/AC:L"),
            vulnerability("CVE-2026-0002", 5.5, "CVSS:3.1/AV:L/AC:L"),
        ],
    })
    .to_string()
    .into_bytes()
}

async fn import(desk: &Desk, bytes: &[u8]) -> Value {
    let path = desk.write(bytes);
    desk.json(&format!("advisory import {path}")).await
}

/// CISA's catalogue with one vulnerability.
async fn exploited(desk: &Desk, cve: &str, due: &str) {
    let catalogue = json!({ "catalogVersion": "1", "vulnerabilities": [{ "cveID": cve,
        "dateAdded": "2026-01-01", "dueDate": due, "knownRansomwareCampaignUse": "Known" }] });
    let path = desk.write(catalogue.to_string().as_bytes());
    desk.ask(&format!("advisory kev import {path}")).await;
}

fn day(days: i64) -> UtcMs {
    now().plus_ms(days * DAY_MS)
}

/// Owner and reason of an item, by its key.
async fn item(desk: &Desk, key: &str) -> Option<(String, String)> {
    let listed = desk.json("item list").await;
    let found = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["item"] == key)?;
    let text = |name: &str| found[name].as_str().unwrap().to_owned();
    Some((text("owner"), text("why")))
}

/// Two monitors in a unit, one of an unknown version in none, beside a pump.
pub(super) async fn ward() -> Desk {
    let desk = Desk::with_papers().await;
    for (tag, rest) in [
        ("a-1", "--unit icu-3 --criticality life~support"),
        ("a-2", "--unit icu-3"),
        ("a-3", "--criticality low"),
    ] {
        desk.ask(&format!(
            "asset put {tag} --manufacturer Acme~Medical --model Monitor~M7 {rest}"
        ))
        .await;
    }
    desk.ask("asset put b-1 --manufacturer Other --model Pump")
        .await;
    for tag in ["a-1", "a-2"] {
        desk.ask(&format!("advisory installed {tag} 2.5")).await;
    }
    import(&desk, &csaf("ACME-1", "1", &[("none_available", "None")])).await;
    desk
}

#[tokio::test]
async fn what_is_open_is_shown_with_its_parts_in_their_order() {
    let desk = ward().await;
    let rows = async |desk: &Desk| -> Vec<(String, String)> {
        let listed = desk.json("exposure list").await;
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = listed["matches"].as_array().unwrap().iter();
        rows.map(|row| (text(row, "on"), text(row, "class")))
            .collect()
    };
    let of = |on: &str, class: &str| (on.to_owned(), class.to_owned());
    let order = [
        of("asset a-1", "life support (the hospital's list)"),
        of("asset a-2", "standard (its unit's)"),
        of("asset a-3", "standard (the hospital's list)"),
    ];
    let found = rows(&desk).await;
    assert_eq!(found[0], order[0]);
    assert_eq!(found.len(), 3);
    exploited(&desk, "CVE-2026-0002", "2026-02-01").await;
    let shown = desk.json("exposure show ACME-1 --asset a-1").await;
    let first = &shown["vulnerabilities"][0];
    assert_eq!(
        first["vulnerability"], "CVE-2026-0002",
        "attacks come before severity"
    );
    assert_eq!(
        (&first["severity"], &first["reach"]),
        (
            &json!("medium (CVSS 5.5)"),
            &json!("from the machine itself")
        )
    );
    let told = first["exploitation"].as_str().unwrap();
    assert!(
        told.contains("due 2026-02-01") && told.contains("ransomware"),
        "{told}"
    );
    assert_eq!(shown["state"], "waiting(vendor)");
    let unjudged = desk.json("exposure show ACME-1 --asset a-3").await;
    assert_eq!(unjudged["state"], "waiting(htm)");
    desk.refuses("exposure show ACME-1 --asset b-1", NotFound, "nothing open")
        .await;
    desk.refuses("exposure list --advisory ACME-9", NotFound, "advisory list")
        .await;
}

#[tokio::test]
async fn every_count_is_that_of_the_list_behind_it() {
    let desk = ward().await;
    import(&desk, &csaf("ACME-2", "1", &[("vendor_fix", "3.0")])).await;
    desk.ask(&format!(
        "exposure except add ACME-2 --asset a-1 --until {} --control it~stands~alone --owner Ada",
        day(9)
    ))
    .await;
    let filters = [
        "",
        " --unit icu-3",
        " --vendor acme",
        " --model monitor",
        " --asset a-1",
        " --advisory ACME-2",
        " --unit icu-3 --advisory ACME-1",
    ];
    for filter in filters {
        let listed = desk.json(&format!("exposure list{filter}")).await;
        let rows = listed["matches"].as_array().unwrap();
        assert_eq!(listed["open"], rows.len(), "{filter}");
        assert!(!rows.is_empty(), "{filter}");
        let excepted = |row: &&Value| row["state"].as_str().unwrap().starts_with("exception(");
        assert_eq!(listed["excepted"], rows.iter().filter(excepted).count());
        for by in ["machine", "asset", "model", "unit", "vendor"] {
            let grouped = desk.json(&format!("exposure list{filter} --by {by}")).await;
            let sum = |what: &str| -> i64 {
                let groups = grouped["groups"].as_array().unwrap().iter();
                groups.map(|group| group[what].as_i64().unwrap()).sum()
            };
            for what in ["open", "affected", "needs_person", "excepted", "mitigated"] {
                assert_eq!(
                    sum(what),
                    listed[what].as_i64().unwrap(),
                    "{filter} {by} {what}"
                );
            }
        }
    }
    // What items count is what the list has.
    let open = desk.json("exposure list --advisory ACME-1").await;
    let why = item(&desk, "unfixed:ACME-1").await.unwrap().1;
    assert!(why.starts_with("2 machines and assets"), "{why}");
    assert_eq!(open["affected"], 2);
    let why = item(&desk, "fixable:ACME-2").await.unwrap().1;
    assert!(
        why.starts_with("1 machine or asset ("),
        "without the exception: {why}"
    );
}

#[tokio::test]
async fn a_machine_that_offers_nothing_to_the_network_comes_later() {
    let desk = Desk::with_machines(2).await;
    let advisory = String::from_utf8(csaf("ACME-3", "1", &[])).unwrap();
    let advisory = advisory.replace("Monitor M7", "viewer");
    import(&desk, advisory.as_bytes()).await;
    let port = Port {
        transport: Transport::Tcp,
        port: 104,
        reach: Reach::Network,
    };
    for (number, ports) in [(1, vec![]), (2, vec![port])] {
        let facts = Facts {
            ports,
            ..Facts::default()
        };
        let packed = PackedFacts::of(&facts);
        let store = &desk.app.store;
        store
            .record_facts(&machine(number), packed.as_bytes(), now())
            .await
            .unwrap();
    }
    let listed = desk.json("exposure list").await;
    let rows = listed["matches"].as_array().unwrap().iter();
    let rows: Vec<_> = rows
        .map(|row| (row["on"].as_str().unwrap(), row["reach"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            (
                "machine pc-2",
                "over the network; it listens on 1 port there"
            ),
            (
                "machine pc-1",
                "over the network; it listens on no port there"
            ),
        ]
    );
}

#[tokio::test]
async fn a_case_says_for_how_long_the_vendor_has_it() {
    let desk = ward().await;
    desk.refuses(
        "case open Acme --about ACME-9",
        NotFound,
        "neither an advisory",
    )
    .await;
    desk.refuses(
        "case open Acme --about ACME-1 --contact Kim",
        NotFound,
        "vendor contact add",
    )
    .await;
    desk.ask("vendor contact add Acme Kim --role product~security --reached-by psirt@acme.example")
        .await;
    let contacts = desk.json("vendor contact list --vendor Acme").await;
    assert_eq!(contacts[0]["name"], "Kim");
    desk.ask("case open Acme --about Monitor~M7 --contact Kim")
        .await;
    let not_asked = item(&desk, "case:1").await.unwrap();
    assert_eq!(not_asked.0, "htm");
    let soon = day(1);
    desk.refuses(
        &format!("case asked 1 --words when --at {soon}"),
        Input,
        "not come yet",
    )
    .await;
    let ago = day(-41);
    desk.ask(&format!("case asked 1 --words is~a-1~affected? --at {ago}"))
        .await;
    let listed = desk.json("case list").await;
    assert_eq!(
        (&listed[0]["next_step_by"], &listed[0]["days"]),
        (&json!("vendor"), &json!(41))
    );
    let waits = item(&desk, "case:1").await.unwrap();
    assert_eq!(waits.0, "vendor");
    assert!(
        waits.1.contains("waiting for the vendor, 41 days"),
        "{}",
        waits.1
    );
    kept_and_answered(&desk).await;
}

/// The rest of the case: what the vendor sends, the letter, the answer.
async fn kept_and_answered(desk: &Desk) {
    let promised = day(-3);
    let before = day(-20);
    let line = format!("case promised 1 --words a~fix --by {promised} --at {before}");
    desk.ask(&line).await;
    let raised = desk
        .json("item list --owner vendor --raised")
        .await
        .to_string();
    assert!(raised.contains("which has passed"), "{raised}");
    desk.ask(&format!("case remind 1 --words call~Kim --on {promised}"))
        .await;
    assert_eq!(item(desk, "reminder:1").await.unwrap().0, "htm");
    let form = desk.write(b"%PDF form");
    desk.ask(&format!("case document 1 --words their~form --file {form}"))
        .await;
    let Output::File { bytes, .. } = desk.ask("case kept 1 4 --out unused").await else {
        panic!("no file");
    };
    assert_eq!(bytes.as_slice(), b"%PDF form");
    desk.refuses("case kept 1 1 --out unused", NotFound, "no document")
        .await;
    let Output::File { bytes, .. } = desk.ask("case letter 1 --out unused").await else {
        panic!("no file");
    };
    let text = String::from_utf8(bytes.into_vec()).unwrap();
    for part in [
        "2 x Acme Medical Monitor M7 2.5",
        "3 in all",
        "For the attention of Kim",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("a-1") && !text.contains("icu-3"), "{text}");
    desk.ask("case answered 1 --words in~March").await;
    assert_eq!(item(desk, "reminder:1").await, None);
    assert_eq!(item(desk, "case:1").await.unwrap().0, "htm");
    desk.ask("case close 1 --why answered").await;
    assert_eq!(item(desk, "case:1").await, None);
    desk.refuses("case asked 1 --words again", Conflict, "is closed")
        .await;
    assert_eq!(desk.json("case list").await, json!([]));
    assert_eq!(desk.json("case list --all").await[0]["state"], "answered");
}
