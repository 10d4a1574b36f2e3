//! Which jobs evidence is asked of, who may ask, and what the audit log tells, by command.

use super::desk::{Desk, machine, now};
use super::jobs::{job, signed};
use patchward_collector::account::Role;
use patchward_collector::account::role::Grant;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::control::Output;
use patchward_collector::store::accounts::Account;
use patchward_collector::web::Web;
use patchward_collector::web::answer::{self, Refusal};
use patchward_collector::web::form::Form;
use patchward_collector::web::form::call::{Answer, Answers};
use patchward_collector::web::person::SignedIn;
use patchward_common::digest::Digest;
use patchward_common::evidence::{Pack, Rule, verify};
use patchward_common::time::UtcMs;
use patchward_common::words::counted;
use patchward_integration_tests::fixture::{label, name};
use serde_json::json;
use std::sync::Arc;

async fn file(desk: &Desk, line: &str) -> (Vec<u8>, String) {
    match desk.ask(&format!("{line} --out unused")).await {
        Output::File { bytes, text } => (bytes.into_vec(), text),
        other => panic!("no file: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_said_narrows_which_jobs() {
    let (desk, plan) = signed().await;
    let year: String = now().to_string().chars().take(4).collect();
    for (chosen, jobs) in [
        ("--unit icu-3".to_owned(), 2),
        ("--machine pc-2".to_owned(), 1),
        ("--release viewer=2".to_owned(), 2),
        (format!("--plan {plan} --machine pc-1"), 1),
        (format!("--during {year} --unit icu-3"), 2),
        (format!("--from {year} --until {year}"), 2),
        (format!("{}", job(&plan, 1)), 1),
    ] {
        let (bytes, text) = file(&desk, &format!("evidence export {chosen}")).await;
        let of = counted(jobs, "job", "jobs");
        assert!(text.contains(&format!("Evidence of {of} ")), "{text}");
        let pack = Pack::from_bytes(&bytes).unwrap();
        assert_eq!(pack.jobs.len(), jobs, "{chosen}");
        let report = verify(&pack, pack.chain.root.fingerprint());
        // The machines of the desk have no keys; all else holds.
        let mut found = report.findings.iter();
        assert!(found.all(|one| one.rule == Rule::Identity), "{chosen}");
        assert!(text.contains(&report.content.to_string()), "{text}");
        let listed = desk.json(&format!("evidence list {chosen}")).await;
        assert_eq!(listed.as_array().unwrap().len(), jobs, "{chosen}");
    }
    for (line, kind, why) in [
        ("evidence list", Input, "Name a job, or narrow with"),
        (
            "evidence list --during 1999",
            NotFound,
            "No job is chosen by from 1999",
        ),
        ("evidence list --during yesterday", Input, "2026-Q4"),
        ("evidence list --release viewer", Input, "PRODUCT=VERSION"),
        ("evidence list --unit nowhere", NotFound, "unit list"),
        ("evidence list --machine pc-9", NotFound, "machine list"),
        ("evidence archive --out x", Input, "--until"),
        (
            "evidence archive --until 2999 --out x",
            Input,
            "That time is not over",
        ),
    ] {
        desk.refuses(line, kind, why).await;
    }
}

#[tokio::test]
async fn places_and_releases_are_counted() {
    let (desk, _) = signed().await;
    let places = desk.json("evidence places").await;
    assert_eq!(
        places["units"],
        json!([{ "evidence_of_unit": "icu-3", "unit": "icu-3", "jobs": 2, "ended": 0 }])
    );
    let machine = json!({ "evidence_of_machine": "pc-1", "unit": "icu-3", "jobs": 1, "ended": 0 });
    assert_eq!(places["machines"][0], machine);
    let releases = desk.json("evidence releases").await;
    let release = json!({ "evidence_of_release": "viewer=2", "jobs": 2, "ended": 0 });
    assert_eq!(releases["releases"], json!([release]));
    let month: String = now().to_string().chars().take(7).collect();
    assert_eq!(releases["months"][0]["evidence_of_month"], json!(month));
    let said = desk.ask("evidence check").await.text();
    for what in ["on paper", "patchward-sign verify-evidence FILE --root"] {
        assert!(said.contains(what), "{what}: {said}");
    }
}

#[tokio::test]
async fn papers_and_tables_say_what_is_not_proved() {
    let (desk, plan) = signed().await;
    let (paper, text) = file(&desk, &format!("evidence report --plan {plan}")).await;
    assert!(
        paper.starts_with(b"%PDF") && text.contains("A report of 2 jobs"),
        "{text}"
    );
    let (table, _) = file(&desk, &format!("evidence table --plan {plan}")).await;
    let table = String::from_utf8(table).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    // The machines of the desk have no keys, and nothing is said to be proved.
    let not = "NOT proved: machine or job are not those of the key";
    assert_eq!(table.matches(not).count(), 2, "{table}");
}

/// Somebody who signed in, with a role for one unit or for all.
fn person(role: Role, unit: Option<&str>) -> SignedIn {
    let grant = Grant {
        role,
        unit: unit.map(name),
    };
    SignedIn {
        account: Arc::new(Account {
            name: name("ada"),
            title: label("Ada"),
            password: None,
            totp: None,
            totp_step: 0,
            failures: 0,
            locked_until: None,
            added_at: UtcMs(0),
            ended_at: None,
        }),
        grants: vec![grant].into(),
        session: Digest::default(),
        token: "token".into(),
        has_second_factor: false,
    }
}

async fn asks(
    web: &Web,
    person: &SignedIn,
    path: &str,
    given: &[(&str, &str)],
) -> Result<Output, Refusal> {
    let mut answers = Answers::new();
    for (field, text) in given {
        let answer = Answer::Text((*text).to_owned());
        answers.entry((*field).to_owned()).or_default().push(answer);
    }
    answer::ask(web, person, Form::of(path).unwrap(), &answers).await
}

const FILES: [&str; 3] = ["evidence export", "evidence report", "evidence table"];

#[tokio::test]
async fn a_role_for_one_unit_takes_only_its_own_evidence() {
    let (desk, plan) = signed().await;
    desk.ask("unit add theatre --site main --class standard")
        .await;
    let web = Web::new(Arc::clone(&desk.app));
    let own = person(Role::Approver, Some("icu-3"));
    let foreign = person(Role::Approver, Some("theatre"));
    let auditor = person(Role::Auditor, None);
    for path in FILES {
        for given in [
            &[("unit", "icu-3")][..],
            &[("machine", "pc-1")],
            &[("plan", &plan)],
        ] {
            let said = asks(&web, &own, path, given).await;
            assert!(matches!(said, Ok(Output::File { .. })), "{path}: {said:?}");
            let said = asks(&web, &foreign, path, given).await;
            assert!(
                matches!(said, Err(Refusal::Forbidden(_))),
                "{path}: {said:?}"
            );
        }
        // What is of all units is for those who see all.
        for given in [&[("release", "viewer=2")][..], &[("during", "2026")]] {
            let said = asks(&web, &own, path, given).await;
            assert!(
                matches!(said, Err(Refusal::Forbidden(_))),
                "{path}: {said:?}"
            );
        }
        let said = asks(&web, &auditor, path, &[("release", "viewer=2")]).await;
        assert!(matches!(said, Ok(Output::File { .. })), "{path}: {said:?}");
        let said = asks(
            &web,
            &person(Role::Viewer, None),
            path,
            &[("unit", "icu-3")],
        )
        .await;
        assert!(
            matches!(said, Err(Refusal::Forbidden(_))),
            "{path}: {said:?}"
        );
    }
    let until = [("until", "2020")];
    let said = asks(&web, &own, "evidence archive", &until).await;
    assert!(matches!(said, Err(Refusal::Forbidden(_))), "{said:?}");
    let said = asks(&web, &own, "evidence releases", &[]).await;
    assert!(matches!(said, Err(Refusal::Forbidden(_))), "{said:?}");
    // Lists are narrowed to what is theirs.
    for (person, rows) in [(&own, 2), (&foreign, 0)] {
        match asks(&web, person, "evidence places", &[]).await.unwrap() {
            Output::Report(report) => {
                assert_eq!(report.list("machines").unwrap().rows.len(), rows);
            }
            other => panic!("{other:?}"),
        }
        match asks(&web, person, "evidence list", &[("release", "viewer=2")]).await {
            Ok(Output::Table(table)) => assert_eq!(table.rows.len(), rows),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_audit_log_is_read_by_who_what_and_when() {
    let (desk, plan) = signed().await;
    desk.ask(&format!("rollout halt {plan} --reason smoke"))
        .await;
    let rows = async |more: &str| {
        let listed = format!("audit list --last 1000 {more}");
        let listed = desk.json(listed.trim()).await;
        listed.as_array().unwrap().clone()
    };
    let all = rows("").await;
    let halts = rows("--what halt").await;
    assert_eq!(halts.len(), 1);
    assert_eq!(
        (&halts[0]["what"], &halts[0]["who"]),
        (&json!("halt.set"), &json!("local:0"))
    );
    assert_eq!(rows("--what halt.set --who local:0").await.len(), 1);
    assert_eq!(rows("--what hal").await.len(), 0);
    assert_eq!(rows("--who person:nobody").await.len(), 0);
    let theirs = rows("--who local:0").await.len();
    assert!(theirs > 3 && theirs <= all.len());
    let year: String = now().to_string().chars().take(4).collect();
    assert_eq!(rows(&format!("--during {year}")).await.len(), all.len());
    assert_eq!(rows(&format!("--from {year}")).await.len(), all.len());
    assert_eq!(rows("--until 1999").await.len(), 0);
    let about = rows(&format!("--about {plan}")).await;
    assert!(about.len() > 1 && about.iter().all(|row| row["subject"] == *plan));
    assert_eq!(rows(&format!("--about {}", &plan[..12])).await, about);
    let of_machine = rows("--about pc-1").await;
    let by_id = rows(&format!("--about {}", machine(1))).await;
    assert!(!of_machine.is_empty() && of_machine == by_id, "{by_id:?}");
    for unknown in ["0123456789ab", "nothing"] {
        let none = desk
            .ask(&format!("audit list --about {unknown}"))
            .await
            .text();
        let said = format!("There is no such row about {unknown}.");
        assert!(none.contains(&said), "{none}");
    }
    let head = desk.json("audit verify").await["head"]
        .as_str()
        .unwrap()
        .to_owned();
    let (row, hash) = head.split_once(':').unwrap();
    let again = desk.json(&format!("audit verify --head {hash}")).await;
    assert_eq!(again["noted_row"], row);
    let other = "ab".repeat(32);
    let never = format!("audit verify --head {other}");
    desk.refuses(&never, Conflict, "No row of this log has the hash")
        .await;
}

#[tokio::test]
async fn what_a_subject_of_the_log_may_also_mean_is_said() {
    let desk = Desk::with_machines(1).await;
    desk.ask("unit add pc-1 --site main --class standard").await;
    let rows = desk.json("audit list --about pc-1").await;
    let rows = rows.as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["subject"] == "pc-1"));
    for line in [
        "audit list --about pc-1",
        "audit list --about pc-1 --who person:nobody",
    ] {
        let said = desk.ask(line).await.text();
        assert!(said.contains("A machine is called pc-1 too"), "{said}");
    }
    for number in 10..30 {
        desk.ask(&format!("asset put abcdef{number} --unit icu-3"))
            .await;
    }
    for (digits, said) in [
        ("abcdef", "20 or more begin like this"),
        ("abcdef1", "10 begin like this"),
    ] {
        let line = format!("audit list --about {digits}");
        desk.refuses(&line, Conflict, said).await;
    }
}
