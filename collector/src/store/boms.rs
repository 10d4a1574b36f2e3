//! Bills of materials of releases: the file by its digest, and what it lists. The bytes are
//! in the object store.

use super::conditions::Conditions;
use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::component::Source;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use serde_json::json;
use sqlx::AssertSqlSafe;

/// A bill that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBom {
    /// The release: SHA-256 of its first target.
    pub release: Digest,
    /// SHA-256 of the file.
    pub file: Digest,
    /// Its bytes.
    pub length: u64,
    /// Its format, for people.
    pub format: String,
    /// Who took it in.
    pub taken_by: String,
    /// When.
    pub taken_at: UtcMs,
}
from_row!(StoredBom {
    release,
    file,
    length,
    format,
    taken_by,
    taken_at
});

/// What a release brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseComponent {
    /// The release.
    pub release: Digest,
    /// In whose order its versions are.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// Its version; empty where the bill says none.
    pub version: String,
    /// Its package URL, where the bill has one.
    pub purl: String,
}
from_row!(ReleaseComponent {
    release,
    source,
    name,
    version,
    purl
});

/// What an advisory says of something that a release brings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseMatch {
    /// The release.
    pub release: Digest,
    /// The advisory.
    pub advisory: String,
    /// The component's key.
    pub thing: String,
    /// The component, as people read it.
    pub shown: String,
    /// The value's word: affected, or a person has to look.
    pub value: String,
    /// The reason's word.
    pub reason: String,
    /// The reason in a sentence.
    pub why: String,
}
from_row!(ReleaseMatch {
    release,
    advisory,
    thing,
    shown,
    value,
    reason,
    why
});

impl View {
    /// The available releases whose bills were taken in.
    pub async fn releases_with_bom(&mut self) -> Result<Vec<Digest>, StoreError> {
        let rows: Vec<(Digest,)> = self
            .tx
            .all(
                "SELECT DISTINCT b.release FROM release_boms b
                 JOIN releases r ON r.sha256 = b.release
                 WHERE r.state = 'available' ORDER BY b.release",
                args![],
            )
            .await?;
        Ok(rows.into_iter().map(|(release,)| release).collect())
    }

    /// What advisories say of what releases bring: of one release or of all, by one advisory
    /// or by all.
    pub async fn release_matches(
        &mut self,
        release: Option<&Digest>,
        advisory: Option<&str>,
    ) -> Result<Vec<ReleaseMatch>, StoreError> {
        let of = Conditions::default()
            .and("release = ?", release.map(|release| args![release]))
            .and("advisory = ?", advisory.map(|advisory| args![advisory]));
        let sql = format!(
            "SELECT release, advisory, thing, shown, value, reason, why FROM release_matches {of}
             ORDER BY release, advisory, thing"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// The bill of a release.
    pub async fn bom(&mut self, release: &Digest) -> Result<Option<StoredBom>, StoreError> {
        self.tx
            .first(
                "SELECT release, file, length, format, taken_by, taken_at FROM release_boms
                 WHERE release = $1",
                args![release],
            )
            .await
    }

    /// What a release brings, as its bill says, by name and version.
    pub async fn bom_components(
        &mut self,
        release: &Digest,
    ) -> Result<Vec<ReleaseComponent>, StoreError> {
        self.tx
            .all(
                "SELECT release, source, name, version, purl FROM release_components
                 WHERE release = $1 ORDER BY name, version, source, purl",
                args![release],
            )
            .await
    }

    /// Up to `limit` components of releases whose names are from `from` to before `until`,
    /// by name.
    pub async fn released_components(
        &mut self,
        from: &str,
        until: &str,
        limit: u32,
    ) -> Result<Vec<ReleaseComponent>, StoreError> {
        self.tx
            .all(
                "SELECT release, source, name, version, purl FROM release_components
                 WHERE name >= $1 AND name < $2
                 ORDER BY name, version, source, purl, release LIMIT $3",
                args![from, until, limit],
            )
            .await
    }
}

impl Change {
    /// Writes what an advisory says of what releases bring, in place of what it said before.
    pub async fn put_release_matches(
        &mut self,
        advisory: &str,
        rows: &[ReleaseMatch],
    ) -> Result<(), StoreError> {
        let detail = json!({ "written": rows.len() });
        let tx = self.step("advisory.match-releases", advisory, detail);
        tx.execute(
            "DELETE FROM release_matches WHERE advisory = $1",
            args![advisory],
        )
        .await?;
        let rows = rows.iter().map(|row| {
            args![
                row.release,
                advisory,
                row.thing,
                row.shown,
                row.value,
                row.reason,
                row.why
            ]
        });
        tx.execute_many(
            (
                "INSERT INTO release_matches (release, advisory, thing, shown, value, reason,
                     why) VALUES",
                "",
            ),
            rows.collect(),
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Keeps the bill of a release; another one of the same release takes its place. Who
    /// takes it in and when are this change's.
    pub async fn put_bom(
        &mut self,
        bom: &StoredBom,
        components: &[ReleaseComponent],
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let detail = json!({
            "file": bom.file, "format": bom.format, "components": components.len(),
        });
        let rows = components.iter();
        let rows = rows.map(|one| args![bom.release, one.source, one.name, one.version, one.purl]);
        let rows = rows.collect();
        let tx = self.step("release.sbom", bom.release, detail);
        tx.execute(
            "INSERT INTO release_boms (release, file, length, format, taken_by, taken_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (release) DO UPDATE SET file = excluded.file,
                length = excluded.length, format = excluded.format,
                taken_by = excluded.taken_by, taken_at = excluded.taken_at",
            args![bom.release, bom.file, bom.length, bom.format, by, now],
        )
        .await?;
        tx.execute(
            "DELETE FROM release_components WHERE release = $1",
            args![bom.release],
        )
        .await?;
        tx.execute_many(
            (
                "INSERT INTO release_components (release, source, name, version, purl) VALUES",
                "",
            ),
            rows,
        )
        .await?;
        self.done();
        Ok(())
    }
}
