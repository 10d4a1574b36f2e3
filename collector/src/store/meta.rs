//! What the collector knows of itself.

use super::sql::Tx;
use super::value::{FromCell, ToValue, args};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use serde_json::json;

/// The key of the collector's name.
const COLLECTOR: &str = "collector";
/// The key of the fingerprint of the collector's certificate authority.
pub(super) const AUTHORITY: &str = "authority";
/// The key of the fingerprint of the authority that follows it, while it does.
pub(super) const NEXT_AUTHORITY: &str = "next_authority";

impl View {
    /// The collector's name, once `init` has given it one.
    pub async fn collector(&mut self) -> Result<Option<Name>, StoreError> {
        self.noted(COLLECTOR).await
    }

    /// The fingerprint of the authority that certifies this database's machines, once
    /// `init` has noted it.
    pub async fn authority(&mut self) -> Result<Option<Digest>, StoreError> {
        self.noted(AUTHORITY).await
    }

    /// The fingerprint of the authority that follows, once `ca next` has noted it and until
    /// `ca finish`.
    pub async fn next_authority(&mut self) -> Result<Option<Digest>, StoreError> {
        self.noted(NEXT_AUTHORITY).await
    }

    /// What is noted under a key.
    pub(super) async fn noted<T: FromCell>(&mut self, key: &str) -> Result<Option<T>, StoreError> {
        let row: Option<(T,)> = self
            .tx
            .first("SELECT value FROM meta WHERE key = $1", args![key])
            .await?;
        Ok(row.map(|(value,)| value))
    }

    /// How large the database is, in bytes: with SQLite without its write-ahead log.
    pub async fn size_bytes(&mut self) -> Result<u64, StoreError> {
        let sql = match self.tx {
            Tx::Sqlite(_) => {
                "SELECT p.page_count * s.page_size FROM pragma_page_count() AS p,
                        pragma_page_size() AS s"
            }
            Tx::Postgres(_) => "SELECT pg_database_size(current_database())",
        };
        let (bytes,) = self.tx.one(sql, args![]).await?;
        Ok(bytes)
    }

    /// The newest migration that the database has.
    pub async fn schema_version(&mut self) -> Result<u64, StoreError> {
        let (version,) = self
            .tx
            .one("SELECT MAX(version) FROM _sqlx_migrations", args![])
            .await?;
        Ok(version)
    }
}

/// Notes a value under a key, in the place of what was noted before.
pub(super) async fn note(
    tx: &mut Tx,
    key: &str,
    value: &(impl ToValue + Sync),
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        args![key, value],
    )
    .await?;
    Ok(())
}

impl Change {
    /// Names the collector, once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the database has a collector.
    pub async fn name_collector(&mut self, name: &Name) -> Result<(), StoreError> {
        let named = self
            .step("collector.init", name, json!({}))
            .execute(
                "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                args![COLLECTOR, name],
            )
            .await?;
        self.done_if(named, || {
            StoreError::conflict(
                "the database belongs to a collector already; give the new one its own",
            )
        })
    }

    /// Notes which authority certifies this database's machines, once.
    pub async fn note_authority(&mut self, fingerprint: &Digest) -> Result<(), StoreError> {
        let noted = self
            .step("collector.authority", fingerprint, json!({}))
            .execute(
                "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                args![AUTHORITY, fingerprint],
            )
            .await?;
        self.done_if(noted, || {
            StoreError::conflict("the database belongs to another certificate authority already")
        })
    }

    /// Raises the number of the certificate revocation list and gives the new one.
    pub async fn next_crl_number(&mut self) -> Result<u64, StoreError> {
        let (number,) = self
            .step("crl.issue", "", json!({}))
            .one(
                "UPDATE counters SET value = value + 1 WHERE name = 'crl' RETURNING value",
                args![],
            )
            .await?;
        self.done();
        Ok(number)
    }
}
