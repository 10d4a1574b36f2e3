//! Advisories: their revisions with their bytes, and what people noted on them.

mod held;
mod judgements;
mod matches;
mod stamp;

pub use held::{HeldModel, HeldSet};
pub use judgements::{AliasRow, Decision, NewDecision};
pub use matches::{Mark, MarkRow, MatchRow};
pub use stamp::{Moved, Stamp};

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use serde_json::json;

/// The largest number of revisions of one advisory that are kept in full; publishers count
/// to some dozens.
pub const MAX_REVISIONS: u32 = 1_000;

/// An advisory without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisoryRow {
    /// Its tracking id.
    pub id: String,
    /// Our count of its revisions, from 1.
    pub revision: u32,
    /// Its version, as its publisher counts.
    pub version: String,
    /// What it was written in.
    pub form: String,
    /// Who published it.
    pub publisher: String,
    /// Its title.
    pub title: String,
    /// Its category.
    pub category: String,
    /// `draft`, `interim` or `final`.
    pub status: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// When it was first published.
    pub published: Option<UtcMs>,
    /// When this revision was.
    pub changed: Option<UtcMs>,
    /// Until when something is to be done.
    pub due: Option<UtcMs>,
    /// Its highest CVSS score, in tenths.
    pub score: Option<u32>,
    /// How severe its publisher calls all of it; empty where it does not.
    pub severity: String,
    /// When it was taken in.
    pub added_at: UtcMs,
}
from_row!(AdvisoryRow {
    id,
    revision,
    version,
    form,
    publisher,
    title,
    category,
    status,
    digest,
    published,
    changed,
    due,
    score,
    severity,
    added_at
});

/// A note on an advisory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Who wrote it.
    pub author: String,
    /// When.
    pub at: UtcMs,
    /// What.
    pub text: String,
}
from_row!(Comment { author, at, text });

impl View {
    /// The newest revision of every advisory, by id.
    pub async fn advisories(&mut self) -> Result<Vec<AdvisoryRow>, StoreError> {
        self.tx
            .all(
                "SELECT id, revision, version, form, publisher, title, category, status, digest,
                        published, changed, due, score, severity, added_at
                 FROM advisories WHERE is_newest = 1 ORDER BY id",
                args![],
            )
            .await
    }

    /// Every revision of an advisory, oldest first.
    pub async fn revisions(&mut self, id: &str) -> Result<Vec<AdvisoryRow>, StoreError> {
        self.tx
            .all(
                "SELECT id, revision, version, form, publisher, title, category, status, digest,
                        published, changed, due, score, severity, added_at
                 FROM advisories WHERE id = $1 ORDER BY revision",
                args![id],
            )
            .await
    }

    /// The newest revision of an advisory, with its bytes.
    pub async fn advisory(
        &mut self,
        id: &str,
    ) -> Result<Option<(AdvisoryRow, Vec<u8>)>, StoreError> {
        let revisions = self.revisions(id).await?;
        let (newest,): (Option<u32>,) = self
            .tx
            .one(
                "SELECT MAX(revision) FROM advisories WHERE id = $1 AND is_newest = 1",
                args![id],
            )
            .await?;
        let row = revisions
            .into_iter()
            .find(|row| Some(row.revision) == newest);
        let Some(row) = row else { return Ok(None) };
        let bytes = self.advisory_bytes(id, row.revision).await?;
        Ok(bytes.map(|bytes| (row, bytes)))
    }

    /// The bytes of a revision.
    pub async fn advisory_bytes(
        &mut self,
        id: &str,
        revision: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> = self
            .tx
            .first(
                "SELECT document FROM advisories WHERE id = $1 AND revision = $2",
                args![id, revision],
            )
            .await?;
        Ok(row.map(|(bytes,)| bytes))
    }

    /// The vulnerabilities of every advisory: its id, the name.
    pub async fn advisory_vulnerabilities(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        self.tx
            .all(
                "SELECT advisory, name FROM advisory_vulnerabilities ORDER BY advisory, name",
                args![],
            )
            .await
    }

    /// Who has read which advisory, and when.
    pub async fn advisory_readers(&mut self) -> Result<Vec<(String, String, UtcMs)>, StoreError> {
        self.tx
            .all("SELECT advisory, reader, at FROM advisory_readers", args![])
            .await
    }

    /// The notes on an advisory, oldest first.
    pub async fn advisory_comments(&mut self, id: &str) -> Result<Vec<Comment>, StoreError> {
        self.tx
            .all(
                "SELECT author, at, text FROM advisory_comments WHERE advisory = $1
                 ORDER BY number",
                args![id],
            )
            .await
    }
}

impl Change {
    /// Adds a revision. `is_newest` says whether it is the one that counts from now on; then
    /// nobody has read it yet.
    pub async fn add_advisory(
        &mut self,
        row: &AdvisoryRow,
        bytes: &[u8],
        is_newest: bool,
        vulnerabilities: &[String],
    ) -> Result<(), StoreError> {
        let detail = json!({
            "version": row.version, "publisher": row.publisher, "digest": row.digest,
            "newest": is_newest,
        });
        let tx = self.step("advisory.add", &row.id, detail);
        if is_newest {
            tx.execute(
                "UPDATE advisories SET is_newest = 0 WHERE id = $1",
                args![row.id],
            )
            .await?;
            for table in [
                "DELETE FROM advisory_readers WHERE advisory = $1",
                "DELETE FROM advisory_vulnerabilities WHERE advisory = $1",
            ] {
                tx.execute(table, args![row.id]).await?;
            }
            let names = vulnerabilities.iter().map(|name| args![row.id, name]);
            tx.execute_many(
                (
                    "INSERT INTO advisory_vulnerabilities (advisory, name) VALUES",
                    "ON CONFLICT DO NOTHING",
                ),
                names.collect(),
            )
            .await?;
        }
        tx.execute(
            "INSERT INTO advisories (id, revision, version, form, publisher, title, category,
                 status, digest, document, published, changed, due, score, severity, added_at,
                 is_newest)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                 $17)",
            args![
                row.id,
                row.revision,
                row.version,
                row.form,
                row.publisher,
                row.title,
                row.category,
                row.status,
                row.digest,
                bytes,
                row.published,
                row.changed,
                row.due,
                row.score,
                row.severity,
                row.added_at,
                u32::from(is_newest)
            ],
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Removes an advisory with all of its revisions and matches. What people decided stays:
    /// it counts again when the advisory comes back.
    pub async fn remove_advisory(&mut self, id: &str) -> Result<(), StoreError> {
        let tx = self.step("advisory.remove", id, json!({}));
        for sql in [
            "DELETE FROM advisory_matches WHERE advisory = $1",
            "DELETE FROM release_matches WHERE advisory = $1",
            "DELETE FROM advisory_vulnerabilities WHERE advisory = $1",
            "DELETE FROM advisory_readers WHERE advisory = $1",
            "DELETE FROM advisory_comments WHERE advisory = $1",
            "DELETE FROM advisory_marks WHERE advisory = $1",
        ] {
            tx.execute(sql, args![id]).await?;
        }
        let removed = tx
            .execute("DELETE FROM advisories WHERE id = $1", args![id])
            .await?;
        self.done_if(removed, || StoreError::missing("advisory", id))
    }

    /// Notes that the caller has read an advisory.
    pub async fn read_advisory(&mut self, id: &str) -> Result<(), StoreError> {
        let (reader, at) = (self.actor().to_string(), self.now());
        self.step("advisory.read", id, json!({}))
            .execute(
                "INSERT INTO advisory_readers (advisory, reader, at) VALUES ($1, $2, $3)
                 ON CONFLICT (advisory) DO NOTHING",
                args![id, reader, at],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Adds a note to an advisory.
    pub async fn comment_advisory(&mut self, id: &str, text: &str) -> Result<(), StoreError> {
        let (author, at) = (self.actor().to_string(), self.now());
        let number = self.view().advisory_comments(id).await?.len() as u64 + 1;
        self.step("advisory.comment", id, json!({ "number": number }))
            .execute(
                "INSERT INTO advisory_comments (advisory, number, author, at, text)
                 VALUES ($1, $2, $3, $4, $5)",
                args![id, number, author, at, text],
            )
            .await?;
        self.done();
        Ok(())
    }
}
