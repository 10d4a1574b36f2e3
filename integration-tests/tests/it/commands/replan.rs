//! `plan again`: what becomes of plans when windows, freezes or the fleet change.

use super::desk::{Desk, enrol, now};
use patchward_collector::control::FailureKind::Conflict;
use patchward_collector::control::Output;
use patchward_collector::store::plans::NewPlan;
use patchward_common::time::{HOUR_MS, UtcMs};
use patchward_integration_tests::fixture::label;
use serde_json::{Value, json};

const REST: &str = "--release viewer=2 --unit icu-3 --soak-minutes 0";

async fn ready() -> Desk {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    desk
}

async fn said(desk: &Desk, line: &str) -> String {
    match desk.ask(line).await {
        Output::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

/// What HTM is told about plans that no longer carry everybody.
async fn told(desk: &Desk) -> Vec<String> {
    whys(desk, "htm", "replan:").await
}

async fn whys(desk: &Desk, owner: &str, kind: &str) -> Vec<String> {
    let items = desk.json(&format!("item list --owner {owner}")).await;
    let items = items.as_array().unwrap().iter();
    let items = items.filter(|item| item["item"].as_str().unwrap().starts_with(kind));
    items
        .map(|item| item["why"].as_str().unwrap().to_owned())
        .collect()
}

fn named(plan: &Value) -> Vec<&str> {
    let machines = plan["machines"].as_array().unwrap().iter();
    let mut names: Vec<_> = machines
        .map(|one| one["machine"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// Freezes everything until so long from now; gives back what is said of it.
async fn freeze(desk: &Desk, hours: i64) -> String {
    let until = now().plus_ms(hours * HOUR_MS);
    let line = format!("freeze add theatre --until {until} --reason list");
    said(desk, &line).await
}

#[tokio::test]
async fn a_draft_is_made_anew_in_its_place() {
    let desk = ready().await;
    let draft = desk.plan("Update", REST).await;
    let due = UtcMs((now().0 / 1_000) * 1_000).plus_ms(48 * HOUR_MS);
    desk.ask(&format!("plan due {draft} {due}")).await;
    freeze(&desk, 2).await;
    let again = desk.json(&format!("plan again {draft}")).await;
    assert_eq!(named(&again), ["pc-1", "pc-2"]);
    let plans = desk.json("plan list").await;
    let plans = plans.as_array().unwrap();
    assert_eq!(plans.len(), 1, "{plans:?}");
    assert_eq!(plans[0]["title"], "Update");
    let first = again["machines"][0]["first_slot"].as_str().unwrap();
    assert!(
        now().plus_ms(HOUR_MS).to_string().as_str() < first,
        "{first}"
    );
    let new: String = again["plan"].as_str().unwrap().to_owned();
    let mut view = desk.app.store.view().await.unwrap();
    let kept = view.due_of(&new.parse().unwrap()).await.unwrap();
    assert_eq!(kept, Some(due), "it has to be done as soon as before");
}

#[tokio::test]
async fn a_signed_plan_keeps_what_it_carries_and_the_rest_gets_a_new_one() {
    let desk = ready().await;
    let plan = desk.plan("Update", REST).await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let again = format!("plan again {plan}");
    let carries = said(&desk, &again).await;
    assert!(carries.contains("still carries every machine"), "{carries}");
    assert_eq!(told(&desk).await, [""; 0]);

    // A freeze takes every slot: less time needs no signature, other time does.
    let frozen = freeze(&desk, 11).await;
    let hit = "2 waiting jobs lose slots by it; 2 of them have none left";
    assert!(frozen.contains(hit), "{frozen}");
    let hint = format!("; `plan again {}` makes one for them", &plan[..12]);
    let none = format!("2 machines have no slot left where work is allowed{hint}");
    assert_eq!(told(&desk).await, [none]);
    desk.refuses(&again, Conflict, "No machine can be planned")
        .await;
    let at = now().plus_ms(12 * HOUR_MS);
    desk.ask(&format!(
        "window once later --unit icu-3 --minutes 600 --at {at}"
    ))
    .await;
    let made = desk.json(&again).await;
    assert_eq!(named(&made), ["pc-1", "pc-2"]);
    assert_eq!(told(&desk).await, [""; 0], "they are the new plan's");
    let new = made["plan"].as_str().unwrap().to_owned();
    let file = desk.exported(&new).await;
    let (approval, _) = file.plan.read().unwrap();
    assert_eq!(approval.beside, [plan.parse().unwrap()], "both stand");
    desk.ask(&format!("plan remove {new}")).await;

    // Without the freeze the signed one carries them again.
    desk.ask("freeze remove theatre --reason over").await;
    assert_eq!(told(&desk).await, [""; 0]);
    assert_eq!(said(&desk, &again).await, carries);

    // A machine that came since.
    let mut change = desk.change().await;
    enrol(&mut change, 3).await;
    change.commit().await.unwrap();
    desk.reports(3, "1").await;
    desk.assign(2, 3).await.unwrap();
    let new = format!("1 machine is new in its units{hint}");
    assert_eq!(told(&desk).await, [new]);
    let made = desk.json(&again).await;
    assert_eq!(named(&made), ["pc-3"]);
    assert_eq!(made["title"], json!("Update"));
    desk.ask(&format!("plan remove {}", made["plan"].as_str().unwrap()))
        .await;
    // One that has it already is not missed.
    desk.reports(3, "2").await;
    assert_eq!(told(&desk).await, [""; 0]);
}

#[tokio::test]
async fn the_ward_is_told_of_a_slot_in_which_nothing_starts() {
    let desk = ready().await;
    let plan = desk.plan("Update", REST).await;
    let ward = || whys(&desk, "ward", "withheld:");
    freeze(&desk, 11).await;
    assert_eq!(ward().await, [""; 0], "nobody counts on a draft");
    desk.ask("freeze remove theatre --reason over").await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    assert_eq!(ward().await, [""; 0]);

    let before = now();
    freeze(&desk, 11).await;
    let told = ward().await;
    let [why] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(
        why.starts_with("2 machines of icu-3 stay as they are at "),
        "{why}"
    );
    assert!(why.contains("frozen by theatre"), "{why}");
    let items = desk.json("item list --owner ward").await;
    let since = items[0]["since"].as_str().unwrap();
    assert!(
        before.to_string().as_str() <= since,
        "{since}: since the freeze"
    );
    desk.ask("freeze remove theatre --reason over").await;
    assert_eq!(ward().await, [""; 0], "what was signed holds again");

    // A window that is shorter than what was signed for.
    desk.ask("window remove tonight --reason staff").await;
    let told = ward().await;
    assert!(told[0].contains("no window of icu-3"), "{told:?}");
}

#[tokio::test]
async fn what_a_plan_was_asked_for_must_be_known() {
    let desk = ready().await;
    let plan = desk.plan("Update", REST).await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let elsewhere = NewPlan {
        title: &label("Old"),
        payload: b"a plan of another collector",
        expires_at: now().plus_ms(HOUR_MS),
        groups: &[],
        releases: &[],
        leaves: &[],
    };
    let mut change = desk.change().await;
    let old = change.add_plan(&elsewhere).await.unwrap();
    change.commit().await.unwrap();
    desk.refuses(&format!("plan again {old}"), Conflict, "is not known here")
        .await;
    desk.ask(&format!("stop now --plan {plan} --reason smoke"))
        .await;
    // A stop may be lifted; the plan itself is not given up.
    let said = said(&desk, &format!("plan again {plan}")).await;
    assert!(said.contains("still carries"), "{said}");
}
