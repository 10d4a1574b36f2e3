//! The vendor's fix on 60 monitors that no agent reaches: a release, a plan that an approver
//! signs away from the collector, work by hand in its waves, and evidence that verifies.

use super::super::super::desk::{Desk, UNIT};
use super::{MONITORS, counts, day, item, of};
use patchward_collector::control::FailureKind::Conflict;
use patchward_collector::control::Output;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::{KeyKind, Person, PersonKey, Roster, SigningRole, Units};
use patchward_common::trust::sign::Document as _;
use patchward_integration_tests::fixture::{label, name, sign};
use patchward_integration_tests::programs::Program;
use serde_json::{Value, json};
use std::process::{Command, Output as Said};

const PRODUCT: &str = "m7-software";
/// What stands in for a monitor while it is worked on, without which nothing starts.
const LOAN: &str = "loan-1";
const CANARIES: usize = 5;

/// Runs the signer in the desk's folder.
fn signer(desk: &Desk, words: &[&str]) -> Said {
    let mut command = Command::new(Program::Sign.path().unwrap());
    command.current_dir(desk.path("")).args(words);
    command.output().unwrap()
}

fn signs(desk: &Desk, words: &[&str]) -> String {
    let said = signer(desk, words);
    let wrong = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{words:?}: {wrong}");
    String::from_utf8(said.stdout).unwrap()
}

/// Hanna approves with a key of her own, and the vendor may publish the monitor's software.
async fn papers(desk: &Desk) {
    let papers = &desk.papers;
    let mut charter = Charter {
        number: 2,
        ..papers.charter()
    };
    charter.vendors[0].products.push(name(PRODUCT));
    charter.vendors[0].paths.push("m7/".to_owned());
    desk.take_in(Charter::TYPE, &sign(&charter, &[&papers.root]))
        .await;
    let public = signs(desk, &["key", "new", "--out", "hanna.pem"]);
    let mut roster = Roster {
        number: 2,
        ..papers.roster()
    };
    let key = PersonKey {
        key: public.trim().parse().unwrap(),
        kind: KeyKind::File,
        from: day(-1),
        until: day(80),
    };
    roster.people.push(Person {
        id: name("hanna"),
        name: label("Hanna"),
        roles: vec![SigningRole::Approver],
        units: Units::All,
        keys: vec![key],
    });
    desk.take_in(Roster::TYPE, &sign(&roster, &[&papers.registrar]))
        .await;
}

/// The vendor's repository comes with the fix.
async fn released(desk: &Desk) {
    let bytes: &[u8] = b"the monitor's software 3.0";
    let mut release: ApprovedRelease = desk.papers.release("3.0", 1, bytes);
    release.release.product = name(PRODUCT);
    release.path = "m7/3.0.zip".to_owned();
    release.release.artifacts[0].path.clone_from(&release.path);
    let folder = desk.publish(1, &[(release, bytes)]);
    desk.ask(&format!("release import acme {folder}")).await;
}

/// Monitors are machines that technicians work on, and one more stands in for them.
async fn by_hand(desk: &Desk) {
    desk.ask(&format!(
        "asset put {LOAN} --unit {UNIT} --manufacturer Other --model Loan"
    ))
    .await;
    desk.ask(&format!(
        "group add monitors --unit {UNIT} --minimum-ready 1"
    ))
    .await;
    let mut rows = Vec::new();
    let tags = (1..=MONITORS).map(|number| format!("mon-{number}"));
    for tag in tags.chain([LOAN.to_owned()]) {
        let model = if tag == LOAN { "loan" } else { "m7" };
        desk.ask(&format!(
            "asset manual {tag} --name {tag} --model {model} --by htm"
        ))
        .await;
        let shown = desk.json(&format!("machine show {tag}")).await;
        let id: MachineId = shown["id"].as_str().unwrap().parse().unwrap();
        rows.push(AssignmentLeaf {
            name: label(&tag),
            mode: Mode::Manual,
            groups: vec![name("monitors")],
            model: name(model),
            ..desk.papers.row(id)
        });
    }
    desk.assign_rows(1, rows).await.unwrap();
    let until = day(9);
    desk.ask(&format!("plan member {LOAN} --by Ada --until {until}"))
        .await;
}

/// A plan over all monitors, signed by Hanna with the signer.
async fn signed(desk: &Desk) -> String {
    desk.ask(&format!("window once today --unit {UNIT} --minutes 1200"))
        .await;
    let all: Vec<String> = (1..=MONITORS)
        .map(|number| format!("--machine mon-{number}"))
        .collect();
    let waves = format!("--canaries {CANARIES} --growth 11 --soak-seconds 0 --spare-slots 0");
    let rest = format!(
        "--release {PRODUCT}=3.0 --install-minutes 30 {waves} {}",
        all.join(" ")
    );
    let plan = desk.plan("Monitors", &rest).await;
    let draft = desk.exported(&plan).await.to_bytes();
    let draft = desk.write(&draft);
    let root = desk.papers.root_keys().fingerprint().to_string();
    let out = desk.path("signed").to_string_lossy().into_owned();
    let words = ["approve", &draft, "--root", &root, "--key", "hanna.pem"];
    let shown = signs(desk, &[&words[..], &["--yes", "--out", &out]].concat());
    assert!(shown.contains(PRODUCT) && shown.contains("3.0"), "{shown}");
    desk.ask(&format!("plan sign {out}")).await;
    plan
}

/// The jobs of a plan, those of its first wave first.
async fn jobs(desk: &Desk, plan: &str) -> Vec<(String, String)> {
    let listed = desk.json(&format!("job list --plan {plan}")).await;
    let mut rows = listed.as_array().unwrap().clone();
    rows.sort_by_key(|row| row["wave"].as_i64());
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let of_row = |row| (text(row, "job"), text(row, "machine"));
    rows.iter().map(of_row).collect()
}

/// A technician works on one monitor after the other.
async fn worked(desk: &Desk, plan: &str) {
    let jobs = jobs(desk, plan).await;
    assert_eq!(jobs.len(), MONITORS);
    let later = &jobs[CANARIES].0;
    for (number, (job, machine)) in jobs.iter().enumerate() {
        if number + 1 == CANARIES {
            let start = format!("job start {later}");
            desk.refuses(&start, Conflict, "its wave is not open").await;
        }
        desk.ask(&format!("job start {job}")).await;
        let done = format!("job done {job} --before 2.5 --after 3.0 --work-order WO-{number}");
        let said = desk.ask(&format!("{done} --by Tom")).await.text();
        assert!(said.contains(&format!("3.0 for asset {machine}")), "{said}");
        if number + 1 == 45 {
            desk.ask("advisory match ACME-1").await;
            assert_eq!(counts(desk).await, of(15, 0, 15, 0));
            let left = desk.json("mitigation show 1").await;
            assert_eq!(left["machines_and_assets"], 15);
        }
    }
    let rollout = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(rollout["failures"], 0);
    let key = format!("return:{later}");
    assert_eq!(item(desk, &key).await.unwrap().0, "htm");
    for (job, _) in &jobs {
        desk.ask(&format!("job return {job}")).await;
    }
}

/// The pack verifies with the fingerprint alone, says what people said, and no more.
async fn in_evidence(desk: &Desk, plan: &str) {
    let export = format!("evidence export --plan {plan} --out unused");
    let Output::File { bytes, .. } = desk.ask(&export).await else {
        panic!("no file");
    };
    let pack = desk.write(&bytes);
    let root = desk.papers.root_keys().fingerprint().to_string();
    let verify = ["verify-evidence", &pack, "--root", &root];
    let report = signs(desk, &[&verify[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    let attested = report["attested"].as_array().unwrap();
    assert_eq!(attested.len(), MONITORS);
    assert_eq!(
        (&report["jobs"], &report["findings"]),
        (&json!([]), &json!([]))
    );
    for one in attested {
        let work = &one["records"][0];
        let versions = |when: &str| work[when][0]["version"].clone();
        assert_eq!(
            (versions("before"), versions("after")),
            (json!("2.5"), json!("3.0"))
        );
        assert_eq!(
            (&work["done_by"], &work["succeeded"]),
            (&json!("Tom"), &json!(true))
        );
    }
    let shown = signs(desk, &verify);
    assert!(
        shown.contains("No machine measured or signed it"),
        "{shown}"
    );
    let other = Digest::of(b"another hospital").to_string();
    let refused = signer(desk, &["verify-evidence", &pack, "--root", &other]);
    assert_eq!(refused.status.code(), Some(3));
}

/// From the release to what an auditor is handed; the plan.
pub(super) async fn installed(desk: &Desk) {
    papers(desk).await;
    released(desk).await;
    by_hand(desk).await;
    // Planned is not installed.
    let plan = signed(desk).await;
    assert_eq!(counts(desk).await["open"], MONITORS);
    worked(desk, &plan).await;
    desk.ask("advisory match ACME-1").await;
    in_evidence(desk, &plan).await;
}
