//! Artifacts: bytes by their digest, in a folder of the collector's.

use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart};
use patchward_common::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

/// How much of an artifact is in memory at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Where artifacts are kept.
#[derive(Clone, Debug)]
pub struct Artifacts(Arc<dyn ObjectStore>);

/// Why an artifact was not taken in or not found.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Its bytes are not those that the vendor signed.
    #[error("{name} has other bytes than its vendor signed; get a new copy")]
    OtherBytes {
        /// The digest that was expected.
        name: Digest,
    },
    /// It could not be read from where it came.
    #[error("reading it failed")]
    Read(#[source] std::io::Error),
    /// The store of artifacts failed: no room, no right, or not there.
    #[error("the folder of artifacts failed")]
    Store(#[from] object_store::Error),
}

impl Artifacts {
    /// Artifacts as files in `folder`, which is made if it is missing.
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let files = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self(Arc::new(files)))
    }

    /// The store itself, for those who only read.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.0.clone()
    }

    fn place(name: Digest) -> ObjectPath {
        ObjectPath::from(name.to_string())
    }

    /// Whether all of it is here.
    pub async fn has(&self, name: Digest, length: u64) -> Result<bool, ArtifactError> {
        match self.0.head(&Self::place(name)).await {
            Ok(found) => Ok(found.size == length),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes in `length` bytes that must have the digest `name`; nothing else stays, also
    /// where there is no room for all of them.
    /// `progress` hears how many were read.
    pub async fn put(
        &self,
        name: Digest,
        length: u64,
        from: &mut (impl AsyncRead + Unpin),
        progress: impl FnMut(u64),
    ) -> Result<(), ArtifactError> {
        let place = Self::place(name);
        if length == 0 {
            // A part of no bytes is no upload.
            self.0.put(&place, PutPayload::new()).await?;
            return Ok(());
        }
        let mut upload = WriteMultipart::new(self.0.put_multipart(&place).await?);
        if let Err(error) = fill(&mut upload, name, length, from, progress).await {
            // What was begun is worth nothing; the error says the rest.
            let _ = upload.abort().await;
            return Err(error);
        }
        upload.finish().await?;
        Ok(())
    }

    /// Writes an artifact of `length` bytes into a new file.
    pub async fn copy_to(
        &self,
        name: Digest,
        length: u64,
        path: &Path,
    ) -> Result<(), ArtifactError> {
        let mut file = tokio::fs::File::create_new(path)
            .await
            .map_err(ArtifactError::Read)?;
        let mut at = 0;
        while at < length {
            let end = length.min(at.saturating_add(CHUNK_BYTES as u64));
            let part = self.range(name, at..end).await?;
            let part = part.ok_or(ArtifactError::OtherBytes { name })?;
            file.write_all(&part).await.map_err(ArtifactError::Read)?;
            at = end;
        }
        file.flush().await.map_err(ArtifactError::Read)
    }

    /// A range of an artifact.
    pub async fn range(
        &self,
        name: Digest,
        range: std::ops::Range<u64>,
    ) -> Result<Option<Vec<u8>>, ArtifactError> {
        match self.0.get_range(&Self::place(name), range).await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Copies until the end, and says whether that was the artifact.
async fn fill(
    upload: &mut WriteMultipart,
    name: Digest,
    length: u64,
    from: &mut (impl AsyncRead + Unpin),
    mut progress: impl FnMut(u64),
) -> Result<(), ArtifactError> {
    let mut hash = Sha256::new();
    let mut left = length;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let most = CHUNK_BYTES.min(
            usize::try_from(left)
                .unwrap_or(CHUNK_BYTES)
                .saturating_add(1),
        );
        let read = from.read(&mut chunk[..most]).await;
        let read = read.map_err(ArtifactError::Read)?;
        if read == 0 {
            break;
        }
        left = left
            .checked_sub(read as u64)
            .ok_or(ArtifactError::OtherBytes { name })?;
        hash.update(&chunk[..read]);
        upload.write(&chunk[..read]);
        upload.wait_for_capacity(4).await?;
        progress(length - left);
    }
    match left == 0 && Digest(hash.finalize().into()) == name {
        true => Ok(()),
        false => Err(ArtifactError::OtherBytes { name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_signed_bytes_stay() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::in_folder(folder.path()).unwrap();
        let bytes = vec![7; 3 * CHUNK_BYTES + 5];
        let (name, length) = (Digest::of(&bytes), bytes.len() as u64);
        for wrong in [&bytes[1..], &[&bytes[..], b"x"].concat(), b""] {
            let outcome = artifacts.put(name, length, &mut &wrong[..], |_| {}).await;
            assert!(matches!(outcome, Err(ArtifactError::OtherBytes { .. })));
            assert!(!artifacts.has(name, length).await.unwrap());
        }
        artifacts
            .put(name, length, &mut &bytes[..], |_| {})
            .await
            .unwrap();
        assert!(artifacts.has(name, length).await.unwrap());
        let part = artifacts.range(name, 3..9).await.unwrap();
        assert_eq!(part.as_deref(), Some(&bytes[3..9]));
        assert_eq!(artifacts.range(Digest([9; 32]), 0..1).await.unwrap(), None);
    }
}
