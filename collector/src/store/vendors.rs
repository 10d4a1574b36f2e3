//! Vendors, and the metadata of their TUF repositories as it was fetched.

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::ApprovedRelease;
use serde_json::json;

/// Who publishes releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// The vendor.
    pub name: Name,
    /// Its repository.
    pub repository: Name,
    /// Where the repository is mirrored from; a folder or a URL.
    pub url: String,
    /// SHA-256 of the repository's first root.
    pub root_digest: Digest,
}
from_row!(Vendor {
    name,
    repository,
    url,
    root_digest
});

/// A role file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TufFile {
    /// Its name, such as `timestamp.json` or `3.root.json`.
    pub file: String,
    /// Its version.
    pub version: u64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
from_row!(TufFile {
    file,
    version,
    digest,
    bytes
});

/// What a repository was read with when all that it offers was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRead {
    /// The digest of what the charter grants its vendor.
    pub granted: Digest,
    /// The digest of the timestamp's bytes.
    pub timestamp: Digest,
}
from_row!(LastRead { granted, timestamp });

impl View {
    /// Every vendor, by name.
    pub async fn vendors(&mut self) -> Result<Vec<Vendor>, StoreError> {
        self.tx
            .all(
                "SELECT name, repository, url, root_digest FROM vendors ORDER BY name",
                args![],
            )
            .await
    }

    /// The vendor with this repository.
    pub async fn vendor_of(&mut self, repository: &Name) -> Result<Option<Vendor>, StoreError> {
        self.tx
            .first(
                "SELECT name, repository, url, root_digest FROM vendors WHERE repository = $1",
                args![repository],
            )
            .await
    }

    /// The vendors of approved releases, in their order.
    pub async fn vendors_of(
        &mut self,
        releases: &[ApprovedRelease],
    ) -> Result<Vec<Name>, StoreError> {
        let mut vendors = Vec::new();
        for release in releases {
            let vendor = self.vendor_of(&release.repository).await?;
            vendors.extend(vendor.map(|vendor| vendor.name));
        }
        Ok(vendors)
    }

    /// One role file.
    pub async fn tuf_file(
        &mut self,
        repository: &Name,
        file: &str,
    ) -> Result<Option<TufFile>, StoreError> {
        self.tx
            .first(
                "SELECT file, version, digest, bytes FROM tuf_files
                 WHERE repository = $1 AND file = $2",
                args![repository, file],
            )
            .await
    }

    /// The newest root of a repository.
    pub async fn newest_root(&mut self, repository: &Name) -> Result<Option<TufFile>, StoreError> {
        self.tx
            .first(
                "SELECT file, version, digest, bytes FROM tuf_files
                 WHERE repository = $1 AND file LIKE '%.root.json'
                 ORDER BY version DESC LIMIT 1",
                args![repository],
            )
            .await
    }

    /// Every role file of a repository, by name.
    pub async fn tuf_files(&mut self, repository: &Name) -> Result<Vec<TufFile>, StoreError> {
        self.tx
            .all(
                "SELECT file, version, digest, bytes FROM tuf_files
                 WHERE repository = $1 ORDER BY file",
                args![repository],
            )
            .await
    }

    /// What a repository was last read with to its end; `None` where something of it was left.
    pub async fn last_read(&mut self, repository: &Name) -> Result<Option<LastRead>, StoreError> {
        self.tx
            .first(
                "SELECT granted, timestamp FROM repository_reads WHERE repository = $1",
                args![repository],
            )
            .await
    }

    /// When a repository was fetched last.
    pub async fn fetched_at(&mut self, repository: &Name) -> Result<Option<UtcMs>, StoreError> {
        let (at,) = self
            .tx
            .one(
                "SELECT MAX(fetched_at) FROM tuf_files WHERE repository = $1",
                args![repository],
            )
            .await?;
        Ok(at)
    }

    pub(super) async fn need_repository(&mut self, repository: &Name) -> Result<(), StoreError> {
        self.vendor_of(repository)
            .await?
            .map(|_| ())
            .ok_or_else(|| StoreError::missing("vendor with the repository", repository))
    }
}

impl Change {
    /// Adds a vendor.
    pub async fn add_vendor(&mut self, vendor: &Vendor) -> Result<(), StoreError> {
        let detail = json!({
            "repository": vendor.repository,
            "url": vendor.url,
            "root": vendor.root_digest,
        });
        let added = self
            .step("vendor.add", &vendor.name, detail)
            .execute(
                "INSERT INTO vendors (name, repository, url, root_digest) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                args![
                    vendor.name,
                    vendor.repository,
                    vendor.url,
                    vendor.root_digest
                ],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!(
                "there is a vendor {} or a repository {} already",
                vendor.name, vendor.repository
            ))
        })
    }

    /// Changes where a vendor's repository is mirrored from. The root stays what it was.
    pub async fn set_vendor_url(&mut self, name: &Name, url: &str) -> Result<(), StoreError> {
        let changed = self
            .step("vendor.url", name, json!({ "url": url }))
            .execute(
                "UPDATE vendors SET url = $2 WHERE name = $1",
                args![name, url],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("vendor", name))
    }

    /// Stores what one refresh brought, all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where a file would go back to a lower version; after TUF's
    /// fast-forward recovery, [`Change::drop_tuf_files`] comes first.
    pub async fn put_tuf_files(
        &mut self,
        repository: &Name,
        files: &[TufFile],
    ) -> Result<(), StoreError> {
        let now = self.now();
        self.view().need_repository(repository).await?;
        let versions: serde_json::Map<_, _> = files
            .iter()
            .map(|file| (file.file.clone(), file.version.into()))
            .collect();
        let tx = self.step("vendor.refresh", repository, versions.into());
        for file in files {
            let changed = tx
                .execute(
                    "INSERT INTO tuf_files (repository, file, version, digest, bytes, fetched_at)
                     VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT (repository, file) DO UPDATE SET version = excluded.version,
                        digest = excluded.digest, bytes = excluded.bytes,
                        fetched_at = excluded.fetched_at
                     WHERE excluded.version > tuf_files.version
                        OR (excluded.version = tuf_files.version
                            AND excluded.digest = tuf_files.digest)",
                    args![
                        repository,
                        file.file,
                        file.version,
                        file.digest,
                        file.bytes,
                        now
                    ],
                )
                .await?;
            if changed == 0 {
                return Err(StoreError::conflict(format!(
                    "{} of repository {repository} is there in another or a higher version than {}",
                    file.file, file.version
                )));
            }
        }
        self.done();
        Ok(())
    }

    /// Notes what a repository was read with to its end, or that something of it is left.
    pub async fn note_read(
        &mut self,
        repository: &Name,
        read: Option<&LastRead>,
    ) -> Result<(), StoreError> {
        self.view().need_repository(repository).await?;
        let detail = json!({ "complete": read.is_some() });
        let tx = self.step("vendor.read", repository, detail);
        tx.execute(
            "DELETE FROM repository_reads WHERE repository = $1",
            args![repository],
        )
        .await?;
        if let Some(read) = read {
            tx.execute(
                "INSERT INTO repository_reads (repository, granted, timestamp)
                 VALUES ($1, $2, $3)",
                args![repository, read.granted, read.timestamp],
            )
            .await?;
        }
        self.done();
        Ok(())
    }

    /// Drops role files that a new root has made void (TUF 1.0 §5.3.11).
    pub async fn drop_tuf_files(
        &mut self,
        repository: &Name,
        files: &[&str],
    ) -> Result<(), StoreError> {
        let tx = self.step("vendor.recover", repository, json!({ "files": files }));
        for file in files {
            tx.execute(
                "DELETE FROM tuf_files WHERE repository = $1 AND file = $2",
                args![repository, file],
            )
            .await?;
        }
        self.done();
        Ok(())
    }
}
