//! Releases, and which of their bytes lie here. The bytes are in the object store.

use super::conditions::Conditions;
use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::trust::release::Provenance;
use serde_json::json;
use sqlx::AssertSqlSafe;

words! {
    /// Whether a release may go into a plan.
    ReleaseState {
        /// It may.
        Available = "available",
        /// A later one takes its place.
        Superseded = "superseded",
        /// Its vendor, or HTM, took it back.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// Whether an artifact's bytes are here.
    ArtifactState {
        /// A release names it.
        Wanted = "wanted",
        /// They are here, and their digest was checked.
        Stored = "stored",
        /// They were here and are not, or not whole; they have to be fetched again.
        Lost = "lost",
    }
}

/// One version of one product, as a repository has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The repository.
    pub repository: Name,
    /// The target path.
    pub path: String,
    /// SHA-256 of that target.
    pub sha256: Digest,
    /// Its length in bytes.
    pub length: u64,
    /// The product.
    pub product: Name,
    /// The version, as its vendor writes it.
    pub version: String,
    /// The release counter.
    pub counter: u64,
    /// The word of its kind.
    pub kind: String,
    /// Who vouches for it.
    pub provenance: Provenance,
    /// The release description, as it came.
    pub description: Vec<u8>,
    /// Whether it may go into a plan.
    pub state: ReleaseState,
    /// When it was taken in.
    pub added_at: UtcMs,
}
from_row!(Release {
    repository,
    path,
    sha256,
    length,
    product,
    version,
    counter,
    kind,
    provenance,
    description,
    state,
    added_at
});

/// Bytes by their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// SHA-256.
    pub sha256: Digest,
    /// Their number.
    pub length: u64,
    /// Whether they are here.
    pub state: ArtifactState,
}
from_row!(Artifact {
    sha256,
    length,
    state
});

impl View {
    /// Every release of a product, or of all, newest counter first.
    pub async fn releases(&mut self, product: Option<&Name>) -> Result<Vec<Release>, StoreError> {
        let of = Conditions::default().and("product = ?", product.map(|product| args![product]));
        let sql = format!(
            "SELECT repository, path, sha256, length, product, version, counter, kind, provenance,
                    description, state, added_at
             FROM releases {of} ORDER BY product, counter DESC, repository, path, sha256"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// The releases whose target has this digest; several repositories may have it.
    pub async fn releases_by_digest(
        &mut self,
        sha256: &Digest,
    ) -> Result<Vec<Release>, StoreError> {
        self.tx
            .all(
                "SELECT repository, path, sha256, length, product, version, counter, kind,
                        provenance, description, state, added_at
                 FROM releases WHERE sha256 = $1 ORDER BY repository, path",
                args![sha256],
            )
            .await
    }

    /// One artifact.
    pub async fn artifact(&mut self, sha256: &Digest) -> Result<Option<Artifact>, StoreError> {
        self.tx
            .first(
                "SELECT sha256, length, state FROM artifacts WHERE sha256 = $1",
                args![sha256],
            )
            .await
    }

    /// The artifacts that have to be fetched, by digest.
    pub async fn artifacts_to_fetch(&mut self) -> Result<Vec<Artifact>, StoreError> {
        self.tx
            .all(
                "SELECT sha256, length, state FROM artifacts
                 WHERE state <> 'stored' ORDER BY sha256",
                args![],
            )
            .await
    }
}

impl Change {
    /// Takes a release in as available, and its artifacts as wanted; `state` and `added_at`
    /// of `release` are not looked at. The same release again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where an artifact is known with another length.
    pub async fn add_release(
        &mut self,
        release: &Release,
        artifacts: &[(Digest, u64)],
    ) -> Result<(), StoreError> {
        let now = self.now();
        self.view().need_repository(&release.repository).await?;
        let detail = json!({
            "repository": release.repository,
            "path": release.path,
            "product": release.product,
            "version": release.version,
            "counter": release.counter,
        });
        let tx = self.step("release.add", release.sha256, detail);
        tx.execute(
            "INSERT INTO releases (repository, path, sha256, length, product, version, counter,
                                   kind, provenance, description, state, added_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'available', $11)
             ON CONFLICT DO NOTHING",
            args![
                release.repository,
                release.path,
                release.sha256,
                release.length,
                release.product,
                release.version,
                release.counter,
                release.kind,
                release.provenance,
                release.description,
                now
            ],
        )
        .await?;
        for (sha256, length) in artifacts {
            let same = tx
                .execute(
                    "INSERT INTO artifacts (sha256, length, state, changed_at)
                     VALUES ($1, $2, 'wanted', $3)
                     ON CONFLICT (sha256) DO UPDATE SET length = excluded.length
                     WHERE artifacts.length = excluded.length",
                    args![sha256, length, now],
                )
                .await?;
            if same == 0 {
                return Err(StoreError::conflict(format!(
                    "artifact {sha256} is known with another length"
                )));
            }
        }
        self.done();
        Ok(())
    }

    /// Moves every release with this digest to a state.
    pub async fn set_release_state(
        &mut self,
        sha256: &Digest,
        state: ReleaseState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let detail = json!({ "state": state, "reason": reason });
        let changed = self
            .step("release.state", sha256, detail)
            .execute(
                "UPDATE releases SET state = $2 WHERE sha256 = $1",
                args![sha256, state],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("release", sha256))
    }

    /// Moves one repository's release to a state.
    pub async fn stand_release(
        &mut self,
        repository: &Name,
        path: &str,
        sha256: &Digest,
        state: ReleaseState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let detail = json!({ "path": path, "state": state, "reason": reason });
        let changed = self
            .step("release.state", sha256, detail)
            .execute(
                "UPDATE releases SET state = $4
                 WHERE repository = $1 AND path = $2 AND sha256 = $3",
                args![repository, path, sha256, state],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("release", sha256))
    }

    /// Says whether an artifact's bytes are here.
    pub async fn set_artifact_state(
        &mut self,
        sha256: &Digest,
        state: ArtifactState,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let changed = self
            .step("artifact.state", sha256, json!({ "state": state }))
            .execute(
                "UPDATE artifacts SET state = $2, changed_at = $3 WHERE sha256 = $1",
                args![sha256, state, now],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("artifact", sha256))
    }
}
