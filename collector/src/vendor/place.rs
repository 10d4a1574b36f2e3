//! Where a repository lies: a folder (a mirror, a USB stick), a web server, or here.

use super::artifact::{ArtifactError, Artifacts};
use super::mirror::{FoundArtifact, MirrorError};
use super::web::Web;
use patchward_common::time::UtcMs;
use patchward_common::trust::vendor::Unavailable;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Where a repository lies.
#[derive(Debug)]
pub enum Place {
    /// In a folder, with `metadata` and `targets` in it, or the metadata right there.
    Folder(PathBuf),
    /// On a web server.
    Web(Web),
    /// Here: metadata by name; the artifacts are in the collector's own folder.
    Here(BTreeMap<String, Vec<u8>>),
}

impl Place {
    /// The place that people write: a URL or a folder's full path. `partial` is where
    /// half-fetched artifacts stay, `clock` bounds how long all of it may take.
    ///
    /// # Errors
    /// What is expected.
    pub fn of(text: &str, partial: PathBuf, clock: fn() -> UtcMs) -> Result<Self, String> {
        if text.contains("://") {
            return Web::of(text, partial, clock).map(Self::Web);
        }
        let path = Path::new(text);
        match path.is_absolute() {
            true => Ok(Self::Folder(path.to_owned())),
            false => Err(format!(
                "{text:?} is no place of a repository; write an https or http URL, or a folder's \
                 full path"
            )),
        }
    }

    /// A metadata file, at most one byte more than `limit`.
    pub(super) fn metadata(
        &mut self,
        name: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        match self {
            Self::Folder(folder) => {
                let inner = folder.join("metadata");
                let metadata = if inner.is_dir() { &inner } else { &*folder };
                let path = metadata.join(name);
                file(&path, limit).map_err(|error| {
                    Unavailable(format!("{} cannot be read: {error}", path.display()))
                })
            }
            Self::Web(web) => web
                .file(&format!("metadata/{name}"), limit)
                .map_err(Unavailable),
            Self::Here(files) => Ok(files.get(name).cloned()),
        }
    }

    /// Whether the bytes of a target can be there.
    pub(super) fn has(&self, with_hash: &str, plain: &str) -> bool {
        match self {
            Self::Folder(folder) => target_file(folder, with_hash, plain).is_some(),
            // Asked when they are fetched.
            Self::Web(_) | Self::Here(_) => true,
        }
    }

    /// Takes in the bytes of an artifact; `progress` hears how many are here.
    pub(super) async fn take_in(
        &self,
        artifacts: &Artifacts,
        artifact: &FoundArtifact,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<(), MirrorError> {
        let failed = |error| MirrorError::Artifact {
            path: artifact.path.clone(),
            error,
        };
        let missing = |why: String| failed(ArtifactError::Read(std::io::Error::other(why)));
        let (path, is_partial) = match self {
            Self::Folder(folder) => {
                let found = target_file(folder, &artifact.file, &artifact.path);
                let gone = || missing("its bytes are not in the folder any more".to_owned());
                (found.ok_or_else(gone)?, false)
            }
            Self::Web(web) => {
                let path = format!("targets/{}", artifact.file);
                let fetched = web
                    .fetch(&path, (artifact.sha256, artifact.length), progress)
                    .await;
                (fetched.map_err(missing)?, true)
            }
            Self::Here(_) => {
                return Err(missing("its bytes are not here; adopt it again".to_owned()));
            }
        };
        let unreadable = |error| MirrorError::Unreadable {
            path: path.clone(),
            error,
        };
        let mut bytes = tokio::fs::File::open(&path).await.map_err(unreadable)?;
        let put = artifacts.put(artifact.sha256, artifact.length, &mut bytes, progress);
        let outcome = put.await.map_err(failed);
        if is_partial
            && !matches!(
                outcome,
                Err(MirrorError::Artifact {
                    error: ArtifactError::Store(_),
                    ..
                })
            )
        {
            // Taken in, or worth nothing: the next try begins anew.
            let _ = tokio::fs::remove_file(&path).await;
        }
        outcome
    }
}

/// Where the bytes of a target lie: under the name with the hash, or the plain one. The
/// vendor chose the name, so nothing that leaves the folder is followed.
fn target_file(folder: &Path, with_hash: &str, plain: &str) -> Option<PathBuf> {
    let targets = folder.join("targets");
    let root = targets.canonicalize().ok()?;
    [with_hash, plain].into_iter().find_map(|name| {
        let relative = Path::new(name);
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let found = inside
            .then(|| targets.join(relative))?
            .canonicalize()
            .ok()?;
        (found.starts_with(&root) && found.is_file()).then_some(found)
    })
}

fn file(path: &Path, limit: usize) -> std::io::Result<Option<Vec<u8>>> {
    let open = match std::fs::File::open(path) {
        Ok(open) => open,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    // One byte more than allowed, so that the reader can tell it is too large.
    open.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
