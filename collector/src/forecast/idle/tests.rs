use super::*;
use patchward_common::time::{DAY_MS, MINUTE_MS};
use proptest::prelude::*;

fn span(start: i64, end: i64) -> Interval {
    Interval::new(UtcMs(start * MINUTE_MS), UtcMs(end * MINUTE_MS)).unwrap()
}

#[test]
fn the_epoch_is_a_thursday() {
    assert_eq!(hour_of_week(UtcMs(0)), 72);
    assert_eq!(hour_of_week(UtcMs(-1)), 71);
    assert_eq!(hour_of_week(UtcMs(4 * DAY_MS)), 0);
}

#[test]
fn shares_are_of_the_hours_asked_for_and_unknown_is_not_idle() {
    let mut history = History::default();
    assert_eq!(history.idle_share(span(0, 60)), None);
    history.record(span(0, 60), InterlockWord::Idle);
    history.record(span(60, 90), InterlockWord::Unknown);
    history.record(span(90, 120), InterlockWord::Idle);
    // The same hours a week later.
    let week = 7 * 24 * 60;
    assert_eq!(history.idle_share(span(week, week + 60)), Some(1.0));
    assert_eq!(history.idle_share(span(week, week + 120)), Some(0.75));
    let days = history.weekdays(0);
    assert_eq!(days[3], [1.5, 0.0, 0.5]);
    // 23 hours behind UTC, both hours are Wednesday's.
    assert_eq!(history.weekdays(-23)[2], [1.5, 0.0, 0.5]);
}

#[test]
fn a_span_counts_once_and_old_weeks_fade() {
    let mut history = History::default();
    history.record(span(0, 60), InterlockWord::Idle);
    history.record(span(0, 60), InterlockWord::InUse);
    assert_eq!(history.idle_share(span(0, 60)), Some(1.0));
    let week = 7 * 24 * 60;
    for n in 1..=60 {
        history.record(span(n * week, n * week + 60), InterlockWord::InUse);
    }
    assert!(history.idle_share(span(0, 60)).unwrap() < 0.02);
}

#[test]
fn the_first_use_within_a_slot_is_found() {
    let mut history = History::default();
    history.record(span(0, 30), InterlockWord::Idle);
    history.record(span(30, 40), InterlockWord::InUse);
    history.record(span(50, 60), InterlockWord::Idle);
    let at = |minute: i64| Some(UtcMs(minute * MINUTE_MS));
    assert_eq!(history.first_in_use(span(0, 60)), at(30));
    assert_eq!(history.first_in_use(span(35, 60)), at(35));
    assert_eq!(history.first_in_use(span(40, 60)), None);
    assert_eq!(history.first_in_use(span(0, 30)), None);
    assert!(history.was_heard(span(0, 1)) && history.was_heard(span(45, 55)));
    assert!(!history.was_heard(span(40, 50)) && !history.was_heard(span(60, 70)));
}

proptest! {
    #[test]
    fn what_is_stored_comes_back(spans in prop::collection::vec((0i64..20_000, 1i64..2_000, 0u8..3), 0..400)) {
        let mut history = History::default();
        for (start, length, word) in spans {
            let word = match word {
                0 => InterlockWord::Idle,
                1 => InterlockWord::InUse,
                _ => InterlockWord::Unknown,
            };
            history.record(span(start, start + length), word);
        }
        let bytes = history.to_bytes();
        prop_assert!(bytes.len() <= 168 * 12 + 8 + 256 * 9);
        prop_assert_eq!(History::from_bytes(&bytes), Some(history.clone()));
        prop_assert_eq!(History::from_bytes(&bytes[..bytes.len() - 1]), None);
        for day in history.weekdays(1) {
            let all: f64 = day.iter().sum();
            prop_assert!((0.0..=24.000_1).contains(&all));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..4_500)) {
        let _ = History::from_bytes(&bytes);
    }
}
