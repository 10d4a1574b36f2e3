//! Long lists, a page at a time: sorted, searched, filtered and counted by the database, so
//! that a page of a hospital of 50,000 machines costs what one of fifty does.
//!
//! A list is a table with others joined to it, and columns that can be sorted and searched.
//! Its texts are written here and in the modules below; what people ask for is only ever an
//! argument.

mod assets;
mod audit;
mod jobs;
mod machines;

pub use assets::ListedAsset;
pub use jobs::{JobsOf, ListedJob};
pub use machines::ListedMachine;

use super::conditions::Conditions;
use super::value::{FromRow, ToValue};
use super::{StoreError, View};
use patchward_common::id::Name;
use std::collections::BTreeSet;

/// Among so many of the newest rows a search of the log or of all jobs looks: two years of a
/// large hospital are millions, and reading all of them takes seconds.
pub const SEARCHED_ROWS: u64 = 50_000;

/// What of a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// By which column it is sorted, and whether the other way round. A column that the list
    /// cannot be sorted by is as none.
    pub sort: Option<(String, bool)>,
    /// Words that must all be in a row.
    pub words: Vec<String>,
    /// Columns that must say exactly this; columns that the list does not have say nothing.
    pub equal: Vec<(String, String)>,
    /// The units that are seen, where these are not all.
    pub units: Option<BTreeSet<Name>>,
    /// Rows to leave out at the beginning.
    pub offset: u64,
    /// Most rows.
    pub limit: u32,
}

impl Wanted {
    /// Whether every row has to be looked at, where they stand in the order of `column`.
    pub fn seeks(&self, column: &str) -> bool {
        let sorts = self.sort.as_ref().is_some_and(|(name, _)| name != column);
        sorts || !self.words.is_empty() || !self.equal.is_empty()
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// How many rows the list has in the units that are seen.
    pub total: u64,
    /// How many of them have the words and values that are asked for.
    pub found: u64,
}

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Words in lower case that are never missing: an index on it is used as it is.
    Word,
    /// Any text; what is missing comes last.
    Text,
    /// A number or an instant.
    Number,
}

/// A column of a list.
#[derive(Clone, Copy, Debug)]
struct Column {
    /// As the list calls it.
    name: &'static str,
    /// What stands in it.
    sql: &'static str,
    kind: Kind,
    /// Whether it comes of a joined table.
    is_joined: bool,
    /// Whether words are looked for in it.
    is_searched: bool,
    /// Whether every row has it: it is then sorted by an index, where there is one.
    is_in_each: bool,
}

const fn word(name: &'static str, sql: &'static str) -> Column {
    column(name, sql, Kind::Word)
}

const fn column(name: &'static str, sql: &'static str, kind: Kind) -> Column {
    Column {
        name,
        sql,
        kind,
        is_joined: false,
        is_searched: true,
        is_in_each: false,
    }
}

impl Column {
    const fn joined(self) -> Self {
        Self {
            is_joined: true,
            ..self
        }
    }

    /// Looking for words in it would read another table for each row.
    const fn not_searched(self) -> Self {
        Self {
            is_searched: false,
            ..self
        }
    }

    const fn in_each(self) -> Self {
        Self {
            is_in_each: true,
            ..self
        }
    }

    fn order(&self, descending: bool) -> String {
        let (sql, way) = (self.sql, if descending { " DESC" } else { "" });
        let missing = match self.kind {
            Kind::Number | Kind::Text if !self.is_in_each => format!("({sql} IS NULL){way}, "),
            Kind::Word | Kind::Number | Kind::Text => String::new(),
        };
        match self.kind {
            Kind::Word | Kind::Number => format!("{missing}{sql}{way}"),
            Kind::Text => format!("{missing}LOWER({sql}){way}"),
        }
    }
}

/// A list.
#[derive(Clone, Copy, Debug)]
struct List {
    /// What a row is read from: columns of `table` and `joins`.
    select: &'static str,
    /// The table, with its short name.
    table: &'static str,
    /// The key of the table.
    key: &'static str,
    /// What is joined to it, at most one row to each.
    joins: &'static str,
    columns: &'static [Column],
    /// The order where none is asked for.
    order: &'static str,
    /// Whether a row is seen by who sees the units that stand for `{}`.
    seen: &'static str,
    /// Whether that takes what is joined.
    seen_is_joined: bool,
}

/// A condition in the making, with its arguments.
#[derive(Clone, Debug, Default)]
struct Where {
    conditions: Conditions,
    is_joined: bool,
}

impl Where {
    fn arg(&mut self, value: &impl ToValue) -> String {
        self.conditions.arg(value)
    }

    /// `column = value`.
    fn is(&mut self, sql: &str, value: &impl ToValue) {
        let place = self.arg(value);
        self.only(format!("{sql} = {place}"));
    }

    fn only(&mut self, condition: String) {
        self.conditions.only(condition);
    }

    fn nothing(&mut self) {
        self.only("1 = 0".to_owned());
    }

    fn units(&mut self, list: &List, units: &BTreeSet<Name>) {
        if units.is_empty() {
            return self.nothing();
        }
        let places: Vec<String> = units.iter().map(|unit| self.arg(unit)).collect();
        let seen = list.seen.replace("{}", &places.join(","));
        self.only(format!("({seen})"));
        self.is_joined |= list.seen_is_joined;
    }

    /// What a row's column must say; a number that is none is in no row.
    fn equal(&mut self, list: &List, name: &str, text: &str) {
        let Some(column) = list.columns.iter().find(|column| column.name == name) else {
            return;
        };
        self.is_joined |= column.is_joined;
        match (column.kind, text.parse::<i64>()) {
            (Kind::Word | Kind::Text, _) => self.is(column.sql, &text.to_owned()),
            (Kind::Number, Ok(number)) => self.is(column.sql, &number),
            (Kind::Number, Err(_)) => self.nothing(),
        }
    }

    /// A word that any of a row's searched columns must hold.
    fn word(&mut self, list: &List, word: &str) {
        let mut pattern = String::from("%");
        for sign in word.to_ascii_lowercase().chars() {
            if matches!(sign, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(sign);
        }
        pattern.push('%');
        let place = self.arg(&pattern);
        let searched = || list.columns.iter().filter(|column| column.is_searched);
        let holds = searched().map(|column| match column.kind {
            Kind::Word => format!("{} LIKE {place} ESCAPE '!'", column.sql),
            Kind::Text => format!("LOWER({}) LIKE {place} ESCAPE '!'", column.sql),
            Kind::Number => format!("CAST({} AS TEXT) LIKE {place} ESCAPE '!'", column.sql),
        });
        let holds: Vec<String> = holds.collect();
        self.only(format!("({})", holds.join(" OR ")));
        self.is_joined |= searched().any(|column| column.is_joined);
    }
}

impl List {
    fn from(&self, is_joined: bool) -> String {
        match is_joined {
            true => format!("{} {}", self.table, self.joins),
            false => self.table.to_owned(),
        }
    }

    fn sorted(&self, wanted: &Wanted) -> (String, bool) {
        let asked = wanted.sort.as_ref().and_then(|(name, descending)| {
            let column = self.columns.iter().find(|column| column.name == name)?;
            Some((column, *descending))
        });
        match asked {
            Some((column, descending)) => {
                let order = column.order(descending);
                (format!("{order}, {}", self.order), column.is_joined)
            }
            None => (self.order.to_owned(), false),
        }
    }
}

impl View {
    /// A page of a list, of those of its rows for which `fixed` holds.
    async fn page<T: FromRow>(
        &mut self,
        list: &List,
        fixed: Where,
        wanted: &Wanted,
    ) -> Result<Page<T>, StoreError> {
        self.page_of(list, fixed, wanted, None).await
    }

    /// The same where it is known how many rows there are.
    async fn page_of<T: FromRow>(
        &mut self,
        list: &List,
        fixed: Where,
        wanted: &Wanted,
        total: Option<u64>,
    ) -> Result<Page<T>, StoreError> {
        let mut all = fixed;
        if let Some(units) = &wanted.units {
            all.units(list, units);
        }
        let total = match total {
            Some(total) => total,
            None => self.counted(list, &all).await?,
        };
        let is_asked = !wanted.words.is_empty() || !wanted.equal.is_empty();
        let mut some = all;
        for (name, text) in &wanted.equal {
            some.equal(list, name, text);
        }
        for word in &wanted.words {
            some.word(list, word);
        }
        let found = match is_asked {
            true => self.counted(list, &some).await?,
            false => total,
        };
        let rows = self.rows(list, some, wanted).await?;
        Ok(Page { rows, total, found })
    }

    /// First the keys of the page, by an index where there is one; then its rows.
    async fn rows<T: FromRow>(
        &mut self,
        list: &List,
        mut some: Where,
        wanted: &Wanted,
    ) -> Result<Vec<T>, StoreError> {
        let (order, sorts_joined) = list.sorted(wanted);
        let from = list.from(some.is_joined || sorts_joined);
        let condition = some.conditions.to_string();
        let limit = some.arg(&wanted.limit);
        let offset = some.arg(&wanted.offset);
        let List {
            select,
            table,
            key,
            joins,
            ..
        } = list;
        let sql = format!(
            "SELECT {select}
             FROM (SELECT {key} AS page_key FROM {from} {condition}
                   ORDER BY {order} LIMIT {limit} OFFSET {offset}) page
             JOIN {table} ON {key} = page.page_key {joins}
             ORDER BY {order}"
        );
        let args = some.conditions.args();
        self.tx.all(sqlx::AssertSqlSafe(sql), args).await
    }

    async fn counted(&mut self, list: &List, of: &Where) -> Result<u64, StoreError> {
        let (from, conditions) = (list.from(of.is_joined), of.conditions.clone());
        let sql = format!("SELECT COUNT(*) FROM {from} {conditions}");
        let args = conditions.args();
        let (count,) = self.tx.one(sqlx::AssertSqlSafe(sql), args).await?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Value;
    use super::*;

    const LIST: List = List {
        select: "t.a, j.b",
        table: "things t",
        key: "t.id",
        joins: "LEFT JOIN others j ON j.id = t.id",
        columns: &[
            word("a", "t.a"),
            column("b", "j.b", Kind::Text).joined(),
            column("n", "t.n", Kind::Number),
        ],
        order: "t.a, t.id",
        seen: "t.unit IN ({})",
        seen_is_joined: false,
    };

    #[test]
    fn nothing_that_people_type_becomes_sql() {
        let mut asked = Where::default();
        asked.equal(&LIST, "a", "x' OR 1=1 --");
        asked.equal(&LIST, "t.id", "1");
        asked.equal(&LIST, "n", "one");
        asked.word(&LIST, "50%_!");
        assert_eq!(
            asked.conditions.to_string(),
            "WHERE t.a = $1 AND 1 = 0 AND (t.a LIKE $2 ESCAPE '!' OR \
             LOWER(j.b) LIKE $2 ESCAPE '!' OR CAST(t.n AS TEXT) LIKE $2 ESCAPE '!')"
        );
        assert!(asked.is_joined);
        let args = asked.conditions.args();
        assert!(matches!(&args[1], Value::Text(Some(text)) if text == "%50!%!_!!%"));
    }

    #[test]
    fn an_unknown_column_sorts_as_nobody_asked() {
        let sorted = |name: &str, descending| {
            let sort = Some((name.to_owned(), descending));
            LIST.sorted(&Wanted {
                sort,
                ..Wanted::default()
            })
        };
        assert_eq!(sorted("a; DROP", false), ("t.a, t.id".into(), false));
        assert_eq!(sorted("a", true), ("t.a DESC, t.a, t.id".into(), false));
        let by_text = "(j.b IS NULL) DESC, LOWER(j.b) DESC, t.a, t.id";
        assert_eq!(sorted("b", true), (by_text.into(), true));
    }

    #[test]
    fn who_sees_no_unit_sees_no_row() {
        let mut none = Where::default();
        none.units(&LIST, &BTreeSet::new());
        assert_eq!(none.conditions.to_string(), "WHERE 1 = 0");
    }
}
