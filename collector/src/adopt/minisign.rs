//! Minisign signatures.

use minisign_verify::{Error, PublicKey, Signature};
use patchward_common::trust::origin::Check;
use std::io::Read;

/// Largest signature file: four lines.
pub const MAX_SIGNATURE_BYTES: usize = 8 * 1024;
/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Why a signature proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum MinisignError {
    /// No public key.
    #[error("{0:?} is no minisign public key; it begins with RW and has 56 letters")]
    Key(String),
    /// No signature.
    #[error("it is no minisign signature ({0})")]
    Unreadable(Error),
    /// Of the old kind, which holds the whole file in memory.
    #[error("it is of minisign's legacy kind; ask the vendor to sign with a minisign of today")]
    Legacy,
    /// It does not hold.
    #[error(
        "the signature does not hold for this file and this key: the file was changed, or another key signed it"
    )]
    Wrong,
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

/// Verifies a file under a public key, as its vendor prints it.
pub fn check(key: &str, signature: &str, mut file: impl Read) -> Result<Check, MinisignError> {
    let key = key.trim();
    let shown = || MinisignError::Key(key.chars().take(80).collect());
    let public = PublicKey::from_base64(key).map_err(|_| shown())?;
    let signature = Signature::decode(signature).map_err(MinisignError::Unreadable)?;
    let mut verifier = public
        .verify_stream(&signature)
        .map_err(|error| match error {
            Error::UnsupportedLegacyMode => MinisignError::Legacy,
            _ => MinisignError::Wrong,
        })?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        verifier.update(&chunk[..read]);
    }
    verifier.finalize().map_err(|_| MinisignError::Wrong)?;
    Ok(Check::Minisign {
        key: key.to_owned(),
    })
}
