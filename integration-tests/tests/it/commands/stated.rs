//! What people state for planning: taken in, shown, and heard by planner and plan check.

use super::desk::{Desk, UNIT, machine};
use patchward_collector::control::FailureKind;
use patchward_common::codec;
use patchward_common::id::{BootId, JobId};
use patchward_common::job::{Event, JobEvent, Measurement, Start, State, Verdict};
use patchward_common::time::{Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::sign::Signed;
use serde_json::{Value, json};

async fn ready(machines: u8) -> Desk {
    let desk = Desk::with_machines(machines).await;
    desk.import(&["1", "2"]).await;
    for (name, hours) in [("tonight", 0), ("tomorrow", 24), ("later", 48)] {
        let seconds = hours * 3_600;
        let once = format!("window once {name} --unit icu-3 --in-seconds {seconds} --minutes 600");
        desk.ask(&once).await;
    }
    desk
}

/// The findings of one rule: what they ask for.
fn severities(findings: &Value, rule: &str) -> Vec<String> {
    let findings = findings.as_array().unwrap().iter();
    let of_rule = findings.filter(|finding| finding["rule"] == rule);
    let words = of_rule.map(|finding| finding["finding"].as_str().unwrap().to_owned());
    words.collect()
}

#[tokio::test]
async fn training_duty_and_members_are_told_to_whoever_signs() {
    let desk = ready(2).await;
    desk.ask("asset put X-17 --unit icu-3 --group readers")
        .await;
    desk.ask("plan training need viewer=2 --what the~toolbar --unit icu-3")
        .await;
    let plan = desk
        .plan("P", "--release viewer=2 --machine pc-1 --spare-slots 0")
        .await;
    let found = desk.json(&format!("plan check {plan}")).await;
    assert_eq!(severities(&found, "training"), ["blocks"], "{found}");
    assert_eq!(severities(&found, "duty"), ["warns"], "{found}");
    assert_eq!(severities(&found, "stated member"), ["warns"], "{found}");
    desk.refuses(
        "plan training confirm viewer=2 --by Ann",
        FailureKind::Conflict,
        "nobody stated",
    )
    .await;
    desk.ask("plan training confirm viewer=2 --by Ann --unit icu-3")
        .await;
    desk.ask("plan duty add Ann --from 2020-01-01T00:00:00Z --until 2099-01-01T00:00:00Z")
        .await;
    desk.ask("plan member X-17 --by Ann --until 2099-01-01T00:00:00Z")
        .await;
    let found = desk.json(&format!("plan check {plan}")).await;
    for rule in ["training", "duty", "stated member"] {
        assert!(severities(&found, rule).is_empty(), "{found}");
    }
    let stated = desk.json("plan stated").await;
    assert_eq!(stated["training"][0]["confirmed_by"], "Ann");
    assert_eq!(stated["duty"][0]["unit"], "all");
    assert_eq!(stated["members"][0]["asset"], "X-17");
    // Said anew, it has to be confirmed anew.
    desk.ask("plan training need viewer=2 --what more --unit icu-3")
        .await;
    let found = desk.json(&format!("plan check {plan}")).await;
    assert_eq!(severities(&found, "training"), ["blocks"], "{found}");
    desk.ask("plan duty remove Ann --from 2020-01-01T00:00:00Z")
        .await;
    desk.ask("asset remove X-17").await;
    let found = desk.json(&format!("plan check {plan}")).await;
    assert_eq!(severities(&found, "duty"), ["warns"]);
    assert!(severities(&found, "stated member").is_empty(), "{found}");
    for (line, kind, text) in [
        (
            "plan member X-99 --by Ann --until 2099-01-01T00:00:00Z",
            FailureKind::Conflict,
            "asset put --group",
        ),
        (
            "plan duty add Ann --from 2099-01-01T00:00:00Z --until 2020-01-01T00:00:00Z",
            FailureKind::Input,
            "not after",
        ),
        (
            "plan duty add Ann --from 2020-01-01T00:00:00Z --until 2099-01-01T00:00:00Z --unit no",
            FailureKind::NotFound,
            "no",
        ),
        (
            "plan training need viewer --what x",
            FailureKind::Input,
            "PRODUCT=VERSION",
        ),
        (
            "plan limit --site no --parallel 1",
            FailureKind::NotFound,
            "no",
        ),
        ("plan order pc-1 pc-1", FailureKind::Input, "itself"),
        (
            "plan order pc-1 pc-2 --remove",
            FailureKind::Conflict,
            "come after",
        ),
    ] {
        desk.refuses(line, kind, text).await;
    }
}

#[tokio::test]
async fn limits_and_order_lay_the_slots() {
    let desk = ready(3).await;
    desk.ask("group edit readers --minimum-ready 0").await;
    let new = format!("plan new P --release viewer=2 --unit {UNIT} --canaries 3 --spare-slots 0");
    let slots = |made: &Value| -> Vec<(String, String)> {
        let machines = made["machines"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        machines
            .map(|m| (text(&m["machine"]), text(&m["first_slot"])))
            .collect()
    };
    let free = slots(&desk.json(&new).await);
    assert!(free.iter().all(|slot| slot.1 == free[0].1), "{free:?}");
    // One at a time, and pc-3 first.
    desk.ask("plan limit --site main --parallel 1").await;
    desk.ask("plan order pc-3 pc-1").await;
    desk.ask("plan order pc-1 pc-2").await;
    for circle in ["plan order pc-2 pc-3", "plan order pc-1 pc-3"] {
        desk.refuses(circle, FailureKind::Conflict, "pc-3 before pc-1")
            .await;
    }
    let made = desk.json(&new).await;
    let bound = slots(&made);
    let order: Vec<&str> = bound.iter().map(|slot| slot.0.as_str()).collect();
    assert_eq!(order, ["pc-3", "pc-1", "pc-2"]);
    assert!(bound.is_sorted_by(|a, b| a.1 < b.1), "{bound:?}");
    assert!(!made["findings"].to_string().contains("blocks"), "{made}");
    // What is stated later speaks against the draft.
    let plan = made["plan"].as_str().unwrap();
    desk.ask("plan order pc-1 pc-2 --remove").await;
    desk.ask("plan order pc-2 pc-1").await;
    desk.ask("plan limit --parallel 0").await;
    let found = desk.json(&format!("plan check {plan}")).await;
    assert_eq!(severities(&found, "server first"), ["blocks"], "{found}");
    assert_eq!(severities(&found, "parallel"), ["blocks"], "{found}");
    desk.refuses(&new, FailureKind::Conflict, "allows no work")
        .await;
    desk.ask("plan limit").await;
    // A line that needs longer than the plan may wait.
    desk.ask("plan limit --site main --kilobytes-per-second 1")
        .await;
    let stated = desk.json("plan stated").await;
    assert_eq!(stated["limits"][1]["bytes_per_second"], 1_000);
    assert_eq!(stated["order"].as_array().unwrap().len(), 2);
    desk.json(&new).await;
}

#[tokio::test]
async fn a_minimum_above_the_size_says_what_to_do() {
    let desk = ready(2).await;
    desk.ask("group edit readers --minimum-ready 3").await;
    let new = format!("plan new P --release viewer=2 --unit {UNIT}");
    desk.refuses(
        &new,
        FailureKind::Conflict,
        "3 members of its group readers must stay ready",
    )
    .await;
    desk.refuses(&new, FailureKind::Conflict, "group edit")
        .await;
}

#[tokio::test]
async fn an_emergency_opens_its_own_window_and_soaks_shorter() {
    let desk = Desk::with_machines(3).await;
    desk.import(&["1", "2"]).await;
    let new = format!("plan new Now --release viewer=2 --unit {UNIT}");
    desk.refuses(&new, FailureKind::Conflict, "make a window")
        .await;
    let emergency = format!("{new} --emergency exploited");
    // Nothing is left behind where nothing can be planned.
    desk.refuses(
        &format!("{emergency} --for-minutes 10"),
        FailureKind::Conflict,
        "no opening of its unit is as long",
    )
    .await;
    desk.refuses(
        &format!("{new} --for-minutes 10"),
        FailureKind::Input,
        "emergency",
    )
    .await;
    let made = desk.json(&format!("{emergency} --for-minutes 600")).await;
    assert_eq!(made["waves"], 2, "two hours of soak fit: {made}");
    assert!(!made["findings"].to_string().contains("blocks"), "{made}");
    let windows = desk.json("window list").await.to_string();
    assert!(windows.contains("emergency-"), "{windows}");
    let plan = made["plan"].as_str().unwrap();
    let said = desk.signed(plan, &[&desk.papers.alice]).await.unwrap();
    assert!(
        said.text()
            .contains("Still missing: 1 more approver of icu-3"),
        "{}",
        said.text()
    );
}

/// What a machine says that it did.
fn event(
    desk: &Desk,
    job: JobId,
    plan: patchward_common::digest::Digest,
    at: UtcMs,
    event: Event,
) -> Vec<u8> {
    let event = JobEvent {
        machine: machine(1),
        sequence: 1,
        previous: Default::default(),
        at,
        job,
        approval: plan,
        event,
    };
    codec::encode(&Signed::new(&event, &desk.papers.tom))
}

#[tokio::test]
async fn runs_that_were_measured_here_lengthen_the_next_plan() {
    let desk = ready(2).await;
    let alice = [&desk.papers.alice];
    desk.ask("group edit readers --minimum-ready 0").await;
    // Five machines' worth of runs, on plans of one machine each.
    for number in 0..5 {
        let title = format!("Run{number}");
        let plan = desk.plan(&title, "--release viewer=2 --machine pc-1").await;
        desk.signed(&plan, &alice).await.unwrap();
        let plan = plan.parse().unwrap();
        let job = JobId::of(plan, machine(1));
        let mut change = desk.change().await;
        let now = change.now();
        let slot = Interval::new(now, now.plus_ms(600 * MINUTE_MS)).unwrap();
        let start = Event::Started(Start {
            slot,
            boot: BootId([1; 16]),
            go: Default::default(),
            approved_by: vec![],
            roster: Default::default(),
            charter: Default::default(),
            assignment: Default::default(),
            versions_before: vec![],
            interlock: "idle".into(),
        });
        let measured = Event::Measured(Measurement {
            verdict: Verdict::Verified,
            versions_after: vec![],
            checks: vec![],
            boot: BootId([1; 16]),
        });
        for (minutes, what) in [(1, start), (41, measured)] {
            let bytes = event(&desk, job, plan, now.plus_ms(minutes * MINUTE_MS), what);
            change.add_evidence(&job, &bytes).await.unwrap();
        }
        let stored = change.view().job(&job).await.unwrap().unwrap();
        change
            .move_job(&stored, &State::Verified, None, 1)
            .await
            .unwrap();
        change.commit().await.unwrap();
    }
    let made = desk
        .json("plan new Next --release viewer=2 --machine pc-2")
        .await;
    let plan = made["plan"].as_str().unwrap();
    let approval = desk.exported(plan).await.plan.signed.peek().unwrap();
    // Forty minutes, a quarter, and two.
    assert_eq!(approval.releases[0].install_minutes, 52);
    let context = desk.exported(plan).await.context;
    assert_eq!(json!(context.measured_minutes), json!({ "viewer": 52 }));
}
