//! Who needs a release, who may sign, and what probes tell, by command.

use super::desk::{Desk, enrol, machine, now};
use patchward_collector::control::FailureKind::{Conflict, NotFound};
use patchward_collector::store::machines::MachineState;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::time::DAY_MS;
use patchward_integration_tests::fixture::{label, name};
use serde_json::{Value, json};

/// Five machines of the viewer 1, 1, 2, and 3, and one of which nobody can say.
async fn fleet() -> Desk {
    let desk = Desk::with_machines(5).await;
    for (number, version) in [(3, "2"), (4, "3"), (5, "build~\u{e9}")] {
        desk.reports(number, version).await;
    }
    let mut release = desk.papers.release("2", 2, b"2");
    release.release.fixes = ["CVE-2026-1", "CVE-2026-2", "CVE-2026-3"]
        .map(String::from)
        .into();
    release.release.users_will_notice = Some(label("a new menu"));
    let folder = desk.publish(1, &[(release, b"2")]);
    desk.ask(&format!("release import acme {folder}")).await;
    desk
}

fn names(rows: &Value) -> Vec<(&str, &str)> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| {
        (
            row["machine"].as_str().unwrap(),
            row["needs"].as_str().unwrap(),
        )
    })
    .collect()
}

#[tokio::test]
async fn a_release_says_who_needs_it_and_what_comes_of_it() {
    let desk = fleet().await;
    let list = desk.json("release list").await;
    assert_eq!(list[0]["needed_by"], 2, "{list}");
    assert_eq!(list[0]["fixes"], "CVE-2026-1, CVE-2026-2 and 1 more");
    assert_eq!(list[0]["users_will_notice"], "a new menu");
    assert_eq!(list[0]["mds2_allows"], json!(["no answers taken in: 2"]));
    let shown = desk.json("release show viewer 2").await;
    assert_eq!(shown["needed_by"], 2);
    assert_eq!(shown["cannot_be_compared"], 1);
    assert_eq!(shown["unknown"], 0);
    assert_eq!(shown["models"][0]["machines"], 2);
    let needed = desk.json("release needed viewer 2").await;
    let expected = [("pc-1", "yes"), ("pc-2", "yes"), ("pc-5", "unclear")];
    assert_eq!(names(&needed), expected);
    assert_eq!(needed[0]["has"], "1");
    assert_eq!(needed[0]["next"], "can be planned");
    // Who has told nothing is not among those that do not need it.
    let mut change = desk.change().await;
    enrol(&mut change, 6).await;
    change.commit().await.unwrap();
    assert_eq!(desk.json("release list").await[0]["unknown"], 1);
    let shown = desk.ask("release show viewer 2").await.text();
    assert!(shown.contains("at least 2 machines need it"), "{shown}");
    assert!(shown.contains(" 1 more has not told"), "{shown}");
    // Who leaves the fleet needs nothing any more.
    let mut change = desk.change().await;
    let (from, to) = (MachineState::Enrolled, MachineState::Stored);
    change
        .move_machine(&machine(1), from, to, "lent")
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(desk.json("release list").await[0]["needed_by"], 1);
    // What is withdrawn is offered to nobody.
    desk.ask("release withdraw viewer 2 --reason recall").await;
    let list = desk.json("release list").await;
    assert!(list[0]["needed_by"].is_null(), "{list}");
    assert_eq!(desk.json("release needed viewer 2").await, json!([]));
    desk.refuses("release needed viewer 9", NotFound, "release list")
        .await;
}

#[tokio::test]
async fn a_release_is_needed_where_it_is_validated_and_what_vendors_allow_is_summed() {
    let desk = Desk::with_machines(2).await;
    let mut own = desk.papers.release("2", 2, b"2");
    own.release.applies_to.models = vec![name("station")];
    // The way to it leads over the first, so that both are offered.
    let mut other = desk.papers.release("3", 3, b"3");
    other.release.applies_to.models = vec![name("another-model")];
    other.release.stepping_stones = vec!["2".to_owned()];
    let folder = desk.publish(1, &[(own, b"2"), (other, b"3")]);
    desk.ask(&format!("release import acme {folder}")).await;
    let form = "Question ID;Question;;See note\nDOC-1;?;Acme;\nDOC-3;?;Station;\nDOC-4;?;M-1;\n\
                DOC-7;?;2026-01-31;\nCSUP-1;?;Yes;\nCSUP-2;?;Yes;\nCSUP-3;?;No;\nCSUP-4;?;No;\n\
                CSUP-5;?;No;\nCSUP-6;?;No;\nCSUP-2.1;?;Yes;\nCSUP-2.2;?;Yes;\nCSUP-2.3;?;No;\n";
    let path = desk.write(form.as_bytes());
    desk.tries(&["mds2", "import", "station", &path])
        .await
        .unwrap();
    let list = desk.json("release list").await;
    let of = |version: &str| {
        let rows = list.as_array().unwrap().iter();
        let mut found = rows.filter(|row| row["version"] == version);
        found.next().unwrap().clone()
    };
    assert_eq!(of("2")["needed_by"], 2, "{list}");
    let allows = json!(["the vendor's service installs: 2"]);
    assert_eq!(of("2")["mds2_allows"], allows);
    assert_eq!(of("3")["needed_by"], 0, "{list}");
    let shown = desk.json("release show viewer 3").await;
    assert_eq!(shown["not_validated"], 2, "they wait for the vendor");
    let waiting = desk.json("release needed viewer 3").await;
    let expected = [("pc-1", "not validated"), ("pc-2", "not validated")];
    assert_eq!(names(&waiting), expected);
    assert!(of("3")["mds2_allows"].is_null(), "{list}");
}

#[tokio::test]
async fn the_roster_says_who_may_sign_with_which_key() {
    let empty = Desk::open().await;
    empty
        .refuses("document roster", Conflict, "There is no charter yet")
        .await;
    let desk = Desk::with_papers().await;
    let roster = desk.json("document roster").await;
    let people = roster["people"].as_array().unwrap();
    assert_eq!(people.len(), 4, "{roster}");
    let carol = people.iter().find(|row| row["person"] == "carol").unwrap();
    assert_eq!(carol["units"], json!(["lab"]));
    assert_eq!(carol["roles"], json!(["approver"]));
    assert_eq!(carol["state"], "active");
    let key = patchward_common::trust::sign::PublicKey::of(&desk.papers.carol);
    assert_eq!(carol["key_id"], key.id().to_string()[..12]);
    assert_eq!(roster["go_keys"][0]["collector"], "collector");
    assert_eq!(roster["approvers_of_critical"], 2);
}

#[tokio::test]
async fn probes_are_counted_by_the_machines_that_have_them() {
    let desk = Desk::with_machines(3).await;
    let set = |version: &str| {
        let probed = Component {
            source: Source::Probe,
            name: "pump-server".into(),
            version: version.into(),
            arch: String::new(),
        };
        ComponentSet::new(vec![probed]).unwrap()
    };
    for (number, version) in [(1, "1.0"), (2, "1.1")] {
        let (id, set) = (machine(number), set(version));
        let fleet = &desk.app.fleet;
        fleet.record_inventory(&id, &set, now()).await.unwrap();
    }
    // One that never said anything, and one that has been silent for a month.
    let mut change = desk.change().await;
    for number in [4, 5] {
        enrol(&mut change, number).await;
    }
    change.commit().await.unwrap();
    let (store, silent, long_ago) = (&desk.app.store, machine(5), now().plus_ms(-30 * DAY_MS));
    let mut view = store.view().await.unwrap();
    let status = view.machine_status(&machine(1)).await.unwrap().unwrap();
    drop(view);
    let told = store.record_status(&silent, &status, long_ago);
    told.await.unwrap();
    let seen = [(silent, long_ago.into())];
    store.record_seen(&seen, now()).await.unwrap();
    // One that left the fleet is not asked any more.
    let mut change = desk.change().await;
    let (from, to) = (MachineState::Enrolled, MachineState::Stored);
    change
        .move_machine(&machine(3), from, to, "lent")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let probes = desk.json("probe list").await;
    let versions = probes["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 1, "what trees have is no probe's: {probes}");
    assert_eq!(versions[0]["probe"], "pump-server");
    assert_eq!(versions[0]["machines"], 2);
    assert_eq!(versions[0]["versions"], json!(["1.0", "1.1"]));
    assert_eq!(
        probes["interlock"],
        json!([
            { "in_use": "idle", "machines": 2, "last_said": 3 },
            { "in_use": "not heard", "machines": 2, "last_said": null },
        ])
    );
    assert_eq!(
        probes["readiness"],
        json!([
            { "ready": "ready", "machines": 2, "last_said": 3 },
            { "ready": "not heard", "machines": 2, "last_said": null },
        ])
    );
}
