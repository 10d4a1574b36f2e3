//! Jobs, rollouts and evidence by command.

use super::desk::{Desk, machine, now};
use patchward_collector::control::FailureKind::{Conflict, NotFound};
use patchward_collector::control::Output;
use patchward_collector::store::go::GoAsk;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Nonce};
use patchward_common::job::{Reason, State};
use serde_json::json;

/// A signed plan over both machines; two failures halt it.
async fn signed() -> (Desk, String) {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let rest = "--release viewer=2 --unit icu-3 --soak-minutes 0 --failure-limit 1";
    let plan = desk.plan("Update", rest).await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    (desk, plan)
}

fn job(plan: &str, number: u8) -> JobId {
    JobId::of(plan.parse::<Digest>().unwrap(), machine(number))
}

#[tokio::test]
async fn a_rollout_is_halted_and_resumed() {
    let (desk, plan) = signed().await;
    let resume = format!("rollout resume {plan} --reason judged");
    desk.refuses(&resume, NotFound, "is not halted").await;
    desk.ask(&format!("rollout halt {plan} --reason smoke"))
        .await;
    let shown = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(
        (&shown["halted"], &shown["halted_why"]),
        (&json!(true), &json!("smoke"))
    );
    assert_eq!(shown["waves"][0]["state"], "assigned");
    desk.ask(&resume).await;
    let shown = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(
        (&shown["halted"], &shown["failures"]),
        (&json!(false), &json!(0))
    );
}

#[tokio::test]
async fn a_rollout_that_reached_its_failure_limit_says_so_and_goes_on_when_judged() {
    let (desk, plan) = signed().await;
    let mut change = desk.change().await;
    let failed = change.view().job(&job(&plan, 1)).await.unwrap().unwrap();
    let state = State::Failed(Reason::new("no space"));
    change.move_job(&failed, &state, None, 1).await.unwrap();
    change.commit().await.unwrap();
    // At once, also where the halt is not written yet.
    let shown = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(shown["halted"], true);
    assert!(
        shown["halted_why"]
            .as_str()
            .unwrap()
            .contains("1 machines failed")
    );
    desk.ask(&format!("rollout resume {plan} --reason judged"))
        .await;
    let shown = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(
        (&shown["halted"], &shown["failures"]),
        (&json!(false), &json!(0))
    );
    let said = desk.ask(&format!("rollout show {plan}")).await.text();
    assert!(said.contains("Update: active"), "{said}");
}

#[tokio::test]
async fn a_go_whose_end_nobody_reports_is_ended_by_a_person() {
    let (desk, plan) = signed().await;
    let id = job(&plan, 1);
    let free = format!("job free {id} --reason seen");
    desk.refuses(&free, NotFound, "pc-1 has no go").await;
    let ask = GoAsk {
        machine: machine(1),
        job: id,
        nonce: Nonce([1; 32]),
    };
    let issued = desk
        .app
        .store
        .decide_go(&ask, now(), |_| Ok::<_, ()>(vec![1]));
    issued.await.unwrap();
    let shown = desk.json(&format!("job show {id}")).await;
    assert!(shown["go_since"].is_string(), "{shown}");
    desk.ask(&free).await;
    let shown = desk.json(&format!("job show {id}")).await;
    assert!(shown["go_since"].is_null());
    assert_eq!(desk.json(&format!("job journal {id}")).await, json!([]));
    desk.refuses(
        "job journal 00000000000000000000000000000000",
        NotFound,
        "job list",
    )
    .await;
}

#[tokio::test]
async fn the_evidence_of_a_plan_is_one_file() {
    let (desk, plan) = signed().await;
    let Output::File { bytes, text } = desk
        .ask(&format!("evidence export --plan {plan} --out unused"))
        .await
    else {
        panic!("no file");
    };
    assert!(text.contains("2 jobs"), "{text}");
    assert!(!bytes.is_empty());
    let listed = desk.json("job list --machine pc-2").await;
    assert_eq!(listed[0]["job"], job(&plan, 2).to_string());
    desk.refuses(
        "evidence export --plan 000000 --out x",
        NotFound,
        "plan list",
    )
    .await;
    desk.refuses(&format!("plan remove {plan}"), Conflict, "no draft")
        .await;
}
