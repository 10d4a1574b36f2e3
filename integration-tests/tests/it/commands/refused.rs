//! Plans that were given out without the signatures of those who must: each machine asks for
//! what its own unit and class takes.

use super::desk::Desk;
use super::jobs::job;
use super::plans::ready;
use crate::active_plan;
use patchward_common::digest::Digest;
use patchward_common::trust::assignment::AssignmentLeaf;
use patchward_common::trust::roster::Class;
use serde_json::json;

/// Gives a draft out as nobody who may would: a collector that was meddled with.
async fn given_out(desk: &Desk, plan: &str) {
    let id = plan.parse::<Digest>().unwrap();
    let mut change = desk.change().await;
    let rows = change.view().leaves(&id).await.unwrap();
    active_plan::activate(&mut change, &id, &rows).await;
    change.commit().await.unwrap();
}

#[tokio::test]
async fn a_plan_that_nobody_signed_is_told_as_refused_until_it_is_signed() {
    let desk = ready().await;
    let plan = desk
        .plan("Nothing", "--release viewer=2 --machine pc-1")
        .await;
    given_out(&desk, &plan).await;
    let refused =
        "refused by 1 machine: not signed by those who must (1 approver of icu-3 missing)";
    for line in ["plan list", "plan show PLAN", "rollout show PLAN"] {
        let told = desk.ask(&line.replace("PLAN", &plan)).await;
        assert!(told.text().contains(refused), "{line}: {}", told.text());
        assert!(told.json().to_string().contains("\"active\""), "{line}");
    }
    let today = desk.json("today").await;
    assert_eq!(today["machines"][0]["state"], "waiting(security)");
    assert_eq!(today["tonight"], json!([]), "nothing of it starts");
    let forecast = desk.json(&format!("plan forecast {plan}")).await;
    let hindered = &forecast["hindered"][0];
    let missing = "not signed by those who must (1 approver of icu-3 missing)";
    assert_eq!(
        hindered["reason"],
        format!("it refuses its plan: {missing}")
    );
    assert_eq!(hindered["who"], "security");
    let said = desk.ask(&format!("plan forecast {plan}")).await.text();
    assert!(
        said.contains("Of 1 machine 0 are done, and as things stand"),
        "{said}"
    );
    let items = desk.json("item list --owner security").await;
    let told: Vec<(&str, &str)> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap();
            (text("item"), text("why"))
        })
        .collect();
    let of_plan = format!("unsigned:{}", &plan[..12]);
    let found = told.iter().find(|(item, _)| *item == of_plan).unwrap();
    assert!(found.1.starts_with(refused), "{}", found.1);
    // What it says to type finds who gave the plan out.
    let typed = found.1.split('`').nth(1).unwrap();
    let rows = desk.json(typed).await;
    let rows = rows.as_array().unwrap();
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row["subject"] == *plan),
        "{rows:?}"
    );
    let shown = desk.json(&format!("job show {}", job(&plan, 1))).await;
    let next = shown["next_step"].as_str().unwrap();
    assert!(next.contains("not signed by those who must"), "{shown}");
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let told = desk.ask("plan list").await.text();
    assert!(!told.contains("refused"), "{told}");
    let items = desk.json("item list --owner security").await;
    assert_eq!(items, json!([]));
}

#[tokio::test]
async fn a_plan_that_some_machines_refuse_goes_on_at_the_others() {
    let desk = ready().await;
    let critical = AssignmentLeaf {
        class: Class::Critical,
        ..desk.row(2)
    };
    desk.assign_rows(2, vec![desk.row(1), critical])
        .await
        .unwrap();
    let both = "--release viewer=2 --unit icu-3 --soak-minutes 0";
    let made = desk.json(&format!("plan new Half {both}")).await;
    assert_eq!(made["impossible"], json!([]));
    let plan = made["plan"].as_str().unwrap().to_owned();
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    given_out(&desk, &plan).await;
    let missing = "not signed by those who must (1 more approver of icu-3";
    let told = desk.ask(&format!("plan show {plan}")).await.text();
    assert!(
        told.contains(&format!("refused by 1 machine: {missing}")),
        "{told}"
    );
    let today = desk.json("today").await;
    let tonight = today["tonight"].as_array().unwrap();
    assert!(!tonight.is_empty(), "{today}");
    assert!(
        tonight.iter().all(|slot| slot["machine"] == "pc-1"),
        "{tonight:?}"
    );
    let items = desk.json("item list --owner security").await;
    let items = items.as_array().unwrap().iter();
    let whys: Vec<&str> = items.map(|item| item["why"].as_str().unwrap()).collect();
    assert!(
        whys.iter().any(|why| why.contains("the others go on")),
        "{whys:?}"
    );
    let machines = today["machines"].as_array().unwrap().iter();
    let machines: Vec<_> = machines.map(|one| one["state"].as_str().unwrap()).collect();
    assert_ne!(machines[0], "waiting(security)");
    assert_eq!(machines[1], "waiting(security)");
    let forecast = desk.json(&format!("plan forecast {plan}")).await;
    let hindered = forecast["hindered"].as_array().unwrap();
    assert_eq!(hindered.len(), 1, "{hindered:?}");
    assert_eq!(hindered[0]["machine"], "pc-2");
    let reason = hindered[0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with(&format!("it refuses its plan: {missing}")),
        "{reason}"
    );
}
