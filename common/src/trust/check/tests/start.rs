//! Steps 8, 9 and 11: go, time, interlock; handover and time reset.

use super::hospital::*;
use super::*;
use crate::id::{BootId, JobId, MachineId, Nonce};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};
use crate::trust::charter::{MAX_TIME_RESET_LIFE_MS, TimeReset};
use crate::trust::sign::{Signed, Verified};
use crate::trust::stop::Handover;

fn asked(change: impl FnOnce(&mut Ask)) -> Result<Outcome, Refusal> {
    changed(|h| {
        let mut ask = h.ask_now();
        change(&mut ask);
        h.ask = Some(ask);
    })
}

#[test]
fn a_go_answers_one_question() {
    for (what, change) in [
        (
            "machine",
            (|a| a.machine = MachineId([9; 32])) as fn(&mut Ask),
        ),
        ("job", |a| a.job = JobId([9; 16])),
        ("boot", |a| a.boot = BootId([9; 16])),
        ("nonce", |a| a.nonce = Nonce([9; 32])),
    ] {
        let refusal = asked(change).unwrap_err();
        assert!(
            matches!(refusal.why, Why::OtherGo(found) if found == what),
            "{refusal}"
        );
        assert_eq!(refusal.step.number(), 8);
        assert_eq!(refusal.attack(), Attack::WrongHour);
    }
    accepted(asked(|ask| ask.age_ms = 2 * MINUTE_MS));
    for late in [5 * MINUTE_MS + 1, i64::MAX, -1, i64::MIN] {
        refused!(asked(|ask| ask.age_ms = late), 8, WrongHour, Why::LateGo);
    }
}

#[test]
fn a_go_of_another_approval_does_not_count() {
    // The go was given for this machine's job before the plan was changed.
    let mut h = Hospital::new();
    let papers = h.papers();
    h.approval.failure_limit += 1;
    let mut changed = h.papers();
    changed.go = papers.go;
    refused!(h.judge(&changed), 8, WrongHour, Why::OtherGo("job"));
}

#[test]
fn only_a_live_go_key_says_go() {
    for seed in [ANNA, REGISTRAR, STRANGER, 1] {
        refused!(
            changed(|h| h.go_by = seed),
            8,
            ArbitrarySoftware,
            Why::Signature { document: "go", .. }
        );
    }
    refused!(
        changed(|h| h.roster.go_keys[0].until = NOW),
        8,
        ArbitrarySoftware,
        Why::Signature { document: "go", .. }
    );
    refused!(
        changed(|h| h.roster.go_keys[0].from = NOW.plus_ms(1)),
        8,
        ArbitrarySoftware,
        Why::Signature { .. }
    );
    accepted(changed(|h| h.roster.go_keys[0].from = NOW));
}

#[test]
fn one_stolen_go_key_starts_nothing_that_was_not_approved() {
    refused!(
        changed(|h| h.approval_by = vec![GO]),
        3,
        ArbitrarySoftware,
        Why::Signature {
            document: "approval",
            ..
        }
    );
}

#[test]
fn the_clock_agrees_with_the_collectors() {
    let apart = |ms: i64| changed(|h| h.go_clock = NOW.plus_ms(ms));
    // The go is a second older than its clock says, at the most.
    accepted(apart(2 * MINUTE_MS - 1_000));
    accepted(apart(-2 * MINUTE_MS));
    refused!(apart(2 * MINUTE_MS - 999), 9, WrongHour, Why::Clock { .. });
    refused!(apart(-2 * MINUTE_MS - 1), 9, WrongHour, Why::Clock { .. });
    for clock in [i64::MIN, i64::MAX] {
        refused!(
            changed(|h| h.go_clock = UtcMs(clock)),
            9,
            WrongHour,
            Why::Clock { .. }
        );
    }
}

#[test]
fn the_clock_does_not_fall_below_what_a_go_proved() {
    let seen = |ms: i64| changed(|h| h.watermark.time = NOW.plus_ms(ms));
    accepted(seen(5 * MINUTE_MS));
    refused!(
        seen(5 * MINUTE_MS + 1),
        9,
        WrongHour,
        Why::ClockFellBack { .. }
    );
    refused!(
        changed(|h| h.watermark.time = UtcMs(i64::MAX)),
        9,
        WrongHour,
        Why::ClockFellBack { .. }
    );
}

#[test]
fn work_starts_in_a_slot_with_enough_time_left() {
    let at = |ms: i64| {
        changed(|h| {
            h.now = NOW.plus_ms(ms);
            h.go_clock = h.now;
        })
    };
    // The slot ends two hours from now, and the job may take 30 minutes.
    assert_eq!(accepted(at(0)).slot, slot(-HOUR_MS, 2 * HOUR_MS));
    accepted(at(-HOUR_MS));
    refused!(at(-HOUR_MS - 1), 9, WrongHour, Why::NoSlot);
    accepted(at(90 * MINUTE_MS));
    refused!(
        at(90 * MINUTE_MS + 1),
        9,
        WrongHour,
        Why::SlotTooShort {
            left_minutes: 29,
            need_minutes: 30
        }
    );
    refused!(at(2 * HOUR_MS), 9, WrongHour, Why::NoSlot);
    // The next slot of the same approval.
    assert_eq!(
        accepted(at(24 * HOUR_MS)).slot,
        slot(23 * HOUR_MS, 25 * HOUR_MS)
    );
}

#[test]
fn a_restart_takes_its_time_as_well() {
    use crate::trust::release::Reboot;
    let at = |ms: i64, reboot| {
        changed(|h| {
            h.release().release.reboot = reboot;
            h.now = NOW.plus_ms(ms);
            h.go_clock = h.now;
        })
    };
    accepted(at(90 * MINUTE_MS, Reboot::None));
    refused!(
        at(90 * MINUTE_MS, Reboot::Machine),
        9,
        WrongHour,
        Why::SlotTooShort {
            left_minutes: 30,
            need_minutes: 40
        }
    );
}

#[test]
fn only_an_idle_machine_is_touched() {
    refused!(
        changed(|h| h.interlock = Interlock::InUse("session".into())),
        11,
        None,
        Why::InUse(_)
    );
    refused!(
        changed(|h| h.interlock = Interlock::Unknown("not configured".into())),
        11,
        None,
        Why::UseUnknown(_)
    );
    let said = [
        Interlock::Unknown(String::new()),
        Interlock::InUse(String::new()),
        Interlock::Idle,
    ];
    assert_eq!(
        said.iter().max(),
        Some(&said[1]),
        "the strictest is the greatest"
    );
    assert_eq!(said.iter().min(), Some(&said[2]));
}

fn handed_over(by: &[u8], change: impl FnOnce(&mut Handover)) -> Result<Outcome, Refusal> {
    changed(|h| {
        h.interlock = Interlock::InUse("always".into());
        let mut said = Handover {
            machine: MACHINE,
            job: h.ask_now().job,
            slot: slot(-HOUR_MS, 2 * HOUR_MS),
            stand_in: label("the pumps' own screens"),
            issued: NOW.plus_ms(-MINUTE_MS),
        };
        change(&mut said);
        h.handover = Some((said, by.to_vec()));
    })
}

#[test]
fn the_unit_hands_an_always_used_machine_over() {
    for by in [TINA, ANNA, DORA] {
        accepted(handed_over(&[by], |_| {}));
    }
    // An approver of another unit is known, and does not count here.
    refused!(
        handed_over(&[CARL], |_| {}),
        11,
        KeyStolen,
        Why::TooFewSigned {
            have: 0,
            need: 1,
            ..
        }
    );
    for by in [OLGA, GO, STRANGER] {
        refused!(
            handed_over(&[by], |_| {}),
            11,
            ArbitrarySoftware,
            Why::Signature {
                document: "handover",
                ..
            }
        );
    }
    refused!(
        handed_over(&[TINA], |said| said.machine = OTHER_MACHINE),
        11,
        WrongMachine,
        Why::OtherMachine {
            document: "handover"
        }
    );
    refused!(
        handed_over(&[TINA], |said| said.job = JobId([9; 16])),
        11,
        WrongHour,
        Why::OtherHandover("job")
    );
    refused!(
        handed_over(&[TINA], |said| said.slot = slot(23 * HOUR_MS, 25 * HOUR_MS)),
        11,
        WrongHour,
        Why::OtherHandover("slot")
    );
    refused!(
        handed_over(&[TINA], |said| said.issued = NOW.plus_ms(DAY_MS + 1)),
        11,
        OwnedAgent,
        Why::Malformed {
            document: "handover",
            ..
        }
    );
}

#[test]
fn a_handover_ends_with_its_slot() {
    let h = Hospital::new();
    let authority = h.authority().unwrap();
    let ask = h.ask_now();
    let slot = slot(-HOUR_MS, SECOND_MS);
    let said = Handover {
        machine: MACHINE,
        job: ask.job,
        slot,
        stand_in: label("station 1"),
        issued: NOW,
    };
    let signed = sign(&said, &[TINA]);
    let at = |now| handover(&authority, &h.rows[0], &ask, &signed, slot, now);
    assert!(at(NOW).is_ok());
    refused!(
        at(NOW.plus_ms(SECOND_MS)),
        11,
        WrongHour,
        Why::OtherHandover("slot")
    );
}

fn reset(
    by: &[u8],
    change: impl FnOnce(&mut Hospital, &mut TimeReset),
) -> Result<Verified<TimeReset>, Refusal> {
    let mut h = Hospital::new();
    h.watermark.time = NOW.plus_ms(900 * DAY_MS);
    let mut document = TimeReset {
        machine: MACHINE,
        to: NOW,
        issued: NOW,
    };
    change(&mut h, &mut document);
    let signed: Signed<TimeReset> = sign(&document, by);
    time_reset(&h.watermark, &signed, NOW)
}

#[test]
fn only_the_root_lets_time_fall() {
    assert_eq!(reset(&[1, 3], |_, _| {}).unwrap().to, NOW);
    refused!(
        reset(&[1], |_, _| {}),
        9,
        KeyStolen,
        Why::TooFewSigned {
            have: 1,
            need: 2,
            ..
        }
    );
    refused!(
        reset(&[ANNA, BEN, REGISTRAR, GO], |_, _| {}),
        9,
        ArbitrarySoftware,
        Why::Signature {
            document: "time reset",
            ..
        }
    );
    refused!(
        reset(&[1, 2], |_, document| document.machine = OTHER_MACHINE),
        9,
        WrongMachine,
        Why::OtherMachine {
            document: "time reset"
        }
    );
}

#[test]
fn a_time_reset_counts_once_and_while_it_is_new() {
    refused!(
        reset(&[1, 2], |h, document| {
            h.watermark.used.insert(sign(document, &[]).digest());
        }),
        9,
        Rollback,
        Why::Used("time reset")
    );
    let issued = |ms: i64| reset(&[1, 2], |_, document| document.issued = NOW.plus_ms(ms));
    assert!(issued(1 - MAX_TIME_RESET_LIFE_MS).is_ok());
    refused!(
        issued(-MAX_TIME_RESET_LIFE_MS),
        9,
        Freeze,
        Why::Expired { .. }
    );
    refused!(issued(DAY_MS + 1), 9, OwnedAgent, Why::Malformed { .. });
    let higher = |to: i64| {
        reset(&[1, 2], |h, document| {
            document.to = h.watermark.time.plus_ms(to);
        })
    };
    assert!(higher(-1).is_ok());
    refused!(
        higher(0),
        9,
        OwnedAgent,
        Why::Malformed {
            document: "time reset",
            ..
        }
    );
}
