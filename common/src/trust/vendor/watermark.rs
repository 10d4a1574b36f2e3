//! What was seen of one repository and must never fall but by 5.3.11.

use super::{MAX_ROLE_NAME_BYTES, MAX_ROLES, Problem};
use crate::digest::Digest;
use serde::{Deserialize, Serialize};
use sigstore_tuf::Snapshot;
use std::collections::BTreeMap;

/// The highest version of one role, and which content had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleMark {
    /// The version.
    pub version: u64,
    /// SHA-256 of the canonical `signed` part, which is what signatures cover: the
    /// same content signed once more is the same. `None` where only a pin was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// The highest versions and digests seen of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorWatermark {
    /// The newest root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<RoleMark>,
    /// The newest timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<RoleMark>,
    /// The newest snapshot, or a newer one that a timestamp pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<RoleMark>,
    /// Every targets role that the newest snapshot lists; the top-level one is
    /// `targets`.
    #[serde(default)]
    pub targets: BTreeMap<String, RoleMark>,
}

impl RoleMark {
    /// Whether content may follow what was seen: a higher version, or the same
    /// version with the same content.
    pub(super) fn admits(
        seen: Option<&Self>,
        version: u64,
        digest: Option<Digest>,
    ) -> Result<(), Problem> {
        match seen {
            Some(seen) if version < seen.version => Err(Problem::Older {
                seen: seen.version,
                found: version,
            }),
            Some(seen) if version == seen.version => match (seen.digest, digest) {
                (Some(before), Some(now)) if before != now => Err(Problem::Changed { version }),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The mark after content that was admitted.
    pub(super) fn raised(seen: Option<Self>, version: u64, digest: Option<Digest>) -> Self {
        match seen {
            Some(seen) if seen.version == version => Self {
                version,
                digest: digest.or(seen.digest),
            },
            _ => Self { version, digest },
        }
    }
}

impl VendorWatermark {
    /// 5.3.11. TUF keeps the versions of targets in the trusted snapshot, so they go
    /// with it.
    pub(super) fn forget_below_root(&mut self) {
        self.timestamp = None;
        self.snapshot = None;
        self.targets.clear();
    }

    /// 5.5.5: no targets role may be older than before, or be missing.
    pub(super) fn admit_roles(&self, snapshot: &Snapshot) -> Result<(), Problem> {
        if snapshot.meta.len() > MAX_ROLES {
            return Err(Problem::TooManyRoles);
        }
        let longest = MAX_ROLE_NAME_BYTES + ".json".len();
        if snapshot.meta.keys().any(|name| name.len() > longest) {
            return Err(Problem::Malformed("a role's name is too long".to_owned()));
        }
        for (role, seen) in &self.targets {
            let pin = snapshot.meta.get(&format!("{role}.json"));
            let version = pin.ok_or_else(|| Problem::Removed(role.clone()))?.version;
            RoleMark::admits(Some(seen), version, None)?;
        }
        Ok(())
    }

    /// Remembers what an admitted snapshot pins.
    pub(super) fn raise_roles(&mut self, snapshot: &Snapshot) {
        for (name, pin) in &snapshot.meta {
            let Some(role) = name.strip_suffix(".json") else {
                continue; // Not a role's file name: it can be looked up by nobody.
            };
            let seen = self.targets.get(role).copied();
            let mark = RoleMark::raised(seen, pin.version, None);
            self.targets.insert(role.to_owned(), mark);
        }
    }
}
