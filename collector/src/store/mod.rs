//! The collector's memory, on SQLite or PostgreSQL with one SQL text for both.
//!
//! - A [`View`] reads one consistent state; what is asked for with each look at a page and takes one
//!   statement is read without one (`Engine::glance`). A [`Change`] is one transaction of somebody's
//!   doing: the statements that write are reached only by naming what is done, and that
//!   becomes an audit row in the same transaction ([`audit`]). What machines report of
//!   themselves (hello, inventory, journal) is written by functions of [`Store`] and is
//!   not audited: it is evidence already.
//! - A success means COMMIT, and COMMIT means on disk.
//! - SQLite has one writer. While a [`Change`] is open, nobody else writes: decide first,
//!   then open it, and never wait for the network, or for [`Store`] itself, in between.
//!
//! No clock is read and nothing random is drawn here: `now`, ids and secrets are arguments.

pub mod accounts;
pub mod advisories;
pub mod assets;
pub mod audit;
mod behind;
pub mod boms;
pub mod calendars;
pub mod change;
pub mod chosen;
pub mod claims;
mod conditions;
pub mod copy;
pub mod custody;
pub mod devices;
pub mod documents;
pub mod enrolments;
mod error;
pub mod evidence;
pub mod expiries;
pub mod exposure;
pub mod feed_links;
pub mod fleet_days;
pub mod followed;
pub mod go;
pub mod history;
pub mod holds;
pub mod inventory;
pub mod items;
pub mod jobs;
pub mod journal;
pub mod listed;
mod logged;
pub mod machines;
pub mod manual;
pub mod mds2;
pub mod meta;
pub mod notices;
pub mod oncall;
mod opening;
pub mod pack;
pub mod places;
pub mod plan_tables;
pub mod plans;
pub mod prospects;
mod queue;
pub mod releases;
pub mod restored;
pub mod rollout;
pub mod rollover;
mod said;
pub mod search;
pub mod setup;
mod sql;
pub mod stated;
pub mod stops;
pub mod support;
pub mod tokens;
mod value;
pub mod vendors;
pub mod windows;

pub use behind::reads_behind;
pub use change::{Actor, Change};
pub use error::{StoreError, faults};

use behind::is_behind;
use opening::{another, begin_immediate, open_postgres, open_sqlite};
use sql::Tx;
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Where the database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Most pages of 4 KiB that it may grow to; beyond it the store is [`StoreError::Full`].
        max_pages: Option<u32>,
    },
    /// A server, by its URL (`postgres://user@host/database`, or with `?host=/socket/folder`).
    Postgres {
        /// The URL.
        url: String,
    },
}

/// What a database means that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    IsAnError,
    IsMade,
}

/// The pools of an engine.
#[derive(Clone, Debug)]
enum Engine {
    /// One connection that writes, others that read, and others that read what nobody waits for.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        behind: SqlitePool,
    },
    Postgres(PgPool),
}

/// The open store. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    journal: queue::Queue<journal::Append>,
    statuses: queue::Queue<machines::Report>,
    inventories: queue::Queue<inventory::Reported>,
    acquaintances: queue::Queue<machines::Acquaintance>,
    standings: queue::Queue<machines::Stands>,
    said: Arc<said::Said>,
    signed_in: Arc<accounts::SignedIn>,
    known: Arc<inventory::Known>,
    tables: Arc<plan_tables::PlanTables>,
    closing: watch::Sender<bool>,
}

/// A consistent state to read from. It holds a connection: read, then drop it.
pub struct View {
    tx: Tx,
    known: Arc<inventory::Known>,
    tables: Arc<plan_tables::PlanTables>,
}

impl Store {
    /// Opens a collector's database, brings its schema up to date and starts the tasks
    /// that work in groups.
    ///
    /// # Errors
    /// [`StoreError::NoDatabase`] where nobody made one: an empty one in its place would
    /// have forgotten every stop. [`StoreError::Schema`] where a newer collector made it,
    /// [`StoreError::Corrupt`] where it is no database, [`StoreError::Unreachable`] where no
    /// server answers.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        Self::start(place, Missing::IsAnError).await
    }

    /// The same for a new collector: what is not there is made.
    pub async fn create(place: &Place) -> Result<Self, StoreError> {
        Self::start(place, Missing::IsMade).await
    }

    async fn start(place: &Place, missing: Missing) -> Result<Self, StoreError> {
        Ok(Self::of(match place {
            Place::Sqlite { path, max_pages } => open_sqlite(path, *max_pages, missing).await?,
            Place::Postgres { url } => open_postgres(url, missing).await?,
        }))
    }

    fn of(engine: Engine) -> Self {
        Self {
            journal: queue::Queue::start(engine.clone()),
            statuses: queue::Queue::start(engine.clone()),
            inventories: queue::Queue::start(engine.clone()),
            acquaintances: queue::Queue::start(engine.clone()),
            standings: queue::Queue::start(engine.clone()),
            said: Arc::default(),
            signed_in: Arc::default(),
            known: Arc::default(),
            tables: Arc::default(),
            closing: watch::Sender::new(false),
            engine,
        }
    }

    /// Opens a view.
    pub async fn view(&self) -> Result<View, StoreError> {
        Ok(View {
            tx: self.engine.view().await?,
            known: Arc::clone(&self.known),
            tables: Arc::clone(&self.tables),
        })
    }

    /// The same store by a connection of its own, where it is on a server: whoever has to be
    /// heard does not wait behind others. It is made when it is first used.
    #[must_use]
    pub fn beside(&self) -> Self {
        let engine = match &self.engine {
            Engine::Postgres(pool) => Engine::Postgres(another(pool)),
            file => file.clone(),
        };
        Self {
            engine,
            ..self.clone()
        }
    }

    /// Opens a change by `actor`.
    pub async fn change(
        &self,
        actor: Actor,
        now: patchward_common::time::UtcMs,
    ) -> Result<Change, StoreError> {
        let view = View {
            tx: self.engine.begin().await?,
            known: Arc::clone(&self.known),
            tables: Arc::clone(&self.tables),
        };
        Ok(Change::new(view, actor, now, Arc::clone(&self.said)))
    }

    /// How many changes people have made since the store was opened.
    pub fn said(&self) -> u64 {
        self.said.changes()
    }

    /// Somebody did something that the audit log says nothing of, such as to try where notices
    /// go: they must see what came of it.
    pub fn did(&self, actor: &Actor) {
        self.said.count(actor);
    }

    /// Which of them `actor` must see: the last of their own, or of anybody by command.
    pub fn said_for(&self, actor: &Actor) -> u64 {
        self.said.last_for(actor)
    }

    /// Writes what is queued, then closes every connection. Other clones find it
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        self.closing.send_replace(true);
        self.journal.close().await;
        self.statuses.close().await;
        self.inventories.close().await;
        self.acquaintances.close().await;
        self.standings.close().await;
        match &self.engine {
            Engine::Sqlite {
                writer,
                readers,
                behind,
            } => {
                readers.close().await;
                behind.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }

    /// Waits until the store is to be closed: who reads a whole hospital leaves off then, so
    /// that nobody waits for it.
    pub fn closing(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut closing = self.closing.subscribe();
        // Where the store itself is gone, that is the end too.
        async move { drop(closing.wait_for(|is_so| *is_so).await) }
    }

    /// The engine's word: `sqlite` or `postgres`.
    pub fn engine(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite { .. } => "sqlite",
            Engine::Postgres(_) => "postgres",
        }
    }
}

impl Engine {
    /// Begins a transaction that writes. On SQLite it takes the lock at once: one that
    /// reads first and writes later could be refused in its middle.
    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(begin_immediate(writer).await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Begins a transaction that reads one consistent state.
    async fn view(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { behind, .. } if is_behind() => Tx::Sqlite(behind.begin().await?),
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    fn migrations(engine: &str) -> BTreeMap<String, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let entries = std::fs::read_dir(folder.join(engine)).unwrap();
        let files = entries.map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        });
        files.collect()
    }

    /// The two folders of migrations say the same but for the names of types.
    #[test]
    fn both_engines_have_one_schema() {
        let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
        assert!(sqlite.keys().eq(postgres.keys()), "a migration is missing");
        for (name, sqlite) in sqlite {
            let postgres = &postgres[&name];
            let translated = sqlite
                .replace("INTEGER", "BIGINT")
                .replace("BLOB", "BYTEA")
                .replace("TEXT", "TEXT COLLATE \"C\"")
                .replace(") STRICT;", ");");
            for (line, (left, right)) in translated.lines().zip(postgres.lines()).enumerate() {
                assert_eq!(left, right, "line {} of {name}", line + 1);
            }
            assert_eq!(translated.lines().count(), postgres.lines().count());
        }
    }
}
