//! How a release came to the hospital that its vendor did not publish in a repository of
//! its own: where from, who vouches, and what was checked. The custodian signs it with
//! the target, beside the description, so that a machine can hold an approval to it.

use super::release::{Provenance, ReleaseDescription};
use crate::digest::Digest;
use crate::id::{Label, Name};
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where a target of a custodian repository carries its origin, in `custom`.
pub const ORIGIN: &str = "patchward_origin";
/// The folder of a custodian repository with what was checked: signatures, checksum lists,
/// an archive's index.
pub const PROOFS_FOLDER: &str = "proofs";
/// Most proofs of one release: one per artifact, and the files of an archive.
pub const MAX_PROOFS: usize = 1_024;
/// Longest checksum or fingerprint in bytes: SHA-512 in hex.
const MAX_HEX_BYTES: usize = 128;

/// How a release came here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Who vouches for it; never [`Provenance::Vendor`].
    pub provenance: Provenance,
    /// On which way it came.
    pub way: Way,
    /// Where exactly: a URL, the portal's name, what is printed on the disc.
    pub place: Label,
    /// When it was fetched or handed over.
    pub obtained: UtcMs,
    /// Who fetched it.
    pub obtained_by: Label,
    /// Who vouches for it in the hospital.
    pub vouched_by: Name,
    /// Why it can be believed, in their words.
    pub note: Label,
    /// What was checked, in the order of the artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
}

/// On which way a release came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From a public address.
    Url,
    /// From a vendor's portal that asks who one is.
    Portal,
    /// On a disc or stick.
    Disc,
    /// From a distribution's signed archive.
    Archive,
}

impl Way {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Portal => "portal",
            Self::Disc => "disc",
            Self::Archive => "archive",
        }
    }
}

/// One thing that was checked of one artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The artifact.
    pub artifact: Digest,
    /// How it was checked.
    pub check: Check,
    /// The file that the check rests on, kept in the repository under
    /// [`PROOFS_FOLDER`]; none where a checksum was read from a page or a letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Digest>,
}

/// How an artifact was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// Its vendor gave this SHA-256.
    Sha256 {
        /// In lower-case hex.
        hex: String,
        /// Where the vendor gave it.
        given_in: Label,
    },
    /// Its vendor gave this SHA-512.
    Sha512 {
        /// In lower-case hex.
        hex: String,
        /// Where the vendor gave it.
        given_in: Label,
    },
    /// A detached OpenPGP signature.
    OpenPgp {
        /// The key that signed, as the keyring names it.
        fingerprint: String,
        /// When it was signed.
        signed: UtcMs,
    },
    /// A minisign signature.
    Minisign {
        /// The public key.
        key: String,
    },
    /// Listed in an archive's index, whose release file is signed.
    Archive {
        /// The suite.
        suite: Label,
        /// The key that signed the release file.
        fingerprint: String,
        /// The release file's date.
        signed: UtcMs,
    },
}

impl Check {
    /// In words, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Sha256 { hex, given_in } => format!("SHA-256 {hex} as given in {given_in}"),
            Self::Sha512 { hex, given_in } => format!("SHA-512 {hex} as given in {given_in}"),
            Self::OpenPgp {
                fingerprint,
                signed,
            } => format!("OpenPGP signature of key {fingerprint} made {signed}"),
            Self::Minisign { key } => format!("minisign signature of key {key}"),
            Self::Archive {
                suite,
                fingerprint,
                signed,
            } => format!("listed in {suite} of {signed}, signed by key {fingerprint}"),
        }
    }

    fn is_readable(&self) -> bool {
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let short = |text: &str| (1..=MAX_HEX_BYTES).contains(&text.len()) && text.is_ascii();
        match self {
            Self::Sha256 { hex: text, .. } => hex(text, 64),
            Self::Sha512 { hex: text, .. } => hex(text, MAX_HEX_BYTES),
            Self::OpenPgp { fingerprint, .. } | Self::Archive { fingerprint, .. } => {
                short(fingerprint)
            }
            Self::Minisign { key } => short(key),
        }
    }
}

impl Origin {
    /// What is wrong with it as the origin of this release, whoever signed it: nothing is
    /// called more than its proofs carry.
    pub fn check(&self, release: &ReleaseDescription) -> Result<(), &'static str> {
        if self.proofs.len() > MAX_PROOFS {
            return Err("its origin has too many proofs");
        }
        if !self.proofs.iter().all(|proof| proof.check.is_readable()) {
            return Err("a proof of its origin is not readable");
        }
        let artifacts: BTreeSet<Digest> = release.artifacts.iter().map(|a| a.sha256).collect();
        let proven: BTreeSet<Digest> = self.proofs.iter().map(|proof| proof.artifact).collect();
        if !proven.is_subset(&artifacts) {
            return Err("a proof of its origin is of no artifact of it");
        }
        let given = |proof: &Proof| match &proof.check {
            Check::Sha256 { hex, .. } => *hex == proof.artifact.to_string(),
            _ => true,
        };
        if !self.proofs.iter().all(given) {
            return Err("the checksum that its vendor gave is another one");
        }
        match self.provenance {
            Provenance::Vendor => {
                Err("only its vendor's own repository makes it a vendor's release")
            }
            Provenance::VendorSignature if proven != artifacts => {
                Err("it is called checked against its vendor, and an artifact has no proof")
            }
            Provenance::VendorSignature | Provenance::Attested => Ok(()),
        }
    }
}

/// What a target of a custodian repository says of the origin of `release`.
///
/// # Errors
/// Where nobody vouches for it: what comes without an origin that holds is below
/// `attested`, and nothing below that is installed.
pub fn of_target(
    custom: &serde_json::Map<String, serde_json::Value>,
    release: &ReleaseDescription,
) -> Result<Origin, &'static str> {
    let stated = custom
        .get(ORIGIN)
        .ok_or("nobody vouches for it: its target names no origin")?;
    let origin: Origin = serde_json::from_value(stated.clone())
        .map_err(|_| "what its target says of its origin cannot be read")?;
    origin.check(release)?;
    Ok(origin)
}

/// The path of a kept proof in its repository.
pub fn proof_path(kept: &Digest) -> String {
    format!("{PROOFS_FOLDER}/{kept}")
}

#[cfg(test)]
mod tests;
