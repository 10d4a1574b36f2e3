//! One statement on either engine. Here is the one place where the two arms are
//! written out; everything above speaks of a [`Tx`].

use super::behind::is_behind;
use super::value::{Cell, FromRow, Row, Value};
use super::{Engine, StoreError};
use futures_util::stream::{BoxStream, StreamExt as _};
use sqlx::{Postgres, Row as _, SqlSafeStr, Sqlite, Transaction, TypeInfo as _, ValueRef as _};

/// Most rows of one statement of many rows. SQLite allows 32,766 arguments; beyond
/// about a hundred rows a statement gains nothing.
pub(super) const MAX_ROWS: usize = 128;
/// Most bytes of the rows of one batch: some rows are files of megabytes.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A row as it is, whatever its columns hold.
pub(super) struct Columns(pub(super) Vec<Cell>);

/// The rows of a query, a few at a time.
pub(super) struct Batches<'a>(BoxStream<'a, Result<Columns, StoreError>>);

impl Batches<'_> {
    /// The next rows; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Columns>>, StoreError> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        while rows.len() < MAX_ROWS && bytes < MAX_BATCH_BYTES {
            let Some(row) = self.0.next().await else {
                break;
            };
            let row = row?;
            bytes += row.0.iter().map(Cell::size).sum::<usize>();
            rows.push(row);
        }
        Ok((!rows.is_empty()).then_some(rows))
    }
}

/// A transaction on one of the engines. Dropped without [`Tx::commit`], it is undone.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Pastes one body into both arms, with the engine's connection and type.
macro_rules! on_engine {
    ($tx:expr, |$connection:ident, $engine:ident| $body:expr) => {
        match $tx {
            Tx::Sqlite($connection) => {
                type $engine = Sqlite;
                $body
            }
            Tx::Postgres($connection) => {
                type $engine = Postgres;
                $body
            }
        }
    };
}

/// A statement with its arguments bound.
macro_rules! bound {
    ($engine:ident, $sql:expr, $args:expr) => {{
        let mut query = sqlx::query::<$engine>($sql);
        for value in $args {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Blob(value) => query.bind(value),
                Value::Unfit(why) => return Err(StoreError::Invalid(why.to_owned())),
            };
        }
        query
    }};
}

/// A row of either engine as cells.
macro_rules! cells {
    ($row:expr) => {
        Row::new(columns!($row))
    };
}

/// The cells of a row of either engine.
macro_rules! columns {
    ($row:expr) => {{
        let row = $row;
        let mut cells = Vec::with_capacity(row.len());
        for at in 0..row.len() {
            let raw = row.try_get_raw(at)?;
            cells.push(if raw.is_null() {
                Cell::Null
            } else {
                match raw.type_info().name() {
                    "TEXT" => Cell::Text(row.try_get(at)?),
                    "BLOB" | "BYTEA" => Cell::Blob(row.try_get(at)?),
                    _ => Cell::Int(row.try_get(at)?),
                }
            });
        }
        cells
    }};
}

/// All rows of a query on either engine, from whatever it is asked on.
macro_rules! rows {
    ($engine:ident, $on:expr, $sql:expr, $args:expr) => {
        bound!($engine, $sql, $args)
            .fetch_all($on)
            .await?
            .into_iter()
            .map(|row| FromRow::from_row(&mut cells!(row)))
            .collect()
    };
}

impl Engine {
    /// All rows of a query that stands alone: it sees one state by itself. A transaction around it
    /// would be two more turns of SQLite's thread, or two more ways to the server.
    pub(super) async fn glance<T: FromRow>(
        &self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Sqlite { behind, .. } if is_behind() => rows!(Sqlite, behind, sql, args),
            Self::Sqlite { readers, .. } => rows!(Sqlite, readers, sql, args),
            Self::Postgres(pool) => rows!(Postgres, pool, sql, args),
        }
    }
}

impl Tx {
    /// Whether other collectors may write beside this one, as [`super::Store::is_shared`] tells.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs a statement and counts the rows that it changed.
    pub(super) async fn execute(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        Ok(on_engine!(self, |connection, Engine| {
            bound!(Engine, sql, args)
                .execute(&mut **connection)
                .await?
                .rows_affected()
        }))
    }

    /// All rows of a query.
    pub(super) async fn all<T: FromRow>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        on_engine!(self, |connection, Engine| {
            rows!(Engine, &mut **connection, sql, args)
        })
    }

    /// The rows of a query, a few at a time: what does not fit into memory.
    pub(super) fn batches_of(&mut self, sql: impl SqlSafeStr) -> Batches<'_> {
        on_engine!(self, |connection, Engine| {
            let rows = sqlx::query::<Engine>(sql).fetch(&mut **connection);
            let rows =
                rows.map(|row| -> Result<Columns, StoreError> { Ok(Columns(columns!(row?))) });
            Batches(rows.boxed())
        })
    }

    /// The first row of a query, if there is one.
    pub(super) async fn first<T: FromRow>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        on_engine!(self, |connection, Engine| {
            bound!(Engine, sql, args)
                .fetch_optional(&mut **connection)
                .await?
                .map(|row| T::from_row(&mut cells!(row)))
                .transpose()
        })
    }

    /// The row of a query that always has one.
    pub(super) async fn one<T: FromRow>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<T, StoreError> {
        always(self.first(sql, args).await?)
    }

    /// Runs a statement over many rows of arguments, up to [`MAX_ROWS`] at a time:
    /// `before ($1,$2),($3,$4) after`.
    pub(super) async fn execute_many(
        &mut self,
        (before, after): (&str, &str),
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for batch in batches(rows) {
            let (sql, args) = many(before, batch, after, self.placeholder());
            changed += self.execute(sqlx::AssertSqlSafe(sql), args).await?;
        }
        Ok(changed)
    }

    /// Like [`Self::execute_many`], for statements that give rows back. To look up many
    /// keys, join them: for `(a, b) IN (VALUES …)` SQLite reads the whole table. `CROSS
    /// JOIN` keeps it from turning the join around.
    pub(super) async fn all_many<T: FromRow>(
        &mut self,
        (before, after): (&str, &str),
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for batch in batches(rows) {
            let (sql, args) = many(before, batch, after, self.placeholder());
            found.extend(self.all(sqlx::AssertSqlSafe(sql), args).await?);
        }
        Ok(found)
    }

    fn placeholder(&self) -> Placeholder {
        match self {
            Self::Sqlite(_) => Placeholder::Unnamed,
            Self::Postgres(_) => Placeholder::Numbered,
        }
    }

    /// Makes it durable.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        on_engine!(self, |transaction, _Engine| transaction.commit().await?);
        Ok(())
    }
}

/// A row that is always there.
pub(super) fn always<T>(row: Option<T>) -> Result<T, StoreError> {
    row.ok_or_else(|| StoreError::Corrupt("a row that is always there is missing".into()))
}

/// Cuts rows into batches whose sizes are powers of two: eight texts of a statement
/// to prepare, instead of one for every number of rows.
fn batches<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let size = (1usize << rows.len().checked_ilog2()?).min(MAX_ROWS);
        Some(rows.by_ref().take(size).collect())
    })
}

/// How a generated statement marks its arguments.
#[derive(Clone, Copy, Debug)]
enum Placeholder {
    /// `?`: to SQLite `$1` is a name, and each is searched for among all others.
    Unnamed,
    /// `$1`, all that PostgreSQL knows.
    Numbered,
}

fn many(
    before: &str,
    rows: Vec<Vec<Value>>,
    after: &str,
    placeholder: Placeholder,
) -> (String, Vec<Value>) {
    let columns = rows.first().map_or(0, Vec::len);
    let mut sql = String::with_capacity(before.len() + after.len() + rows.len() * columns * 5);
    sql.push_str(before);
    for row in 0..rows.len() {
        sql.push_str(if row == 0 { " (" } else { ",(" });
        for column in 1..=columns {
            sql.push_str(if column == 1 { "" } else { "," });
            match placeholder {
                Placeholder::Unnamed => sql.push('?'),
                Placeholder::Numbered => sql.push_str(&format!("${}", row * columns + column)),
            }
        }
        sql.push(')');
    }
    sql.push(' ');
    sql.push_str(after);
    (sql, rows.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_become_few_statements() {
        let sizes = |rows: usize| batches(vec![(); rows]).map(|b| b.len()).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(7), [4, 2, 1]);
        assert_eq!(sizes(300), [128, 128, 32, 8, 4]);
        let rows = vec![vec![Value::Int(Some(1)), Value::Int(None)]; 2];
        let sql = |placeholder| {
            many(
                "INSERT INTO t VALUES",
                rows.clone(),
                "RETURNING a",
                placeholder,
            )
        };
        let (numbered, args) = sql(Placeholder::Numbered);
        assert_eq!(numbered, "INSERT INTO t VALUES ($1,$2),($3,$4) RETURNING a");
        assert_eq!(args.len(), 4);
        let (unnamed, _) = sql(Placeholder::Unnamed);
        assert_eq!(unnamed, "INSERT INTO t VALUES (?,?),(?,?) RETURNING a");
    }
}
