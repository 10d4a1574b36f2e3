//! Rules against a day-by-day reading of RFC 5545's table, written apart from the crate.

use super::super::rule::{Budget, Rule};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday, date};
use proptest::prelude::*;

/// A rule in numbers.
#[derive(Clone, Debug)]
struct Plain {
    often: usize,
    interval: i32,
    months: Vec<i8>,
    days: Vec<i8>,
    weekdays: Vec<(i8, Weekday)>,
    position: Option<i32>,
}

const OFTEN: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
const NAMES: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

impl Plain {
    fn written(&self) -> String {
        let mut text = format!("FREQ={};INTERVAL={}", OFTEN[self.often], self.interval);
        let mut list = |key: &str, items: Vec<String>| {
            if !items.is_empty() {
                text.push_str(&format!(";{key}={}", items.join(",")));
            }
        };
        list("BYMONTH", self.months.iter().map(i8::to_string).collect());
        list("BYMONTHDAY", self.days.iter().map(i8::to_string).collect());
        let weekdays = self.weekdays.iter().map(|(nth, weekday)| {
            let name = NAMES.iter().find(|(_, day)| day == weekday).unwrap().0;
            match nth {
                0 => name.to_owned(),
                nth => format!("{nth}{name}"),
            }
        });
        list("BYDAY", weekdays.collect());
        list(
            "BYSETPOS",
            self.position.iter().map(i32::to_string).collect(),
        );
        text
    }

    /// Which period a day lies in, counted from the start's.
    fn period(&self, start: Date, day: Date) -> i32 {
        let months = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month());
        match self.often {
            0 => (day - start).get_days(),
            1 => {
                let monday =
                    |date: Date| date - i64::from(date.weekday().to_monday_zero_offset()).days();
                (monday(day) - monday(start)).get_days() / 7
            }
            2 => months(day) - months(start),
            _ => i32::from(day.year() - start.year()),
        }
    }

    fn is_on(&self, start: Date, day: Date) -> bool {
        let fits = |list: &[i8], value: i8, length: i8| {
            list.is_empty() || list.contains(&value) || list.contains(&(value - length - 1))
        };
        let month_fits = self.months.is_empty() || self.months.contains(&day.month());
        let day_fits = fits(&self.days, day.day(), day.days_in_month());
        let weekday_fits = self.weekdays.is_empty()
            || self.weekdays.iter().any(|(nth, weekday)| {
                day.weekday() == *weekday && (*nth == 0 || self.is_nth(day, *nth))
            });
        month_fits && day_fits && weekday_fits && self.is_as_the_start(start, day)
    }

    /// The nth such weekday of the month; of the year, where the rule names no month.
    fn is_nth(&self, day: Date, nth: i8) -> bool {
        let (at, length) = match self.often == 3 && self.months.is_empty() {
            true => (day.day_of_year(), day.days_in_year()),
            false => (i16::from(day.day()), i16::from(day.days_in_month())),
        };
        let (from_start, from_end) = ((at - 1) / 7 + 1, -((length - at) / 7 + 1));
        i16::from(nth) == from_start || i16::from(nth) == from_end
    }

    /// What no part of the rule says is as in the start.
    fn is_as_the_start(&self, start: Date, day: Date) -> bool {
        let says_day = !self.days.is_empty() || !self.weekdays.is_empty();
        match self.often {
            0 => true,
            1 => says_day || day.weekday() == start.weekday(),
            2 => says_day || day.day() == start.day(),
            _ => {
                let same_day = says_day || day.day() == start.day();
                let same_month =
                    says_day || !self.months.is_empty() || day.month() == start.month();
                same_day && same_month
            }
        }
    }

    fn days_of(&self, start: Date, until: Date) -> Vec<Date> {
        let mut found: Vec<(i32, Date)> = Vec::new();
        // A period may begin before the start; its positions count from there.
        let first = start - 366.days();
        for day in first
            .series(1.day())
            .take_while(|day| *day <= until + 366.days())
        {
            let period = self.period(start, day);
            if period >= 0 && period % self.interval == 0 && self.is_on(start, day) {
                found.push((period, day));
            }
        }
        let chosen = |period: i32, day: Date| match self.position {
            None => true,
            Some(position) => {
                let of_period: Vec<Date> = found
                    .iter()
                    .filter(|(other, _)| *other == period)
                    .map(|(_, day)| *day)
                    .collect();
                let index = match position > 0 {
                    true => position - 1,
                    false => of_period.len() as i32 + position,
                };
                usize::try_from(index).ok().and_then(|at| of_period.get(at)) == Some(&day)
            }
        };
        let days = found.iter().filter(|(period, day)| chosen(*period, *day));
        days.map(|(_, day)| *day)
            .filter(|day| start <= *day && *day <= until)
            .collect()
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let weekday = (0i8..7).prop_map(|day| NAMES[day as usize].1);
    (
        0usize..4,
        1i32..4,
        prop::collection::btree_set(1i8..=12, 0..3),
        prop::collection::btree_set(prop_oneof![1i8..=31, -5i8..=-1], 0..3),
        prop::collection::vec((prop_oneof![1i8..=4, -2i8..=-1], weekday), 0..3),
        any::<bool>(),
        prop::option::weighted(0.3, prop_oneof![1i32..=2, -2i32..=-1]),
    )
        .prop_map(
            |(often, interval, months, days, mut weekdays, is_numbered, position)| {
                let (months, mut days): (Vec<i8>, Vec<i8>) =
                    (months.into_iter().collect(), days.into_iter().collect());
                // What the table of RFC 5545 does not allow.
                if often < 2 || !is_numbered {
                    weekdays.iter_mut().for_each(|(nth, _)| *nth = 0);
                }
                if often == 1 {
                    days.clear();
                }
                // A number counts in the month or the year only where no day of it is said.
                if !days.is_empty() {
                    weekdays.iter_mut().for_each(|(nth, _)| *nth = 0);
                }
                let position = position.filter(|_| !days.is_empty() || !weekdays.is_empty());
                Plain {
                    often,
                    interval,
                    months,
                    days,
                    weekdays,
                    position,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_rule_gives_the_days_that_its_parts_say(
        rule in plain(),
        offset in 0i64..800,
        ahead in 0i64..1_500,
    ) {
        let start = date(2024, 1, 1) + offset.days();
        let (from, until) = (start + ahead.days(), start + (ahead + 800).days());
        let read = Rule::parse(&rule.written()).unwrap();
        let midnight = |date: Date| date.at(0, 0, 0, 0);
        let dates = read.dates(
            midnight(start),
            midnight(from),
            midnight(until),
            &mut Budget::default(),
        );
        let expected: Vec<Date> = rule
            .days_of(start, until)
            .into_iter()
            .filter(|day| *day >= from)
            .collect();
        match dates {
            Ok(dates) => {
                let found: Vec<Date> = dates.iter().map(|local| local.date()).collect();
                prop_assert_eq!(found, expected, "{} from {}", rule.written(), start);
            }
            // Only what gives nothing may be refused.
            Err(problem) => prop_assert!(expected.is_empty(), "{}: {problem}", rule.written()),
        }
    }
}

#[test]
fn positions_in_a_week_count_from_its_first_day() {
    // The 27th is a Tuesday: the Monday of its week is no date, and the Saturday is its second.
    let dates = |rule: &str, from: Date| {
        let midnight = |date: Date| date.at(0, 0, 0, 0);
        let (start, until) = (date(2024, 2, 27), date(2024, 3, 18));
        let read = Rule::parse(rule).unwrap();
        let dates = read.dates(
            midnight(start),
            midnight(from),
            midnight(until),
            &mut Budget::default(),
        );
        let days = dates.unwrap().into_iter();
        days.map(|local| (local.month(), local.day()))
            .collect::<Vec<_>>()
    };
    let start = date(2024, 2, 27);
    for (rule, from, expected) in [
        ("BYSETPOS=1", start, vec![(3, 4), (3, 11), (3, 18)]),
        ("BYSETPOS=2", start, vec![(3, 2), (3, 9), (3, 16)]),
        ("BYSETPOS=2", date(2024, 3, 8), vec![(3, 9), (3, 16)]),
        ("BYSETPOS=1;COUNT=2", start, vec![(3, 4), (3, 11)]),
        ("BYSETPOS=2;COUNT=2", start, vec![(3, 2), (3, 9)]),
        // From Sundays, Saturday ends the same week, and Monday is its first still.
        ("BYSETPOS=1;WKST=SU", start, vec![(3, 4), (3, 11), (3, 18)]),
        // From Tuesdays, Saturday comes before Monday.
        ("BYSETPOS=1;WKST=TU", start, vec![(3, 2), (3, 9), (3, 16)]),
    ] {
        let found = dates(&format!("FREQ=WEEKLY;BYDAY=MO,SA;{rule}"), from);
        assert_eq!(found, expected, "{rule} from {from}");
    }
}
