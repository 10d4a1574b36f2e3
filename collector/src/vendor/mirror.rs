//! Taking in a vendor's repository from a folder (a mirror, a USB stick): the full
//! rules of a TUF client with the collector's own watermark, then the releases that
//! its targets describe, then their bytes.

use super::artifact::{ArtifactError, Artifacts};
use crate::store::releases::{Release, ReleaseState};
use crate::store::vendors::TufFile;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::VendorGrant;
use patchward_common::trust::release::{MAX_ARTIFACT_BYTES, ReleaseDescription};
use patchward_common::trust::vendor::{
    MAX_ROOT_BYTES, Repository, RoleMark, Unavailable, VendorError, VendorWatermark,
    VerifiedTargets,
};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Where a target of a vendor carries the description of its release.
const DESCRIPTION: &str = "patchward";

/// A repository as it was found, verified.
#[derive(Debug)]
pub struct Mirrored {
    /// Every metadata file that was read and accepted, under its name in the repository.
    pub files: Vec<TufFile>,
    /// What must never fall.
    pub watermark: VendorWatermark,
    /// Whether marks did fall: a new root rotated the keys of timestamp or snapshot, and
    /// what was seen below it is void (TUF 1.0 §5.3.11).
    pub recovered: bool,
    /// The releases that its targets describe, and their artifacts' places.
    pub releases: Vec<FoundRelease>,
    /// What was passed over, and why.
    pub passed_over: Vec<String>,
}

/// A release and where its bytes lie.
#[derive(Debug)]
pub struct FoundRelease {
    /// What it is.
    pub release: Release,
    /// Its description.
    pub description: ReleaseDescription,
    /// Its artifacts: digest, length, file.
    pub artifacts: Vec<(Digest, u64, PathBuf)>,
}

/// Why a repository was not taken in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The folder has no first root.
    #[error("{0} has no metadata/1.root.json; is it a TUF repository?")]
    NoRoot(PathBuf),
    /// The rules of TUF refuse it.
    #[error("the repository is refused, ask its vendor for a new copy")]
    Refused(#[from] VendorError),
    /// A file could not be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// An artifact could not be taken in.
    #[error("{path} was not taken in")]
    Artifact {
        /// The artifact's target path.
        path: String,
        /// Why.
        #[source]
        error: ArtifactError,
    },
}

/// Reads and verifies the repository in `folder`, as of `now`.
pub fn read(
    folder: &Path,
    grant: &VendorGrant,
    watermark: VendorWatermark,
    now: UtcMs,
) -> Result<Mirrored, MirrorError> {
    let metadata = folder.join("metadata");
    let metadata = if metadata.is_dir() {
        metadata
    } else {
        folder.to_owned()
    };
    let first = file(&metadata.join("1.root.json"), MAX_ROOT_BYTES)?
        .ok_or_else(|| MirrorError::NoRoot(folder.to_owned()))?;
    let mut fetched: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    fetched.insert("1.root.json".into(), first.clone());
    let mut source = |name: &str, limit: usize| -> Result<Option<Vec<u8>>, Unavailable> {
        let found = file(&metadata.join(name), limit).map_err(|error| {
            let why = error.source().map(ToString::to_string);
            Unavailable(format!("{error}: {}", why.unwrap_or_default()))
        })?;
        if let Some(bytes) = &found {
            fetched.insert(name.to_owned(), bytes.clone());
        }
        Ok(found)
    };
    let before = watermark.clone();
    let mut repository = Repository::open(&first, grant.root, watermark, now)?;
    repository.refresh(&mut source)?;
    let paths = repository.listed(&mut source)?;
    let targets = repository.resolve(&mut source, paths.iter().map(String::as_str))?;
    let watermark = repository.watermark().clone();
    let mut mirrored = Mirrored {
        files: fetched.into_iter().map(tuf_file).collect(),
        recovered: fell(&before, &watermark),
        watermark,
        releases: Vec::new(),
        passed_over: Vec::new(),
    };
    let parts = described_elsewhere(&targets);
    for path in &paths {
        match release(folder, grant, &targets, path, now) {
            Ok(found) => mirrored.releases.push(found),
            Err(NotARelease::Undescribed) if parts.contains(path) => {}
            Err(why) => mirrored.passed_over.push(format!("{path}: {why}")),
        }
    }
    Ok(mirrored)
}

/// Whether a mark is lower than it was, or on other content. The verifier lets one fall
/// only where 5.3.11 clears it.
fn fell(before: &VendorWatermark, after: &VendorWatermark) -> bool {
    let fell = |before: Option<&RoleMark>, after: Option<&RoleMark>| match (before, after) {
        (Some(before), Some(after)) if after.version == before.version => {
            matches!((before.digest, after.digest), (Some(was), Some(is)) if was != is)
        }
        (Some(before), Some(after)) => after.version < before.version,
        (Some(_), None) => true,
        (None, _) => false,
    };
    fell(before.timestamp.as_ref(), after.timestamp.as_ref())
        || fell(before.snapshot.as_ref(), after.snapshot.as_ref())
        || before
            .targets
            .iter()
            .any(|(role, mark)| fell(Some(mark), after.targets.get(role)))
}

/// Takes in the bytes of a release; `progress` hears path, done and total.
pub async fn take_in(
    artifacts: &Artifacts,
    found: &FoundRelease,
    mut progress: impl FnMut(&str, u64, u64),
) -> Result<(), MirrorError> {
    for (artifact, (name, length, path)) in found.description.artifacts.iter().zip(&found.artifacts)
    {
        let failed = |error| MirrorError::Artifact {
            path: artifact.path.clone(),
            error,
        };
        if artifacts.has(*name, *length).await.map_err(failed)? {
            continue;
        }
        let mut bytes =
            tokio::fs::File::open(path)
                .await
                .map_err(|error| MirrorError::Unreadable {
                    path: path.clone(),
                    error,
                })?;
        artifacts
            .put(*name, *length, &mut bytes, |done| {
                progress(&artifact.path, done, *length);
            })
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Why a target is no release.
#[derive(Debug, thiserror::Error)]
enum NotARelease {
    /// Nothing is said of it.
    #[error(
        "it has no description, so nobody can tell what it is or how it is installed; ask its \
         vendor to describe it under custom.patchward, or publish it with a description in your \
         custodian repository"
    )]
    Undescribed,
    /// What is said of it does not hold.
    #[error("{0}")]
    Wrong(String),
}

/// The artifacts that descriptions name beside the target that carries each: they need
/// no description of their own.
fn described_elsewhere(targets: &VerifiedTargets) -> BTreeSet<String> {
    let described = targets
        .iter()
        .filter_map(|(_, target)| target.custom.get(DESCRIPTION));
    described
        .filter_map(|custom| serde_json::from_value::<ReleaseDescription>(custom.clone()).ok())
        .flat_map(|description| description.artifacts)
        .map(|artifact| artifact.path)
        .collect()
}

/// The release that a target describes.
fn release(
    folder: &Path,
    grant: &VendorGrant,
    targets: &VerifiedTargets,
    path: &str,
    now: UtcMs,
) -> Result<FoundRelease, NotARelease> {
    let wrong = NotARelease::Wrong;
    let target = targets
        .target(path)
        .map_err(|error| wrong(error.to_string()))?
        .ok_or_else(|| wrong("no role that may speak for it lists it".to_owned()))?;
    let custom = target.custom.get(DESCRIPTION);
    let custom = custom.ok_or(NotARelease::Undescribed)?;
    let description: ReleaseDescription = serde_json::from_value(custom.clone())
        .map_err(|error| wrong(format!("its description cannot be read: {error}")))?;
    if !grant.products.contains(&description.product) {
        return Err(wrong(format!(
            "the charter does not let {} speak for {}",
            grant.repository, description.product
        )));
    }
    let artifacts = artifacts(folder, targets, &description).map_err(wrong)?;
    Ok(FoundRelease {
        release: Release {
            repository: grant.repository.clone(),
            path: path.to_owned(),
            sha256: target.sha256,
            length: target.length,
            product: description.product.clone(),
            version: description.version.clone(),
            counter: description.counter,
            kind: description.kind.word().to_owned(),
            provenance: grant.publisher.gives(),
            description: codec::encode_deterministic(&description),
            state: ReleaseState::Available,
            added_at: now,
        },
        description,
        artifacts,
    })
}

/// Where the artifacts of a release lie, each the very target that is described.
fn artifacts(
    folder: &Path,
    targets: &VerifiedTargets,
    description: &ReleaseDescription,
) -> Result<Vec<(Digest, u64, PathBuf)>, String> {
    let mut artifacts = Vec::new();
    for artifact in &description.artifacts {
        let target = targets
            .target(&artifact.path)
            .map_err(|error| error.to_string())?;
        let target = target.ok_or_else(|| format!("{} is no target", artifact.path))?;
        if target.sha256 != artifact.sha256 || target.length != artifact.length {
            return Err(format!(
                "{} is another target than described",
                artifact.path
            ));
        }
        if artifact.length > MAX_ARTIFACT_BYTES {
            return Err(format!(
                "{} is larger than any artifact may be",
                artifact.path
            ));
        }
        let place = target_file(folder, &target.file, &artifact.path)
            .ok_or_else(|| format!("the bytes of {} are not in the folder", artifact.path))?;
        artifacts.push((artifact.sha256, artifact.length, place));
    }
    Ok(artifacts)
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

fn file(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, MirrorError> {
    let unreadable = |error| MirrorError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let open = match std::fs::File::open(path) {
        Ok(open) => open,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    // One byte more than allowed, so that the reader can tell it is too large.
    open.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(Some(bytes))
}

fn tuf_file((file, bytes): (String, Vec<u8>)) -> TufFile {
    #[derive(serde::Deserialize)]
    struct Versioned {
        signed: Version,
    }
    #[derive(serde::Deserialize)]
    struct Version {
        version: u64,
    }
    // Every file here was accepted, so it has a version.
    let version = serde_json::from_slice(&bytes).map_or(0, |v: Versioned| v.signed.version);
    TufFile {
        file,
        version,
        digest: Digest::of(&bytes),
        bytes,
    }
}

/// What was seen of a repository before, from the files that are stored of it: they are
/// read again as at a time when nothing had expired.
pub fn watermark_of(grant: &VendorGrant, files: &[TufFile]) -> VendorWatermark {
    let by_name = |name: &str| files.iter().find(|file| file.file == name);
    let Some(first) = by_name("1.root.json") else {
        return VendorWatermark::default();
    };
    let before = VendorWatermark::default();
    let Ok(mut repository) = Repository::open(&first.bytes, grant.root, before, UtcMs(0)) else {
        return VendorWatermark::default();
    };
    let mut stored = |name: &str, _: usize| Ok(by_name(name).map(|file| file.bytes.clone()));
    // Where a file is missing the marks up to it still count.
    let _ = repository.refresh(&mut stored);
    repository.watermark().clone()
}

#[cfg(test)]
mod tests;
