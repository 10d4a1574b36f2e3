//! Which version of an asset counts, who holds it, and that no run keeps writers waiting.

use super::super::desk::{Desk, machine, now};
use super::*;
use patchward_collector::matching::{self, Kept, Only};
use patchward_collector::reconcile::matches::Matches;
use patchward_collector::store::Actor;
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::manual::Worker;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::{DeviceFound, DeviceSaid};
use patchward_integration_tests::fixture::{label, name};
use std::time::Duration;

/// The monitor `CT-7` without an agent, which `pc-1` may ask.
async fn beside() -> Desk {
    let desk = Desk::with_machines(1).await;
    let rest = "--manufacturer Acme~Medical --model Monitor~M7 --unit icu-3";
    desk.ask(&format!("asset put CT-7 {rest}")).await;
    let manual = NewMachine {
        id: machine(9),
        name: name("ct-7"),
        unit: name("icu-3"),
        class: Class::Critical,
        model: name("station-4"),
        mode: Mode::Manual,
    };
    let tag = label("CT-7");
    let mut change = desk.change().await;
    let added = change.add_manual_machine(&manual, &tag, Worker::Vendor);
    added.await.unwrap();
    change.watch_device(&tag, &machine(1)).await.unwrap();
    change.commit().await.unwrap();
    desk
}

async fn answers(desk: &Desk, component: &str, version: &str, at: i64) {
    let said = DeviceSaid {
        asset: label("CT-7"),
        component: component.into(),
        of_model: component == "viewer",
        every_minutes: 60,
        at: now().plus_ms(at),
        found: DeviceFound::Version(version.into()),
    };
    let store = &desk.app.store;
    store
        .record_device_answers(&machine(1), &[said])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_run_for_some_assets_leaves_the_others_as_they_are() {
    let desk = ward().await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let both = [
        row(UNKNOWN, "needs_person", "version_not_recorded"),
        row(KNOWN, "affected", "version_is_affected"),
    ];
    assert_eq!(matches(&desk, "").await, both);
    // Brought by a list: nothing is matched at once.
    let list = "Asset Tag,Manufacturer,Model,Unit,Software Version\n\
                a-1,Acme Medical,Monitor M7,icu-3,3.1\na-2,Acme Medical,Monitor M7,icu-3,3.1\n\
                a-3,Acme Medical,Monitor M7,icu-3,2.7\n";
    let list = desk.write(list.as_bytes());
    desk.ask(&format!("asset import {list}")).await;
    desk.refuses("advisory match --asset a-9", NotFound, "asset list")
        .await;
    desk.refuses("advisory match --machine a-9", NotFound, "a-9")
        .await;
    // The pump meets nothing, and what stands is not looked at.
    let said = desk.ask("advisory match --asset b-1").await.text();
    assert!(said.contains("against 1 products"), "{said}");
    assert_eq!(matches(&desk, "").await, both);
    // Of a-1 the new version comes in and the one that nothing has any more goes; what a-3
    // has now waits for its own run.
    desk.ask("advisory match ACME-1 --asset a-1").await;
    let new = row(
        "asset/acme medical/monitor m7@3.1",
        "not_affected",
        "version_is_outside",
    );
    let found = matches(&desk, "").await;
    assert_eq!(found, std::slice::from_ref(&new));
    desk.ask("advisory match --asset a-3").await;
    let other = row(
        "asset/acme medical/monitor m7@2.7",
        "affected",
        "version_is_affected",
    );
    assert_eq!(matches(&desk, "").await, [other, new]);
    let before = matches(&desk, "").await;
    desk.ask("advisory match").await;
    assert_eq!(matches(&desk, "").await, before);
}

#[tokio::test]
async fn advisories_are_filtered_by_their_history_and_sorted_by_their_publishers() {
    let desk = ward().await;
    for (id, category, namespace, what) in [
        ("A", "vendor", "https://z.example", "First text"),
        ("B", "coordinator", "https://a.example", "Typo in the range"),
    ] {
        let bytes = csaf("2.1", id, "1", "<3.0", FIX);
        let mut told: Value = serde_json::from_slice(&bytes).unwrap();
        let document = &mut told["document"];
        document["publisher"]["category"] = json!(category);
        document["publisher"]["namespace"] = json!(namespace);
        // What is no step is passed over.
        document["tracking"]["revision_history"] = json!([7,
            { "number": "1", "date": "2026-01-02T00:00:00Z", "summary": what }]);
        import(&desk, told.to_string().as_bytes()).await;
    }
    let ids = async |rest: &str| -> String {
        let listed = desk.json(&format!("advisory list {rest}")).await;
        let rows = listed.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap()).collect()
    };
    assert_eq!(ids("--sort publisher-category").await, "BA");
    assert_eq!(ids("--sort namespace").await, "BA");
    assert_eq!(ids("--sort id").await, "AB");
    assert_eq!(ids("--history typo").await, "B");
    assert_eq!(
        ids("--history 2026-01-02").await,
        "BA".chars().rev().collect::<String>()
    );
    assert_eq!(ids("--history nothing").await, "");
    let shown = desk.json("advisory show B").await;
    assert_eq!(shown["history"][0]["what"], "Typo in the range");
}

#[tokio::test]
async fn what_a_device_answered_counts_before_the_list() {
    let desk = beside().await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let of_machine = matches(&desk, " --machine ct-7").await;
    let unknown = row(UNKNOWN, "needs_person", "version_not_recorded");
    assert_eq!(of_machine, [unknown], "it is what its asset says");
    desk.ask("advisory installed CT-7 2.5").await;
    let listed = desk.json("asset show CT-7").await;
    assert_eq!(listed["software_version"], "2.5", "one place");
    let known = row(KNOWN, "affected", "version_is_affected");
    assert_eq!(matches(&desk, " --asset CT-7").await, [known]);
    // It says itself that it was updated.
    answers(&desk, "viewer", "3.0", 1).await;
    desk.ask("advisory match").await;
    let of_asset = matches(&desk, " --asset CT-7").await;
    assert_eq!(of_asset[0].1, "not_affected");
    let said = desk.ask("advisory installed CT-7 2.5").await.text();
    assert!(said.contains("answered 3.0"), "{said}");
    assert_eq!(matches(&desk, " --asset CT-7").await, of_asset);
    // A component is a thing of its own, and never the model's version.
    answers(&desk, "Monitor M7", "2.0", 2).await;
    desk.ask("advisory match").await;
    let keys = matches(&desk, " --asset CT-7 --affected").await;
    let keys: Vec<_> = keys.into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["asset/acme medical/monitor m7@2.0"]);
    // Silent for too long, neither is known: not as 3.0, and not as the list has it.
    let later = now().plus_ms(8 * patchward_common::time::DAY_MS);
    assert_eq!(desk.app.store.lose_device_answers(later).await.unwrap(), 2);
    desk.ask("advisory match").await;
    let unknown = row(UNKNOWN, "needs_person", "version_not_recorded");
    assert_eq!(matches(&desk, " --asset CT-7").await, [unknown]);
    let said = desk.ask("advisory installed CT-7 2.5").await.text();
    assert!(said.contains("device unwatch"), "{said}");
    let shown = desk.json("device show CT-7").await;
    let counts = shown["answers"][0]["counts_as"].as_str().unwrap();
    assert!(counts.starts_with("not known since"), "{counts}");
    // Nobody may ask it any more: the list is all there is.
    desk.ask("device unwatch CT-7 --by pc-1").await;
    desk.ask("advisory match").await;
    assert_eq!(matches(&desk, " --asset CT-7").await.len(), 1);
}

/// A device is one holder, with the class of the machine that it is in plans.
#[tokio::test]
async fn a_machine_without_an_agent_is_its_asset() {
    let desk = beside().await;
    desk.ask("advisory installed CT-7 2.5").await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let listed = desk.json("advisory matches").await;
    assert_eq!(listed[0]["held_by"], json!(["asset CT-7"]));
    desk.ask("advisory mark ACME-1 done --machine ct-7").await;
    assert_eq!(items(&desk).await, []);
    // What is gone for good is nobody's work.
    desk.ask("advisory mark ACME-1 not-remediated --all").await;
    assert_eq!(items(&desk).await.len(), 1);
}

/// On SQLite there is one writer; a run that had nothing to write used to hold it all the same.
#[tokio::test]
async fn a_run_that_finds_nothing_new_waits_for_no_writer() {
    let desk = ward().await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let store = desk.app.store.clone();
    let open = desk.change().await;
    let kept = Kept::default();
    let run = matching::refresh(&store, &kept, &Actor::Collector, now(), Only::default());
    let ran = tokio::time::timeout(Duration::from_secs(4), run).await;
    let ran = ran.expect("it waited for the writer").unwrap();
    assert_eq!((ran.outcome.affected, ran.outcome.opened), (1, 0));
    drop(open);
}

#[tokio::test]
async fn the_collector_runs_again_where_something_moved_and_only_then() {
    let desk = beside().await;
    import(&desk, &csaf("2.0", "ACME-1", "1", "<3.0", FIX)).await;
    let store = &desk.app.store;
    let mut reconciler = Matches::default();
    let kept = Kept::default();
    let at = |minutes: i64| now().plus_ms(minutes * 60_000);
    assert!(
        reconciler.run(store, &kept, at(1)).await.unwrap(),
        "the first time"
    );
    assert!(!reconciler.run(store, &kept, at(2)).await.unwrap());
    desk.ask("advisory comment ACME-1 seen").await;
    assert!(
        !reconciler.run(store, &kept, at(3)).await.unwrap(),
        "a note"
    );
    answers(&desk, "viewer", "2.5", 1).await;
    assert!(
        reconciler.run(store, &kept, at(4)).await.unwrap(),
        "a version"
    );
    let known = row(KNOWN, "affected", "version_is_affected");
    assert_eq!(matches(&desk, "").await, [known]);
    assert!(
        !reconciler.run(store, &kept, at(5)).await.unwrap(),
        "its own rows"
    );
    answers(&desk, "viewer", "2.5", 2).await;
    assert!(
        !reconciler.run(store, &kept, at(6)).await.unwrap(),
        "the same"
    );
}

#[tokio::test]
async fn advisories_are_filtered_sorted_and_shown_in_their_own_words() {
    let desk = ward().await;
    for (id, severity, kind) in [("A", "Low", "vendor"), ("B", "Critical", "coordinator")] {
        let mut document: Value =
            serde_json::from_slice(&csaf("2.1", id, "1.0.0", "<3.0", FIX)).unwrap();
        document["document"]["aggregate_severity"] = json!({ "text": severity });
        document["document"]["publisher"]["category"] = json!(kind);
        document["document"]["notes"] =
            json!([{ "category": "summary", "title": "In short", "text": "Update it." }]);
        document["vulnerabilities"][0]["references"] =
            json!([{ "summary": "more", "url": "https://acme.example/more" }]);
        import(&desk, document.to_string().as_bytes()).await;
    }
    let ids = async |rest: &str| {
        let listed = desk.json(&format!("advisory list {rest}")).await;
        let ids = listed.as_array().unwrap().iter();
        ids.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("--sort severity").await, ["B", "A"]);
    for (filter, expected) in [
        ("--severity crit", vec!["B"]),
        ("--publisher-category coordinator", vec!["B"]),
        ("--namespace acme.example --sort product", vec!["A", "B"]),
        (
            "--form csaf-2.1 --status final --tracking-version 1.0.0",
            vec!["A", "B"],
        ),
        ("--published-since 2026-01-03T00:00:00Z", vec![]),
        ("--product monitor~m7 --id a", vec!["A"]),
        ("--category vex", vec![]),
    ] {
        assert_eq!(ids(filter).await, expected, "{filter}");
    }
    let shown = desk.json("advisory show A").await;
    assert_eq!(shown["severity"], "Low");
    assert_eq!(shown["says"][0]["text"], "Update it.");
    assert_eq!(shown["references"][0]["about"], "CVE-2026-0001");
}

#[tokio::test]
async fn a_helper_that_cannot_be_read_is_remarked() {
    let desk = ward().await;
    let mut document: Value = serde_json::from_slice(&csaf("2.0", "A", "1", "<3.0", FIX)).unwrap();
    let product = "/product_tree/branches/0/branches/0/branches/0/product";
    for (helper, said) in [
        (json!({ "purl": "no url" }), "package URL that is none"),
        (json!({ "cpe": "acme" }), "CPE name that is none"),
        (json!("acme"), "not of CSAF's shape"),
    ] {
        document.pointer_mut(product).unwrap()["product_identification_helper"] = helper;
        let path = desk.write(document.to_string().as_bytes());
        let checked = desk.json(&format!("advisory check {path}")).await;
        let remarks = checked["files"][0]["remarks"].to_string();
        assert!(remarks.contains(said), "{remarks}");
    }
}

/// Others write between two parts of a large folder.
#[tokio::test]
async fn a_large_folder_is_taken_in_by_several_changes() {
    let desk = Desk::with_papers().await;
    let folder = tempfile::tempdir().unwrap();
    for number in 0..=500 {
        let bytes = csaf("2.0", &format!("ACME-{number}"), "1", "<3.0", FIX);
        let path = folder.path().join(format!("{number:03}.json"));
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(folder.path().join("bad.json"), b"{").unwrap();
    let line = format!("advisory import {}", folder.path().display());
    let taken = desk.json(&line).await;
    assert_eq!(
        (&taken["taken_in"], &taken["bad"]),
        (&json!(501), &json!(1))
    );
    let mut view = desk.app.store.view().await.unwrap();
    let rows = view.advisories().await.unwrap();
    let changes: std::collections::BTreeSet<_> = rows.iter().map(|row| row.added_at).collect();
    assert_eq!((rows.len(), changes.len()), (501, 2));
}
