//! The first day: what `setup` says, from a collector that knows nothing to one whose machines
//! are patched.

use super::desk::{Desk, add_token, asks, enrol, machine, now};
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_common::trust::charter::{Charter, Registrar};
use patchward_common::trust::roster::{PersonKey, Roster, SigningRole};
use patchward_common::trust::sign::{Document as _, PublicKey};
use patchward_common::wire::machine::InterlockWord;
use patchward_integration_tests::fixture::{Hospital, name, sign};
use serde_json::Value;

/// Asserts how the step whose title begins so stands, and that it says `text`.
async fn stands(desk: &Desk, title: &str, state: &str, text: &str) -> Value {
    let told = desk.json("setup").await;
    let mut steps = told["steps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["step"].as_str().unwrap().starts_with(title));
    let step = step.unwrap_or_else(|| panic!("no step {title}: {told}"));
    assert_eq!(step["state"], state, "{step}");
    assert!(step["found"].as_str().unwrap().contains(text), "{step}");
    told
}

/// Charter and roster: with one registrar and one key each first, then as they should be.
async fn signed(desk: &Desk) {
    let papers = &desk.papers;
    let told = stands(desk, "Hospital root", "next", "There is no charter").await;
    assert_eq!(told["next"], "Hospital root and charter");
    assert_eq!(told["whose_move"], "keepers of the root keys");
    stands(desk, "Roster", "later", "").await;
    let charter = papers.charter();
    let root = [&papers.root];
    desk.take_in(Charter::TYPE, &sign(&charter, &root)).await;
    stands(desk, "Hospital root", "done", "In force until").await;
    stands(desk, "Two registrars", "next", "rita is the only one").await;
    let told = stands(desk, "Roster", "next", "There is no roster").await;
    let go_key = PublicKey::of(&papers.go_key).to_string();
    assert!(told.to_string().contains(&go_key), "to be copied: {told}");
    let spare = Hospital::new(2, papers.now);
    let second = Registrar {
        name: name("rob"),
        key: PublicKey::of(&spare.registrar),
    };
    let charter = Charter {
        number: 2,
        registrars: [charter.registrars.clone(), vec![second]].concat(),
        ..charter
    };
    desk.take_in(Charter::TYPE, &sign(&charter, &root)).await;
    stands(desk, "Two registrars", "done", "rita, rob").await;
    let mut roster = papers.roster();
    let registrar = [&papers.registrar];
    desk.take_in(Roster::TYPE, &sign(&roster, &registrar)).await;
    stands(desk, "Roster", "done", "In force until").await;
    let said = "3 of 3 approvers have fewer than 2 keys that count: alice, bob, carol.";
    stands(desk, "Approvers", "next", said).await;
    roster.number = 2;
    let spares = [&spare.alice, &spare.bob, &spare.carol];
    let people = roster.people.iter_mut();
    let approvers = people.filter(|one| one.roles.contains(&SigningRole::Approver));
    for (person, spare) in approvers.zip(spares) {
        let key = PersonKey {
            key: PublicKey::of(spare),
            ..person.keys[0].clone()
        };
        person.keys.push(key);
    }
    desk.take_in(Roster::TYPE, &sign(&roster, &registrar)).await;
    stands(desk, "Approvers", "done", "3 with 2 keys or more").await;
}

/// Places, the list, and the first machine with its place and its interlock.
async fn peopled(desk: &Desk) {
    stands(desk, "Sites", "next", "There is no site").await;
    desk.ask("site add main").await;
    stands(desk, "Sites", "next", "1 of 1 site has no unit: main").await;
    stands(desk, "Asset list", "later", "").await;
    desk.ask("unit add icu-3 --site main --class standard")
        .await;
    desk.ask("group add readers --unit icu-3 --minimum-ready 0")
        .await;
    stands(desk, "Sites", "done", "1 unit at 1 site.").await;
    stands(desk, "Asset list", "next", "No asset").await;
    desk.ask("asset put a-1 --manufacturer Acme --model Viewer")
        .await;
    stands(desk, "Asset list", "done", "1 asset.").await;
    stands(desk, "Enrolment", "next", "1 of 1 unit has no machine").await;
    stands(desk, "First machines", "later", "").await;
    let mut change = desk.change().await;
    add_token(&mut change).await;
    change.commit().await.unwrap();
    stands(desk, "Enrolment", "done", "").await;
    stands(
        desk,
        "First machines",
        "next",
        "1 of 1 unit has no machine: icu-3.",
    )
    .await;
    let mut change = desk.change().await;
    asks(&mut change, 1).await;
    change.commit().await.unwrap();
    stands(
        desk,
        "First machines",
        "waiting",
        "1 machine waits to be accepted.",
    )
    .await;
    stands(desk, "Assignment", "later", "").await;
    let mut change = desk.change().await;
    enrol(&mut change, 1).await;
    change.commit().await.unwrap();
    stands(desk, "First machines", "done", "1 in all").await;
    let said = "1 of 1 machine does not tell whether it is in use.";
    stands(desk, "Interlock", "next", said).await;
    stands(
        desk,
        "Firewall",
        "not_seen_from_here",
        "no machine was heard",
    )
    .await;
    desk.says(1, InterlockWord::Unknown).await;
    stands(desk, "Interlock", "next", said).await;
    desk.says(1, InterlockWord::Idle).await;
    stands(desk, "Interlock", "done", "").await;
    stands(desk, "Firewall", "done", "").await;
    let said = "1 of 1 machine stands in no signed assignment.";
    stands(desk, "Assignment", "next", said).await;
    stands(
        desk,
        "Units from observe",
        "later",
        "1 observe, 0 rehearse, 0 active",
    )
    .await;
    let row = |mode| AssignmentLeaf {
        mode,
        ..desk.row(1)
    };
    desk.assign_rows(1, vec![row(Mode::Observe)]).await.unwrap();
    stands(desk, "Assignment", "done", "").await;
    stands(
        desk,
        "Units from observe",
        "next",
        "Still observing: icu-3.",
    )
    .await;
    let rehearse = row(Mode::Rehearse);
    desk.assign_rows(2, vec![rehearse]).await.unwrap();
    let said = "0 observe, 1 rehearse, 0 active";
    stands(desk, "Units from observe", "next", said).await;
    desk.assign_rows(3, vec![row(Mode::Active)]).await.unwrap();
    stands(desk, "Units from observe", "done", "1 of 1 unit has").await;
}

#[tokio::test]
async fn a_new_hospital_is_led_from_nothing_to_its_first_plan() {
    let desk = Desk::open().await;
    let told = desk.json("setup").await;
    assert_eq!((&told["done"], &told["of"]), (&1.into(), &16.into()));
    signed(&desk).await;
    peopled(&desk).await;
    stands(
        &desk,
        "Windows",
        "next",
        "1 of 1 unit has no window: icu-3.",
    )
    .await;
    desk.ask("window add night --unit icu-3 --cron 0~2~*~*~* --zone UTC --minutes 60")
        .await;
    stands(&desk, "Windows", "done", "").await;
    stands(
        &desk,
        "Vendors",
        "next",
        "1 of 1 vendor was never read: acme.",
    )
    .await;
    desk.import(&["1"]).await;
    stands(&desk, "Vendors", "done", "acme").await;
    stands(&desk, "People", "done", "There is no page").await;
    stands(&desk, "Notices", "next", "Nobody is told").await;
    desk.ask("notice webhook add duty --url https://chat.h.example:8444/secret/hook")
        .await;
    stands(
        &desk,
        "Notices",
        "waiting",
        "1 of 1 target is not reached yet: duty.",
    )
    .await;
    let store = &desk.app.store;
    store
        .notice_delivered(&name("duty"), None, now())
        .await
        .unwrap();
    stands(&desk, "Notices", "done", "duty").await;
    stands(&desk, "Who is called", "next", "1 of 1 unit has nobody").await;
    desk.ask("oncall set Ann --contact 4711").await;
    let told = stands(&desk, "Who is called", "done", "").await;
    assert_eq!((&told["done"], &told["of"]), (&17.into(), &17.into()));
    assert_eq!(told["next"], Value::Null);
    let text = desk.ask("setup").await.text();
    assert!(text.contains("Setup is finished: 17 of 17"), "{text}");
    // A machine that is gone leaves its unit where it was.
    desk.ask(&format!("machine revoke {} --reason lost", machine(1)))
        .await;
    stands(
        &desk,
        "First machines",
        "next",
        "1 of 1 unit has no machine",
    )
    .await;
}

#[tokio::test]
async fn the_firewall_sheet_has_what_is_called_and_no_secret() {
    let desk = Desk::with_papers().await;
    desk.ask("unit subnet add icu-3 10.20.0.0/16").await;
    desk.ask("notice webhook add duty --url https://chat.h.example:8444/secret/hook")
        .await;
    let told = desk.json("setup").await;
    let sheet = told["firewall_sheet"].as_array().unwrap();
    let line = |row: &Value| {
        let text = |column: &str| row[column].as_str().unwrap().to_owned();
        let (direction, protocol) = (text("direction"), text("protocol"));
        format!(
            "{direction} {protocol} {}: {} -> {}",
            row["port"],
            text("from"),
            text("to")
        )
    };
    let lines: Vec<String> = sheet.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "in UDP 9443: every machine with an agent: icu-3 10.20.0.0/16 -> collector",
            "out TCP 8444: collector -> chat.h.example",
            "out UDP 53: collector -> the resolver of this computer (TCP 53 too)",
        ]
    );
    assert!(!told.to_string().contains("/secret/"), "{told}");
}
