use super::*;
use crate::rollout::clocks::AHEAD_MS;
use crate::rollout::go::READY_WITHIN_MS;
use crate::store::go::Member;
use crate::store::machines::{MachineState, Readiness};
use patchward_common::id::JobId;
use patchward_common::time::MINUTE_MS;
use patchward_common::trust::assignment::Mode;
use patchward_common::wire::machine::InterlockWord;

const NOW: UtcMs = UtcMs(1_000_000_000);

fn other() -> StandIn {
    StandIn {
        name: Name::new("pc-2").unwrap(),
        unit: Name::new("icu").unwrap(),
        is_copied: false,
        member: Member {
            machine: MachineId([2; 32]),
            state: MachineState::Enrolled,
            mode: Mode::Active,
            vouched_until: None,
            readiness: Some(Readiness::Ready),
            interlock: Some(InterlockWord::Idle),
            heard_at: Some(NOW),
            hold_until: None,
            go: None,
            open_job: None,
        },
    }
}

fn word(one: &StandIn) -> &'static str {
    match stands(one, None, false, NOW) {
        Stands::Ready => "ready",
        Stands::Unknown(_) => "unknown",
        Stands::Not(_) => "not",
    }
}

/// Where the member is otherwise.
fn with(change: impl FnOnce(&mut Member)) -> &'static str {
    let mut one = other();
    change(&mut one.member);
    word(&one)
}

#[test]
fn a_stand_in_is_ready_only_where_something_says_so_and_nothing_speaks_against_it() {
    let later = Some(NOW.plus_ms(1));
    assert_eq!(word(&other()), "ready");
    assert_eq!(with(|m| m.readiness = Some(Readiness::NotReady)), "not");
    assert_eq!(with(|m| m.readiness = Some(Readiness::Unknown)), "unknown");
    assert_eq!(with(|m| m.readiness = None), "unknown");
    let vouched = |m: &mut Member| {
        (m.readiness, m.vouched_until) = (None, later);
    };
    assert_eq!(with(vouched), "ready");
    assert_eq!(with(|m| m.interlock = Some(InterlockWord::InUse)), "not");
    assert_eq!(with(|m| m.hold_until = later), "not");
    assert_eq!(with(|m| m.hold_until = Some(NOW)), "ready", "it is over");
    let job = JobId::of(Default::default(), MachineId([2; 32]));
    assert_eq!(with(|m| m.go = Some(job)), "not");
    assert_eq!(with(|m| m.open_job = Some(job)), "not");
    let mut copied = other();
    copied.is_copied = true;
    assert_eq!(word(&copied), "unknown");
}

#[test]
fn who_was_not_heard_lately_is_not_known_whatever_its_group_counts() {
    let ago = |ms: i64| with(|m| m.heard_at = Some(NOW.plus_ms(-ms)));
    assert_eq!(ago(READY_WITHIN_MS), "ready");
    assert_eq!(ago(READY_WITHIN_MS + 1), "unknown");
    assert_eq!(ago(-AHEAD_MS - MINUTE_MS), "unknown");
    assert_eq!(with(|m| m.heard_at = None), "unknown");
    // What it said of itself then is old.
    let in_use = |m: &mut Member| {
        (m.heard_at, m.interlock) = (None, Some(InterlockWord::InUse));
    };
    assert_eq!(with(in_use), "unknown");
}

#[test]
fn who_has_no_agent_is_ready_while_a_person_says_so() {
    let by_hand =
        |until| with(|m| (m.mode, m.heard_at, m.vouched_until) = (Mode::Manual, None, Some(until)));
    assert_eq!(by_hand(NOW.plus_ms(1)), "ready");
    assert_eq!(by_hand(NOW), "unknown");
}

#[test]
fn what_its_own_jobs_left_and_its_ward_said_count() {
    let failed = Against::Wrong("failed");
    let found = stands(&other(), Some(&failed), false, NOW);
    assert_eq!(found, Stands::Not("its job failed".to_owned()));
    let found = stands(&other(), Some(&Against::Return), false, NOW);
    assert!(matches!(found, Stands::Not(_)), "{found:?}");
    let said = |area, subject: String| Hold {
        area,
        subject,
        until: NOW.plus_ms(1),
        reason: "rounds".into(),
        set_by: "person:ada".into(),
        set_at: NOW,
    };
    let id = MachineId([2; 32]).to_string();
    for (hold, held) in [
        (said(Area::Machine, id), true),
        (said(Area::Unit, "icu".into()), true),
        (said(Area::Unit, "or".into()), false),
    ] {
        let is_held = is_held(&other(), std::slice::from_ref(&hold));
        assert_eq!(is_held, held, "{hold:?}");
        let found = stands(&other(), None, is_held, NOW);
        assert_eq!(found != Stands::Ready, held, "{hold:?}");
    }
}
