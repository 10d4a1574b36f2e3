//! Jobs, rollouts and evidence by command.

use super::desk::{Desk, machine, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::control::Output;
use patchward_collector::fleet::Target;
use patchward_collector::reconcile::limit;
use patchward_collector::reconcile::opened::Opened;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::{Reason, State};
use serde_json::json;

/// A signed plan over both machines; two failures halt it.
pub(super) async fn signed() -> (Desk, String) {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let rest = "--release viewer=2 --unit icu-3 --soak-minutes 0 --failure-limit 1";
    let plan = desk.plan("Update", rest).await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    (desk, plan)
}

pub(super) fn job(plan: &str, number: u8) -> JobId {
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
    assert_eq!(shown["states"][0]["state"], "assigned");
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
        shown["halted_why"].as_str().unwrap().contains(
            "1 of its machines went wrong (failed or rolled back), and the plan halts at 1"
        )
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

/// Moves a machine's job, as its report would.
async fn moved(desk: &Desk, plan: &str, number: u8, state: &State) {
    let mut change = desk.change().await;
    let read = change.view().job(&job(plan, number)).await.unwrap();
    change
        .move_job(&read.unwrap(), state, None, 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

#[tokio::test]
async fn a_wave_waits_for_the_one_before_and_htm_may_open_it() {
    let (desk, plan) = signed().await;
    let shown = desk.json(&format!("rollout show {plan}")).await;
    let begins = |shown: &serde_json::Value| {
        let of = |wave: usize| shown["waves"][wave]["begins"].as_str().unwrap().to_owned();
        [of(0), of(1)]
    };
    let [canary, rest] = begins(&shown);
    assert_eq!(
        [&shown["waves"][0]["wave"], &shown["waves"][1]["wave"]],
        [1, 2]
    );
    assert_eq!(canary, "open");
    let few = "0 of the 1 machine before have an outcome, and 1 is asked for";
    assert_eq!(rest, format!("not yet: {few}"));
    let canary = shown["waves"][0]["first_slot"].as_str();
    assert!(canary < shown["waves"][1]["first_slot"].as_str());
    for (wave, kind, text) in [
        (1, Conflict, "is open already"),
        (3, NotFound, "has no wave 3"),
    ] {
        let line = format!("rollout open {plan} --wave {wave} --reason judged");
        desk.refuses(&line, kind, text).await;
    }
    let open = format!("rollout open {plan} --wave 2 --reason judged");
    desk.refuses(&open, Conflict, "nothing is to be judged yet")
        .await;
    // The canary has missed all its slots: nothing more comes of it.
    let canary = shown_canary(&desk, &plan).await;
    moved(&desk, &plan, canary, &State::Missed).await;
    let shown = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(begins(&shown)[1], format!("HTM is asked: {few}"));
    let items = desk.json("item list --owner htm").await;
    let items: Vec<_> = items.as_array().unwrap().iter().collect();
    let question = |item: &&&serde_json::Value| item["item"] == format!("question:{}", &plan[..12]);
    let asked = items.iter().find(question).unwrap();
    assert_eq!(
        asked["why"],
        format!(
            "may wave 2 begin? {few}; `rollout open {} --wave 2`",
            &plan[..12]
        )
    );
    desk.ask(&open).await;
    let shown = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(begins(&shown)[1], "open");
    // What goes wrong later closes it again.
    moved(
        &desk,
        &plan,
        canary,
        &State::RolledBack(Reason::new("late")),
    )
    .await;
    let shown = desk.json(&format!("rollout show {plan}")).await;
    let share = "0 of 1 outcomes before are verified, and 90 % are asked for";
    assert_eq!(begins(&shown)[1], format!("HTM is asked: {share}"));
}

#[tokio::test]
async fn who_waits_for_a_wave_is_told_when_it_opens() {
    let (desk, plan) = signed().await;
    let (mut opened, store) = (Opened::default(), &desk.app.store);
    assert_eq!(opened.look(store, now()).await.unwrap(), []);
    let canary = shown_canary(&desk, &plan).await;
    moved(&desk, &plan, canary, &State::Verified).await;
    let other = machine(3 - canary);
    // A quick canary ends between two looks, so that nobody has seen the next wave closed.
    for opened in [&mut opened, &mut Opened::default()] {
        let told = opened.look(store, now()).await.unwrap();
        assert_eq!(told, [Target::Machines(vec![other])]);
        assert_eq!(opened.look(store, now()).await.unwrap(), [], "once");
    }
}

/// The number of the machine in the first wave.
async fn shown_canary(desk: &Desk, plan: &str) -> u8 {
    let jobs = desk.json(&format!("job list --plan {plan}")).await;
    let jobs = jobs.as_array().unwrap();
    let first = jobs.iter().find(|one| one["wave"] == 1).unwrap();
    let id: JobId = first["job"].as_str().unwrap().parse().unwrap();
    (1..=2).find(|number| job(plan, *number) == id).unwrap()
}

#[tokio::test]
async fn a_release_that_is_halted_on_a_model_goes_on_when_htm_has_judged() {
    let (desk, plan) = signed().await;
    for number in 1..=2 {
        let back = State::RolledBack(Reason::new("its check failed"));
        moved(&desk, &plan, number, &back).await;
    }
    limit::run(&desk.app.store, desk.app.now()).await.unwrap();
    let halts = desk.json("rollout halts").await;
    let halt = halts
        .as_array()
        .unwrap()
        .iter()
        .find(|halt| halt["halted"] == "release_on_model")
        .unwrap();
    let (sha256, model) = halt["subject"].as_str().unwrap().split_once('/').unwrap();
    assert_eq!(halt["about"], format!("viewer 2 on {model}"));
    let items = desk.json("item list --raised").await;
    let key = format!("halted:{}/{model}", &sha256[..12]);
    let is_it = |item: &&serde_json::Value| item["item"] == key;
    assert!(items.as_array().unwrap().iter().any(|item| is_it(&item)));
    let resume = |release: &str, model: &str| {
        format!("rollout resume --release {release} --model {model} --reason judged")
    };
    desk.refuses(&resume(sha256, "cart"), NotFound, "is not halted on cart")
        .await;
    desk.refuses(&resume("ab", model), Input, "at least 6 digits")
        .await;
    desk.ask(&resume(&sha256[..8], model)).await;
    desk.refuses(&resume(sha256, model), NotFound, "is not halted")
        .await;
}

#[tokio::test]
async fn a_failure_calls_people_until_somebody_has_heard() {
    let (desk, plan) = signed().await;
    let failed = State::Failed(Reason::new("no space"));
    moved(&desk, &plan, 1, &failed).await;
    let key = format!("failed:{}", job(&plan, 1));
    let called = async || {
        let calls = desk.json("oncall calls").await;
        let calls = calls.as_array().unwrap();
        let call = calls.iter().find(|call| call["item"] == key.as_str());
        call.map(|call| call["called"].as_str().unwrap().to_owned())
    };
    let nobody = "nobody is on call for it: `oncall set`";
    assert_eq!(called().await.as_deref(), Some(nobody));
    for words in [
        ["oncall", "set", "Ann", "--contact", "4711"].as_slice(),
        &["oncall", "set", "Ben", "--contact", "4712", "--level", "2"],
        &[
            "oncall",
            "set",
            "Iris",
            "--contact",
            "4713",
            "--unit",
            "icu-3",
        ],
    ] {
        desk.tries(words).await.unwrap();
    }
    let list = desk.json("oncall list").await;
    assert_eq!(list.as_array().unwrap().len(), 3);
    let iris = called().await.unwrap();
    assert!(iris.starts_with("Iris (4713) since "), "{iris}");
    desk.ask("oncall remove --level 1 --unit icu-3").await;
    let ann = called().await.unwrap();
    assert!(ann.starts_with("Ann (4711) since "), "{ann}");
    assert!(ann.contains("; the next at "), "{ann}");
    let Output::Report(today) = desk.ask("today").await else {
        panic!("today is a report")
    };
    assert!(today.text.contains("1 calls people out"), "{}", today.text);
    desk.ask(&format!("oncall heard {key}")).await;
    assert_eq!(called().await, None);
    let items = desk.json("item list --owner it").await;
    let item = items
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["item"] == key.as_str());
    let said = item.unwrap()["called"].as_str().unwrap();
    assert!(said.starts_with("heard at "), "{said}");
    desk.refuses(
        "oncall heard failed:x",
        NotFound,
        "Nothing open has the key",
    )
    .await;
    for line in [
        "--level 0",
        "--level 11",
        "--after-minutes 0",
        "--after-minutes 481",
    ] {
        let words: Vec<&str> = ["oncall", "set", "Ann", "--contact", "1"]
            .into_iter()
            .chain(line.split(' '))
            .collect();
        assert!(desk.tries(&words).await.is_err(), "{line}");
    }
}
