//! Opening a database: how each engine is set, and what is brought up to date.

use super::{Engine, Missing, Place, Store, StoreError};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a statement waits for a lock or a connection: longer than the longest
/// change of ours (a plan for 50,000 machines takes about two seconds).
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// So long after the last sign of a collector's computer PostgreSQL gives up its connections, in
/// milliseconds: what was under way there is undone, and its locks are free. By itself it would
/// wait for two hours after a power cut, and other collectors with it.
const GONE_MS: u32 = 5_000;
/// So long a change or a look may stand still between two statements, in milliseconds: more is a
/// process that is frozen, with locks that others wait for. What writes a list to a slow browser
/// stands still for less.
const IDLE_MS: u32 = 60_000;
/// Connections that read. SQLite reads from memory; more gain nothing on small servers.
const READERS: u32 = 4;
/// Connections that read what nobody waits for: two tasks that gather ahead, what is gathered in turn,
/// the collector's own tasks and who asks for figures do, and some look once more while they look.
const READERS_BEHIND: u32 = 8;
/// Connections to PostgreSQL in all; its default limit is 100 for everybody.
const POSTGRES_CONNECTIONS: u32 = 12;
/// Rows that one who reads is ahead of who takes them. SQLite's thread and the other wake each other
/// each time so many are there: of a list of a hospital's units that would be ten times at the 50
/// that sqlx has by itself.
const ROWS_AHEAD: usize = 512;
/// How much of its file SQLite maps for who reads, in bytes: a hospital of 50,000 machines with
/// two years of history. What a reader keeps itself is gone with each change, and changes come
/// all the time; the system's pages stay, and a page is read without asking the system.
const MAPPED_BYTES: u64 = 1024 * 1024 * 1024;
/// What SQLite keeps for who writes, in KiB below zero: the indexes that changes go to. Its 2 MB
/// would read them again and again.
const WRITER_CACHE: &str = "-65536";
/// Write-ahead log that SQLite keeps on disk after a checkpoint, in bytes.
const WAL_KEPT_BYTES: i64 = 64 * 1024 * 1024;

impl Place {
    /// A collector's database: at this URL, or where there is none in this file.
    pub fn of(url: Option<&str>, file: PathBuf) -> Self {
        match url {
            Some(url) => Self::Postgres {
                url: url.to_owned(),
            },
            None => Self::Sqlite {
                path: file,
                max_pages: None,
            },
        }
    }

    /// Opens a collector's database to read it, beside a collector that may run: nothing in it
    /// is changed, its schema neither.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn look(&self) -> Result<Store, StoreError> {
        Ok(Store::of(match self {
            Self::Sqlite { path, .. } => Engine::read_only(path).await?,
            Self::Postgres { url } => {
                let options = postgres_options(url)?;
                need_schema(&options).await?;
                Engine::Postgres(postgres_pool(looking(options)).await?)
            }
        }))
    }
}

impl Engine {
    /// The pools of a SQLite file that is only read.
    async fn read_only(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::NoDatabase(path.display().to_string()));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(LOCK_TIMEOUT)
            .disable_statement_logging();
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(LOCK_TIMEOUT)
            .connect_with(options)
            .await?;
        Ok(Self::Sqlite {
            writer: readers.clone(),
            behind: readers.clone(),
            readers,
        })
    }
}

pub(super) async fn begin_immediate(
    writer: &SqlitePool,
) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, sqlx::Error> {
    const BEGIN: &str = "BEGIN IMMEDIATE";
    match writer.begin_with(BEGIN).await {
        // Where its disk is full SQLite undoes a change by itself, and sqlx takes it for
        // open for ever.
        Err(sqlx::Error::InvalidSavePointStatement) => {
            writer.acquire().await?.close().await?;
            writer.begin_with(BEGIN).await
        }
        begun => begun,
    }
}

pub(super) async fn open_sqlite(
    path: &std::path::Path,
    max_pages: Option<u32>,
    missing: Missing,
) -> Result<Engine, StoreError> {
    if missing == Missing::IsAnError && !path.exists() {
        return Err(StoreError::NoDatabase(path.display().to_string()));
    }
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(missing == Missing::IsMade)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(LOCK_TIMEOUT)
        .pragma("journal_size_limit", WAL_KEPT_BYTES.to_string())
        .disable_statement_logging();
    if let Some(pages) = max_pages {
        options = options.pragma("max_page_count", pages.to_string());
    }
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(LOCK_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            // A file does not go away, and asking its thread each time would be one turn more of it.
            .test_before_acquire(false)
    };
    let writer = options.clone().pragma("cache_size", WRITER_CACHE);
    let writer = pool(1).connect_with(writer).await?;
    sqlx::migrate!("migrations/sqlite").run(&writer).await?;
    let reading = options
        .row_buffer_size(ROWS_AHEAD)
        .pragma("mmap_size", MAPPED_BYTES.to_string())
        .pragma("query_only", "ON");
    let readers = pool(READERS).connect_with(reading.clone()).await?;
    Ok(Engine::Sqlite {
        writer,
        readers,
        // Most that open a store have no such threads.
        behind: pool(READERS_BEHIND).connect_lazy_with(reading),
    })
}

pub(super) async fn open_postgres(url: &str, missing: Missing) -> Result<Engine, StoreError> {
    let options = postgres_options(url)?;
    if missing == Missing::IsAnError {
        need_schema(&options).await?;
    } else {
        // Once without the pool, which would try again for as long as it may.
        options.connect().await?.close().await?;
    }
    let pool = postgres_pool(options).await?;
    sqlx::migrate!("migrations/postgres").run(&pool).await?;
    Ok(Engine::Postgres(pool))
}

fn postgres_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    // sqlx takes any scheme for its own.
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(StoreError::Invalid(
            "the database's URL must begin with postgres://".into(),
        ));
    }
    Ok(url
        .parse::<PgConnectOptions>()?
        .application_name("patchward-collector")
        // A session's default may be weaker than the server's.
        .options([
            ("synchronous_commit", "on".to_owned()),
            ("lock_timeout", LOCK_TIMEOUT.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", IDLE_MS.to_string()),
            // Without effect on a socket of the same computer.
            ("tcp_user_timeout", GONE_MS.to_string()),
            ("tcp_keepalives_idle", "2".to_owned()),
            ("tcp_keepalives_interval", "1".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
        ])
        .disable_statement_logging())
}

/// The same for who only looks. It keeps nobody waiting, and may have to wait itself: for the disk
/// that a backup is written to, say. PostgreSQL would take it for gone.
fn looking(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("default_transaction_read_only", "on"),
        // What is said later counts.
        ("tcp_user_timeout", "0"),
    ])
}

/// Asks once, without the pool, whether somebody made a collector's database there.
async fn need_schema(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    let migrated: Option<i32> = sqlx::query_scalar(
        "SELECT 1 FROM information_schema.tables
         WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'",
    )
    .fetch_optional(&mut connection)
    .await?;
    connection.close().await?;
    if migrated.is_none() {
        // Without the password that may stand in the URL.
        let database = options.get_database().unwrap_or_default();
        let place = format!("{database} on {}", options.get_host());
        return Err(StoreError::NoDatabase(place));
    }
    Ok(())
}

/// One more connection to the same server.
pub(super) fn another(pool: &PgPool) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(LOCK_TIMEOUT)
        .connect_lazy_with(pool.connect_options().as_ref().clone())
}

async fn postgres_pool(options: PgConnectOptions) -> Result<PgPool, StoreError> {
    Ok(PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(LOCK_TIMEOUT)
        .connect_with(options)
        .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_looks_may_be_slow() {
        let options = postgres_options("postgres://u@h/d").unwrap();
        let last = |options: &PgConnectOptions| {
            let all = options.get_options().unwrap_or_default().to_owned();
            let mut found = all.rsplit("-c ").map(|one| one.trim().to_owned());
            found.find(|one| one.starts_with("tcp_user_timeout="))
        };
        assert_eq!(
            last(&options).unwrap(),
            format!("tcp_user_timeout={GONE_MS}")
        );
        assert_eq!(last(&looking(options)).unwrap(), "tcp_user_timeout=0");
    }
}
