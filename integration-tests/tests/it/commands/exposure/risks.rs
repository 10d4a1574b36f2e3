//! Risk assessments, and training.

use super::super::desk::Desk;
use super::super::manual::signed;
use super::{day, item};
use patchward_collector::control::FailureKind::{Conflict, Input};
use serde_json::json;

#[tokio::test]
async fn a_risk_assessment_stands_above_the_signature() {
    let (desk, plan, _) = signed().await;
    let shown = desk.ask(&format!("plan show {plan}")).await.text();
    assert!(
        shown.contains("Risk: viewer=2 on station: not assessed"),
        "{shown}"
    );
    let put = "risk put viewer=2 --model station --of-patching images~late --of-waiting attacks \
               --reason at~night --by Ada";
    desk.refuses(
        &format!("{put} --decision maybe --review {}", day(9)),
        Input,
        "do_not_patch",
    )
    .await;
    desk.refuses(
        &format!("{put} --decision wait --review {}", day(-1)),
        Input,
        "has passed",
    )
    .await;
    let put_down = format!("{put} --decision do_not_patch --review {}", day(9));
    desk.ask(&put_down).await;
    let shown = desk.json(&format!("plan show {plan}")).await;
    assert_eq!(shown["risks"][0]["decision"], "do_not_patch");
    let found = desk.json(&format!("plan check {plan}")).await.to_string();
    assert!(
        found.contains("risk assessment") && found.contains("images late"),
        "{found}"
    );
    let one = desk.json("risk show viewer=2 --model station").await;
    assert_eq!(
        (&one["is_overdue"], &one["decided_by"]),
        (&json!(false), &json!("Ada"))
    );
    assert_eq!(item(&desk, "review:viewer=2/station").await, None);
    // Months later.
    let mut change = desk.change().await;
    let mut risk = change.view().risks().await.unwrap().remove(0);
    risk.review_at = day(-1);
    change.put_risk(&risk).await.unwrap();
    change.commit().await.unwrap();
    let due = item(&desk, "review:viewer=2/station").await.unwrap();
    assert_eq!(due.0, "htm");
    desk.ask("risk remove viewer=2 --model station").await;
    assert_eq!(desk.json("risk list").await, json!([]));
}

#[tokio::test]
async fn training_that_nobody_confirmed_is_somebodys_move() {
    let desk = Desk::with_papers().await;
    let need = "plan training need viewer=2 --what the~new~button";
    desk.ask(&format!("{need} --unit icu-3")).await;
    desk.ask(need).await;
    assert_eq!(
        item(&desk, "training:viewer=2/icu-3").await.unwrap().0,
        "ward"
    );
    assert_eq!(item(&desk, "training:viewer=2").await.unwrap().0, "htm");
    desk.ask("plan training confirm viewer=2 --by Ada --unit icu-3")
        .await;
    desk.ask("plan training drop viewer=2 --why nothing~changes")
        .await;
    let listed = desk.json("item list").await;
    assert_eq!(listed, json!([]));
    desk.refuses(
        "plan training drop viewer=2 --why again",
        Conflict,
        "plan stated",
    )
    .await;
}
