//! `file` keys: Ed25519 in PKCS #8 (RFC 8410), PEM, readable by their owner alone.

use crate::Failure;
use crate::file::{self, Access};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding,
};
use patchward_common::trust::sign::{KeyId, PublicKey};
use rand::TryRngCore as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Largest key file: one key of a few lines.
const MAX_KEY_BYTES: usize = 4 * 1024;

/// A key that was opened to sign.
pub(crate) struct Key {
    pub(crate) path: PathBuf,
    pub(crate) signing: SigningKey,
}

impl Key {
    /// Opens a key file.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let content = |problem: &str| Failure::Content {
            path: path.to_owned(),
            problem: problem.into(),
        };
        only_owner(path)?;
        let pem = Zeroizing::new(file::read(path, MAX_KEY_BYTES)?);
        let signing = read_pem(&pem).map_err(content)?;
        Ok(Self {
            path: path.to_owned(),
            signing,
        })
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::of(&self.signing)
    }

    pub(crate) fn id(&self) -> KeyId {
        self.public().id()
    }
}

/// Reads the content of a key file.
///
/// # Errors
/// What it is not, and what to do.
pub fn read_pem(pem: &[u8]) -> Result<SigningKey, &'static str> {
    let pem = std::str::from_utf8(pem).map_err(|_| "it is no key file in PEM")?;
    SigningKey::from_pkcs8_pem(pem).map_err(
        |_| "it is no Ed25519 private key in PEM (PKCS #8); make one with `patchward-sign key new`",
    )
}

/// Opens several, each once.
pub(crate) fn open_all(paths: &[PathBuf]) -> Result<Vec<Key>, Failure> {
    let mut keys: Vec<Key> = Vec::new();
    for path in paths {
        let key = Key::open(path)?;
        if keys.iter().any(|known| known.public() == key.public()) {
            return Err(Failure::Key(format!(
                "{} holds a key that was given before; each key signs once",
                path.display()
            )));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Makes a new key in a new file.
pub(crate) fn create(path: &Path) -> Result<PublicKey, Failure> {
    let mut seed = Zeroizing::new([0u8; 32]);
    rand::rngs::OsRng
        .try_fill_bytes(seed.as_mut())
        .map_err(|error| Failure::Random(error.to_string()))?;
    let signing = SigningKey::from_bytes(&seed);
    let pem = signing
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|error| Failure::Write {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
    file::write(path, pem.as_bytes(), Access::Owner, None)?;
    Ok(PublicKey::of(&signing))
}

/// A key that others can read is not one person's.
#[cfg(unix)]
fn only_owner(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = path.metadata() else {
        return Ok(());
    };
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        return Err(Failure::Content {
            path: path.to_owned(),
            problem: format!(
                "others may read this key; make it yours alone with `chmod 600 {}`",
                path.display()
            ),
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn only_owner(_path: &Path) -> Result<(), Failure> {
    Ok(())
}
