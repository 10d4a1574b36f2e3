//! Reading targets files that this author wrote: the custodian repository's own. What
//! comes from outside goes through [`crate::trust::vendor`] instead.

use super::{AuthorError, TargetSpec, TargetsSpec, key_id};
use crate::digest::Digest;
use crate::time::UtcMs;
use crate::trust::sign::PublicKey;
use serde::Deserialize;
use serde_json::Value;
use sigstore_tuf::canonical_json::to_canonical_bytes;
use std::collections::BTreeMap;

/// A targets file as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTargets {
    /// What it says.
    pub spec: TargetsSpec,
    /// What its signatures cover.
    covered: Vec<u8>,
    /// Key ids with their signatures.
    signatures: Vec<(String, Vec<u8>)>,
}

/// Why a file is none of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not a targets file.
    #[error("it is no targets file: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It says what this author never writes.
    #[error("it is no targets file of a custodian repository: {0}")]
    Foreign(&'static str),
    /// A number that canonical JSON cannot hold.
    #[error(transparent)]
    Number(#[from] AuthorError),
}

#[derive(Deserialize)]
struct File {
    signed: Value,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    keyid: String,
    sig: String,
}

#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "_type")]
    role: String,
    version: u64,
    expires: jiff::Timestamp,
    targets: BTreeMap<String, Target>,
    #[serde(default)]
    delegations: Option<Value>,
}

#[derive(Deserialize)]
struct Target {
    length: u64,
    hashes: Hashes,
    #[serde(default)]
    custom: Option<Value>,
}

#[derive(Deserialize)]
struct Hashes {
    sha256: Digest,
}

impl TargetsSpec {
    /// Reads a file that [`TargetsSpec::sign`] wrote; its signatures are not verified.
    pub fn read(bytes: &[u8]) -> Result<SignedTargets, ReadError> {
        let file: File = serde_json::from_slice(bytes)?;
        let covered = to_canonical_bytes(&file.signed).map_err(|_| AuthorError::Number)?;
        let signed: Signed = serde_json::from_value(file.signed)?;
        if signed.role != "targets" {
            return Err(ReadError::Foreign("it is another role's"));
        }
        if signed.delegations.is_some() {
            return Err(ReadError::Foreign("it delegates"));
        }
        let target = |(path, target): (String, Target)| {
            let spec = TargetSpec {
                length: target.length,
                sha256: target.hashes.sha256,
                custom: target.custom,
            };
            (path, spec)
        };
        let signature = |one: Signature| Some((one.keyid, hex_bytes(&one.sig)?));
        Ok(SignedTargets {
            spec: Self {
                version: signed.version,
                expires: UtcMs(signed.expires.as_millisecond()),
                targets: signed.targets.into_iter().map(target).collect(),
                delegations: Vec::new(),
            },
            covered,
            signatures: file.signatures.into_iter().filter_map(signature).collect(),
        })
    }
}

impl SignedTargets {
    /// Whether this key signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let id = key_id(key);
        let mut of_key = self.signatures.iter().filter(|(keyid, _)| *keyid == id);
        of_key.any(|(_, signature)| key.has_signed(&self.covered, signature))
    }
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .bytes()
        .map(|byte| {
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        })
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}
