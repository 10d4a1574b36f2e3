//! How the machines stood, day by day, out of the list that a command tells.

use super::count;
use crate::command::machine::history::FIRST;
use crate::control::{Cell, Output, Table};
use crate::web::picture::Way;
use crate::web::picture::history::{History, drawn};
use crate::web::show::Block;
use crate::web::show::listing::Query;
use jiff::civil::Date;

/// The name in the address that says how many days are drawn.
const DAYS: &str = "fleet-days";
/// The spans that are offered: a month, a quarter, a year, all that is kept.
const SPANS: [(usize, &str); 4] = [
    (30, "30 days"),
    (91, "a quarter"),
    (365, "a year"),
    (731, "two years"),
];
/// What is drawn where the address says nothing.
const USUAL: usize = 91;

/// The states from below, by how much they ask of people, as the day's bar has them from the
/// left: what their words begin with, what stands for them, the class of its colour. Two that
/// lie beside each other differ.
const STATES: [(&str, &str, &str); 8] = [
    ("failed", "failed", "p-bad"),
    ("unknown", "unknown", "p-warn"),
    ("waiting", "waiting for somebody", "f-calm"),
    ("unplanned", "unplanned", "p-off"),
    ("planned", "planned", "p-calm"),
    ("exception", "exception", "f-off"),
    ("attested", "attested", "f-good"),
    ("verified", "verified", "p-good"),
];

/// The picture of the days that the address asks for.
pub(super) fn by_day(query: &Query, told: &Output) -> Option<Block> {
    let Output::Table(table) = told else {
        return None;
    };
    let asked = query.value(DAYS).and_then(|days| days.parse().ok());
    let span = asked.filter(|asked| SPANS.iter().any(|(days, _)| days == asked));
    let history = History {
        ways: ways(query),
        ..history(table, span.unwrap_or(USUAL))?
    };
    drawn(history).map(Block::Picture)
}

fn ways(query: &Query) -> Vec<Way> {
    let way = |(days, words): (usize, &str)| Way {
        href: query.with(&[(DAYS, Some(&days.to_string()))]) + "#fleet",
        words: words.to_owned(),
    };
    SPANS.map(way).into()
}

/// The newest days of a table that has the newest first.
fn history(table: &Table, days: usize) -> Option<History> {
    let rows: Vec<&Vec<Cell>> = table.rows.iter().take(days).collect();
    let Some(Cell::Text(first)) = rows.last().and_then(|row| row.first()) else {
        return None;
    };
    let of = |state: &str| {
        let columns = table.columns.iter().enumerate().skip(FIRST.len());
        // What a later version calls otherwise is told in the list.
        let own = columns.filter(|(_, word)| word.split('(').next() == Some(state));
        own.map(|(at, _)| at).collect::<Vec<usize>>()
    };
    let places: Vec<Vec<usize>> = STATES.iter().map(|(begin, ..)| of(begin)).collect();
    let day = |row: &&Vec<Cell>| -> Option<Vec<usize>> {
        // Nobody counted: the sum is not there either.
        count(row, FIRST.len() - 1)?;
        let sum = |places: &Vec<usize>| places.iter().filter_map(|at| count(row, *at)).sum();
        Some(places.iter().map(sum).collect())
    };
    let all: Vec<Option<Vec<usize>>> = rows.iter().rev().map(day).collect();
    // Signs stand only for what occurs.
    let occurs = |state: &usize| {
        let counts = all.iter().flatten().filter_map(|day| day.get(*state));
        counts.copied().any(|count| count > 0)
    };
    let kept: Vec<usize> = (0..STATES.len()).filter(occurs).collect();
    let states = STATES.iter().enumerate();
    let states = states.filter(|(state, _)| kept.contains(state));
    let of_kept = |day: Vec<usize>| -> Vec<usize> {
        let counts = kept.iter().map(|state| day.get(*state).copied());
        counts.map(Option::unwrap_or_default).collect()
    };
    Some(History {
        first: first.parse::<Date>().ok()?,
        states: states
            .map(|(_, (_, words, class))| ((*words).to_owned(), *class))
            .collect(),
        days: all.into_iter().map(|day| day.map(of_kept)).collect(),
        ways: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::machine::history::NOT_COUNTED;
    use crate::item::standing::COUNTED;

    fn told() -> Table {
        let columns = [
            &FIRST[..],
            &["verified", "waiting(htm)", "waiting(it)", "mended"],
        ];
        let mut table = Table::new(&columns.concat());
        let mut day = |day: &str, counts: Option<[i64; 4]>| {
            let mut row = vec![Cell::of(day)];
            match counts {
                None => {
                    row.push(Cell::of(NOT_COUNTED));
                    row.resize(FIRST.len() + 4, Cell::Empty);
                }
                Some(counts) => {
                    row.push(Cell::of("00:00"));
                    row.push(Cell::Number(counts.iter().sum()));
                    row.extend(counts.map(Cell::Number));
                }
            }
            table.row(row);
        };
        day("2026-11-30", Some([5, 2, 1, 0]));
        day("2026-11-29", None);
        day("2026-11-28", Some([4, 0, 3, 9]));
        table
    }

    #[test]
    fn days_are_read_from_the_list_and_gaps_stay_gaps() {
        let read = history(&told(), USUAL).unwrap();
        assert_eq!(read.first.to_string(), "2026-11-28");
        let words: Vec<&str> = read.states.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!(words, ["waiting for somebody", "verified"]);
        assert_eq!(read.days, [Some(vec![3, 4]), None, Some(vec![3, 5])]);
        let newest = history(&told(), 1).unwrap();
        assert_eq!(newest.days, [Some(vec![3, 5])]);
        assert!(history(&Table::new(&FIRST), USUAL).is_none());
    }

    #[test]
    fn the_address_says_how_many_days_are_drawn() {
        let query = |days: &str| Query {
            path: "/rollouts".into(),
            parts: vec![(DAYS.into(), days.into()), ("jobs.q".into(), "x".into())],
        };
        let told = Output::Table(told());
        let html = |days: &str| match by_day(&query(days), &told) {
            Some(Block::Picture(html)) => html,
            other => panic!("{other:?}"),
        };
        assert!(html("30").contains("2026-11-28"));
        let way = "/rollouts?jobs.q=x&amp;fleet-days=365#fleet";
        assert!(html("30").contains(way), "what else is asked for stays");
        assert_eq!(
            html("9999"),
            html("91").replace("=91&", "=9999&"),
            "as usual"
        );
        assert!(by_day(&query("30"), &Output::Text(String::new())).is_none());
    }

    /// A state that is counted and not drawn would be missing from every sum.
    #[test]
    fn every_state_has_its_place_and_its_own_look() {
        for word in COUNTED {
            let begin = word.split('(').next().unwrap();
            assert!(STATES.iter().any(|(of, ..)| *of == begin), "{word}");
        }
        let mut looks: Vec<&str> = STATES.iter().map(|(_, _, class)| *class).collect();
        looks.sort_unstable();
        looks.dedup();
        assert_eq!(looks.len(), STATES.len());
    }
}
