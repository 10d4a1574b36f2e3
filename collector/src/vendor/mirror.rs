//! Taking in a vendor's repository from where it lies: the full rules of a TUF client
//! with the collector's own watermark, then the releases that its targets describe, then
//! their bytes.

use super::artifact::{ArtifactError, Artifacts};
use super::place::Place;
use crate::store::releases::{Release, ReleaseState};
use crate::store::vendors::TufFile;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::{Publisher, VendorGrant};
use patchward_common::trust::custodian::is_proof;
use patchward_common::trust::origin::{self, Origin};
use patchward_common::trust::release::{MAX_ARTIFACT_BYTES, ReleaseDescription};
use patchward_common::trust::vendor::{
    MAX_ROOT_BYTES, Repository, RoleMark, Source, Unavailable, VendorError, VendorWatermark,
    VerifiedTargets,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

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
    /// Every target that it lists: path and SHA-256.
    pub listed: BTreeSet<(String, Digest)>,
    /// The releases that its targets describe, and where their artifacts lie.
    pub releases: Vec<FoundRelease>,
    /// What was passed over, and why.
    pub passed_over: Vec<String>,
    /// Whether one of these is only for want of its bytes, which may come.
    pub waits: bool,
}

/// An artifact and where the repository has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundArtifact {
    /// Its target path.
    pub path: String,
    /// Its place below the repository's targets: the vendor's text.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub length: u64,
}

/// A release and where its bytes lie.
#[derive(Debug)]
pub struct FoundRelease {
    /// What it is.
    pub release: Release,
    /// Its description.
    pub description: ReleaseDescription,
    /// How it came here, where the hospital published it.
    pub origin: Option<Origin>,
    /// Its artifacts.
    pub artifacts: Vec<FoundArtifact>,
}

/// Why a repository was not taken in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// There is no first root.
    #[error("{0} has no metadata/1.root.json; is it a TUF repository?")]
    NoRoot(String),
    /// It could not be asked for its first root.
    #[error("metadata/1.root.json was not read: {0}")]
    Unavailable(String),
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

/// What a refresh reads: the place, and what an earlier one accepted, where the newer
/// metadata still pins it.
struct Asked<'a> {
    place: &'a mut Place,
    fetched: BTreeMap<String, Vec<u8>>,
    kept: &'a [TufFile],
}

impl Source for Asked<'_> {
    fn fetch(&mut self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Unavailable> {
        // The first root is pinned, and a root never changes.
        let found = self.place.metadata(name, limit)?;
        if let Some(bytes) = &found {
            self.fetched.insert(name.to_owned(), bytes.clone());
        }
        Ok(found)
    }

    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        // An equal timestamp with other content is a fault that its vendor has to hear of.
        if name == "timestamp.json" {
            return None;
        }
        let is_it = |file: &&TufFile| {
            file.file
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .trim_start_matches('.')
                == name
        };
        let newest = self
            .kept
            .iter()
            .filter(is_it)
            .max_by_key(|file| file.version);
        newest.map(|file| file.bytes.clone())
    }
}

/// Reads and verifies the repository in `place`, as of `now`. `shown` is the place for
/// people, `kept` what is stored of the repository.
pub fn read(
    place: &mut Place,
    shown: &str,
    grant: &VendorGrant,
    watermark: VendorWatermark,
    kept: &[TufFile],
    now: UtcMs,
) -> Result<Mirrored, MirrorError> {
    let first = place.metadata("1.root.json", MAX_ROOT_BYTES);
    let first = first
        .map_err(|error| MirrorError::Unavailable(error.to_string()))?
        .ok_or_else(|| MirrorError::NoRoot(shown.to_owned()))?;
    let mut source = Asked {
        place,
        fetched: BTreeMap::from([("1.root.json".to_owned(), first.clone())]),
        kept,
    };
    let before = watermark.clone();
    let mut repository = Repository::open(&first, grant.root, watermark, now)?;
    repository.refresh(&mut source)?;
    let paths = repository.listed(&mut source)?;
    let targets = repository.resolve(&mut source, paths.iter().map(String::as_str))?;
    let watermark = repository.watermark().clone();
    let mut mirrored = Mirrored {
        files: source.fetched.into_iter().map(tuf_file).collect(),
        recovered: fell(&before, &watermark),
        watermark,
        listed: targets
            .iter()
            .map(|(path, target)| (path.to_owned(), target.sha256))
            .collect(),
        releases: Vec::new(),
        passed_over: Vec::new(),
        waits: false,
    };
    let parts = described_elsewhere(&targets);
    for path in &paths {
        let is_part =
            parts.contains(path) || (grant.publisher == Publisher::Custodian && is_proof(path));
        match release(place, grant, &targets, path, now) {
            Ok(found) => mirrored.releases.push(found),
            Err(NotARelease::Undescribed) if is_part => {}
            Err(why) => {
                mirrored.waits |= matches!(why, NotARelease::NoBytes(_));
                mirrored.passed_over.push(format!("{path}: {why}"));
            }
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
    place: &Place,
    found: &FoundRelease,
    mut progress: impl FnMut(&str, u64, u64) + Send,
) -> Result<(), MirrorError> {
    for artifact in &found.artifacts {
        let here = artifacts.has(artifact.sha256, artifact.length).await;
        let here = here.map_err(|error| MirrorError::Artifact {
            path: artifact.path.clone(),
            error,
        })?;
        if !here {
            let mut done = |done| progress(&artifact.path, done, artifact.length);
            place.take_in(artifacts, artifact, &mut done).await?;
        }
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
    /// Its bytes are not there.
    #[error("the bytes of {0} are not in the folder")]
    NoBytes(String),
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
    place: &Place,
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
    let described = target.custom.get(DESCRIPTION);
    let custom = described.ok_or(NotARelease::Undescribed)?;
    let description: ReleaseDescription = serde_json::from_value(custom.clone())
        .map_err(|error| wrong(format!("its description cannot be read: {error}")))?;
    if !grant.products.contains(&description.product) {
        return Err(wrong(format!(
            "the charter does not let {} speak for {}",
            grant.repository, description.product
        )));
    }
    let artifacts = artifacts(grant, targets, &description).map_err(wrong)?;
    let is_missing = |one: &&FoundArtifact| !place.has(&one.file, &one.path);
    if let Some(missing) = artifacts.iter().find(is_missing) {
        return Err(NotARelease::NoBytes(missing.path.clone()));
    }
    let origin = match grant.publisher {
        Publisher::Vendor => None,
        Publisher::Custodian => {
            let origin = origin::of_target(&target.custom, &description);
            Some(origin.map_err(|problem| wrong(problem.to_owned()))?)
        }
    };
    let provenance = origin.as_ref().map(|origin| origin.provenance);
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
            provenance: provenance.unwrap_or_else(|| grant.publisher.gives()),
            description: codec::encode_deterministic(&description),
            state: ReleaseState::Available,
            added_at: now,
        },
        description,
        origin,
        artifacts,
    })
}

/// Where the artifacts of a release lie, each the very target that is described.
fn artifacts(
    grant: &VendorGrant,
    targets: &VerifiedTargets,
    description: &ReleaseDescription,
) -> Result<Vec<FoundArtifact>, String> {
    let mut artifacts = Vec::new();
    for artifact in &description.artifacts {
        let target = targets
            .target(&artifact.path)
            .map_err(|error| error.to_string())?;
        let target = target.ok_or_else(|| format!("{} is no target", artifact.path))?;
        if !grant.covers(&artifact.path) {
            return Err(format!(
                "the charter does not let {} use the path {}",
                grant.repository, artifact.path
            ));
        }
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
        artifacts.push(FoundArtifact {
            path: artifact.path.clone(),
            file: target.file,
            sha256: artifact.sha256,
            length: artifact.length,
        });
    }
    Ok(artifacts)
}

pub(super) fn tuf_file((file, bytes): (String, Vec<u8>)) -> TufFile {
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
pub(super) mod tests;
