//! A list on a page: sorted, searched and paged by its address.

use super::{Shown, heading, whole};
use crate::command::listed::Paged;
use crate::control::{Cell, Table};
use crate::store::listed::Wanted;
use crate::web::link;
use patchward_common::id::Name;
use patchward_common::percent::encoded;
use std::collections::BTreeSet;

/// Rows of a list on a page: a screen and a half of an old PC, and a page of eight lists stays light.
const ROWS: usize = 30;

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

/// What the address asks of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Words that rows must have.
    pub search: String,
    /// A column; with a minus before it the other way round.
    pub sort: String,
    /// Columns and what they must say.
    pub equal: Vec<(String, String)>,
    page: usize,
}

impl Asked {
    /// What `query` asks of the list `id`.
    pub fn of(id: &str, query: &Query) -> Self {
        let name = |part: &str| format!("{id}.{part}");
        let text = |part: &str| query.value(&name(part)).unwrap_or_default().to_owned();
        let begin = name("");
        let own = query.parts.iter().filter_map(|(name, value)| {
            let column = name.strip_prefix(&begin)?;
            let is_column = !matches!(column, "q" | "sort" | "page");
            is_column.then(|| (column.to_owned(), value.clone()))
        });
        Self {
            search: text("q"),
            sort: text("sort"),
            equal: own.collect(),
            page: text("page").parse().unwrap_or(1).max(1),
        }
    }

    /// The column that is sorted by, and whether the other way round.
    pub fn sorted(&self) -> (&str, bool) {
        match self.sort.strip_prefix('-') {
            Some(column) => (column, true),
            None => (&self.sort, false),
        }
    }

    /// The page, where so many rows are found.
    fn page(&self, found: usize) -> usize {
        self.page.min(found.div_ceil(ROWS).max(1))
    }

    /// The page as the store takes it; `units` are those that are seen, where these are not
    /// all. So many rows are found, as far as that is known.
    pub fn wanted(&self, units: Option<BTreeSet<Name>>, found: Option<u64>) -> Wanted {
        let found = found.map_or(usize::MAX, |found| found.try_into().unwrap_or(usize::MAX));
        let (column, descending) = self.sorted();
        let words = self.search.split_whitespace().map(str::to_owned);
        Wanted {
            sort: (!column.is_empty()).then(|| (column.to_owned(), descending)),
            words: words.collect(),
            equal: self.equal.clone(),
            units,
            offset: ((self.page(found) - 1).saturating_mul(ROWS)) as u64,
            limit: ROWS as u32,
        }
    }
}

/// A column's head.
#[derive(Debug)]
pub struct Head {
    /// For people.
    pub title: String,
    /// Sorts by it, or the other way round; empty where it cannot be sorted by it.
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

/// Whether a row stands before others.
pub type IsFirst<'a> = dyn Fn(&[Cell]) -> bool + 'a;

/// Rows of a list with what is known of the others.
struct Rows<'a> {
    columns: &'a [String],
    rows: Vec<&'a Vec<Cell>>,
    total: usize,
    found: usize,
    note: &'a Option<String>,
    unsorted: &'static [&'static str],
}

impl Listing {
    /// The rows of `table` that the address asks for.
    pub fn of(id: &str, title: &str, table: &Table, query: &Query) -> Self {
        Self::with_first(id, title, table, query, None)
    }

    /// The same, with some rows before the others where the address asks for no order.
    pub fn with_first(
        id: &str,
        title: &str,
        table: &Table,
        query: &Query,
        is_first: Option<&IsFirst<'_>>,
    ) -> Self {
        let asked = Asked::of(id, query);
        let mut found = whole::found(table, &asked);
        if let (Some(is_first), true) = (is_first, asked.sort.is_empty()) {
            found.sort_by_cached_key(|row| !is_first(row));
        }
        let page = asked.page(found.len());
        let rows = Rows {
            columns: &table.columns,
            total: table.rows.len(),
            found: found.len(),
            rows: found
                .into_iter()
                .skip((page - 1) * ROWS)
                .take(ROWS)
                .collect(),
            note: &table.note,
            unsorted: &[],
        };
        Self::made(id, title, &rows, &asked, query)
    }

    /// A page that the store has found.
    pub fn paged(id: &str, title: &str, page: &Paged, query: &Query) -> Self {
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let rows = Rows {
            columns: &page.table.columns,
            rows: page.table.rows.iter().collect(),
            total: number(page.total),
            found: number(page.found),
            note: &page.table.note,
            unsorted: page.unsorted,
        };
        Self::made(id, title, &rows, &Asked::of(id, query), query)
    }

    fn made(id: &str, title: &str, rows: &Rows<'_>, asked: &Asked, query: &Query) -> Self {
        let name = |part: &str| format!("{id}.{part}");
        let page = asked.page(rows.found);
        let at = |page: usize| {
            let page = page.to_string();
            query.with(&[(&name("page"), Some(&page))]) + "#" + id
        };
        let first = (page - 1) * ROWS;
        let shown = rows.rows.iter().map(|row| {
            let cells = rows.columns.iter().zip(*row).enumerate();
            let cells = cells.map(|(at, (column, cell))| {
                let mut shown = Shown::of(column, cell);
                shown.href = link::row::of(id, query, rows.columns, row, at).or(shown.href);
                shown
            });
            titled(rows.columns, cells.collect())
        });
        let shown: Vec<Vec<Shown>> = shown.collect();
        let own = [name("q"), name("page")];
        let kept = query.parts.iter().filter(|(name, _)| !own.contains(name));
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            heads: heads(rows, &asked.sort, id, query),
            total: rows.total,
            found: rows.found,
            from: first + usize::from(!shown.is_empty()),
            until: first + shown.len(),
            rows: shown,
            search: asked.search.clone(),
            kept: kept.cloned().collect(),
            before: (page > 1).then(|| at(page - 1)),
            after: (first + ROWS < rows.found).then(|| at(page + 1)),
            csv: query.with(&[("csv", Some(id))]),
            note: rows.note.clone(),
        }
    }
}

/// What people call a thing leads where its id leads, which stands first.
fn titled(columns: &[String], mut row: Vec<Shown>) -> Vec<Shown> {
    let href = row.first().and_then(|first| first.href.clone());
    let title = columns.iter().position(|column| column == "title");
    let title = title.and_then(|at| row.get_mut(at));
    if let Some(title) = title.filter(|title| !title.is_nothing()) {
        title.href = title.href.take().or(href);
    }
    row
}

fn heads(rows: &Rows<'_>, sort: &str, id: &str, query: &Query) -> Vec<Head> {
    let (key, page) = (format!("{id}.sort"), format!("{id}.page"));
    let columns = rows.columns.iter().enumerate();
    columns
        .map(|(at, column)| {
            let (sorted, next) = match sort {
                sort if sort == column => ("ascending", format!("-{column}")),
                sort if sort.strip_prefix('-') == Some(column) => ("descending", column.clone()),
                _ => ("none", column.clone()),
            };
            let first = rows.rows.first().and_then(|row| row.get(at));
            Head {
                title: heading(column),
                href: match rows.unsorted.contains(&column.as_str()) {
                    true => String::new(),
                    false => query.with(&[(&key, Some(&next)), (&page, None)]) + "#" + id,
                },
                sorted,
                number: matches!(first, Some(Cell::Number(_))),
            }
        })
        .collect()
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
        let listing = Listing::of("m", "Machines", &table(), &query(query_text));
        listing.rows.iter().map(|row| row[0].text.clone()).collect()
    }

    #[test]
    fn a_title_leads_where_its_id_leads() {
        let mut plans = Table::new(&["plan", "state", "title"]);
        plans.row(vec![
            Cell::of("ab".repeat(32)),
            Cell::of("draft"),
            Cell::of("Viewer 4.2.2"),
        ]);
        let listing = Listing::of("plans", "Plans", &plans, &query(""));
        let row = &listing.rows[0];
        assert!(row[0].href.is_some());
        assert_eq!(row[2].href, row[0].href);
        assert_eq!(row[1].href, None);
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
        let page = |text: &str| Listing::of("m", "", &many, &query(text));
        let first = page("");
        assert_eq!((first.from, first.until, first.found), (1, 30, 120));
        assert!(first.before.is_none());
        assert_eq!(first.after.as_deref(), Some("/assets?m.page=2#m"));
        let beyond = page("m.page=99");
        assert_eq!((beyond.from, beyond.until), (91, 120));
        assert!(beyond.after.is_none());
        let none = Listing::of("m", "", &Table::new(&["n"]), &query("m.page=0"));
        assert_eq!((none.from, none.until), (0, 0));
    }

    #[test]
    fn the_store_is_asked_for_the_page_of_the_address() {
        let text = "m.q=ICU+b&m.sort=-jobs&m.page=3&m.unit=icu&other.unit=or";
        let asked = Asked::of("m", &query(&text.replace('+', " ")));
        let wanted = asked.wanted(None, None);
        assert_eq!(wanted.sort, Some(("jobs".to_owned(), true)));
        assert_eq!(wanted.words, ["ICU", "b"]);
        assert_eq!(wanted.equal, [("unit".to_owned(), "icu".to_owned())]);
        assert_eq!((wanted.offset, wanted.limit), (60, 30));
        assert_eq!(asked.wanted(None, Some(60)).offset, 30, "the last page");
        assert_eq!(asked.wanted(None, Some(0)).offset, 0);
    }

    #[test]
    fn a_page_of_the_store_says_what_it_is_of() {
        let paged = Paged {
            table: table(),
            total: 50_000,
            found: 33,
            report: None,
            unsorted: &["jobs"],
        };
        let listing = Listing::paged("m", "Machines", &paged, &query("m.page=2"));
        assert_eq!((listing.from, listing.until), (31, 33));
        assert_eq!((listing.found, listing.total), (33, 50_000));
        assert!(listing.after.is_none() && listing.before.is_some());
        let sortable: Vec<bool> = listing.heads.iter().map(|h| !h.href.is_empty()).collect();
        assert_eq!(sortable, [true, true, false]);
    }

    #[test]
    fn an_address_cannot_be_broken_out_of() {
        let hostile = query("").with(&[("m.q", Some("a&b=c#d\"<é"))]);
        assert_eq!(hostile, "/assets?m.q=a%26b%3Dc%23d%22%3C%C3%A9");
    }
}
