//! Verified targets: what a vendor says of a file.

use super::{Problem, VendorError};
use crate::digest::Digest;
use sha2::{Digest as _, Sha512};
use sigstore_tuf::TargetFile;
use std::collections::BTreeMap;

/// One target file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The role that lists it.
    pub role: String,
    /// Where the repository has its bytes, relative to its folder of targets: with the
    /// hash in the file's name where snapshots are consistent. The vendor's text: to be
    /// encoded in a URL, and never to be used as a path on a machine.
    pub file: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256.
    pub sha256: Digest,
    /// SHA-512 in lower-case hex, where the vendor gives one.
    pub sha512: Option<String>,
    /// The vendor's own text about it; empty where there is none.
    pub custom: serde_json::Map<String, serde_json::Value>,
}

impl Target {
    pub(super) fn new(
        role: &str,
        path: &str,
        file: &TargetFile,
        consistent: bool,
    ) -> Result<Self, Problem> {
        let hash = |name| {
            file.hashes
                .get(name)
                .map(|hex: &String| hex.to_ascii_lowercase())
        };
        let sha256: Digest = hash("sha256")
            .and_then(|hex| hex.parse().ok())
            .ok_or_else(|| Problem::NoSha256(path.to_owned()))?;
        let custom = match &file.custom {
            Some(serde_json::Value::Object(custom)) => custom.clone(),
            _ => serde_json::Map::new(),
        };
        let at = match (consistent, path.rsplit_once('/')) {
            (true, Some((folder, name))) => format!("{folder}/{sha256}.{name}"),
            (true, None) => format!("{sha256}.{path}"),
            (false, _) => path.to_owned(),
        };
        Ok(Self {
            role: role.to_owned(),
            file: at,
            length: file.length,
            sha256,
            sha512: hash("sha512"),
            custom,
        })
    }

    /// Whether these are its bytes (5.7.2): length and every hash that is known here.
    pub fn is(&self, bytes: &[u8]) -> bool {
        let sha512 = || {
            let hash = Sha512::digest(bytes);
            hash.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        bytes.len() as u64 == self.length
            && Digest::of(bytes) == self.sha256
            && self
                .sha512
                .as_ref()
                .is_none_or(|expected| *expected == sha512())
    }
}

/// What a refresh found for the paths that were looked up.
#[derive(Clone, Debug, Default)]
pub struct VerifiedTargets {
    found: BTreeMap<String, Option<Target>>,
}

impl VerifiedTargets {
    pub(super) fn insert(&mut self, path: &str, target: Option<Target>) {
        self.found.insert(path.to_owned(), target);
    }

    /// A target by its path; `None` where the vendor has no such target, and an error
    /// where the path was not among those looked up.
    pub fn target(&self, path: &str) -> Result<Option<Target>, VendorError> {
        match self.found.get(path) {
            Some(target) => Ok(target.clone()),
            None => Err(Problem::NotLookedUp(path.to_owned()).at("targets", "5.7.1")),
        }
    }

    /// All targets that were found, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Target)> {
        let found = self.found.iter();
        found.filter_map(|(path, target)| Some((path.as_str(), target.as_ref()?)))
    }
}
