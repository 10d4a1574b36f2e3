//! What a person signed before counts, whatever the collector says.

use super::hospital::{Hospital, NOW, machine, night};
use crate::Failure;
use patchward_common::plan::{PlanFile, build_approval};
use patchward_common::time::{DAY_MS, Interval};

/// A plan of its own for one of the two machines in these nights; the collector names
/// nothing beside it.
fn plan_for(hospital: &Hospital, number: u8, nights: &[Interval]) -> PlanFile {
    let mut plan = hospital.plan();
    let (mut approval, mut leaves) = plan.plan.read().unwrap();
    leaves.retain(|leaf| leaf.machine == machine(number));
    leaves[0].wave = 0;
    leaves[0].slots = nights.to_vec();
    approval.title = super::hospital::label(&format!("For station {number}"));
    plan.plan = build_approval(approval, leaves).unwrap();
    plan
}

/// Signs `plan` with anna's key and these flags more.
fn approve(hospital: &Hospital, plan: &PlanFile, more: &[&str]) -> (String, Result<(), Failure>) {
    hospital.write_plan("plan.cbor", plan);
    let _ = std::fs::remove_file(hospital.path("signed.cbor"));
    let fixed = [
        "approve",
        "plan.cbor",
        "--out",
        "signed.cbor",
        "--key",
        "anna.pem",
        "--yes",
    ];
    hospital.run(&[&fixed[..], more].concat(), "no")
}

fn kept(hospital: &Hospital) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(hospital.path("anna.pem.signed")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_plan_that_meets_one_signed_before_is_not_signed() {
    let hospital = Hospital::new();
    let first = plan_for(&hospital, 1, &[night(1), night(2)]);
    approve(&hospital, &first, &[]).1.unwrap();
    assert_eq!(kept(&hospital).len(), 1);
    let second = plan_for(&hospital, 2, &[night(2)]);
    let (out, outcome) = approve(&hospital, &second, &[]);
    assert!(matches!(outcome, Err(Failure::Findings(_))), "{out}");
    for shown in [
        "Checked with plan \"For station 1\"",
        "touches the same groups",
        "have an open slot",
    ] {
        assert!(out.contains(shown), "{shown:?} is not shown in:\n{out}");
    }
    assert!(!hospital.path("signed.cbor").exists());
    assert_eq!(kept(&hospital).len(), 1, "what is refused is not kept");
    // The first itself may be signed again by another key, and meets nothing.
    approve(&hospital, &first, &["--key", "ben.pem"]).1.unwrap();
}

#[test]
fn without_memory_the_collector_would_be_believed() {
    let hospital = Hospital::new();
    approve(&hospital, &plan_for(&hospital, 1, &[night(2)]), &[])
        .1
        .unwrap();
    std::fs::copy(hospital.path("signed.cbor"), hospital.path("first.cbor")).unwrap();
    let second = plan_for(&hospital, 2, &[night(2)]);
    let empty = hospital.path("elsewhere").display().to_string();
    // A folder that knows nothing, as a colleague's, until he is told of the first.
    let told = ["--memory", &empty, "--beside", "first.cbor"];
    let (out, outcome) = approve(&hospital, &second, &told);
    assert!(matches!(outcome, Err(Failure::Findings(_))), "{out}");
    approve(&hospital, &second, &["--memory", &empty])
        .1
        .unwrap();
    // What is kept can be named as well.
    let kept = kept(&hospital).remove(0).display().to_string();
    let other = hospital.path("other").display().to_string();
    let (out, outcome) = approve(&hospital, &second, &["--memory", &other, "--beside", &kept]);
    assert!(matches!(outcome, Err(Failure::Findings(_))), "{out}");
}

#[test]
fn a_plan_that_names_the_one_before_and_leaves_it_room_is_signed() {
    let hospital = Hospital::new();
    let first = plan_for(&hospital, 1, &[night(1)]);
    approve(&hospital, &first, &[]).1.unwrap();
    let mut second = plan_for(&hospital, 2, &[night(2)]);
    let (mut approval, leaves) = second.plan.read().unwrap();
    approval.beside = vec![first.plan.signed.digest()];
    second.plan = build_approval(approval, leaves).unwrap();
    // The collector names it and forgets to send it: the signer has it.
    approve(&hospital, &second, &[]).1.unwrap();
    assert_eq!(kept(&hospital).len(), 2);
}

#[test]
fn what_expired_binds_nobody_and_goes_in_the_end() {
    let mut hospital = Hospital::new();
    approve(&hospital, &plan_for(&hospital, 1, &[night(1)]), &[])
        .1
        .unwrap();
    hospital.now = night(1).end();
    let second = plan_for(&hospital, 2, &[night(2)]);
    approve(&hospital, &second, &[]).1.unwrap();
    assert_eq!(kept(&hospital).len(), 2, "a clock may run ahead");
    let memory = crate::memory::Memory::of(&[], Some(&hospital.path("anna.pem.signed")));
    let late = NOW.plus_ms(102 * DAY_MS);
    assert!(memory.unexpired(late).unwrap().is_empty());
    memory.keep(&second.plan, late).unwrap();
    assert_eq!(kept(&hospital).len(), 1);
}

#[test]
fn a_damaged_memory_is_no_empty_one() {
    let hospital = Hospital::new();
    approve(&hospital, &plan_for(&hospital, 1, &[night(1)]), &[])
        .1
        .unwrap();
    let path = kept(&hospital).remove(0);
    let bytes = std::fs::read(&path).unwrap();
    let other = plan_for(&hospital, 2, &[night(3)]);
    for damage in [&bytes[..bytes.len() / 2], b"", b"PK\x03\x04"] {
        std::fs::write(&path, damage).unwrap();
        let (_, outcome) = approve(&hospital, &other, &[]);
        let said = outcome.unwrap_err().to_string();
        assert!(said.contains("cannot be read"), "{said}");
        assert!(!hospital.path("signed.cbor").exists());
    }
    // Foreign files beside it are nobody's business.
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(path.with_file_name("notes.txt"), "x").unwrap();
    std::fs::write(path.with_extension("plan.part"), "x").unwrap();
    let (out, outcome) = approve(&hospital, &other, &[]);
    assert!(matches!(outcome, Err(Failure::Findings(_))), "{out}");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_kept_is_not_signed() {
    let hospital = Hospital::new();
    // A file stands where the folder should be made.
    hospital.write("in-the-way", "x");
    let folder = hospital.path("in-the-way/memory").display().to_string();
    let plan = plan_for(&hospital, 1, &[night(1)]);
    let (_, outcome) = approve(&hospital, &plan, &["--memory", &folder]);
    let said = outcome.unwrap_err().to_string();
    assert!(said.contains("only where it is kept"), "{said}");
    assert!(!hospital.path("signed.cbor").exists());
    approve(&hospital, &plan, &[]).1.unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    let mode = kept(&hospital)[0].metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
