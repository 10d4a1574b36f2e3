//! Backups: everything that a hospital would lose with the collector's computer, in one folder
//! per backup.
//!
//! ```text
//! BACKUPS/collector-2026-11-23T02-14-00Z/
//!   manifest.json       what it is of, and each file with its SHA-256
//!   database.sqlite     the store, whichever engine it runs on (store/copy.rs says why)
//!   files/              the collector's folder: settings, keys, authority, artifacts
//! ```
//!
//! A backup is written under another name, flushed, read back, and only then gets its own. An
//! artifact is never changed, so one that the backup before has too takes no room twice: both
//! name one file on the disk, and it is read again each time.

mod files;
mod make;
pub mod manifest;
mod restore;
mod verify;

pub use make::{Asked, Made, make};
pub use restore::{put_back, restore};
pub use verify::{Verified, verify};

use crate::control::{Failure, FailureKind, is_no_room};
use manifest::Manifest;
use std::path::{Path, PathBuf};

/// The manifest's name in a backup.
const MANIFEST: &str = "manifest.json";
/// The store's.
const DATABASE: &str = "database.sqlite";
/// The folder with the collector's own files.
const FILES: &str = "files";
/// What a backup's name ends with while it is being made, and while it is being removed.
const PARTIAL: &str = ".partial";

/// Every whole backup in a folder with what it says of itself, newest first. What else lies
/// there is left alone.
///
/// # Errors
/// Where the folder cannot be read.
pub fn all(folder: &Path) -> Result<Vec<(PathBuf, Manifest)>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| failed("read", folder, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| failed("read", folder, &error))?
            .path();
        if is_partial(&path) {
            continue;
        }
        if let Ok(manifest) = Manifest::read(&path) {
            found.push((path, manifest));
        }
    }
    found.sort_by_key(|(path, manifest)| std::cmp::Reverse((manifest.taken_at, path.clone())));
    Ok(found)
}

fn is_partial(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.ends_with(PARTIAL))
}

/// What is said of a file or folder that cannot be used.
fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    let advice = match is_no_room(error) {
        true => "; free some space, nothing was changed",
        false => "",
    };
    Failure {
        kind: FailureKind::Unavailable,
        text: format!("cannot {what} {}: {error}{advice}", path.display()),
    }
}
