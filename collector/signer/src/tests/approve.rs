use super::hospital::{Hospital, NOW, changed_leaf, name, night, tampered};
use crate::Failure;
use patchward_common::digest::Digest;
use patchward_common::plan::{PlanFile, approvers, build_approval};
use patchward_common::time::DAY_MS;
use patchward_common::trust::approval::{Rollback, RollbackRelease};
use patchward_common::trust::release::{
    ArtifactRef, Kind, PackageManager, PackageRef, Packages, Provenance, RecipeKind,
};
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::Signed;
use serde_bytes::ByteBuf;

const APPROVE: [&str; 6] = [
    "approve",
    "plan.cbor",
    "--out",
    "signed.cbor",
    "--key",
    "anna.pem",
];

fn root_of(hospital: &Hospital) -> String {
    let out = hospital.ok(&["root", "fingerprint", "charter.cbor"]);
    out.trim().to_owned()
}

#[test]
fn two_approvers_sign_one_after_the_other() {
    let hospital = Hospital::new();
    let plan = hospital.plan();
    hospital.write_plan("plan.cbor", &plan);
    let root = root_of(&hospital);
    let (out, outcome) = hospital.run(&[&APPROVE[..], &["--root", &root]].concat(), "yes");
    outcome.unwrap();
    for shown in [
        "Viewer 4.2",
        "Station 1",
        "Station 2",
        "4.1",
        "must stay ready",
        "A new start screen",
        "The plan check has no findings.",
        "1 of 2",
        "more needed",
        &night(1).start().to_string()[..10],
    ] {
        assert!(out.contains(shown), "{shown:?} is not shown in:\n{out}");
    }
    let out = hospital.ok(&[
        "approve",
        "signed.cbor",
        "--out",
        "both.cbor",
        "--key",
        "ben.pem",
        "--yes",
        "--zone",
        "Europe/Berlin",
    ]);
    assert!(out.contains("2 of 2") && out.contains("enough"), "{out}");
    let both = PlanFile::from_bytes(&hospital.bytes("both.cbor")).unwrap();
    assert_eq!(both.plan.signed.payload(), plan.plan.signed.payload());
    let (_, roster) = both.context.chain.roster(&both.context.roster).unwrap();
    let unit = super::hospital::name("radiology");
    let signed = approvers(&both.plan.signed, &roster, &[&unit], NOW);
    assert!(signed.meets(roster.quorum(Class::Critical)));
    // In place, and again: nothing is left to sign.
    let (said, code) = hospital.fails(&[
        "approve",
        "both.cbor",
        "--out",
        "both.cbor",
        "--key",
        "ben.pem",
        "--yes",
    ]);
    assert!(said.contains("has signed this plan already"), "{said}");
    assert_eq!(code, 3);
}

#[test]
fn nothing_is_signed_without_yes() {
    let hospital = Hospital::new();
    hospital.write_plan("plan.cbor", &hospital.plan());
    for answer in ["", "no", "y", "YES", "yes please"] {
        let (_, outcome) = hospital.run(&APPROVE, answer);
        assert!(matches!(outcome, Err(Failure::Declined)), "{answer:?}");
        assert!(!hospital.path("signed.cbor").exists());
    }
}

#[test]
fn nobody_signs_unasked_under_the_root_that_the_plan_states() {
    let mut hospital = Hospital::new();
    hospital.knows_root = false;
    hospital.write_plan("plan.cbor", &hospital.plan());
    let (said, code) = hospital.fails(&[&APPROVE[..], &["--yes"]].concat());
    assert!(said.contains("--yes needs --root"), "{said}");
    assert_eq!(code, 1);
    assert!(!hospital.path("signed.cbor").exists());
    // Asked, a person can compare it.
    let (out, outcome) = hospital.run(&APPROVE, "yes");
    outcome.unwrap();
    assert!(out.contains("compare the hospital root"), "{out}");
}

/// A plan of everything that an approver answers for.
fn full_plan(hospital: &Hospital, kind: Kind) -> PlanFile {
    let mut plan = hospital.plan();
    let (mut approval, leaves) = plan.plan.read().unwrap();
    let approved = &mut approval.releases[0];
    approved.provenance = Provenance::Attested;
    let mut back = approved.release.clone();
    (back.version, back.counter) = ("4.1".into(), 41);
    back.artifacts = vec![artifact("viewer/4.1.tar", 6)];
    let described = &mut approved.release;
    described.kind = kind;
    described.artifacts.push(artifact("viewer/fonts.tar", 5));
    described.checks_before = vec![name("disk-free")];
    described.checks_after = vec![name("viewer-answers")];
    approved.rollback = Rollback::Release(Box::new(RollbackRelease {
        path: back.artifacts[0].path.clone(),
        release: back,
    }));
    plan.plan = build_approval(approval, leaves).unwrap();
    plan
}

fn artifact(path: &str, byte: u8) -> ArtifactRef {
    ArtifactRef {
        path: path.into(),
        sha256: Digest([byte; 32]),
        length: 7_000,
    }
}

#[test]
fn everything_that_is_signed_is_shown_first() {
    let hospital = Hospital::new();
    let recipe = Kind::Recipe(RecipeKind {
        name: name("viewer-install"),
        sha256: Digest([7; 32]),
    });
    let packages = Kind::Packages(Packages {
        manager: PackageManager::Deb,
        packages: vec![PackageRef {
            name: "viewer-core".into(),
            version: "4.2-1".into(),
            artifact: Digest([5; 32]),
        }],
    });
    let digest = |byte: u8| Digest([byte; 32]).to_string();
    let always = [
        "ATTESTED by HTM".to_owned(),
        format!("viewer/fonts.tar, 7000 bytes, SHA-256 {}", digest(5)),
        format!("viewer/4.1.tar, 7000 bytes, SHA-256 {}", digest(6)),
        "way back: 4.1".into(),
        "checks before: disk-free".into(),
        "checks after: viewer-answers".into(),
        "validated for models: station".into(),
    ];
    for (kind, own) in [
        (
            recipe,
            format!("recipe viewer-install, SHA-256 {}", digest(7)),
        ),
        (
            packages,
            format!("viewer-core 4.2-1, SHA-256 {}", digest(5)),
        ),
    ] {
        hospital.write_plan("plan.cbor", &full_plan(&hospital, kind));
        let (out, _) = hospital.run(&APPROVE, "no");
        for shown in always.iter().chain([&own]) {
            assert!(out.contains(shown), "{shown:?} is not shown in:\n{out}");
        }
    }
}

#[test]
fn a_plan_under_another_root_is_not_signed() {
    let hospital = Hospital::new();
    hospital.write_plan("plan.cbor", &hospital.plan());
    let other = "ab".repeat(32);
    let (said, code) = hospital.fails(&[&APPROVE[..], &["--yes", "--root", &other]].concat());
    assert!(said.contains("do not sign it"), "{said}");
    assert_eq!(code, 3);
}

#[test]
fn a_key_that_counts_nowhere_is_refused() {
    let hospital = Hospital::new();
    hospital.write_plan("plan.cbor", &hospital.plan());
    for (key, why) in [
        ("stranger.pem", "nobody in the roster"),
        ("tess.pem", "is no approver"),
    ] {
        let (said, code) = hospital.fails(&[
            "approve",
            "plan.cbor",
            "--out",
            "signed.cbor",
            "--key",
            key,
            "--yes",
        ]);
        assert!(said.contains(why), "{said}");
        assert_eq!(code, 3);
        assert!(!hospital.path("signed.cbor").exists());
    }
    let (said, _) = hospital.fails(&[&APPROVE[..], &["--key", "anna.pem", "--yes"]].concat());
    assert!(said.contains("each key signs once"), "{said}");
}

/// What is shown, and what is done to the plan.
type Damaged = (&'static str, fn(&mut PlanFile));

#[test]
fn a_plan_with_findings_that_block_is_not_signed() {
    let hospital = Hospital::new();
    let good = hospital.plan();
    let damaged: [Damaged; 5] = [
        ("another Merkle root", |plan| {
            let changed = changed_leaf(&plan.plan.leaves[0], |leaf| leaf.slots[0] = night(3));
            plan.plan.leaves[0] = ByteBuf::from(changed);
        }),
        ("not in the order", |plan| plan.plan.leaves.reverse()),
        ("cannot be read", |plan| {
            let payload = plan.plan.signed.payload();
            let half = payload[..payload.len() / 2].to_vec();
            plan.plan.signed = Signed::unsigned(half);
        }),
        ("interlock profile", |plan| plan.context.machines.clear()),
        ("who may sign cannot be told", |plan| {
            plan.context.roster = tampered(&plan.context.roster);
        }),
    ];
    for (shown, damage) in damaged {
        let mut plan = good.clone();
        damage(&mut plan);
        hospital.write_plan("plan.cbor", &plan);
        let (out, outcome) = hospital.run(&[&APPROVE[..], &["--yes"]].concat(), "yes");
        let failure = outcome.unwrap_err();
        assert!(
            matches!(failure, Failure::Findings(1..)),
            "{shown}: {failure}"
        );
        assert_eq!(failure.exit_code(), 3);
        assert!(out.contains(shown), "{shown:?} is not shown in:\n{out}");
        assert!(!hospital.path("signed.cbor").exists());
    }
}

#[test]
fn a_plan_that_has_expired_is_not_signed() {
    let mut hospital = Hospital::new();
    hospital.write_plan("plan.cbor", &hospital.plan());
    hospital.now = NOW.plus_ms(3 * DAY_MS);
    let (out, outcome) = hospital.run(&[&APPROVE[..], &["--yes"]].concat(), "yes");
    assert!(matches!(outcome, Err(Failure::Findings(_))));
    assert!(out.contains("it expired at"), "{out}");
}

#[test]
fn a_file_that_is_no_plan_says_so() {
    let hospital = Hospital::new();
    let bytes = hospital.plan().to_bytes();
    let mut oversized = bytes.clone();
    oversized.push(0);
    for bad in [
        &bytes[..bytes.len() / 2],
        &[][..],
        b"PK\x03\x04",
        &oversized,
    ] {
        std::fs::write(hospital.path("plan.cbor"), bad).unwrap();
        let (said, code) = hospital.fails(&[&APPROVE[..], &["--yes"]].concat());
        assert!(
            said.contains("plan.cbor: it is no patchward/plan-file.1 file"),
            "{said}"
        );
        assert_eq!(code, 1);
    }
    std::fs::write(
        hospital.path("plan.cbor"),
        hospital.bytes("assignment.cbor"),
    )
    .unwrap();
    let (said, _) = hospital.fails(&[&APPROVE[..], &["--yes"]].concat());
    assert!(said.contains("\"patchward/assignment-file.1\""), "{said}");
    let (said, _) = hospital.fails(&[
        "approve",
        "missing.cbor",
        "--out",
        "signed.cbor",
        "--key",
        "anna.pem",
    ]);
    assert!(said.starts_with("cannot read"), "{said}");
}

#[test]
fn an_existing_file_is_never_replaced() {
    let hospital = Hospital::new();
    hospital.write_plan("plan.cbor", &hospital.plan());
    hospital.write("signed.cbor", "precious");
    let (said, _) = hospital.fails(&[&APPROVE[..], &["--yes"]].concat());
    assert!(said.contains("it is there already"), "{said}");
    assert_eq!(hospital.bytes("signed.cbor"), b"precious");
}

#[test]
fn show_prints_a_plan_and_its_json() {
    let hospital = Hospital::new();
    hospital.write_plan("plan.cbor", &hospital.plan());
    assert!(hospital.ok(&["show", "plan.cbor"]).contains("Station 2"));
    let json = hospital.ok(&["show", "plan.cbor", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"], serde_json::json!([]));
    assert_eq!(json["approval"]["title"], "Viewer 4.2");
    assert_eq!(json["machines"][1]["wave"], 1);
}
