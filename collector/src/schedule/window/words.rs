//! A window in words.

use super::{Recurring, civil::Rule};
use jiff::ToSpan as _;

/// Most times of day that are written out.
const MAX_TIMES: usize = 4;

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What the rule means, with length and zone.
pub(super) fn of(rule: &Rule, spec: &Recurring) -> String {
    let place = spec.zone.rsplit('/').next().unwrap_or(&spec.zone);
    let day = match spec.day_offset {
        0 => days(rule),
        1 => format!("the day after {}", definite(rule)),
        -1 => format!("the day before {}", definite(rule)),
        after if after > 0 => format!("{after} days after {}", definite(rule)),
        before => format!("{} days before {}", before.unsigned_abs(), definite(rule)),
    };
    let months = months(rule);
    let times = times(rule, spec.length_minutes);
    format!("{day}{months}, {times}, {}", place.replace('_', " "))
}

fn days(rule: &Rule) -> String {
    let (days, weekdays) = (rule.days(), rule.weekdays());
    let every_weekday = weekdays.len() == WEEKDAYS.len();
    match (days.len() == 31, every_weekday) {
        (true, true) => "every day".into(),
        (true, false) => match weekdays[..] {
            [2, 3, 4, 5, 6] => "Monday to Friday".into(),
            [1, 7] => "Saturdays and Sundays".into(),
            _ => format!("every {}", list(&names(&weekdays, &WEEKDAYS))),
        },
        (false, true) => match days[..] {
            [day] => format!("day {day} of the month"),
            _ => format!("days {} of the month", list(&ranges(&days))),
        },
        (false, false) => {
            let weekday = list(&names(&weekdays, &WEEKDAYS));
            match ordinal(&days) {
                Some(ordinal) => format!("{ordinal} {weekday} of the month"),
                None => format!(
                    "every {weekday} that is day {} of the month",
                    list(&ranges(&days))
                ),
            }
        }
    }
}

/// The day that an offset counts from.
fn definite(rule: &Rule) -> String {
    let days = days(rule);
    match days.strip_prefix("every ") {
        Some(day) => format!("each {day}"),
        None if days.starts_with("day") => days,
        None => format!("the {days}"),
    }
}

/// The week of the month that seven days stand for.
fn ordinal(days: &[u32]) -> Option<&'static str> {
    let first = *days.first()?;
    if !days.iter().copied().eq(first..first + 7) {
        return None;
    }
    match first {
        1 => Some("first"),
        8 => Some("second"),
        15 => Some("third"),
        22 => Some("fourth"),
        _ => None,
    }
}

fn months(rule: &Rule) -> String {
    let months = rule.months();
    if months.len() == MONTHS.len() {
        return String::new();
    }
    format!(" in {}", list(&names(&months, &MONTHS)))
}

fn times(rule: &Rule, length_minutes: u32) -> String {
    let times: Vec<jiff::civil::Time> = rule.times().collect();
    if times.len() > MAX_TIMES {
        return format!("{} times a day for {length_minutes} minutes", times.len());
    }
    let spans: Vec<String> = times
        .iter()
        .map(|start| {
            let end = start.wrapping_add(i64::from(length_minutes).minutes());
            format!("{} to {}", start.strftime("%H:%M"), end.strftime("%H:%M"))
        })
        .collect();
    list(&spans)
}

fn names(numbers: &[u32], names: &[&str]) -> Vec<String> {
    let known = numbers
        .iter()
        .filter_map(|n| names.get((*n as usize).checked_sub(1)?));
    known.map(|name| (*name).to_owned()).collect()
}

/// Numbers with runs of three and more written as ranges.
fn ranges(numbers: &[u32]) -> Vec<String> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let written = runs
        .into_iter()
        .flat_map(|(first, last)| match last - first {
            0 => vec![first.to_string()],
            1 => vec![first.to_string(), last.to_string()],
            _ => vec![format!("{first} to {last}")],
        });
    written.collect()
}

fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
