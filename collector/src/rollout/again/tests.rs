use super::*;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::job::Reason;
use patchward_common::time::MINUTE_MS;
use patchward_common::trust::approval::{ApprovedRelease, Rollback};
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::roster::Class;

const NOW: UtcMs = UtcMs(1_795_400_000_000);
const ARTIFACT: Digest = Digest([5; 32]);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn slot(from_minutes: i64, until_minutes: i64) -> Interval {
    let at = |minutes: i64| NOW.plus_ms(minutes * MINUTE_MS);
    Interval::new(at(from_minutes), at(until_minutes)).unwrap()
}

/// A plan of one release that takes 20 minutes.
fn approval() -> Approval {
    let release = ReleaseDescription {
        product: name("viewer"),
        version: "2".into(),
        counter: 2,
        kind: Kind::Tree(TreeKind {
            name: name("viewer"),
            service: None,
        }),
        artifacts: vec![ArtifactRef {
            path: "viewer.tar".into(),
            sha256: ARTIFACT,
            length: 1,
        }],
        applies_to: Applicability {
            from: vec![],
            os: vec![],
            architectures: vec![],
            models: vec![],
        },
        stepping_stones: vec![],
        reboot: Reboot::None,
        install_minutes: 10,
        recovery_minutes: 10,
        checks_before: vec![],
        checks_after: vec![],
        fixes: vec![],
        users_will_notice: None,
    };
    Approval {
        title: Label::new("Update").unwrap(),
        issued: NOW,
        expires: NOW.plus_ms(600 * MINUTE_MS),
        releases: vec![ApprovedRelease {
            repository: name("acme"),
            path: "viewer.tar".into(),
            sha256: ARTIFACT,
            length: 1,
            provenance: Provenance::Vendor,
            release,
            install_minutes: 10,
            recovery_minutes: 10,
            rollback: Rollback::None,
        }],
        waves: 1,
        machines: 1,
        root: Digest::default(),
        groups: vec![],
        beside: vec![],
        failure_limit: 1,
        clears: vec![],
        emergency: None,
    }
}

fn leaf() -> PlanLeaf {
    PlanLeaf {
        machine: MachineId([1; 32]),
        unit: name("icu"),
        class: Class::Standard,
        groups: vec![],
        wave: 0,
        slots: vec![slot(-60, 10), slot(120, 180)],
    }
}

fn reason() -> Reason {
    Reason::new("why")
}

/// What is said of a job in `state` whose machine told `told`.
fn asked(
    state: State,
    told: State,
    over: Option<&'static str>,
    now: UtcMs,
) -> Result<Interval, NotAgain> {
    let ended = Ended {
        state: &state,
        told: &told,
        over,
        approval: &approval(),
        leaf: &leaf(),
        quarantined: &[],
    };
    again(&ended, now)
}

#[test]
fn what_was_never_started_waits_for_a_slot_that_is_long_enough() {
    let stopped = || State::Stopped(reason());
    let active = None;
    // Ten minutes are left of the first slot, and a job may take twenty.
    let found = asked(stopped(), State::Staged, active, NOW);
    assert_eq!(found, Ok(slot(120, 180)));
    let in_it = NOW.plus_ms(-30 * MINUTE_MS);
    let found = asked(stopped(), State::Assigned, active, in_it);
    assert_eq!(found, Ok(slot(-60, 10)));
    let late = NOW.plus_ms(170 * MINUTE_MS);
    let found = asked(stopped(), State::Staged, active, late);
    assert_eq!(found, Err(NotAgain::NoSlot));
    let found = asked(State::Missed, State::Assigned, active, late);
    assert_eq!(found, Err(NotAgain::NoSlot));
}

#[test]
fn there_is_no_work_outside_of_an_active_plan() {
    let stopped = || State::Stopped(reason());
    for word in ["done", "stopped", "expired"] {
        let found = asked(stopped(), State::Staged, Some(word), NOW);
        assert_eq!(found, Err(NotAgain::Plan(word)));
    }
    let late = NOW.plus_ms(600 * MINUTE_MS);
    let found = asked(stopped(), State::Staged, None, late);
    assert_eq!(found, Err(NotAgain::Plan("expired")));
}

#[test]
fn no_machine_starts_a_job_twice() {
    let active = None;
    for (state, told, expected) in [
        (State::Staged, State::Staged, "waits for its slot already"),
        (State::Installing, State::Installing, "`job free`"),
        (State::Verified, State::Verified, "nothing left to do"),
        (
            State::Freed(reason()),
            State::Installing,
            "goes on by itself",
        ),
        (
            State::RolledBack(reason()),
            State::RolledBack(reason()),
            "--clear 0505",
        ),
        (
            State::Failed(reason()),
            State::Failed(reason()),
            "no machine starts a job twice",
        ),
        (
            State::Stopped(reason()),
            State::Stopped(reason()),
            "stopped at the machine itself",
        ),
        // A person closed it a moment before it was known that it had started.
        (State::Stopped(reason()), State::Installing, "began it"),
    ] {
        let said = asked(state.clone(), told, active, NOW)
            .unwrap_err()
            .to_string();
        assert!(said.contains(expected), "{state:?}: {said}");
    }
}

#[test]
fn what_the_machine_keeps_in_quarantine_needs_an_approval_that_clears_it() {
    let quarantined = [ARTIFACT];
    let ended = |approval: &Approval| {
        again(
            &Ended {
                state: &State::Stopped(reason()),
                told: &State::Staged,
                over: None,
                approval,
                leaf: &leaf(),
                quarantined: &quarantined,
            },
            NOW,
        )
    };
    let said = ended(&approval()).unwrap_err().to_string();
    assert!(said.contains("quarantine"), "{said}");
    let mut clearing = approval();
    clearing.clears = vec![ARTIFACT];
    assert_eq!(ended(&clearing), Ok(slot(120, 180)));
}
