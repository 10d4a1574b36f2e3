//! The collector's folder: what lies where. All of it can be moved by moving it.

use std::path::{Path, PathBuf};

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

    /// Settings.
    pub fn settings(&self) -> PathBuf {
        self.0.join("collector.toml")
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
