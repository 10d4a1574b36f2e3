//! Components by command: search, differences, bills of materials, ends of support.

mod brought;

use super::desk::{Desk, machine, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::control::Output;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::time::{DAY_MS, UtcMs};
use serde_json::{Value, json};

fn component(source: Source, name: &str, version: &str) -> Component {
    let arch = if source == Source::Deb { "amd64" } else { "" };
    Component {
        source,
        name: name.into(),
        version: version.into(),
        arch: arch.into(),
    }
}

async fn has(desk: &Desk, number: u8, at: UtcMs, list: &[(Source, &str, &str)]) {
    let list = list.iter();
    let list = list.map(|(source, name, version)| component(*source, name, version));
    let set = ComponentSet::new(list.collect()).unwrap();
    let fleet = &desk.app.fleet;
    fleet
        .record_inventory(&machine(number), &set, at)
        .await
        .unwrap();
}

/// Three machines with openssl from three places, and a fourth that has told nothing.
async fn fleet() -> Desk {
    let desk = Desk::with_machines(3).await;
    desk.ask("asset put CT-7 --unit icu-3 --manufacturer acme")
        .await;
    desk.ask("asset manual CT-7 --name ct-7 --model station --by vendor")
        .await;
    let old = now().plus_ms(-3 * DAY_MS);
    has(
        &desk,
        1,
        old,
        &[
            (Source::Deb, "openssl", "3.0.9-1"),
            (Source::Deb, "bash", "5.2-1"),
        ],
    )
    .await;
    has(
        &desk,
        1,
        now(),
        &[
            (Source::Deb, "openssl", "3.0.14-1"),
            (Source::Deb, "libssl3", "3.0.14-1"),
        ],
    )
    .await;
    has(
        &desk,
        2,
        now(),
        &[(Source::Rpm, "openssl", "1:3.0.7-2.el9")],
    )
    .await;
    has(&desk, 3, now(), &[(Source::Deb, "openssl", "3.0.15-1")]).await;
    let facts = Facts {
        os_id: "debian".into(),
        os_version: "12".into(),
        ..Facts::default()
    };
    let store = &desk.app.store;
    let packed = PackedFacts::of(&facts);
    store
        .record_facts(&machine(1), packed.as_bytes(), now())
        .await
        .unwrap();
    desk
}

fn column(table: &Value, name: &str) -> Vec<String> {
    let rows = table.as_array().unwrap().iter();
    rows.map(|row| row[name].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_search_says_who_has_it_and_of_whom_nobody_can_say() {
    let desk = fleet().await;
    let found = desk.json("component search openssl~<~3.0.15").await;
    assert_eq!(column(&found["machines"], "machine"), ["pc-1"]);
    assert_eq!(found["versions"][0]["version"], "3.0.14-1");
    assert_eq!(found["units"], json!([{ "unit": "icu-3", "machines": 1 }]));
    // An epoch that nobody typed is no "later", and silence is no "not".
    let unknown = &found["not_compared"][0];
    assert_eq!(unknown["named"], json!(["pc-2"]));
    assert!(unknown["why"].as_str().unwrap().contains("1:3.0.15"));
    assert_eq!(column(&found["not_told"], "machine"), ["ct-7"]);
    for (line, machines) in [
        ("openssl~<~1:3.0.15 --source rpm", &["pc-2"][..]),
        ("openssl~>=~3.0.10,~!=~3.0.15-1 --source deb", &["pc-1"]),
        ("*ssl --unit icu-3", &[]),
        ("lib*", &["pc-1"]),
        ("pkg:deb/debian/openssl@<3.0.15", &["pc-1"]),
        ("--purl pkg:deb/debian/openssl vers:deb/>=3.0.15", &["pc-3"]),
        ("openssl --class life-support", &[]),
        (
            "openssl --unit icu-3 --class standard",
            &["pc-1", "pc-2", "pc-3"],
        ),
    ] {
        let line = format!("component search {line}");
        if line.contains("*ssl") {
            desk.refuses(&line, Input, "at the end").await;
            continue;
        }
        let found = desk.json(&line).await;
        assert_eq!(column(&found["machines"], "machine"), machines, "{line}");
    }
    for (line, kind, why) in [
        ("component search openssl~<", Input, "names no version"),
        ("component search openssl --unit er", NotFound, "no unit er"),
        (
            "component search pkg:deb/x --source rpm",
            Input,
            "another source",
        ),
        (
            "component search openssl --source snap",
            Input,
            "a source is",
        ),
    ] {
        desk.refuses(line, kind, why).await;
    }
}

#[tokio::test]
async fn a_difference_is_between_machines_or_times() {
    let desk = fleet().await;
    let found = desk.json("component diff pc-1 pc-3").await;
    assert_eq!(column(&found["removed"], "component"), ["libssl3"]);
    let changed = &found["changed"][0];
    assert_eq!(
        (&changed["to"], &changed["is"]),
        (&json!("3.0.15-1"), &json!("newer"))
    );
    let from = now().plus_ms(-DAY_MS);
    let found = desk
        .json(&format!("component diff pc-1 --from {from}"))
        .await;
    assert_eq!(column(&found["added"], "component"), ["libssl3"]);
    assert_eq!(column(&found["removed"], "component"), ["bash"]);
    assert_eq!(found["changed"][0]["from"], "3.0.9-1");
    let same = desk
        .json(&format!("component diff pc-1 --from {from} --until {from}"))
        .await;
    assert_eq!(same["changed"], json!([]));
    for (line, kind, why) in [
        (
            "component diff pc-1 --from 2020-01-01",
            NotFound,
            "history begins",
        ),
        ("component diff pc-1 ct-7", Conflict, "has not told"),
        ("component diff pc-1 --from yesterday", Input, ""),
        ("component diff pc-1", Input, ""),
    ] {
        desk.refuses(line, kind, why).await;
    }
}

/// What the specification asks of CycloneDX 1.6, by hand.
fn check_bill(bill: &Value) {
    let whole = bill.as_object().unwrap();
    let known = [
        "$schema",
        "bomFormat",
        "specVersion",
        "serialNumber",
        "version",
        "metadata",
        "components",
    ];
    assert!(
        whole.keys().all(|key| known.contains(&key.as_str())),
        "{whole:?}"
    );
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"]),
        (&json!("CycloneDX"), &json!("1.6"))
    );
    let serial = bill["serialNumber"].as_str().unwrap();
    let hex = serial.strip_prefix("urn:uuid:").unwrap().replace('-', "");
    assert!(hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(bill["version"].as_u64().unwrap() >= 1);
    let at = bill["metadata"]["timestamp"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.contains('T'), "{at}");
    let kinds = [
        "library",
        "application",
        "firmware",
        "operating-system",
        "device",
    ];
    let mut references = std::collections::BTreeSet::new();
    let own = &bill["metadata"]["component"];
    for one in bill["components"].as_array().unwrap().iter().chain([own]) {
        assert!(kinds.contains(&one["type"].as_str().unwrap()), "{one}");
        assert!(!one["name"].as_str().unwrap().is_empty());
        assert!(
            references.insert(one["bom-ref"].as_str().unwrap()),
            "twice: {one}"
        );
        for property in one["properties"].as_array().into_iter().flatten() {
            assert!(property["name"].is_string() && property["value"].is_string());
        }
    }
}

#[tokio::test]
async fn a_bill_of_materials_goes_out_and_is_the_same_each_time() {
    let desk = fleet().await;
    let bill = async |machine: &str| {
        let line = format!("component sbom {machine} --out unused");
        match desk.ask(&line).await {
            Output::File { bytes, .. } => bytes.into_vec(),
            other => panic!("{other:?}"),
        }
    };
    let bytes = bill("pc-1").await;
    assert_eq!(bytes, bill("pc-1").await);
    let read: Value = serde_json::from_slice(&bytes).unwrap();
    check_bill(&read);
    let purls = read["components"].as_array().unwrap().iter();
    let purls: Vec<_> = purls.filter_map(|one| one["purl"].as_str()).collect();
    let openssl = "pkg:deb/debian/openssl@3.0.14-1?arch=amd64&distro=debian-12";
    assert!(purls.contains(&openssl), "{purls:?}");
    check_bill(&serde_json::from_slice(&bill("pc-2").await).unwrap());
    desk.refuses("component sbom ct-7 --out unused", Conflict, "has not told")
        .await;
    // What we write, we read.
    desk.import(&["1"]).await;
    let file = desk.write(&bytes);
    desk.ask(&format!("release sbom viewer 1 {file}")).await;
    let found = desk
        .json("component search openssl~<~3.0.15 --releases")
        .await;
    assert_eq!(column(&found["brings"], "product"), ["viewer"]);
}

#[tokio::test]
async fn a_releases_bill_is_kept_and_searched() {
    let desk = fleet().await;
    desk.import(&["1", "2"]).await;
    desk.refuses("release sbom viewer 2", NotFound, "Ask its vendor")
        .await;
    let bad = desk.write(b"{}");
    desk.refuses(&format!("release sbom viewer 2 {bad}"), Input, "bomFormat")
        .await;
    let bill = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"name":"openssl","version":"3.0.7"},{"name":"openssl","version":"blue"}]}"#;
    let file = desk.write(bill);
    desk.ask(&format!("release sbom viewer 2 {file}")).await;
    let shown = desk.json("release sbom viewer 2").await;
    assert_eq!(shown["format"], "CycloneDX 1.5");
    assert_eq!(shown["components"].as_array().unwrap().len(), 2);
    let found = desk
        .json("component search openssl~<~3.0.15 --releases")
        .await;
    assert_eq!(column(&found["brings"], "version"), ["3.0.7"]);
    assert_eq!(column(&found["not_compared"], "version"), ["blue"]);
    assert_eq!(column(&found["without_sbom"], "release"), ["1"]);
}

#[tokio::test]
async fn what_is_past_its_support_is_somebodys_move() {
    let desk = fleet().await;
    for (line, why) in [
        ("support put x --ends soon", "ends"),
        (
            "support put x --ends 2026-01-01 --kind pet",
            "os, model or product",
        ),
        (
            "support put x --version < --ends 2026-01-01",
            "names no version",
        ),
        ("support due --within 6months", "such as 180d"),
    ] {
        desk.refuses(line, Input, why).await;
    }
    desk.ask("support put debian --kind os --version <~13 --ends 2026-01-31 --source its~page")
        .await;
    desk.ask("support put openssl --version <~3.0.15 --ends 2026-02-28")
        .await;
    desk.ask("support put station --kind model --ends 2099-01-01")
        .await;
    assert_eq!(desk.json("support list").await.as_array().unwrap().len(), 3);
    let due = desk.json("support due").await;
    assert_eq!(column(&due["ends"], "name"), ["debian", "openssl"]);
    assert_eq!(
        column(&due["holders"], "holder"),
        ["machine pc-1", "machine pc-1"]
    );
    // Of the others nobody knows the system, and of one the version.
    let unknown = column(&due["not_known"], "holder");
    assert_eq!(
        unknown,
        [
            "machine ct-7",
            "machine pc-2",
            "machine pc-3",
            "machine pc-2"
        ]
    );
    let items = desk.json("item list").await;
    let keys = column(&items, "item");
    for key in [
        "unsupported:os/debian/<13",
        "unsupported:product/openssl/<3.0.15",
    ] {
        assert!(keys.contains(&key.to_owned()), "{keys:?}");
    }
    desk.ask("support remove openssl --version <~3.0.15").await;
    let again = "support remove openssl --version <~3.0.15";
    desk.refuses(again, NotFound, "openssl").await;
}

#[tokio::test]
async fn ends_of_support_come_from_a_file_as_a_whole_or_not_at_all() {
    let desk = Desk::with_papers().await;
    let count = async || desk.json("support list").await.as_array().unwrap().len();
    let good = "kind;name;versions;ends;source\nos;debian;< 13;2028-06-30;'=page()\n";
    let bad = desk.write(format!("{good};x;;soon;\n").as_bytes());
    desk.refuses(&format!("support import {bad}"), Input, "line 3: \"soon\"")
        .await;
    let file = desk.write(good.as_bytes());
    let shown = desk.json(&format!("support import {file} --dry-run")).await;
    assert_eq!(column(&shown["ends"], "versions"), ["< 13"]);
    assert_eq!(count().await, 0);
    for _ in 0..2 {
        desk.ask(&format!("support import {file}")).await;
        assert_eq!(count().await, 1, "the same again takes its place");
    }
    let listed = desk.json("support list").await;
    assert_eq!(listed[0]["source"], "=page()");
}
