//! Writing TUF 1.0 repositories with Ed25519 keys: for the custodian repository, for
//! the vendors of the demo and for tests. No key is made here and no file is written.
//!
//! ```
//! # use patchward_common::{time::UtcMs, trust::tuf_author::*};
//! # use ed25519_dalek::SigningKey;
//! # let (root_key, online, offline) = ([1; 32], [2; 32], [3; 32]);
//! # let [root_key, online, offline] = [root_key, online, offline].map(|seed| SigningKey::from_bytes(&seed));
//! let far = UtcMs(4_102_444_800_000);
//! let root = RootSpec {
//!     version: 1,
//!     expires: far,
//!     consistent_snapshot: true,
//!     root: Holders::one(&root_key),
//!     timestamp: Holders::one(&online),
//!     snapshot: Holders::one(&online),
//!     targets: Holders::one(&offline),
//! };
//! let mut edition = Edition::new(1, far);
//! edition.targets.insert("viewer/4.2.1.tar".into(), TargetSpec::of(b"bytes", None));
//! let keys = EditionKeys { timestamp: &[&online], snapshot: &[&online], targets: &[&offline] };
//! let mut files = edition.sign(&keys)?;
//! files.insert("1.root.json".into(), root.sign(&[&root_key])?);
//! # Ok::<(), AuthorError>(())
//! ```

use super::sign::PublicKey;
use crate::digest::Digest;
use crate::time::UtcMs;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;
use std::collections::{BTreeMap, BTreeSet};

mod read;
#[cfg(test)]
mod tests;

pub use read::{ReadError, SignedTargets};

/// The version of the specification that is written.
const SPEC_VERSION: &str = "1.0.31";

/// Metadata files by name, as a repository's folder of metadata has them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Text that canonical JSON cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum AuthorError {
    /// TUF's canonical JSON has whole numbers only.
    #[error("a number in `custom` is not a whole number")]
    Number,
}

/// The keys of a role and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// The keys.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign.
    pub threshold: usize,
}

impl Holders {
    /// One key that signs alone.
    pub fn one(key: &SigningKey) -> Self {
        Self::of(1, &[key])
    }

    /// `threshold` of several keys.
    pub fn of(threshold: usize, keys: &[&SigningKey]) -> Self {
        Self {
            keys: keys.iter().map(|key| PublicKey::of(key)).collect(),
            threshold,
        }
    }

    fn role(&self) -> Value {
        let ids: BTreeSet<String> = self.keys.iter().map(key_id).collect();
        json!({ "keyids": ids, "threshold": self.threshold })
    }
}

/// A root. Its successor has the next version and is signed by the keys of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootSpec {
    /// 1, 2, 3 and so on; published as `VERSION.root.json`.
    pub version: u64,
    /// When it expires.
    pub expires: UtcMs,
    /// Whether other files carry their versions in their names.
    pub consistent_snapshot: bool,
    /// Who signs roots.
    pub root: Holders,
    /// Who signs timestamps.
    pub timestamp: Holders,
    /// Who signs snapshots.
    pub snapshot: Holders,
    /// Who signs the top-level targets.
    pub targets: Holders,
}

impl RootSpec {
    /// The file, signed: by its own keys and, after a rotation, by those of the root
    /// before it.
    pub fn sign(&self, signers: &[&SigningKey]) -> Result<Vec<u8>, AuthorError> {
        let roles = [
            ("root", &self.root),
            ("timestamp", &self.timestamp),
            ("snapshot", &self.snapshot),
            ("targets", &self.targets),
        ];
        let holders = roles.iter().map(|(_, holders)| *holders);
        let mut signed = head("root", self.version, self.expires);
        signed["consistent_snapshot"] = json!(self.consistent_snapshot);
        signed["keys"] = keys(holders);
        signed["roles"] = roles
            .iter()
            .map(|(name, holders)| ((*name).to_owned(), holders.role()))
            .collect();
        envelope(&signed, signers)
    }
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// Length in bytes.
    pub length: u64,
    /// SHA-256.
    pub sha256: Digest,
    /// What else is said about it; a release description stands in its `patchward`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
}

impl TargetSpec {
    /// The target with these bytes.
    pub fn of(bytes: &[u8], custom: Option<Value>) -> Self {
        Self {
            length: bytes.len() as u64,
            sha256: Digest::of(bytes),
            custom,
        }
    }
}

/// Paths that another role may speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The role's name, which is its file's.
    pub name: String,
    /// Who signs it.
    pub holders: Holders,
    /// Whether roles after it have no say about these paths.
    pub terminating: bool,
    /// The paths.
    pub covers: Covers,
}

/// How a delegation names its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covers {
    /// Shell patterns; `*` does not match `/`.
    Paths(Vec<String>),
    /// Beginnings of the SHA-256 of a path in hex.
    HashPrefixes(Vec<String>),
}

/// A targets role, top-level or delegated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetsSpec {
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: UtcMs,
    /// Targets by path.
    pub targets: BTreeMap<String, TargetSpec>,
    /// Delegations in the order in which they are asked.
    pub delegations: Vec<Delegation>,
}

impl TargetsSpec {
    /// The file, signed.
    pub fn sign(&self, signers: &[&SigningKey]) -> Result<Vec<u8>, AuthorError> {
        let mut signed = head("targets", self.version, self.expires);
        signed["targets"] = self
            .targets
            .iter()
            .map(|(path, target)| {
                let mut file = json!({
                    "length": target.length,
                    "hashes": { "sha256": target.sha256 },
                });
                if let Some(custom) = &target.custom {
                    file["custom"] = custom.clone();
                }
                (path.clone(), file)
            })
            .collect();
        if !self.delegations.is_empty() {
            signed["delegations"] = json!({
                "keys": keys(self.delegations.iter().map(|one| &one.holders)),
                "roles": self.delegations.iter().map(Delegation::role).collect::<Vec<_>>(),
            });
        }
        envelope(&signed, signers)
    }
}

impl Delegation {
    fn role(&self) -> Value {
        let mut role = self.holders.role();
        role["name"] = json!(self.name);
        role["terminating"] = json!(self.terminating);
        match &self.covers {
            Covers::Paths(paths) => role["paths"] = json!(paths),
            Covers::HashPrefixes(prefixes) => role["path_hash_prefixes"] = json!(prefixes),
        }
        role
    }
}

/// How a file is pinned by the role above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its version.
    pub version: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

impl Pin {
    /// The pin of a file.
    pub fn of(version: u64, file: &[u8]) -> Self {
        Self {
            version,
            length: file.len() as u64,
            sha256: Digest::of(file),
        }
    }

    fn meta(&self) -> Value {
        json!({
            "version": self.version,
            "length": self.length,
            "hashes": { "sha256": self.sha256 },
        })
    }
}

/// A snapshot that pins targets roles by name.
pub fn snapshot(
    version: u64,
    expires: UtcMs,
    roles: &BTreeMap<String, Pin>,
    signers: &[&SigningKey],
) -> Result<Vec<u8>, AuthorError> {
    let mut signed = head("snapshot", version, expires);
    signed["meta"] = roles
        .iter()
        .map(|(role, pin)| (format!("{role}.json"), pin.meta()))
        .collect();
    envelope(&signed, signers)
}

/// A timestamp that pins a snapshot.
pub fn timestamp(
    version: u64,
    expires: UtcMs,
    snapshot: Pin,
    signers: &[&SigningKey],
) -> Result<Vec<u8>, AuthorError> {
    let mut signed = head("timestamp", version, expires);
    signed["meta"] = json!({ "snapshot.json": snapshot.meta() });
    envelope(&signed, signers)
}

/// One state of a repository below its root: one version of its targets, snapshot and
/// timestamp, with snapshots consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// The version of all three.
    pub version: u64,
    /// When the targets expire; they are signed offline, so the latest of the three.
    pub targets_expire: UtcMs,
    /// When the snapshot expires.
    pub snapshot_expires: UtcMs,
    /// When the timestamp expires; the soonest.
    pub timestamp_expires: UtcMs,
    /// Targets by path.
    pub targets: BTreeMap<String, TargetSpec>,
}

/// Who signs an edition.
#[derive(Clone, Copy, Debug)]
pub struct EditionKeys<'a> {
    /// The signers of the timestamp.
    pub timestamp: &'a [&'a SigningKey],
    /// The signers of the snapshot.
    pub snapshot: &'a [&'a SigningKey],
    /// The signers of the targets.
    pub targets: &'a [&'a SigningKey],
}

impl Edition {
    /// An edition without targets, all of which expires at once.
    pub fn new(version: u64, expires: UtcMs) -> Self {
        Self {
            version,
            targets_expire: expires,
            snapshot_expires: expires,
            timestamp_expires: expires,
            targets: BTreeMap::new(),
        }
    }

    /// Its files: `N.targets.json`, `N.snapshot.json` and `timestamp.json`.
    pub fn sign(&self, keys: &EditionKeys) -> Result<Files, AuthorError> {
        let version = self.version;
        let spec = TargetsSpec {
            version,
            expires: self.targets_expire,
            targets: self.targets.clone(),
            delegations: Vec::new(),
        };
        let targets = spec.sign(keys.targets)?;
        let roles = BTreeMap::from([("targets".to_owned(), Pin::of(version, &targets))]);
        let snapshot = snapshot(version, self.snapshot_expires, &roles, keys.snapshot)?;
        let pin = Pin::of(version, &snapshot);
        let timestamp = timestamp(version, self.timestamp_expires, pin, keys.timestamp)?;
        Ok(Files::from([
            (format!("{version}.targets.json"), targets),
            (format!("{version}.snapshot.json"), snapshot),
            ("timestamp.json".to_owned(), timestamp),
        ]))
    }
}

/// Signs any `signed` part and puts it into TUF's envelope.
pub fn envelope(signed: &Value, signers: &[&SigningKey]) -> Result<Vec<u8>, AuthorError> {
    let bytes = to_canonical_bytes(signed).map_err(|_| AuthorError::Number)?;
    let signatures: Vec<Value> = signers
        .iter()
        .map(|key| {
            let signature = key.sign(&bytes).to_bytes();
            let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "keyid": key_id(&PublicKey::of(key)), "sig": hex })
        })
        .collect();
    let file = json!({ "signed": signed, "signatures": signatures });
    Ok(file.to_string().into_bytes())
}

/// What every role begins with. Expiry is written in whole seconds, rounded down.
fn head(role: &str, version: u64, expires: UtcMs) -> Value {
    json!({
        "_type": role,
        "spec_version": SPEC_VERSION,
        "version": version,
        "expires": expires.to_string(),
    })
}

fn key(public: &PublicKey) -> Value {
    json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": public } })
}

fn keys<'a>(holders: impl Iterator<Item = &'a Holders>) -> Value {
    holders
        .flat_map(|holders| &holders.keys)
        .map(|public| (key_id(public), key(public)))
        .collect()
}

/// The usual key id: SHA-256 of the key's canonical JSON.
fn key_id(public: &PublicKey) -> String {
    // No number stands in a key, so its canonical form always exists.
    let bytes = to_canonical_bytes(&key(public)).unwrap_or_default();
    Digest::of(&bytes).to_string()
}
