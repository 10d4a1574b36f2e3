//! A list on a page: sorted, searched and paged by its address, and whole as CSV.

use super::{Shown, heading};
use crate::control::{Cell, Table};
use crate::sheet::{csv, formula};
use patchward_common::percent::encoded;
use std::cmp::Ordering;

/// Rows on one page of a list: two screens of an old PC.
const ROWS: usize = 50;

/// The part of an address after the question mark, and what comes before it.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The path.
    pub path: String,
    /// Names and values.
    pub parts: Vec<(String, String)>,
}

impl Query {
    /// The value of a name.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.parts.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The same address with some names set or taken away.
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let changed = |name: &str| changes.iter().any(|(known, _)| *known == name);
        let kept = self.parts.iter().filter(|(name, _)| !changed(name));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let new = changes
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)));
        let pairs: Vec<String> = kept
            .chain(new)
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        match pairs.is_empty() {
            true => self.path.clone(),
            false => format!("{}?{}", self.path, pairs.join("&")),
        }
    }
}

/// A column's head.
#[derive(Debug)]
pub struct Head {
    /// For people.
    pub title: String,
    /// Sorts by it, or the other way round.
    pub href: String,
    /// `ascending`, `descending` or `none`, as readers of screens say it.
    pub sorted: &'static str,
    /// Whether it holds numbers.
    pub number: bool,
}

/// A list.
#[derive(Debug)]
pub struct Listing {
    /// What names of its address begin with.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The heads.
    pub heads: Vec<Head>,
    /// The rows of this page.
    pub rows: Vec<Vec<Shown>>,
    /// How many rows there are at all.
    pub total: usize,
    /// How many of them the search found.
    pub found: usize,
    /// First and last row on this page, from 1.
    pub from: usize,
    /// Last row on this page.
    pub until: usize,
    /// What was searched for.
    pub search: String,
    /// Other names of the address, which a search keeps.
    pub kept: Vec<(String, String)>,
    /// The page before.
    pub before: Option<String>,
    /// The page after.
    pub after: Option<String>,
    /// All of it as CSV.
    pub csv: String,
    /// What to do or know, below.
    pub note: Option<String>,
}

impl Listing {
    /// The rows of `table` that the address asks for.
    pub fn of(id: &str, title: &str, table: Table, query: &Query) -> Self {
        let name = |part: &str| format!("{id}.{part}");
        let search = query.value(&name("q")).unwrap_or_default().to_owned();
        let sort = query.value(&name("sort")).unwrap_or_default().to_owned();
        let heads = heads(&table, &sort, &name("sort"), &name("page"), query);
        let total = table.rows.len();
        let note = table.note.clone();
        let (columns, rows) = asked(table, &search, &sort, |column| {
            query.value(&name(column)).map(str::to_owned)
        });
        let found = rows.len();
        let pages = found.div_ceil(ROWS).max(1);
        let page = query
            .value(&name("page"))
            .and_then(|page| page.parse().ok());
        let page = page.unwrap_or(1_usize).clamp(1, pages);
        let at = |page: usize| {
            let page = page.to_string();
            query.with(&[(&name("page"), Some(&page))]) + "#" + id
        };
        let first = (page - 1) * ROWS;
        let shown: Vec<Vec<Shown>> = rows
            .iter()
            .skip(first)
            .take(ROWS)
            .map(|row| {
                columns
                    .iter()
                    .zip(row)
                    .map(|(c, cell)| Shown::of(c, cell))
                    .collect()
            })
            .collect();
        let own = [name("q"), name("page")];
        let kept = query.parts.iter().filter(|(name, _)| !own.contains(name));
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            heads,
            total,
            found,
            from: first + usize::from(!shown.is_empty()),
            until: first + shown.len(),
            rows: shown,
            search,
            kept: kept.cloned().collect(),
            before: (page > 1).then(|| at(page - 1)),
            after: (page < pages).then(|| at(page + 1)),
            csv: query.with(&[("csv", Some(id))]),
            note,
        }
    }
}

fn heads(table: &Table, sort: &str, key: &str, page: &str, query: &Query) -> Vec<Head> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(at, column)| {
            let (sorted, next) = match sort {
                sort if sort == column => ("ascending", format!("-{column}")),
                sort if sort.strip_prefix('-') == Some(column) => ("descending", column.clone()),
                _ => ("none", column.clone()),
            };
            let id = key.split('.').next().unwrap_or_default();
            Head {
                title: heading(column),
                href: query.with(&[(key, Some(&next)), (page, None)]) + "#" + id,
                sorted,
                number: table
                    .rows
                    .first()
                    .is_some_and(|row| matches!(row.get(at), Some(Cell::Number(_)))),
            }
        })
        .collect()
}

/// The rows that are asked for, in the order that is asked for.
fn asked(
    table: Table,
    search: &str,
    sort: &str,
    wanted: impl Fn(&str) -> Option<String>,
) -> (Vec<String>, Vec<Vec<Cell>>) {
    let Table {
        columns, mut rows, ..
    } = table;
    for (at, column) in columns.iter().enumerate() {
        if let Some(value) = wanted(column) {
            rows.retain(|row| row.get(at).is_some_and(|cell| holds(cell, &value)));
        }
    }
    let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    if !words.is_empty() {
        rows.retain(|row| {
            let text: Vec<String> = row
                .iter()
                .map(|cell| cell.to_string().to_lowercase())
                .collect();
            words
                .iter()
                .all(|word| text.iter().any(|cell| cell.contains(word)))
        });
    }
    let (column, descending) = match sort.strip_prefix('-') {
        Some(column) => (column, true),
        None => (sort, false),
    };
    if let Some(at) = columns.iter().position(|name| name == column) {
        rows.sort_by(|a, b| order(a.get(at), b.get(at)));
        if descending {
            rows.reverse();
        }
    }
    (columns, rows)
}

fn holds(cell: &Cell, value: &str) -> bool {
    match cell {
        Cell::List(items) => items.iter().any(|item| item == value),
        other => other.to_string() == value,
    }
}

/// Numbers by size, instants by time, texts by letters; what is not there comes last.
fn order(a: Option<&Cell>, b: Option<&Cell>) -> Ordering {
    match (a, b) {
        (Some(Cell::Empty) | None, Some(Cell::Empty) | None) => Ordering::Equal,
        (Some(Cell::Empty) | None, _) => Ordering::Greater,
        (_, Some(Cell::Empty) | None) => Ordering::Less,
        (Some(Cell::Number(a)), Some(Cell::Number(b))) => a.cmp(b),
        (Some(Cell::Moment { at: a, .. }), Some(Cell::Moment { at: b, .. })) => a.cmp(b),
        (Some(a), Some(b)) => a
            .to_string()
            .to_lowercase()
            .cmp(&b.to_string().to_lowercase()),
    }
}

/// A list as a file for a spreadsheet: all rows that the address finds, in its order. What
/// a spreadsheet would compute begins with an apostrophe.
pub fn sheet(id: &str, table: Table, query: &Query) -> Vec<u8> {
    let name = |part: &str| format!("{id}.{part}");
    let search = query.value(&name("q")).unwrap_or_default();
    let sort = query.value(&name("sort")).unwrap_or_default();
    let (columns, rows) = asked(table, search, sort, |column| {
        query.value(&name(column)).map(str::to_owned)
    });
    let rows = rows.into_iter().map(|row| {
        let cells = row.iter().map(|cell| match cell {
            Cell::Empty => String::new(),
            Cell::Moment { at, .. } => at.to_string(),
            Cell::Number(number) => number.to_string(),
            other => formula::neutral(&other.to_string()),
        });
        cells.collect::<Vec<String>>()
    });
    let rows: Vec<Vec<String>> = std::iter::once(columns).chain(rows).collect();
    csv::write(rows.iter().map(Vec::as_slice), ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["machine", "unit", "jobs"]);
        for (name, unit, jobs) in [("b", "icu", 10), ("a", "or", 9), ("=c()", "icu", 2)] {
            table.row(vec![Cell::of(name), Cell::of(unit), Cell::Number(jobs)]);
        }
        table
    }

    fn query(text: &str) -> Query {
        let parts = text.split('&').filter_map(|part| part.split_once('='));
        Query {
            path: "/assets".into(),
            parts: parts.map(|(a, b)| (a.to_owned(), b.to_owned())).collect(),
        }
    }

    fn names(query_text: &str) -> Vec<String> {
        let listing = Listing::of("m", "Machines", table(), &query(query_text));
        listing.rows.iter().map(|row| row[0].text.clone()).collect()
    }

    #[test]
    fn the_address_sorts_searches_and_filters() {
        assert_eq!(names(""), ["b", "a", "=c()"]);
        assert_eq!(names("m.sort=machine"), ["=c()", "a", "b"]);
        assert_eq!(names("m.sort=-jobs"), ["b", "a", "=c()"]);
        assert_eq!(names("m.unit=icu"), ["b", "=c()"]);
        assert_eq!(names("m.q=ICU+b"), Vec::<String>::new());
        assert_eq!(names("m.q=ICU"), ["b", "=c()"]);
        assert_eq!(names("other.q=nothing"), ["b", "a", "=c()"]);
    }

    #[test]
    fn pages_end_where_the_list_does() {
        let mut many = Table::new(&["n"]);
        for n in 0..120 {
            many.row(vec![Cell::Number(n)]);
        }
        let page = |text: &str| Listing::of("m", "", many.clone(), &query(text));
        let first = page("");
        assert_eq!((first.from, first.until, first.found), (1, 50, 120));
        assert!(first.before.is_none());
        assert_eq!(first.after.as_deref(), Some("/assets?m.page=2#m"));
        let beyond = page("m.page=99");
        assert_eq!((beyond.from, beyond.until), (101, 120));
        assert!(beyond.after.is_none());
        let none = Listing::of("m", "", Table::new(&["n"]), &query("m.page=0"));
        assert_eq!((none.from, none.until), (0, 0));
    }

    #[test]
    fn no_sheet_computes_anything() {
        let bytes = sheet("m", table(), &query("m.unit=icu"));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("'=c()"), "{text}");
        assert!(
            text.contains("b,icu,10") && !text.contains(",or,"),
            "{text}"
        );
    }

    #[test]
    fn an_address_cannot_be_broken_out_of() {
        let hostile = query("").with(&[("m.q", Some("a&b=c#d\"<é"))]);
        assert_eq!(hostile, "/assets?m.q=a%26b%3Dc%23d%22%3C%C3%A9");
    }
}
