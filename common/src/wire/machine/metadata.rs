//! Role files of vendors' repositories: what is asked of them, and which names they may have.

use crate::digest::Digest;
use crate::id::Name;
use serde::{Deserialize, Serialize};

/// Longest name of a TUF role.
pub const MAX_ROLE_NAME: usize = 64;
/// Most digits of a role file's version: those of 2^63.
const MAX_VERSION_DIGITS: usize = 19;
/// Largest role file; the targets of a vendor with thousands of releases.
pub const MAX_METADATA_BYTES: usize = 8 * 1024 * 1024;

/// A role file of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataAsked {
    /// The repository.
    pub repository: Name,
    /// The file, such as `timestamp.json` or `3.root.json`.
    pub file: String,
    /// Its digest is enough: the bytes come from a relay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_digest: bool,
    /// Of a relay: the digest that the collector names. A relay cannot tell what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

impl MetadataAsked {
    /// The file itself, as the collector has it.
    pub fn whole(repository: Name, file: String) -> Self {
        Self {
            repository,
            file,
            only_digest: false,
            sha256: None,
        }
    }
}

/// Which bytes a role file has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataIs {
    /// Their digest.
    pub sha256: Digest,
    /// Their length.
    pub length: u64,
}

/// Whether `file` is the name of a TUF role file: `timestamp.json`, `3.root.json`,
/// `12.some-role.json`, `7.vendor.viewer~2.json`. The only names that become paths on
/// either side. A role whose name would have to be percent-encoded has none; its
/// repository is refused where it is taken in.
pub fn is_role_file(file: &str) -> bool {
    let Some(stem) = file.strip_suffix(".json") else {
        return false;
    };
    let is_version = |text: &str| {
        (1..=MAX_VERSION_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let role = match stem.split_once('.') {
        Some((version, role)) if is_version(version) => role,
        _ => stem,
    };
    // The unreserved characters of RFC 3986, which no client encodes.
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    (1..=MAX_ROLE_NAME).contains(&role.len()) && !role.starts_with('.') && role.bytes().all(allowed)
}
