//! A whole store, row by row, into another one: for backups and for coming back from them.
//!
//! What is read is one consistent state, and nobody who writes waits for it: SQLite keeps it in
//! its write-ahead log, PostgreSQL in its old rows. A backup is always a SQLite file, whichever
//! engine it is of: it can be opened, checked and searched without a server, and comes back
//! into either engine. That works because both have one schema.

use super::sql::{Columns, Tx};
use super::value::{Value, args};
use super::{Store, StoreError, View};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Most kinds of damage that are named: the first says what to do.
const MOST_DAMAGE: usize = 10;

/// How many rows each table has.
pub type Counts = BTreeMap<String, u64>;

/// A table as both engines have it.
struct Table {
    name: String,
    columns: Vec<Column>,
    /// The tables that its rows refer to.
    refers_to: BTreeSet<String>,
}

struct Column {
    name: String,
    /// What a missing value of it is.
    null: Value,
}

/// The newest migration that this program knows.
pub fn newest_schema() -> u64 {
    let known = sqlx::migrate!("migrations/sqlite");
    let newest = known.iter().map(|migration| migration.version).max();
    newest.map_or(0, |version| version.unsigned_abs())
}

impl View {
    /// Copies every row into a new SQLite file at `path`, in steps: after each some rows,
    /// `rest` is called and may wait. The file is not flushed to the disk; who keeps it does
    /// that.
    ///
    /// # Errors
    /// [`StoreError::Schema`] where this program would bring the database's schema up to date
    /// first.
    pub async fn copy_to_file(
        &mut self,
        path: &Path,
        rest: impl AsyncFnMut(),
    ) -> Result<Counts, StoreError> {
        let (found, newest) = (self.schema_version().await?, newest_schema());
        if found != newest {
            return Err(StoreError::Schema(format!(
                "it is at {found}, and this program writes {newest}; start `serve` of this \
                 program once, or use the program that serves it"
            )));
        }
        let file = new_file(path).await?;
        let mut into = Tx::Sqlite(file.begin().await?);
        let tables = tables(&mut into).await?;
        let counts = pour(&mut self.tx, &mut into, &tables, rest).await?;
        into.commit().await?;
        file.close().await;
        Ok(counts)
    }

    /// How many rows each table has.
    pub async fn counts(&mut self) -> Result<Counts, StoreError> {
        let sql = match self.tx {
            Tx::Sqlite(_) => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
                    AND name NOT LIKE '~_sqlx%' ESCAPE '~' ORDER BY name"
            }
            Tx::Postgres(_) => {
                "SELECT table_name::text FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
                    AND table_name NOT LIKE '~_sqlx%' ESCAPE '~' ORDER BY table_name"
            }
        };
        let names: Vec<(String,)> = self.tx.all(sql, args![]).await?;
        let mut counts = Counts::new();
        for (name,) in names {
            let sql = format!("SELECT COUNT(*) FROM \"{name}\"");
            let (count,) = self.tx.one(AssertSqlSafe(sql), args![]).await?;
            counts.insert(name, count);
        }
        Ok(counts)
    }

    /// What is wrong with the database's own structure; nothing where it is whole. A server of
    /// PostgreSQL looks after its own.
    pub async fn damage(&mut self) -> Result<Vec<String>, StoreError> {
        if let Tx::Postgres(_) = self.tx {
            return Ok(Vec::new());
        }
        let lines: Vec<(String,)> = self.tx.all("PRAGMA integrity_check(10)", args![]).await?;
        let mut found: Vec<String> = lines.into_iter().map(|(line,)| line).collect();
        found.retain(|line| line != "ok");
        let dangling: Vec<(String, Option<i64>, String, i64)> =
            self.tx.all("PRAGMA foreign_key_check", args![]).await?;
        found.extend(dangling.into_iter().map(|(table, row, parent, _)| {
            let row = row.map_or_else(String::new, |row| format!(" {row}"));
            format!("row{row} of {table} refers to nothing in {parent}")
        }));
        found.truncate(MOST_DAMAGE);
        Ok(found)
    }
}

impl Store {
    /// Fills this store, which [`Store::create`] has just made, with every row of another one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody has begun to use it.
    pub async fn fill_from(
        &self,
        from: &mut View,
        rest: impl AsyncFnMut(),
    ) -> Result<Counts, StoreError> {
        let mut into = View {
            tx: self.engine.begin().await?,
            known: Arc::default(),
            tables: Arc::default(),
        };
        if into.collector().await?.is_some() || into.audit_head().await?.seq > 0 {
            return Err(StoreError::conflict(
                "the database belongs to a collector already; give the restored one its own",
            ));
        }
        let tables = match (&mut from.tx, &mut into.tx) {
            (sqlite @ Tx::Sqlite(_), _) | (_, sqlite @ Tx::Sqlite(_)) => tables(sqlite).await?,
            (Tx::Postgres(_), Tx::Postgres(_)) => {
                return Err(StoreError::Invalid(
                    "a copy from server to server goes by way of a file".into(),
                ));
            }
        };
        let counts = pour(&mut from.tx, &mut into.tx, &tables, rest).await?;
        into.tx.commit().await?;
        Ok(counts)
    }
}

/// A new file with today's schema and no rows. What is written while it is filled is worth
/// nothing before all of it is there, so SQLite need not be able to undo it.
async fn new_file(path: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(true)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    sqlx::migrate!("migrations/sqlite").run(&pool).await?;
    Ok(pool)
}

/// The tables of a SQLite database, each after those that its rows refer to.
async fn tables(sqlite: &mut Tx) -> Result<Vec<Table>, StoreError> {
    let names: Vec<(String,)> = sqlite
        .all(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
                AND name NOT LIKE '~_sqlx%' ESCAPE '~' ORDER BY name",
            args![],
        )
        .await?;
    let mut found = Vec::new();
    for (name,) in names {
        let columns: Vec<(String, String)> = sqlite
            .all("SELECT name, type FROM pragma_table_info($1)", args![name])
            .await?;
        let refers_to: Vec<(String,)> = sqlite
            .all(
                "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)",
                args![name],
            )
            .await?;
        let columns = columns.into_iter().map(|(name, of_type)| Column {
            name,
            null: match of_type.as_str() {
                "INTEGER" => Value::Int(None),
                "BLOB" => Value::Blob(None),
                _ => Value::Text(None),
            },
        });
        found.push(Table {
            columns: columns.collect(),
            refers_to: refers_to.into_iter().map(|(table,)| table).collect(),
            name,
        });
    }
    in_order(found)
}

fn in_order(mut left: Vec<Table>) -> Result<Vec<Table>, StoreError> {
    let mut done: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let is_ready = |table: &Table| {
            let mut wanted = table.refers_to.iter();
            wanted.all(|name| done.iter().any(|table| table.name == *name))
        };
        let (ready, waiting): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
        if ready.is_empty() {
            let names: Vec<_> = waiting.iter().map(|table| table.name.as_str()).collect();
            let text = format!("tables that refer to one another: {}", names.join(", "));
            return Err(StoreError::Invalid(text));
        }
        done.extend(ready);
        left = waiting;
    }
    Ok(done)
}

/// Takes the place of every row of `into` with those of `from`.
async fn pour(
    from: &mut Tx,
    into: &mut Tx,
    tables: &[Table],
    mut rest: impl AsyncFnMut(),
) -> Result<Counts, StoreError> {
    // What migrations put there comes with the rows.
    for table in tables.iter().rev() {
        let sql = format!("DELETE FROM \"{}\"", table.name);
        into.execute(AssertSqlSafe(sql), args![]).await?;
    }
    let mut counts = Counts::new();
    for table in tables {
        let quoted: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("\"{}\"", column.name))
            .collect();
        let columns = quoted.join(", ");
        let read = format!("SELECT {columns} FROM \"{}\"", table.name);
        let write = format!("INSERT INTO \"{}\" ({columns}) VALUES", table.name);
        let mut count = 0;
        let mut rows = from.batches_of(AssertSqlSafe(read));
        while let Some(batch) = rows.next().await? {
            count += batch.len() as u64;
            let batch = batch.into_iter().map(|row| values(table, row)).collect();
            into.execute_many((write.as_str(), ""), batch).await?;
            rest().await;
        }
        drop(rows);
        counts.insert(table.name.clone(), count);
    }
    Ok(counts)
}

fn values(table: &Table, row: Columns) -> Vec<Value> {
    let values = row.0.into_iter().zip(&table.columns);
    values
        .map(|(cell, column)| cell.or_null(&column.null))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, refers_to: &[&str]) -> Table {
        Table {
            name: name.into(),
            columns: Vec::new(),
            refers_to: refers_to.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let tables = vec![
            table("jobs", &["machines", "plans"]),
            table("machines", &["units"]),
            table("plans", &[]),
            table("units", &[]),
        ];
        let order = in_order(tables).unwrap();
        let names: Vec<&str> = order.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["plans", "units", "machines", "jobs"]);
        let circle = vec![table("a", &["b"]), table("b", &["a"])];
        assert!(matches!(in_order(circle), Err(StoreError::Invalid(_))));
    }

    #[test]
    fn the_newest_schema_is_that_of_the_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
        let names = std::fs::read_dir(folder).unwrap();
        let numbers = names.map(|entry| {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            name.split('_').next().unwrap().parse::<u64>().unwrap()
        });
        assert_eq!(numbers.max(), Some(newest_schema()));
    }
}
