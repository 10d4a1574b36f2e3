//! What a caller can do about a failure of the store, whichever engine is below.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why the store did not do what it was asked. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It exists already, was changed by somebody else first, or something still
    /// refers to it. Read again and decide anew.
    #[error("{0}")]
    Conflict(String),
    /// What the change refers to does not exist.
    #[error("there is no {what} {name}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its key.
        name: String,
    },
    /// A value that no column can hold. The caller let something through.
    #[error("cannot be stored: {0}")]
    Invalid(String),
    /// The database has no connection or lock to give in time. Try again.
    #[error("the database did not answer in time; nothing was changed, try again")]
    Busy,
    /// There is no server, the connection to it was lost, or the file cannot be opened.
    #[error("the database cannot be reached ({0})")]
    Unreachable(String),
    /// Nobody made a collector's database there.
    #[error(
        "there is no collector's database at {0}; restore a backup, or make a new collector with `patchward-collector init`"
    )]
    NoDatabase(String),
    /// No room is left for the database. Nothing is lost; free some and try again.
    #[error("the disk with the database is full; free some space, nothing was changed")]
    Full,
    /// The database is not one, is damaged, or holds what we never wrote.
    #[error("the database is damaged ({0}); restore a backup")]
    Corrupt(String),
    /// The database was made by another version of the collector.
    #[error("the database has another schema ({0}); run the collector version that it belongs to")]
    Schema(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else, for the log.
    #[error("the database refused")]
    Other(#[source] Arc<sqlx::Error>),
}

/// What an engine's message on a foreign key means. Where it can be known what refers to
/// what, the store says so before the engine does.
const REFERRED: &str =
    "something else still refers to it, or what it refers to is gone; read again and decide anew";
/// What an engine's message on a unique key means.
const TWICE: &str = "there is another one already that only one may be; read again";

impl StoreError {
    /// The error for a missing row.
    pub(super) fn missing(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
        }
    }

    /// The error for a change that came too late or twice.
    pub(super) fn conflict(text: impl Into<String>) -> Self {
        Self::Conflict(text.into())
    }
}

/// How often an engine failed since the process began. It is the process's, not one store's:
/// where an error becomes ours, no store is at hand, and a collector has but one.
static FAULTS: AtomicU64 = AtomicU64::new(0);

/// How often the database did not do what it should since the process began: it was busy for
/// too long, full, damaged, not there. What contradicts what stands in it is no fault.
pub fn faults() -> u64 {
    FAULTS.load(Ordering::Relaxed)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let error = Self::of(error);
        if !matches!(error, Self::Conflict(_) | Self::Closed) {
            FAULTS.fetch_add(1, Ordering::Relaxed);
        }
        error
    }
}

impl StoreError {
    fn of(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                let known = if database
                    .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                    .is_some()
                {
                    of_sqlite(&code, database.message())
                } else {
                    of_postgres(&code, database.message())
                };
                known.unwrap_or_else(|| Self::Other(Arc::new(error)))
            }
            _ => Self::Other(Arc::new(error)),
        }
    }
}

/// SQLite's result codes (<https://www.sqlite.org/rescode.html>); the low byte is
/// the primary code.
fn of_sqlite(code: &str, message: &str) -> Option<StoreError> {
    match code.parse::<i32>().ok()? & 0xff {
        5 | 6 => Some(StoreError::Busy),
        11 | 26 => Some(StoreError::Corrupt(message.to_owned())),
        13 => Some(StoreError::Full),
        14 => Some(StoreError::Unreachable(message.to_owned())),
        19 => Some(match code.parse::<i32>().ok()? {
            787 => StoreError::Conflict(REFERRED.into()),
            1555 | 2067 => StoreError::Conflict(TWICE.into()),
            _ => StoreError::Conflict(message.to_owned()),
        }),
        _ => None,
    }
}

/// PostgreSQL's SQLSTATE (its manual, appendix A).
fn of_postgres(code: &str, message: &str) -> Option<StoreError> {
    match code {
        // Integrity constraints: foreign key, unique, others.
        "23503" => Some(StoreError::Conflict(REFERRED.into())),
        "23505" => Some(StoreError::Conflict(TWICE.into())),
        _ if code.starts_with("23") => Some(StoreError::Conflict(message.to_owned())),
        // Disk full.
        "53100" => Some(StoreError::Full),
        // Serialisation, deadlock, lock not available, too many connections.
        "40001" | "40P01" | "55P03" | "53300" => Some(StoreError::Busy),
        // Connections, wrong account, no such database, starting or stopping.
        "28000" | "28P01" | "3D000" | "57P01" | "57P02" | "57P03" => {
            Some(StoreError::Unreachable(message.to_owned()))
        }
        _ if code.starts_with("08") => Some(StoreError::Unreachable(message.to_owned())),
        // Data or index corrupted.
        "XX001" | "XX002" => Some(StoreError::Corrupt(message.to_owned())),
        _ => None,
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Schema(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_engines_mean_the_same() {
        for (sqlite, postgres) in [
            ("5", "40P01"),
            ("13", "53100"),
            ("2067", "23505"),
            ("787", "23503"),
            ("11", "XX001"),
            ("14", "57P03"),
        ] {
            let (left, right) = (of_sqlite(sqlite, "m"), of_postgres(postgres, "m"));
            assert_eq!(format!("{left:?}"), format!("{right:?}"));
            assert!(left.is_some(), "{sqlite} is not known");
        }
        assert!(of_sqlite("1", "syntax").is_none() && of_postgres("42601", "syntax").is_none());
    }
}
