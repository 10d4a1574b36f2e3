//! The custodian repository, between the collector that prepares its next targets and the
//! custodian who signs them offline. A draft is the collector's word and nothing more: who
//! signs sees what it adds, changes and takes away, against what was signed before.

use super::origin::{self, Origin, PROOFS_FOLDER};
use super::release::{ReleaseDescription, is_target_path};
use super::sign::PublicKey;
use super::tuf_author::{AuthorError, TargetSpec, TargetsSpec};
use crate::digest::Digest;
use crate::id::Name;
use crate::time::{DAY_MS, UtcMs};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Largest draft in bytes: the largest targets file before and after, in text.
pub const MAX_DRAFT_BYTES: usize = 16 * 1024 * 1024;
/// Most targets of a custodian repository: what a hospital adopts in ten years.
pub const MAX_TARGETS: usize = 20_000;
/// Longest life of signed targets, in days: somebody looks at least twice a year at what
/// the hospital vouches for.
pub const MAX_TARGETS_DAYS: u32 = 184;
/// Where a target carries the description of its release, in `custom`.
const DESCRIPTION: &str = "patchward";
/// Draws the line between this format and later ones.
const FORMAT: &str = "patchward/custodian-draft.1";

/// What is to be signed next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    format: String,
    /// The repository, as the charter calls it.
    pub repository: Name,
    /// The version of the targets, one above what was signed before.
    pub version: u64,
    /// The targets file that was signed before, as it lies in the repository.
    pub before: Option<String>,
    /// Every target of the next version by path.
    pub targets: BTreeMap<String, TargetSpec>,
}

/// What a draft changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Releases that are new, with their origins.
    pub releases: Vec<(ReleaseDescription, Origin)>,
    /// Paths of targets that are new.
    pub added: Vec<String>,
    /// Paths of targets that are gone.
    pub removed: Vec<String>,
}

/// Why a draft is not to be signed.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// No draft, or of a later version of patchward.
    #[error("it is no draft of a custodian repository: {0}")]
    Unreadable(String),
    /// What it builds on was not signed by the key that signs now.
    #[error(
        "the targets that it builds on were not signed with this key; after a change of keys say --new-key"
    )]
    NotYours,
    /// The versions do not follow.
    #[error("version {found} does not follow {before}")]
    Order {
        /// What was signed before.
        before: u64,
        /// What is to be signed.
        found: u64,
    },
    /// A target was signed before with other bytes or another text.
    #[error(
        "{0} was signed before, and the draft gives it other bytes or another text; a release that was published is never changed: publish a new version"
    )]
    Changed(String),
    /// A target that no machine could install or nobody vouches for.
    #[error("{path}: {problem}")]
    Target {
        /// Its path.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

impl Draft {
    /// A draft of `targets`, after `before`.
    pub fn new(
        repository: Name,
        before: Option<(u64, String)>,
        targets: BTreeMap<String, TargetSpec>,
    ) -> Self {
        let (version, before) = match before {
            Some((version, text)) => (version.saturating_add(1), Some(text)),
            None => (1, None),
        };
        Self {
            format: FORMAT.to_owned(),
            repository,
            version,
            before,
            targets,
        }
    }

    /// Reads a draft's file.
    pub fn read(bytes: &[u8]) -> Result<Self, DraftError> {
        if bytes.len() > MAX_DRAFT_BYTES {
            let text = format!("it is longer than {MAX_DRAFT_BYTES} bytes");
            return Err(DraftError::Unreadable(text));
        }
        let draft: Self = serde_json::from_slice(bytes)
            .map_err(|error| DraftError::Unreadable(error.to_string()))?;
        if draft.format != FORMAT {
            return Err(DraftError::Unreadable(format!(
                "its format is {:?}, and {FORMAT:?} is read here",
                draft.format
            )));
        }
        if draft.targets.len() > MAX_TARGETS {
            let text = format!("it has more than {MAX_TARGETS} targets");
            return Err(DraftError::Unreadable(text));
        }
        Ok(draft)
    }

    /// The draft's file.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Names, numbers and texts have a JSON form always.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// What it changes. `keys` are those that sign now; they signed what was before,
    /// unless `new_key` says that the keys were changed: then everything counts as new.
    pub fn changes(&self, keys: &[PublicKey], new_key: bool) -> Result<Changes, DraftError> {
        let before = self.signed_before(keys, new_key)?;
        let mut changes = Changes::default();
        for (path, target) in &self.targets {
            match before.get(path) {
                Some(was) if was == target => continue,
                Some(_) => return Err(DraftError::Changed(path.clone())),
                None => changes.added.push(path.clone()),
            }
            if let Some(release) = released(path, target)? {
                changes.releases.push(release);
            }
        }
        let gone = before
            .keys()
            .filter(|path| !self.targets.contains_key(*path));
        changes.removed = gone.cloned().collect();
        for path in &changes.added {
            self.belongs(path, &changes.releases)?;
        }
        Ok(changes)
    }

    /// The next targets file, signed.
    pub fn sign(&self, keys: &[&SigningKey], expires: UtcMs) -> Result<Vec<u8>, AuthorError> {
        TargetsSpec {
            version: self.version,
            expires,
            targets: self.targets.clone(),
            delegations: Vec::new(),
        }
        .sign(keys)
    }

    /// The targets that were signed before.
    fn signed_before(
        &self,
        keys: &[PublicKey],
        new_key: bool,
    ) -> Result<BTreeMap<String, TargetSpec>, DraftError> {
        let Some(text) = &self.before else {
            return match self.version {
                1 => Ok(BTreeMap::new()),
                found => Err(DraftError::Order { before: 0, found }),
            };
        };
        let file = TargetsSpec::read(text.as_bytes())
            .map_err(|error| DraftError::Unreadable(error.to_string()))?;
        if !new_key && !keys.iter().any(|key| file.is_signed_by(key)) {
            return Err(DraftError::NotYours);
        }
        if file.spec.version.checked_add(1) != Some(self.version) {
            return Err(DraftError::Order {
                before: file.spec.version,
                found: self.version,
            });
        }
        // By other keys: nobody here knows who signed that, so all of it is new.
        Ok(match new_key {
            true => BTreeMap::new(),
            false => file.spec.targets,
        })
    }

    /// A new target is part of a new release or a proof of one: nothing comes along unseen.
    fn belongs(
        &self,
        path: &str,
        releases: &[(ReleaseDescription, Origin)],
    ) -> Result<(), DraftError> {
        let digest = self.targets.get(path).map(|target| target.sha256);
        let is_artifact = |release: &ReleaseDescription| {
            let mut artifacts = release.artifacts.iter();
            artifacts.any(|one| one.path == path && Some(one.sha256) == digest)
        };
        let is_proof = |origin: &Origin| {
            let mut kept = origin.proofs.iter().filter_map(|proof| proof.kept);
            kept.any(|kept| origin::proof_path(&kept) == path && Some(kept) == digest)
        };
        let mut each = releases.iter();
        if each.any(|(release, origin)| is_artifact(release) || is_proof(origin)) {
            return Ok(());
        }
        Err(DraftError::Target {
            path: path.to_owned(),
            problem: "it is no artifact and no proof of a new release".to_owned(),
        })
    }
}

/// The release that a target describes, with its origin.
fn released(
    path: &str,
    target: &TargetSpec,
) -> Result<Option<(ReleaseDescription, Origin)>, DraftError> {
    let wrong = |problem: &str| DraftError::Target {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    if !is_target_path(path) {
        return Err(wrong("its path is not a plain relative path"));
    }
    let custom = target.custom.as_ref().and_then(|custom| custom.as_object());
    let Some(custom) = custom.filter(|custom| custom.contains_key(DESCRIPTION)) else {
        // Whatever else stands there would be signed without having been shown.
        return match &target.custom {
            None => Ok(None),
            Some(_) => Err(wrong("it says something that belongs to no release")),
        };
    };
    let stated = custom.get(DESCRIPTION).cloned().unwrap_or_default();
    let release: ReleaseDescription =
        serde_json::from_value(stated).map_err(|error| wrong(&error.to_string()))?;
    release.check().map_err(wrong)?;
    let first = release.artifacts.first();
    if first.is_none_or(|first| first.path != path || first.sha256 != target.sha256) {
        return Err(wrong(
            "it is not the first artifact of the release that it describes",
        ));
    }
    let origin = origin::of_target(custom, &release).map_err(wrong)?;
    Ok(Some((release, origin)))
}

/// What a release adds to the targets: its artifacts, the first with description and
/// origin, and the files that its proofs rest on (digest and length).
pub fn targets_of(
    release: &ReleaseDescription,
    origin: &Origin,
    proofs: &[(Digest, u64)],
) -> BTreeMap<String, TargetSpec> {
    let artifacts = release.artifacts.iter().enumerate().map(|(at, artifact)| {
        let custom =
            (at == 0).then(|| serde_json::json!({ DESCRIPTION: release, origin::ORIGIN: origin }));
        let spec = TargetSpec {
            length: artifact.length,
            sha256: artifact.sha256,
            custom,
        };
        (artifact.path.clone(), spec)
    });
    let proofs = proofs.iter().map(|(kept, length)| {
        let spec = TargetSpec {
            length: *length,
            sha256: *kept,
            custom: None,
        };
        (origin::proof_path(kept), spec)
    });
    artifacts.chain(proofs).collect()
}

/// Until when targets that are signed now for so many days count.
pub fn targets_expire(now: UtcMs, days: u32) -> Result<UtcMs, String> {
    if !(1..=MAX_TARGETS_DAYS).contains(&days) {
        return Err(format!(
            "--days {days}: targets count for 1 to {MAX_TARGETS_DAYS} days"
        ));
    }
    Ok(now.plus_ms(i64::from(days) * DAY_MS))
}

/// Whether a path is that of a kept proof.
pub fn is_proof(path: &str) -> bool {
    path.strip_prefix(PROOFS_FOLDER)
        .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
