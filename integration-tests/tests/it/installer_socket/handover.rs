//! A machine that is always in use, handed over by a person who stands at it.

use super::{Setting, step};
use patchward_common::id::JobId;
use patchward_common::job::State;
use patchward_common::time::HOUR_MS;
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::check::Step;
use patchward_common::wire::local::Answer;
use patchward_integration_tests::fixture::interval;
use patchward_integration_tests::machine::{now, until};

#[test]
fn a_handover_at_the_machine_ends_with_its_slot() {
    let setting = Setting::new();
    let profile = "kind = \"handover\"\npurpose = \"interlock\"\n";
    let probe = "probes.d/interlock.toml";
    setting.machine.write(probe, profile).unwrap();
    let hand_over = |job: JobId| {
        let job = job.to_string();
        let words = ["handover", &job, "--stand-in", "Station 8", "--for", "2h"];
        setting.machine.command(&words)
    };
    let in_slots = |slots| {
        let row = setting.hospital.row(setting.machine.id);
        let leaf = setting.hospital.leaf(&row);
        setting.work_in(PlanLeaf { slots, ..leaf })
    };
    let at = |ms: i64| now().plus_ms(ms);
    // Said too early, or for a job that is not known.
    let (later, ..) = in_slots(vec![interval(at(3 * HOUR_MS), at(4 * HOUR_MS))]);
    for (job, why) in [
        (later, "only begins at"),
        (JobId([9; 16]), "has no slot here"),
    ] {
        let error = hand_over(job).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let end = at(2_000);
    let slots = vec![interval(at(-HOUR_MS), end), interval(end, at(HOUR_MS))];
    let (job, _, archive) = in_slots(slots);
    setting.machine.put_artifact(&archive).unwrap();
    hand_over(job).unwrap();
    until("the slot has ended", || (now() > end).then_some(())).unwrap();
    assert_eq!(step(&setting.start(job)), Some(Step::Interlock));
    hand_over(job).unwrap();
    assert!(matches!(setting.start(job), Answer::Started));
}

#[test]
fn an_always_used_machine_starts_only_when_it_is_handed_over() {
    let setting = Setting::new();
    let (job, _, archive) = setting.work();
    setting.machine.put_artifact(&archive).unwrap();
    let profile = "kind = \"handover\"\npurpose = \"interlock\"\n";
    setting
        .machine
        .write("probes.d/interlock.toml", profile)
        .unwrap();
    assert_eq!(step(&setting.start(job)), Some(Step::Interlock));
    let words = [
        "handover",
        &job.to_string(),
        "--stand-in",
        "Station 8",
        "--for",
        "30m",
    ];
    setting.machine.command(&words).unwrap();
    assert!(matches!(setting.start(job), Answer::Started));
    assert_eq!(
        setting.machine.wait_for(job, State::is_final).unwrap(),
        State::Verified
    );
}
