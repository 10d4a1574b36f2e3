//! Plans by command: made, checked, signed, and what is refused.

use super::desk::{Desk, UNIT, machine};
use super::jobs::{job, signed};
use patchward_collector::control::FailureKind;
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::releases::ArtifactState;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::digest::Digest;
use patchward_common::job::{Reason, State};
use patchward_common::trust::approval::{ApprovedRelease, Rollback};
use patchward_common::trust::release::{Kind, PackageManager, PackageRef, Packages};
use serde_json::json;
use std::sync::Arc;

/// A desk with two machines that stand in for one another, the viewer 2, and a window
/// that is open now.
pub(super) async fn ready() -> Desk {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    for (name, seconds) in [("tonight", 0), ("tomorrow", 24 * 3_600)] {
        let once = format!("window once {name} --unit icu-3 --in-seconds {seconds} --minutes 600");
        desk.ask(&once).await;
    }
    desk
}

#[tokio::test]
async fn two_drafts_over_one_group_are_not_both_signed() {
    let desk = ready().await;
    let alice = [&desk.papers.alice];
    let first = desk
        .plan("First", "--release viewer=2 --machine pc-1 --spare-slots 0")
        .await;
    let second = desk
        .plan(
            "Second",
            "--release viewer=2 --machine pc-2 --spare-slots 0",
        )
        .await;
    // Neither knows of the other: both have the first hour of the window.
    desk.signed(&first, &alice).await.unwrap();
    let refused = desk.signed(&second, &alice).await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Conflict);
    assert!(refused.text.contains("\"First\""), "{}", refused.text);
    let shown = desk.json(&format!("plan show {second}")).await;
    assert_eq!(
        (&shown["state"], &shown["signatures"]),
        (&json!("draft"), &json!(0))
    );
    // The plan check says the same to whoever signs.
    let found = desk.json(&format!("plan check {second}")).await;
    let rules = found.as_array().unwrap().iter();
    let blocking = rules.filter(|f| f["finding"] == "blocks" && f["rule"] == "beside");
    assert_eq!(blocking.count(), 1, "{found}");
    // A new plan takes the first into account, and neither then stands against the other.
    desk.ask(&format!("plan remove {second}")).await;
    let third = desk
        .plan("Third", "--release viewer=2 --machine pc-2")
        .await;
    desk.signed(&third, &alice).await.unwrap();
    for plan in [&first, &third] {
        let found = desk.json(&format!("plan check {plan}")).await;
        assert!(!found.to_string().contains("blocks"), "{found}");
    }
}

#[tokio::test]
async fn signatures_are_counted_together() {
    let desk = ready().await;
    let papers = &desk.papers;
    let plan = desk
        .plan(
            "Both",
            "--release viewer=2 --machine pc-1 --emergency exploited",
        )
        .await;
    let said = desk.signed(&plan, &[&papers.alice]).await.unwrap();
    assert!(
        said.text()
            .contains("Still missing: 1 more approver of icu-3"),
        "{}",
        said.text()
    );
    let said = desk.signed(&plan, &[&papers.bob]).await.unwrap();
    assert!(said.text().contains("signed by enough"), "{}", said.text());
    let jobs = desk.json(&format!("job list --plan {plan}")).await;
    assert_eq!(jobs[0]["state"], "assigned");
    desk.refuses(
        &format!("plan remove {plan}"),
        FailureKind::Conflict,
        "no draft",
    )
    .await;
}

#[tokio::test]
async fn an_emergency_passes_the_freezes_that_it_names() {
    let desk = ready().await;
    desk.ask("freeze add theatre --unit icu-3 --until 2099-01-01T00:00:00Z --reason full")
        .await;
    // It has windows: what takes them is named.
    let new = "plan new Update --release viewer=2 --unit icu-3";
    desk.refuses(new, FailureKind::Conflict, "theatre; end one with")
        .await;
    let plan = "plan new Now --release viewer=2 --machine pc-1";
    desk.refuses(plan, FailureKind::Conflict, "No machine can be planned")
        .await;
    let emergency = format!("{plan} --emergency exploited");
    desk.refuses(
        &emergency,
        FailureKind::Conflict,
        "No machine can be planned",
    )
    .await;
    desk.refuses(
        &format!("{emergency} --override theater"),
        FailureKind::NotFound,
        "Did you mean theatre?",
    )
    .await;
    let made = desk.json(&format!("{emergency} --override theatre")).await;
    let (alice, bob) = (&desk.papers.alice, &desk.papers.bob);
    let plan = made["plan"].as_str().unwrap();
    assert!(
        !made["findings"].to_string().contains("slot allowed"),
        "{made}"
    );
    desk.signed(plan, &[alice, bob]).await.unwrap();
}

#[tokio::test]
async fn programs_get_all_that_a_plan_says() {
    let desk = ready().await;
    desk.reports(2, "2").await;
    let made = desk
        .json(&format!("plan new All --release viewer=2 --unit {UNIT}"))
        .await;
    assert_eq!(made["machines"].as_array().unwrap().len(), 1);
    assert_eq!(
        made["impossible"],
        json!([{ "machine": "pc-2", "reason": "it has this version already", "who": "nobody" }])
    );
    assert!(made["findings"].is_array() && made["unassigned"] == json!([]));
    let plan = made["plan"].as_str().unwrap();
    let shown = desk.json(&format!("plan show {plan}")).await;
    assert_eq!(shown["releases"], json!(["viewer 2 (vendor)"]));
    assert_eq!(shown["machines"][0]["machine"], "pc-1");
    assert!(desk.json("plan list").await.is_array());
    let text = desk.ask(&format!("plan show {plan}")).await.text();
    assert!(text.contains("pc-1") && text.contains("draft"), "{text}");
}

#[tokio::test]
async fn what_is_not_here_is_not_planned() {
    let desk = ready().await;
    let mut change = desk.change().await;
    change
        .set_artifact_state(&Digest::of(b"2"), ArtifactState::Lost)
        .await
        .unwrap();
    change.commit().await.unwrap();
    desk.refuses(
        "plan new P --release viewer=2 --machine pc-1",
        FailureKind::Conflict,
        "release import acme",
    )
    .await;
}

/// The release as packages: one, of the same version.
fn packaged(mut release: ApprovedRelease) -> ApprovedRelease {
    let version = release.release.version.clone();
    release.release.kind = Kind::Packages(Packages {
        manager: PackageManager::Deb,
        packages: vec![PackageRef {
            name: "viewer".into(),
            version,
            artifact: release.sha256,
        }],
    });
    release
}

#[tokio::test]
async fn packages_go_back_to_what_machines_have() {
    let desk = Desk::with_machines(2).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let releases: Vec<_> = [("1", &b"1"[..]), ("2", b"2"), ("3", b"3"), ("4", b"4")]
        .into_iter()
        .zip(1..)
        .map(|((version, bytes), counter)| {
            (
                packaged(desk.papers.release(version, counter, bytes)),
                bytes,
            )
        })
        .collect();
    let folder = desk.publish(1, &releases);
    desk.tries(&["release", "import", "acme", &folder])
        .await
        .unwrap();
    let has = async |version: &str| {
        let package = Component {
            source: Source::Deb,
            name: "viewer".into(),
            version: version.into(),
            arch: "amd64".into(),
        };
        let set = ComponentSet::new(vec![package]).unwrap();
        let store = &desk.app.store;
        store
            .record_inventory(&machine(1), &set, super::desk::now())
            .await
            .unwrap();
    };
    let back = async |title: &str| {
        let plan = desk.plan(title, "--release viewer=4 --machine pc-1").await;
        let signed = desk.exported(&plan).await.plan.signed;
        let mut view = desk.app.store.view().await.unwrap();
        let once = view.plan_table(&signed.digest()).await.unwrap();
        let again = view.plan_table(&signed.digest()).await.unwrap();
        assert!(Arc::ptr_eq(&once.unwrap(), &again.unwrap()), "read once");
        let approval = signed.peek().unwrap();
        match &approval.releases[0].rollback {
            Rollback::Release(back) => Some(back.release.version.clone()),
            Rollback::None => None,
        }
    };
    has("2").await;
    assert_eq!(
        back("A").await.as_deref(),
        Some("2"),
        "3 was never installed"
    );
    desk.ask("release withdraw viewer 2 --reason recall").await;
    assert_eq!(back("B").await, None, "it was taken back");
    has("1").await;
    assert_eq!(back("C").await.as_deref(), Some("1"));
    has("0.9").await;
    let made = desk
        .json("plan new D --release viewer=4 --machine pc-1")
        .await;
    assert!(
        made["findings"].to_string().contains("no way back"),
        "{made}"
    );
}

#[tokio::test]
async fn who_signs_reads_first_what_the_plan_clears_from_quarantine() {
    let (desk, before) = signed().await;
    let mut change = desk.change().await;
    let failed = change.view().job(&job(&before, 1)).await.unwrap().unwrap();
    let state = State::RolledBack(Reason::new("check viewer-works failed"));
    change.move_job(&failed, &state, None, 1).await.unwrap();
    change.commit().await.unwrap();
    let barred = Digest::of(b"2");
    let plan = desk
        .plan(
            "Again",
            &format!("--release viewer=2 --machine pc-1 --clear {barred}"),
        )
        .await;
    let found = desk.json(&format!("plan check {plan}")).await;
    let first = &found[0];
    assert_eq!(
        (&first["finding"], &first["rule"], &first["about"]),
        (
            &json!("warns"),
            &json!("quarantine"),
            &json!("release viewer 2")
        )
    );
    let text = first["text"].as_str().unwrap();
    for said in [
        "It clears viewer 2 from quarantine: it failed on pc-1 at ",
        "check viewer-works failed",
    ] {
        assert!(text.contains(said), "{text}");
    }
    let shown = desk.ask(&format!("plan show {plan}")).await.text();
    assert!(shown.contains(text), "{shown}");
    // A plan that clears nothing says nothing of it.
    let shown = desk.ask(&format!("plan show {before}")).await.text();
    assert!(!shown.contains("quarantine"), "{shown}");
}

#[tokio::test]
async fn a_plan_that_ended_without_its_machines_is_not_told_as_done() {
    let (desk, plan) = signed().await;
    let id = plan.parse::<Digest>().unwrap();
    let went_back = State::RolledBack(Reason::new("check viewer-works failed"));
    let mut change = desk.change().await;
    for (number, state) in [(1, went_back), (2, State::Verified)] {
        let read = change.view().job(&job(&plan, number)).await.unwrap();
        change
            .move_job(&read.unwrap(), &state, None, 1)
            .await
            .unwrap();
    }
    let (active, done) = (PlanState::Active, PlanState::Done);
    change.move_plan(&id, active, done, "ended").await.unwrap();
    change.commit().await.unwrap();
    for line in ["plan list", "plan show PLAN"] {
        let told = desk.ask(&line.replace("PLAN", &plan)).await;
        let ended = "ended, 1 of 2 verified";
        assert!(told.text().contains(ended), "{line}: {}", told.text());
        assert!(told.json().to_string().contains("\"done\""), "{line}");
    }
}
