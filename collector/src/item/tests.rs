use super::machine::Exception;
use super::standing::{Known, Standing, standing};
use super::*;
use patchward_common::id::JobId;
use patchward_common::job::{Reason, State};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval};
use patchward_common::trust::check::Step;

mod jobs;

const NOW: UtcMs = UtcMs(100 * DAY_MS);

fn unit() -> Name {
    Name::new("icu").unwrap()
}

fn reason(step: Option<Step>) -> Reason {
    let text = "why".into();
    Reason { step, text }
}

fn of_job(state: &State, age_ms: i64, slot: bool, is_replaced: bool) -> Option<Item> {
    let unit = unit();
    let slot = Interval::new(NOW, NOW.plus_ms(HOUR_MS))
        .ok()
        .filter(|_| slot);
    let facts = job::Facts {
        id: JobId([1; 16]),
        machine: "pc-1",
        unit: &unit,
        class: Class::Critical,
        state,
        since: NOW.plus_ms(-age_ms),
        slot,
        runs_in: None,
        refused: None,
        is_replaced,
        closed: None,
        excepted: false,
        by_hand: None,
        unsigned: false,
    };
    job::item(&facts, NOW)
}

#[test]
fn work_by_hand_is_its_workers_move_in_its_slot() {
    let unit = unit();
    let mut facts = job::Facts {
        id: JobId([1; 16]),
        machine: "ct-1",
        unit: &unit,
        class: Class::LifeSupport,
        state: &State::Assigned,
        since: NOW.plus_ms(-DAY_MS),
        slot: Interval::new(NOW.plus_ms(1), NOW.plus_ms(HOUR_MS)).ok(),
        runs_in: None,
        refused: None,
        is_replaced: false,
        closed: None,
        excepted: false,
        by_hand: Some(Owner::Vendor),
        unsigned: false,
    };
    let found = |facts: &job::Facts<'_>| {
        let item = job::item(facts, NOW).unwrap();
        (item.kind, item.owner)
    };
    assert_eq!(found(&facts), (Kind::Waiting, Owner::Time));
    facts.slot = Interval::new(NOW, NOW.plus_ms(HOUR_MS)).ok();
    assert_eq!(found(&facts), (Kind::Waiting, Owner::Vendor));
    facts.state = &State::Installing;
    assert_eq!(found(&facts), (Kind::Waiting, Owner::Vendor));
    facts.slot = None;
    assert_eq!(found(&facts), (Kind::Lost, Owner::Vendor));
    facts.state = &State::Attested;
    assert_eq!(found(&facts), (Kind::Return, Owner::Htm));
}

#[test]
fn a_job_that_was_given_up_leaves_its_machine_behind() {
    let unit = unit();
    let failed = State::Failed(reason(None));
    let closed_at = NOW.plus_ms(-DAY_MS);
    let mut facts = job::Facts {
        id: JobId([1; 16]),
        machine: "pc-1",
        unit: &unit,
        class: Class::Critical,
        state: &failed,
        since: NOW.plus_ms(-2 * DAY_MS),
        slot: None,
        runs_in: None,
        refused: None,
        is_replaced: false,
        closed: Some((closed_at, "the station is replaced")),
        excepted: false,
        by_hand: None,
        unsigned: false,
    };
    let item = job::item(&facts, NOW).unwrap();
    assert_eq!(
        (item.kind, item.owner, item.since),
        (Kind::Behind, Owner::Htm, closed_at)
    );
    assert!(item.why.contains("the station is replaced"));
    facts.excepted = true;
    assert_eq!(job::item(&facts, NOW), None);
    facts.excepted = false;
    facts.is_replaced = true;
    assert_eq!(job::item(&facts, NOW), None);
    facts.is_replaced = false;
    // What is verified was not given up, whoever closed what it was before.
    facts.state = &State::Verified;
    assert_eq!(job::item(&facts, NOW).unwrap().kind, Kind::Return);
}

#[test]
fn every_state_has_one_owner_or_none() {
    let deferred = |step| State::Deferred(reason(Some(step)));
    for (state, slot, expected) in [
        (State::Assigned, true, Some((Kind::Waiting, Owner::Time))),
        (State::Armed, false, Some((Kind::Waiting, Owner::Htm))),
        (
            deferred(Step::Interlock),
            true,
            Some((Kind::Waiting, Owner::Ward)),
        ),
        (
            deferred(Step::HoldAndStop),
            true,
            Some((Kind::Waiting, Owner::Ward)),
        ),
        (
            deferred(Step::Vendor),
            true,
            Some((Kind::Waiting, Owner::It)),
        ),
        (
            deferred(Step::Approval),
            true,
            Some((Kind::Waiting, Owner::Htm)),
        ),
        (deferred(Step::Go), true, Some((Kind::Waiting, Owner::Time))),
        (deferred(Step::Go), false, Some((Kind::Waiting, Owner::Htm))),
        (State::Installing, false, Some((Kind::Waiting, Owner::Time))),
        (
            State::RebootPending,
            false,
            Some((Kind::Restart, Owner::Ward)),
        ),
        (State::Verified, false, Some((Kind::Return, Owner::Htm))),
        (State::Attested, false, Some((Kind::Return, Owner::Htm))),
        (
            State::Failed(reason(None)),
            false,
            Some((Kind::Failed, Owner::It)),
        ),
        (
            State::RolledBack(reason(None)),
            false,
            Some((Kind::RolledBack, Owner::Htm)),
        ),
        (
            State::Freed(reason(None)),
            false,
            Some((Kind::Freed, Owner::It)),
        ),
        (State::Missed, false, Some((Kind::Missed, Owner::Htm))),
        (State::InService, false, None),
        (
            State::Stopped(reason(None)),
            false,
            Some((Kind::Behind, Owner::Htm)),
        ),
    ] {
        let found = of_job(&state, HOUR_MS, slot, false).map(|item| (item.kind, item.owner));
        assert_eq!(found, expected, "{state:?}");
    }
}

#[test]
fn what_a_later_job_replaced_is_nobodys_move_and_what_runs_is() {
    for state in [State::Missed, State::Verified, State::Failed(reason(None))] {
        assert_eq!(of_job(&state, 0, false, true), None);
    }
    assert!(of_job(&State::Installing, 0, false, true).is_some());
}

#[test]
fn a_machine_that_is_not_heard_in_the_middle_is_lost() {
    let limit = age::lost_ms(Class::Critical);
    let kind = |age| of_job(&State::Installing, age, false, false).unwrap().kind;
    assert_eq!(kind(limit - 1), Kind::Waiting);
    assert_eq!(kind(limit), Kind::Lost);
    let lost = of_job(&State::Installing, limit, false, false).unwrap();
    assert!(lost.is_raised(NOW) && lost.owner == Owner::It);
    assert_eq!(lost.since, NOW, "it should have been heard by now");
    let waits = of_job(&State::RebootPending, 9 * limit, false, false).unwrap();
    assert_eq!((waits.kind, waits.owner), (Kind::Restart, Owner::Ward));
}

#[test]
fn ages_are_raised_at_their_limit_and_earlier_for_the_higher_class() {
    for kind in [
        Kind::Return,
        Kind::Missed,
        Kind::Sign,
        Kind::Waiting,
        Kind::Interlock,
    ] {
        let [standard, critical, life] = [Class::Standard, Class::Critical, Class::LifeSupport]
            .map(|class| age::limit_ms(kind, Some(class)).unwrap());
        assert!(standard >= critical && critical >= life, "{kind:?}");
        assert_eq!(age::limit_ms(kind, None), Some(critical));
    }
    let item = of_job(&State::Verified, 8 * HOUR_MS, false, false).unwrap();
    assert!(item.is_raised(NOW) && !item.is_raised(NOW.plus_ms(-1)));
}

#[test]
fn raised_items_come_first_and_then_the_oldest() {
    let old = of_job(&State::Verified, 2 * HOUR_MS, false, false).unwrap();
    let new = of_job(&State::Verified, HOUR_MS, false, false).unwrap();
    let failed = of_job(&State::Failed(reason(None)), 0, false, false).unwrap();
    let mut items = [new.clone(), old.clone(), failed.clone()];
    sort(&mut items, NOW);
    assert_eq!(items, [failed, old, new]);
}

#[test]
fn a_machine_is_silent_from_its_classs_limit_on() {
    let unit = unit();
    let ended = Exception {
        until: NOW,
        control: "behind a firewall".into(),
    };
    let mut facts = machine::Facts {
        name: "pc-1",
        unit: &unit,
        class: Class::LifeSupport,
        seen: Some(NOW.plus_ms(1 - age::silent_ms(Class::LifeSupport))),
        copied: None,
        interlock_unknown: None,
        exception: None,
    };
    assert_eq!(machine::items(&facts, NOW), []);
    facts.seen = facts.seen.map(|seen| seen.plus_ms(-1));
    facts.copied = Some(NOW);
    facts.interlock_unknown = Some(NOW);
    facts.exception = Some(&ended);
    let found = machine::items(&facts, NOW);
    let owners: Vec<_> = found.iter().map(|item| (item.kind, item.owner)).collect();
    let expected = [
        (Kind::Silent, Owner::It),
        (Kind::Copied, Owner::It),
        (Kind::Interlock, Owner::Htm),
        (Kind::Exception, Owner::Security),
    ];
    assert_eq!(owners, expected);
}

#[test]
fn a_machine_stands_in_one_of_the_named_states() {
    let verified = State::Verified;
    let failed = State::Failed(reason(None));
    let freed = State::Freed(reason(None));
    let unmeasured = of_job(&freed, HOUR_MS, false, false).unwrap();
    let waiting = State::Deferred(reason(Some(Step::Interlock)));
    let ward = of_job(&waiting, 0, true, false).unwrap();
    let slot = of_job(&State::Assigned, 0, true, false).unwrap();
    let until = NOW.plus_ms(1);
    let exception = Exception {
        until,
        control: "c".into(),
    };
    let ended = Exception {
        until: NOW,
        ..exception.clone()
    };
    let usual = Known {
        class: Class::Standard,
        seen: Some(NOW),
        exception: None,
        job: Some((&verified, None)),
        attested: false,
        fallen: false,
    };
    let silent = NOW.plus_ms(-age::silent_ms(Class::Standard));
    for (known, expected) in [
        (usual.clone(), Standing::Verified),
        (
            Known {
                attested: true,
                ..usual.clone()
            },
            Standing::Attested,
        ),
        (
            Known {
                fallen: true,
                ..usual.clone()
            },
            Standing::Waiting(Owner::It),
        ),
        (
            Known {
                seen: Some(silent),
                ..usual.clone()
            },
            Standing::Unknown(silent),
        ),
        (
            Known {
                exception: Some(&exception),
                ..usual.clone()
            },
            Standing::Exception(until),
        ),
        (
            Known {
                exception: Some(&ended),
                ..usual.clone()
            },
            Standing::Verified,
        ),
        (
            Known {
                job: Some((&failed, None)),
                ..usual.clone()
            },
            Standing::Failed,
        ),
        (
            Known {
                job: Some((&freed, Some(&unmeasured))),
                ..usual.clone()
            },
            Standing::Unknown(NOW.plus_ms(-HOUR_MS)),
        ),
        (
            Known {
                job: Some((&waiting, Some(&ward))),
                ..usual.clone()
            },
            Standing::Waiting(Owner::Ward),
        ),
        (
            Known {
                job: Some((&State::Assigned, Some(&slot))),
                ..usual.clone()
            },
            Standing::Planned,
        ),
        (
            Known {
                job: None,
                ..usual.clone()
            },
            Standing::Unplanned,
        ),
    ] {
        assert_eq!(standing(&known, NOW), expected, "{known:?}");
    }
}

#[test]
fn machines_that_wait_for_different_people_are_counted_apart() {
    let words: Vec<_> = OWNERS
        .into_iter()
        .map(|owner| Standing::Waiting(owner).counted())
        .collect();
    for (owner, word) in OWNERS.into_iter().zip(&words) {
        assert_eq!(*word, format!("waiting({})", owner.word()));
    }
    let since = Standing::Unknown(NOW);
    assert!(since.text().starts_with(since.counted()));
}

#[test]
fn an_item_is_raised_before_it_is_too_late_whatever_its_age() {
    let mut item = of_job(&State::Missed, 0, false, false).unwrap();
    assert!(!item.is_raised(NOW));
    item.raise_at = Some(NOW);
    assert!(item.is_raised(NOW) && !item.is_raised(NOW.plus_ms(-1)));
}

#[test]
fn every_kind_is_listed_once_with_a_word_of_its_own() {
    use super::KINDS;
    assert_eq!(KINDS.len(), Kind::Restored as usize + 1, "the last kind");
    for kind in KINDS {
        assert_eq!(Kind::of_word(kind.word()), Some(kind));
    }
}
