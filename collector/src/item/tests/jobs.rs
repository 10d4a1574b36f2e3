use super::*;
use crate::rollout::go::Not;
use patchward_common::time::MINUTE_MS;

#[test]
fn a_job_without_a_go_in_its_open_slot_is_the_move_of_who_can_change_that() {
    let unit = unit();
    let refused = |not| refused::Refusal {
        job: JobId([1; 16]),
        at: NOW.plus_ms(-MINUTE_MS),
        not,
    };
    let stopped = refused(Not::Stopped);
    let held = refused(Not::Held(NOW.plus_ms(HOUR_MS)));
    let in_use = State::Deferred(reason(Some(Step::Interlock)));
    let slot = |from: i64| Interval::new(NOW.plus_ms(from), NOW.plus_ms(HOUR_MS)).ok();
    let open = slot(-HOUR_MS);
    for (state, slot, refusal, owner, why) in [
        (&State::Armed, open, Some(&stopped), Owner::Htm, "stopped"),
        (&State::Armed, open, Some(&held), Owner::Ward, "held by"),
        (&in_use, open, Some(&stopped), Owner::Htm, "stopped"),
        (
            &State::RebootPending,
            open,
            Some(&stopped),
            Owner::Htm,
            "counts as down",
        ),
        (
            &State::RebootPending,
            open,
            None,
            Owner::Ward,
            "idle machine",
        ),
        (&State::Armed, open, None, Owner::Time, "is open until"),
        (
            &State::Armed,
            slot(1),
            Some(&stopped),
            Owner::Time,
            "begins at",
        ),
    ] {
        let facts = job::Facts {
            id: JobId([1; 16]),
            machine: "pc-1",
            unit: &unit,
            class: Class::Standard,
            state,
            since: NOW.plus_ms(-DAY_MS),
            slot,
            runs_in: None,
            refused: refusal,
            is_replaced: false,
            closed: None,
            excepted: false,
            by_hand: None,
            unsigned: false,
        };
        let item = job::item(&facts, NOW).unwrap();
        assert_eq!(item.owner, owner, "{state:?} {refusal:?}");
        assert!(item.why.contains(why), "{}", item.why);
    }
}

#[test]
fn work_beyond_its_slot_is_raised_when_the_slot_ends() {
    let unit = unit();
    let slot = |until: i64| Interval::new(NOW.plus_ms(-HOUR_MS), NOW.plus_ms(until)).ok();
    let recovering = State::Recovering(reason(None));
    let found = |state, runs_in, by_hand| {
        let facts = job::Facts {
            id: JobId([1; 16]),
            machine: "pc-1",
            unit: &unit,
            class: Class::Standard,
            state,
            since: NOW.plus_ms(-MINUTE_MS),
            slot: None,
            runs_in,
            refused: None,
            is_replaced: false,
            closed: None,
            excepted: false,
            by_hand,
            unsigned: false,
        };
        let item = job::item(&facts, NOW).unwrap();
        (item.kind, item.owner, item.since, item.is_raised(NOW))
    };
    let began = NOW.plus_ms(-MINUTE_MS);
    for state in [&recovering, &State::Installing, &State::Measuring] {
        let over = (Kind::Overrun, Owner::It, NOW, true);
        assert_eq!(found(state, slot(0), None), over, "{state:?}");
        let usual = (Kind::Waiting, Owner::Time, began, false);
        assert_eq!(found(state, slot(1), None), usual, "{state:?}");
    }
    let vendor = Some(Owner::Vendor);
    assert_eq!(
        found(&State::Installing, slot(0), vendor),
        (Kind::Overrun, Owner::Vendor, NOW, true)
    );
    let usual = (Kind::Waiting, Owner::Vendor, began, false);
    assert_eq!(found(&State::Installing, slot(1), vendor), usual);
}
