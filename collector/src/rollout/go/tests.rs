mod freezes;

use super::*;
use crate::store::holds::Hold;
use crate::store::jobs::Job;
use crate::store::machines::{Machine, MachineStatus};
use crate::store::places::{Group, Unit};
use crate::store::plans::Plan;
use crate::store::stops::{EVERY_WAVE, Halt, HaltScope};
use crate::store::windows::{Feed, Freeze, Opening, Window};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, Label};
use patchward_common::job::Reason;
use patchward_common::time::{HOUR_MS, Interval};
use patchward_common::trust::approval::{ApprovedRelease, Emergency, Rollback};
use patchward_common::trust::release::{
    Applicability, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::InterlockWord;

const NOW: UtcMs = UtcMs(1_795_400_000_000);
const RELEASE: Digest = Digest([5; 32]);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn id(number: u8) -> MachineId {
    MachineId([number; 32])
}

fn member(number: u8) -> Member {
    Member {
        machine: id(number),
        state: MachineState::Enrolled,
        mode: Mode::Active,
        vouched_until: None,
        readiness: Some(Readiness::Ready),
        interlock: Some(InterlockWord::Idle),
        heard_at: Some(NOW.plus_ms(-MINUTE_MS)),
        hold_until: None,
        go: None,
        open_job: None,
    }
}

/// A window of the unit that opens once, so long after now.
fn window(after_ms: i64, minutes: u32) -> Window {
    Window {
        id: name("once"),
        unit: name("icu"),
        opening: Opening::Once(NOW.plus_ms(after_ms)),
        zone: "UTC".into(),
        minutes,
        day_offset: 0,
        valid_from: None,
        valid_until: None,
    }
}

/// Machine 1 of a group of four of which three must stay ready; everything says go.
fn snapshot() -> GoSnapshot {
    GoSnapshot {
        machine: Machine {
            id: id(1),
            spki: vec![],
            name: name("pc-1"),
            unit: name("icu"),
            class: Class::Critical,
            model: name("station"),
            mode: Mode::Active,
            state: MachineState::Enrolled,
            enrolled_at: NOW,
            clone_suspected_at: None,
            clone_reason: None,
        },
        status: Some(MachineStatus {
            boot: BootId([1; 16]),
            agent_version: "1".into(),
            installer_version: "1".into(),
            readiness: Readiness::Ready,
            interlock: InterlockWord::Idle,
            hold_until: None,
            watermark: Digest::default(),
            fingerprint: Digest::default(),
        }),
        unit: Unit {
            name: name("icu"),
            site: name("main"),
            title: label("ICU"),
            class: Class::Critical,
        },
        job: Job {
            id: JobId([1; 16]),
            plan: Digest([2; 32]),
            machine: id(1),
            wave: 1,
            state: State::Staged,
            since: NOW,
            attempt: 0,
            slot: None,
            generation: 1,
        },
        plan: Plan {
            id: Digest([2; 32]),
            title: label("Update"),
            state: PlanState::Active,
            created_at: NOW,
            created_by: "x".into(),
            expires_at: NOW.plus_ms(DAY_MS),
            changed_at: NOW,
        },
        failures: 0,
        of_model: 0,
        before: None,
        groups: vec![GroupSnapshot {
            group: Group {
                name: name("readers"),
                unit: name("icu"),
                minimum_ready: 3,
                switched_off: SwitchedOff::DoesNotCount,
            },
            members: (1..=4).map(member).collect(),
        }],
        stops: vec![],
        halts: vec![],
        holds: vec![],
        windows: vec![window(-HOUR_MS, 2 * 60)],
        freezes: vec![],
        feeds: vec![Feed {
            source: name("theatre"),
            area: Area::Unit,
            subject: "icu".into(),
            read_at: NOW.plus_ms(-FEED_LIFE_MS),
            problem: None,
        }],
        awaits_confirmation: false,
        is_unread: false,
        at_work: None,
    }
}

fn planned() -> Planned {
    let release = ApprovedRelease {
        repository: name("acme"),
        path: "a.tar".into(),
        sha256: RELEASE,
        length: 1,
        provenance: Provenance::Vendor,
        release: ReleaseDescription {
            product: name("viewer"),
            version: "2".into(),
            counter: 2,
            kind: Kind::Tree(TreeKind {
                name: name("viewer"),
                service: None,
            }),
            artifacts: vec![],
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
        },
        install_minutes: 10,
        recovery_minutes: 10,
        rollback: Rollback::None,
    };
    Planned {
        approval: Approval {
            title: label("Update"),
            issued: NOW,
            expires: NOW.plus_ms(DAY_MS),
            releases: vec![release],
            waves: 2,
            machines: 1,
            root: Digest::default(),
            groups: vec![],
            beside: vec![],
            failure_limit: 2,
            clears: vec![],
            emergency: None,
        },
        leaf: PlanLeaf {
            machine: id(1),
            unit: name("icu"),
            class: Class::Critical,
            groups: vec![name("readers")],
            wave: 1,
            slots: vec![Interval::new(NOW.plus_ms(-HOUR_MS), NOW.plus_ms(HOUR_MS)).unwrap()],
        },
        vendors: vec![name("acme-inc")],
        is_regressed: false,
        is_told: true,
        clocks: None,
    }
}

/// What the decision says after one change of what says go.
fn after(change: impl FnOnce(&mut GoSnapshot, &mut Planned)) -> Result<(), Not> {
    let (mut snapshot, mut planned) = (snapshot(), planned());
    change(&mut snapshot, &mut planned);
    decide(&snapshot, &planned, NOW)
}

#[test]
fn when_nothing_is_in_the_way_it_is_go() {
    assert_eq!(after(|_, _| {}), Ok(()));
    for state in [State::Assigned, State::Armed, State::RebootPending] {
        assert_eq!(after(|s, _| s.job.state = state), Ok(()));
    }
    assert_eq!(after(|s, _| s.machine.mode = Mode::Rehearse), Ok(()));
    assert_eq!(after(|s, _| s.groups.clear()), Ok(()));
}

#[test]
fn the_machine_itself_can_be_in_the_way() {
    assert_eq!(
        after(|s, _| s.awaits_confirmation = true),
        Err(Not::Restored)
    );
    let stored = MachineState::Stored;
    assert_eq!(
        after(|s, _| s.machine.state = stored),
        Err(Not::Machine(stored))
    );
    let suspected = after(|s, _| s.machine.clone_suspected_at = Some(NOW));
    assert_eq!(suspected, Err(Not::Clone));
    assert_eq!(after(|_, p| p.is_regressed = true), Err(Not::Watermark));
    assert_eq!(after(|s, _| s.machine.mode = Mode::Observe), Err(Not::Mode));
    // A report of how an older go ended would end the new one.
    assert_eq!(after(|s, _| s.is_unread = true), Err(Not::Unread));
    assert_eq!(Not::Unread.again_ms(NOW), MOMENT_MS);
    // Whose clock is wrong is not known, so whether others are ready is not either.
    let wrong = clocks::Wrong::Apart { seconds: 31 };
    let apart = after(|_, p| p.clocks = Some(wrong.clone()));
    assert_eq!(apart, Err(Not::Clocks(wrong)));
    // It waits for its restart, say, or is measured.
    let other = JobId::of(Digest::of(b"other"), id(1));
    let busy = after(|s, _| s.at_work = Some(other));
    assert_eq!(busy, Err(Not::AtWork(other)));
}

#[test]
fn the_plan_must_be_active_and_the_slot_open() {
    for state in [PlanState::Draft, PlanState::Signed, PlanState::Stopped] {
        assert_eq!(after(|s, _| s.plan.state = state), Err(Not::Plan(state)));
    }
    let expired = after(|s, _| s.plan.expires_at = NOW);
    assert_eq!(expired, Err(Not::Plan(PlanState::Expired)));
    let verified = after(|s, _| s.job.state = State::Verified);
    assert_eq!(verified, Err(Not::Job("verified")));
    let running = after(|s, _| s.job.state = State::Installing);
    assert_eq!(running, Err(Not::Job("installing")));
    assert!(matches!(
        after(|_, p| p.leaf.slots.clear()),
        Err(Not::Slot(_))
    ));
    let short = Interval::new(NOW, NOW.plus_ms(20 * MINUTE_MS - 1)).unwrap();
    assert!(matches!(
        after(|_, p| p.leaf.slots = vec![short]),
        Err(Not::Slot(_))
    ));
}

fn stop(scope: &str, subject: &str) -> crate::store::documents::Document {
    crate::store::documents::Document {
        digest: Digest([9; 32]),
        kind: crate::store::documents::DocumentKind::Stop,
        number: None,
        scope: Some(scope.into()),
        subject: Some(subject.into()),
        payload: vec![],
        added_at: NOW,
        expires_at: None,
        ended_at: None,
        ended_by: None,
    }
}

#[test]
fn a_stop_stops_what_it_covers_and_nothing_else() {
    let (plan, release) = (Digest([2; 32]).to_string(), RELEASE.to_string());
    for (scope, covered, other) in [
        ("unit", "icu", "ward"),
        ("plan", plan.as_str(), release.as_str()),
        ("release", release.as_str(), plan.as_str()),
        ("vendor", "acme-inc", "acme"),
    ] {
        let with = |subject: &str| after(|s, _| s.stops.push(stop(scope, subject)));
        assert_eq!(with(covered), Err(Not::Stopped), "{scope}");
        assert_eq!(with(other), Ok(()), "{scope}");
    }
    for scope in ["all", "of a newer version"] {
        assert_eq!(
            after(|s, _| s.stops.push(stop(scope, ""))),
            Err(Not::Stopped)
        );
    }
}

#[test]
fn halts_and_the_failure_limit() {
    let halt = |scope, subject: String, wave| Halt {
        scope,
        subject,
        wave,
        at: NOW,
        reason: "two failed".into(),
        resumed_at: None,
        resumed_by: None,
    };
    let with = |scope, subject: String, wave| {
        after(|s, _| s.halts.push(halt(scope, subject, wave))).is_err()
    };
    let plan = Digest([2; 32]).to_string();
    assert!(with(HaltScope::Plan, plan.clone(), EVERY_WAVE));
    assert!(with(HaltScope::Plan, plan.clone(), 1));
    assert!(!with(HaltScope::Plan, plan, 0));
    let on = HaltScope::ReleaseOnModel;
    assert!(with(on, format!("{RELEASE}/station"), EVERY_WAVE));
    assert!(!with(on, format!("{RELEASE}/cart"), EVERY_WAVE));
    let failed = |failures| after(|s, _| s.failures = failures);
    assert_eq!(failed(1), Ok(()));
    assert_eq!(failed(2), Err(Not::FailureLimit { found: 2, limit: 2 }));
    assert_eq!(after(|_, p| p.approval.failure_limit = 0), Ok(()));
    let of_model = |found| after(|s, _| s.of_model = found);
    assert_eq!(of_model(1), Ok(()));
    let model = name("station");
    assert_eq!(of_model(2), Err(Not::Model { model, found: 2 }));
}

#[test]
fn a_wave_that_is_not_open() {
    let few = wave::Before {
        size: 1,
        verified: 0,
        wrong: 0,
        wrong_since_opened: None,
        share_percent: 90,
        enough_at: None,
        soak_ms: MINUTE_MS,
    };
    let closed = wave::is_open(&few, NOW).unwrap_err();
    assert_eq!(after(|s, _| s.before = Some(few)), Err(Not::Wave(closed)));
    let enough = wave::Before { verified: 1, ..few };
    assert_eq!(after(|s, _| s.before = Some(enough)), Ok(()));
    let soaks = |ago_ms: i64| {
        after(|s, _| {
            let enough_at = Some(NOW.plus_ms(-ago_ms));
            s.before = Some(wave::Before {
                enough_at,
                ..enough
            });
        })
    };
    let not = soaks(MINUTE_MS - 5_000).unwrap_err();
    assert!(matches!(not, Not::Wave(wave::Closed::Soak { .. })));
    assert_eq!(not.again_ms(NOW), 5_000);
    assert_eq!(soaks(MINUTE_MS), Ok(()));
    // A rehearsal waits for no wave, once the machine knows that it rehearses.
    for (mode, is_told, state, waits) in [
        (Mode::Rehearse, true, State::Staged, false),
        (Mode::Rehearse, false, State::Staged, true),
        (Mode::Rehearse, true, State::RebootPending, true),
        (Mode::Active, true, State::RebootPending, true),
    ] {
        let said = after(|s, p| {
            s.before = Some(few);
            (s.machine.mode, p.is_told, s.job.state) = (mode, is_told, state);
        });
        let expected = if waits {
            Err(Not::Wave(closed))
        } else {
            Ok(())
        };
        assert_eq!(said, expected, "{mode:?}, told: {is_told}");
    }
}

#[test]
fn the_windows_of_now_must_hold_the_whole_run() {
    let with = |windows: Vec<Window>| after(|s, _| s.windows = windows);
    assert_eq!(with(vec![]), Err(Not::Window), "removed");
    assert_eq!(
        with(vec![window(-HOUR_MS, 79)]),
        Err(Not::Window),
        "shortened"
    );
    assert_eq!(with(vec![window(-HOUR_MS, 80)]), Ok(()));
    assert_eq!(with(vec![window(MINUTE_MS, 60)]), Err(Not::Window), "moved");
    let two = vec![window(-HOUR_MS, 70), window(10 * MINUTE_MS, 10)];
    assert_eq!(with(two), Ok(()), "one opening that is written as two");
}

#[test]
fn holds_of_the_ward() {
    let hold = |area, subject: &str, until| Hold {
        area,
        subject: subject.into(),
        until,
        reason: "procedure".into(),
        set_by: "ward".into(),
        set_at: NOW,
    };
    let later = NOW.plus_ms(HOUR_MS);
    let with = |area, subject: &str, until| after(|s, _| s.holds.push(hold(area, subject, until)));
    assert_eq!(with(Area::Unit, "icu", later), Err(Not::Held(later)));
    assert_eq!(
        with(Area::Machine, &id(1).to_string(), later),
        Err(Not::Held(later))
    );
    assert_eq!(with(Area::Unit, "ward", later), Ok(()));
    assert_eq!(with(Area::Unit, "icu", NOW), Ok(()));
    let here = |until| after(|s, _| s.status.as_mut().unwrap().hold_until = Some(until));
    assert_eq!(here(later), Err(Not::Held(later)));
    assert_eq!(here(NOW), Ok(()));
}

/// I3: the other ready members, less those with a go or an open job.
#[test]
fn enough_others_must_be_ready() {
    let with = |change: fn(&mut Member)| after(|s, _| change(&mut s.groups[0].members[3]));
    let short = Err(Not::Group {
        group: name("readers"),
        ready: 2,
        minimum: 3,
    });
    assert_eq!(with(|m| m.go = Some(JobId([7; 16]))), short);
    assert_eq!(with(|m| m.open_job = Some(JobId([7; 16]))), short);
    assert_eq!(with(|m| m.readiness = Some(Readiness::NotReady)), short);
    assert_eq!(with(|m| m.state = MachineState::Stored), short);
    assert_eq!(with(|m| m.heard_at = None), short);
    let silent = |m: &mut Member| m.heard_at = Some(NOW.plus_ms(-READY_WITHIN_MS - 1));
    assert_eq!(with(silent), short);
    // In use is ready: a patient is being cared for with it.
    assert_eq!(with(|m| m.interlock = Some(InterlockWord::InUse)), Ok(()));
    assert_eq!(with(|m| m.readiness = Some(Readiness::Unknown)), Ok(()));
    // A machine that was switched off counts where the group says so; one in work never.
    let switched_off = |open_job| {
        after(|s, _| {
            s.groups[0].group.switched_off = SwitchedOff::Counts;
            silent(&mut s.groups[0].members[3]);
            s.groups[0].members[3].open_job = open_job;
        })
    };
    assert_eq!(switched_off(None), Ok(()));
    assert_eq!(switched_off(Some(JobId([7; 16]))), short);
    // Stamps of a collector whose clock is ahead say nothing of a machine that may be silent.
    let heard = |ahead_ms| {
        after(|s, _| {
            s.groups[0].group.switched_off = SwitchedOff::Counts;
            s.groups[0].members[3].heard_at = Some(NOW.plus_ms(ahead_ms));
        })
    };
    assert_eq!((heard(AHEAD_MS + 1), heard(AHEAD_MS)), (short, Ok(())));
    // The machine that asks never counts for itself.
    let own = after(|s, _| {
        s.groups[0].group.minimum_ready = 4;
    });
    assert!(own.is_err());
}

#[test]
fn who_is_refused_is_told_when_to_ask_again() {
    let soon = Not::Held(NOW.plus_ms(30_000)).again_ms(NOW);
    assert_eq!(soon, 30_000);
    assert_eq!(Not::Held(NOW.plus_ms(DAY_MS)).again_ms(NOW), LATER_MS);
    assert_eq!(Not::Held(NOW.plus_ms(-5)).again_ms(NOW), 1_000);
    let reason = Reason::new(Not::Stopped.to_string());
    assert_eq!(reason.text, "stopped");
}

#[test]
fn a_go_is_unused_only_once_everything_since_is_known() {
    let after = |ms| NOW.plus_ms(GO_LIFE_MS + ms);
    assert!(is_unused(NOW, 7, 7, after(1)));
    assert!(
        !is_unused(NOW, 7, 7, after(0)),
        "it could be under way still"
    );
    assert!(
        !is_unused(NOW, 8, 7, after(1)),
        "the eighth may be the start"
    );
}
