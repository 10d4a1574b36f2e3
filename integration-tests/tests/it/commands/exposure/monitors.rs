//! An advisory on 60 patient monitors that no agent reaches and that have no fix: from import
//! to evidence, with the counts of each step.

mod installed;

use super::super::desk::{Desk, UNIT};
use super::{csaf, day, exploited, import, item};
use patchward_collector::control::FailureKind::{Input, NotFound};
use patchward_collector::control::Output;
use serde_json::{Value, json};

const MONITORS: usize = 60;
/// Those of which the hospital's list knows the version.
const KNOWN: usize = 58;

/// The hospital's list, brought in as a file.
async fn hospital() -> Desk {
    let desk = Desk::with_papers().await;
    let mut list = String::from("Asset Tag,Manufacturer,Model,Unit,Software Version\n");
    for number in 1..=MONITORS {
        let version = if number <= KNOWN { "2.5" } else { "" };
        list.push_str(&format!(
            "mon-{number},Acme Medical,Monitor M7,{UNIT},{version}\n"
        ));
    }
    list.push_str(&format!("pump-1,Other,Pump,{UNIT},1\n"));
    let path = desk.write(list.as_bytes());
    desk.ask(&format!("asset import {path}")).await;
    for number in 1..=KNOWN {
        desk.ask(&format!("advisory installed mon-{number} 2.5"))
            .await;
    }
    desk
}

/// Counts of `exposure list`, which are those of the rows behind it.
async fn counts(desk: &Desk) -> Value {
    let listed = desk.json("exposure list --advisory ACME-1").await;
    let rows = listed["matches"].as_array().unwrap();
    assert_eq!(listed["open"], rows.len());
    let having = |name: &str, value: &str| {
        let has = |row: &&Value| row[name].as_str().unwrap().starts_with(value);
        rows.iter().filter(has).count()
    };
    let counts = json!({
        "open": listed["open"], "affected": listed["affected"],
        "needs_person": listed["needs_person"], "mitigated": listed["mitigated"],
        "excepted": listed["excepted"],
    });
    assert_eq!(
        counts,
        json!({
            "open": rows.len(), "affected": having("value", "affected"),
            "needs_person": having("value", "needs_person"),
            "mitigated": having("state", "mitigated("),
            "excepted": having("state", "exception("),
        })
    );
    counts
}

fn of(open: usize, needs_person: usize, mitigated: usize, excepted: usize) -> Value {
    json!({
        "open": open, "affected": open - needs_person, "needs_person": needs_person,
        "mitigated": mitigated, "excepted": excepted,
    })
}

async fn letter(desk: &Desk) -> String {
    let Output::File { bytes, .. } = desk.ask("case letter 1 --out unused").await else {
        panic!("no file");
    };
    String::from_utf8(bytes.into_vec()).unwrap()
}

const NO_FIX: [(&str, &str); 3] = [
    ("none_available", "There is no fix"),
    ("mitigation", "Close port 104\non the switch"),
    ("workaround", "Work without the central station"),
];

/// Import, and what a person has to say of it.
async fn imported(desk: &Desk) {
    let taken = import(desk, &csaf("ACME-1", "1", &NO_FIX)).await;
    assert_eq!(
        (&taken["affected"], &taken["needs_person"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(counts(desk).await, of(MONITORS, MONITORS - KNOWN, 0, 0));
    exploited(desk, "CVE-2026-0001", "2026-02-01").await;
    assert_eq!(item(desk, "match:ACME-1").await.unwrap().0, "htm");
    for number in KNOWN + 1..=MONITORS {
        desk.ask(&format!("advisory installed mon-{number} 2.5"))
            .await;
    }
    assert_eq!(item(desk, "match:ACME-1").await, None);
    assert_eq!(counts(desk).await, of(MONITORS, 0, 0, 0));
    let unfixed = item(desk, "unfixed:ACME-1").await.unwrap();
    assert_eq!(unfixed.0, "vendor");
    assert!(
        unfixed.1.starts_with("60 machines and assets"),
        "{}",
        unfixed.1
    );
    let by_model = desk.json("exposure list --by model").await;
    assert_eq!(by_model["groups"][0]["open"], MONITORS);
}

/// What lowers the risk meanwhile.
async fn mitigated(desk: &Desk) {
    let add = "mitigation add ACME-1 --title Close~port~104 --owner it --all";
    let due = day(7);
    desk.refuses(&format!("{add} --due {due}"), Input, "--step")
        .await;
    desk.refuses(
        &format!("mitigation add ACME-1 --title x --owner it --step x --asset pump-1 --due {due}"),
        NotFound,
        "nothing open on asset pump-1",
    )
    .await;
    let added = desk
        .json(&format!("{add} --from-advisory --due {due}"))
        .await;
    assert_eq!(
        (
            &added["steps"],
            &added["machines_and_assets"],
            &added["left"]
        ),
        (&json!(2), &json!(MONITORS), &json!(MONITORS))
    );
    let shown = desk.json("mitigation show 1").await;
    assert_eq!(shown["steps"][0]["what"], "Close port 104 on the switch");
    let (owner, why) = item(desk, "mitigation:1").await.unwrap();
    assert_eq!(owner, "it");
    assert!(why.contains("not in place on 60 of 60"), "{why}");
    let some: Vec<String> = (1..=20)
        .map(|number| format!("--asset mon-{number}"))
        .collect();
    let attest = "mitigation attest 1 --by Ada --words port~is~closed";
    let said = desk.json(&format!("{attest} {}", some.join(" "))).await;
    assert_eq!((&said["attested"], &said["left"]), (&json!(20), &json!(40)));
    assert_eq!(counts(desk).await, of(MONITORS, 0, 20, 0));
    desk.ask(attest).await;
    assert_eq!(item(desk, "mitigation:1").await, None);
    assert_eq!(counts(desk).await, of(MONITORS, 0, MONITORS, 0));
    let listed = desk.json("mitigation list").await;
    assert_eq!(
        (&listed[0]["state"], &listed[0]["left"]),
        (&json!("in_place"), &json!(0))
    );
}

/// The vendor is asked, in a letter that names nothing of ours.
async fn asked(desk: &Desk) {
    desk.ask("vendor contact add Acme Kim --role product~security --reached-by psirt@acme.example")
        .await;
    desk.ask("case open Acme --about ACME-1 --contact Kim")
        .await;
    let ago = day(-12);
    desk.ask(&format!(
        "case asked 1 --words mon-7~at~10.1.2.3:~when~is~a~fix? --at {ago}"
    ))
    .await;
    let text = letter(desk).await;
    for part in [
        "60 x Acme Medical Monitor M7 2.5",
        "CVE-2026-0001: critical (CVSS 9.8), exploited (KEV, due 2026-02-01",
        "CVE-2026-0002: medium (CVSS 5.5), no exploitation known",
        "It names no fix for what we have.",
        "When will there be a fix",
        "we asked: (one of ours) at (one of ours): when is a fix?",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for ours in ["mon-", UNIT, "10.1.2.3", "Ada"] {
        assert!(!text.contains(ours), "{ours}: {text}");
    }
    let (owner, why) = item(desk, "case:1").await.unwrap();
    assert_eq!(owner, "vendor");
    assert!(why.contains("waiting for the vendor, 12 days"), "{why}");
}

/// Security leaves it as it is for a time.
async fn excepted(desk: &Desk) {
    let until = day(30);
    let add = format!(
        "exposure except add ACME-1 --all --until {until} --control port~104~is~closed --owner Iris"
    );
    desk.refuses(
        &format!("{add} --mitigation 9"),
        NotFound,
        "mitigation list",
    )
    .await;
    let granted = desk.json(&format!("{add} --mitigation 1")).await;
    assert_eq!(granted["machines_and_assets"], MONITORS);
    assert_eq!(counts(desk).await, of(MONITORS, 0, 0, MONITORS));
    assert_eq!(item(desk, "unfixed:ACME-1").await, None);
    let shown = desk.json("exposure show ACME-1 --asset mon-1").await;
    let state = shown["state"].as_str().unwrap();
    assert_eq!(
        state,
        format!("exception(until {until}, port 104 is closed)")
    );
    assert_eq!(shown["exceptions"][0]["mitigation"], "1");
    assert_eq!(shown["mitigations"][0]["here"], "in place, attested");
}

/// The fix comes, and is installed by hand, one monitor after the other.
async fn fixed(desk: &Desk) {
    let fix = [("vendor_fix", "Update to 3.0")];
    import(desk, &csaf("ACME-1", "2", &fix)).await;
    // Of the fix nobody made an exception.
    assert_eq!(counts(desk).await, of(MONITORS, 0, MONITORS, 0));
    let (owner, why) = item(desk, "fixable:ACME-1").await.unwrap();
    assert_eq!(owner, "htm");
    assert!(why.starts_with("60 machines and assets"), "{why}");
    let text = letter(desk).await;
    assert!(
        text.contains("It names a fix.") && text.contains("validated"),
        "{text}"
    );
    desk.ask("case answered 1 --words 3.0~is~out").await;
    installed::installed(desk).await;
    assert_eq!(counts(desk).await, of(0, 0, 0, 0));
}

#[tokio::test]
async fn sixty_monitors_without_a_fix_from_import_to_evidence() {
    let desk = hospital().await;
    imported(&desk).await;
    mitigated(&desk).await;
    asked(&desk).await;
    excepted(&desk).await;
    fixed(&desk).await;
    // The mitigation ended by itself; the case is HTM's until somebody closes it.
    let listed = desk.json("mitigation list").await;
    assert_eq!(listed[0]["state"], "ended");
    assert_eq!(item(&desk, "fixable:ACME-1").await, None);
    assert_eq!(item(&desk, "case:1").await.unwrap().0, "htm");
    desk.ask("case close 1 --why the~fix~is~installed").await;
    desk.ask("exposure except end 1").await;
    assert_eq!(desk.json("item list").await, json!([]));
    // What is left for an auditor: who said what, in the log and on each record.
    let matched = desk.json("advisory matches --advisory ACME-1").await;
    let values: Vec<&Value> = matched
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["value"])
        .collect();
    assert_eq!(values, ["not_affected"]);
    assert_eq!(matched[0]["count"], MONITORS);
    let log = desk.json("audit list --last 1000").await.to_string();
    for action in [
        "advisory.add",
        "mitigation.add",
        "mitigation.attest",
        "exposure.except",
        "case.open",
        "case.step",
        "case.close",
        "exposure.except-end",
        "plan.move",
        "job.start",
        "job.done",
        "asset.version",
    ] {
        assert!(log.contains(action), "{action}");
    }
}
