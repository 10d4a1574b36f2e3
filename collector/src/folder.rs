//! The collector's folder: what lies where. All of it can be moved by moving it.

use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use patchward_common::trust::sign::PublicKey;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, lchown};
use std::path::{Path, PathBuf};

/// The settings' name in it.
pub const SETTINGS: &str = "collector.toml";

/// A collector's folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes away what was made here and failed: all of it where the folder was made too, and
    /// what is in it where it was there and empty.
    pub fn clear(&self, was_made: bool) {
        if was_made {
            let _ = std::fs::remove_dir_all(&self.0);
            return;
        }
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
        }
    }

    /// What root made here belongs to whom the folder belongs: the collector's user has to read
    /// and write it.
    ///
    /// # Errors
    /// Where the system refuses it.
    pub fn give(&self) -> anyhow::Result<()> {
        let owner = self.0.metadata()?;
        if !rustix::process::geteuid().is_root() || owner.uid() == 0 {
            return Ok(());
        }
        let mut left = vec![self.0.clone()];
        while let Some(here) = left.pop() {
            for entry in std::fs::read_dir(&here)? {
                let path = entry?.path();
                lchown(&path, Some(owner.uid()), Some(owner.gid()))
                    .with_context(|| format!("giving {} to its folder's user", path.display()))?;
                if path.symlink_metadata()?.is_dir() {
                    left.push(path);
                }
            }
        }
        Ok(())
    }

    /// Settings.
    pub fn settings(&self) -> PathBuf {
        self.0.join(SETTINGS)
    }

    /// The database, where it is SQLite.
    pub fn database(&self) -> PathBuf {
        self.0.join("collector.sqlite")
    }

    /// The certificate authority and the server's certificate.
    pub fn authority(&self) -> PathBuf {
        self.0.join("ca")
    }

    /// The key that signs go.
    pub fn go_key(&self) -> PathBuf {
        self.0.join("go.key")
    }

    /// The key that is to sign go once a roster names it.
    pub fn next_go_key(&self) -> PathBuf {
        self.0.join("go-next.key")
    }

    /// Artifacts by their digests.
    pub fn artifacts(&self) -> PathBuf {
        self.0.join("artifacts")
    }

    /// Artifacts that are fetched and not whole yet.
    pub fn partial(&self) -> PathBuf {
        self.0.join("partial")
    }

    /// The key that signs the custodian repository's snapshot and timestamp.
    pub fn custodian_key(&self) -> PathBuf {
        self.0.join("custodian.key")
    }

    /// The socket of the commands.
    pub fn socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }
}

/// Makes a key in a new file that only the collector can read.
pub fn new_key(path: &Path) -> anyhow::Result<PublicKey> {
    let secret = zeroize::Zeroizing::new(rand::random::<[u8; 32]>());
    let key = SigningKey::from_bytes(&secret);
    let pem = key.to_pkcs8_pem(LineEnding::LF)?;
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    Ok(PublicKey::of(&key))
}

/// Reads a key that [`new_key`] made.
pub fn read_key(path: &Path) -> anyhow::Result<SigningKey> {
    let pem = zeroize::Zeroizing::new(
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?,
    );
    SigningKey::from_pkcs8_pem(&pem).with_context(|| format!("{} is no key", path.display()))
}
