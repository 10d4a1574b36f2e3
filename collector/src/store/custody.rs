//! The custodian repository: adopted releases that wait for a signature, the origins of
//! those that have one, and the archives that were read.

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::trust::release::Provenance;
use serde_json::json;

/// A release that waits for the custodian's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The repository.
    pub repository: Name,
    /// The path of its first target.
    pub path: String,
    /// The product.
    pub product: Name,
    /// Its version.
    pub version: String,
    /// What its origin carries.
    pub provenance: Provenance,
    /// Its targets by path, in JSON, as they will be signed.
    pub targets: Vec<u8>,
    /// Who adopted it.
    pub adopted_by: String,
    /// When.
    pub adopted_at: UtcMs,
}
from_row!(Adoption {
    repository,
    path,
    product,
    version,
    provenance,
    targets,
    adopted_by,
    adopted_at
});

impl View {
    /// What waits for a signature, oldest first.
    pub async fn adoptions(&mut self) -> Result<Vec<Adoption>, StoreError> {
        self.tx
            .all(
                "SELECT repository, path, product, version, provenance, targets, adopted_by,
                        adopted_at
                 FROM adoptions ORDER BY adopted_at, repository, path",
                args![],
            )
            .await
    }

    /// How a release came here, in JSON; `None` for a vendor's own.
    pub async fn origin(
        &mut self,
        repository: &Name,
        path: &str,
        sha256: &Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<(Vec<u8>,)> = self
            .tx
            .first(
                "SELECT origin FROM release_origins
                 WHERE repository = $1 AND path = $2 AND sha256 = $3",
                args![repository, path, sha256],
            )
            .await?;
        Ok(found.map(|(origin,)| origin))
    }

    /// The date of the newest release file that was seen of an archive.
    pub async fn archive_seen(
        &mut self,
        place: &str,
        suite: &str,
    ) -> Result<Option<UtcMs>, StoreError> {
        let found: Option<(UtcMs,)> = self
            .tx
            .first(
                "SELECT signed_at FROM archive_marks WHERE place = $1 AND suite = $2",
                args![place, suite],
            )
            .await?;
        Ok(found.map(|(at,)| at))
    }
}

impl Change {
    /// Keeps an adopted release until it is signed; the same path again takes its place.
    pub async fn put_adoption(&mut self, adoption: &Adoption) -> Result<(), StoreError> {
        self.view().need_repository(&adoption.repository).await?;
        let detail = json!({
            "repository": adoption.repository,
            "product": adoption.product,
            "version": adoption.version,
            "provenance": adoption.provenance,
        });
        self.step("release.adopt", &adoption.path, detail)
            .execute(
                "INSERT INTO adoptions (repository, path, product, version, provenance, targets,
                                        adopted_by, adopted_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (repository, path) DO UPDATE SET product = excluded.product,
                    version = excluded.version, provenance = excluded.provenance,
                    targets = excluded.targets, adopted_by = excluded.adopted_by,
                    adopted_at = excluded.adopted_at",
                args![
                    adoption.repository,
                    adoption.path,
                    adoption.product,
                    adoption.version,
                    adoption.provenance,
                    adoption.targets,
                    adoption.adopted_by,
                    adoption.adopted_at
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Drops an adoption that was signed, or that nobody wants any more.
    pub async fn drop_adoption(
        &mut self,
        repository: &Name,
        path: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let detail = json!({ "repository": repository, "reason": reason });
        let dropped = self
            .step("release.adopted", path, detail)
            .execute(
                "DELETE FROM adoptions WHERE repository = $1 AND path = $2",
                args![repository, path],
            )
            .await?;
        self.done_if(dropped, || StoreError::missing("adoption", path))
    }

    /// Keeps how a release came here, as it was signed.
    pub async fn put_origin(
        &mut self,
        repository: &Name,
        path: &str,
        sha256: &Digest,
        origin: &[u8],
    ) -> Result<(), StoreError> {
        let detail = json!({ "repository": repository, "path": path });
        self.step("release.origin", sha256, detail)
            .execute(
                "INSERT INTO release_origins (repository, path, sha256, origin)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (repository, path, sha256) DO UPDATE SET origin = excluded.origin",
                args![repository, path, sha256, origin.to_vec()],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Notes an archive's release file; the date never falls.
    pub async fn mark_archive(
        &mut self,
        place: &str,
        suite: &str,
        signed: UtcMs,
    ) -> Result<(), StoreError> {
        let detail = json!({ "suite": suite, "signed": signed });
        let noted = self
            .step("archive.read", place, detail)
            .execute(
                "INSERT INTO archive_marks (place, suite, signed_at) VALUES ($1, $2, $3)
                 ON CONFLICT (place, suite) DO UPDATE SET signed_at = excluded.signed_at
                 WHERE archive_marks.signed_at <= excluded.signed_at",
                args![place, suite, signed],
            )
            .await?;
        self.done_if(noted, || {
            StoreError::conflict(format!(
                "a later release file of {suite} was seen meanwhile"
            ))
        })
    }
}
