use super::super::KINDS;
use super::*;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;

const NOW: UtcMs = UtcMs(1_000 * HOUR_MS);

fn item(kind: Kind, about: &str, hours_ago: i64) -> Item {
    Item {
        kind,
        subject: about.into(),
        about: about.into(),
        unit: None,
        class: None,
        owner: Owner::Htm,
        since: hours(NOW, -hours_ago),
        raise_at: None,
        why: "x".into(),
    }
}

fn handed(items: &[Item], is_taken: bool) -> Open {
    open(items, |_| is_taken, |_| false, Shift::of(NOW, 12))
}

#[test]
fn every_kind_that_came_up_in_the_shift_stands_under_one_heading() {
    for kind in KINDS {
        let open = handed(&[item(kind, "pc-1", 1)], false);
        let found = [&open.stops, &open.down, &open.waits];
        let count: usize = found.iter().map(|items| items.len()).sum();
        // Holds stand with their ends.
        assert_eq!(count, usize::from(kind != Kind::Held), "{kind:?}");
    }
}

#[test]
fn what_is_older_is_told_where_it_stops_work_takes_a_machine_or_was_taken() {
    let old = |kind| item(kind, "pc-1", 70);
    let items = [old(Kind::Stopped), old(Kind::Return), old(Kind::Sign)];
    let open = handed(&items, false);
    assert_eq!(open.stops, items[..1]);
    assert_eq!(open.down, items[1..2]);
    assert_eq!(open.waits, []);
    assert_eq!(handed(&items, true).waits, items[2..]);
    // At the very beginning of the shift it is the shift's.
    let first = [item(Kind::Sign, "plan", 12)];
    assert_eq!(handed(&first, false).waits, first);
}

#[test]
fn nobody_takes_over_what_time_does() {
    let waits = Item {
        owner: Owner::Time,
        ..item(Kind::Waiting, "pc-1", 1)
    };
    let waits = [waits];
    assert_eq!(handed(&waits, false), Open::default());
}

#[test]
fn what_is_raised_or_will_be_until_the_next_shift_ends_is_told_however_old() {
    let old = |kind, raise_at| Item {
        raise_at,
        ..item(kind, "pc-1", 900)
    };
    let at = |ahead| Some(hours(NOW, ahead));
    for (item, told) in [
        (old(Kind::Copied, None), true),
        (old(Kind::Missed, None), true),
        (old(Kind::Handover, None), true),
        (old(Kind::Expiring, None), false),
        (old(Kind::Expiring, at(-1)), true),
        (old(Kind::Withheld, at(3)), true),
        (old(Kind::Withheld, at(12)), false),
    ] {
        let open = handed(std::slice::from_ref(&item), false);
        assert_eq!(open.waits.len(), usize::from(told), "{item:?}");
    }
}

fn job(number: u8) -> JobId {
    JobId::of(Digest([number; 32]), MachineId([1; 32]))
}

#[test]
fn a_closed_job_that_was_found_unfit_keeps_its_machine_out_of_service() {
    let items = [item(Kind::Behind, "a", 900), item(Kind::Behind, "b", 900)];
    let shift = Shift::of(NOW, 12);
    let open = open(&items, |_| false, |item| item.subject == "a", shift);
    assert_eq!(open.down, items[..1]);
}

#[test]
fn a_machine_that_counts_as_down_is_told_once_whatever_its_item_says() {
    let down = |number| ByJob {
        job: job(number),
        machine: Name::new("pc-1").unwrap(),
        unit: Name::new("icu").unwrap(),
        class: Class::Critical,
        down: Down {
            since: hours(NOW, -5),
            because: "no end was reported".to_owned(),
        },
    };
    let of = |kind, number| item(kind, &job(number).to_string(), 3);
    let items = [of(Kind::Missed, 1), of(Kind::Lost, 2)];
    let mut open = handed(&items, false);
    assert_eq!(open.waits, items[..1]);
    open.add_down(&items, &[down(1), down(2), down(3)]);
    assert_eq!(open.waits, [], "it is not told twice");
    let told = open.down.iter();
    let told: Vec<_> = told.map(|item| (item.kind, item.since)).collect();
    let since = hours(NOW, -5);
    let expected = [
        (Kind::Lost, hours(NOW, -3)),
        (Kind::Missed, since),
        (Kind::Waiting, since),
    ];
    assert_eq!(told, expected);
    assert_eq!(open.down[1].why, "no end was reported; x");
}

#[test]
fn a_slot_is_told_with_its_own_jobs_move_and_first_that_nothing_starts() {
    let slot = |from, until| Interval::new(hours(NOW, from), hours(NOW, until)).unwrap();
    let next = |from, number, withheld: Option<&str>| NextSlot {
        slot: slot(from, from + 2),
        machine: "pc-1".to_owned(),
        job: job(number),
        withheld: withheld.map(str::to_owned),
    };
    let items = [
        item(Kind::Waiting, &job(1).to_string(), 1),
        item(Kind::Restart, &job(2).to_string(), 1),
        item(Kind::Waiting, &job(3).to_string(), 1),
        item(Kind::Withheld, "icu/0a1b", 1),
    ];
    // One machine with jobs of several plans.
    let slots = [
        next(-1, 2, None),
        next(2, 1, None),
        next(5, 3, Some("icu/0a1b")),
        next(11, 4, None),
        next(12, 1, None),
    ];
    let found = begins(&slots, &items, hours(NOW, 12));
    let told: Vec<_> = found.iter().map(|one| one.item).collect();
    assert_eq!(
        told,
        [Some(&items[1]), Some(&items[0]), Some(&items[3]), None]
    );
}
