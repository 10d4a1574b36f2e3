//! What is installed on this machine, and what it says about itself.
//!
//! Every reader takes the root folder, so that tests use roots of their own, and its
//! parser is pure. What cannot be read is a *gap* that travels with the facts: the
//! collector then knows that it does not know.

mod dpkg;
mod files;
mod host;
mod kept;
mod ports;
mod rpm;
mod services;
mod show;
mod tree;
mod watch;

use patchward_common::component::ComponentSet;
use patchward_common::facts::{Facts, MAX_FILES};
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

pub use dpkg::{BadDatabase, BadStatus, Packages, parse as parse_dpkg, read as read_dpkg};
pub use ports::diag::{BY_FAMILY as SOCKETS, port as parse_socket};
pub use rpm::parse as parse_rpm;
pub use show::{json, table};
pub use tree::read_trees;
pub use watch::{Change, Watch};

/// What a machine reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// What it says about itself.
    pub facts: Facts,
    /// What is installed.
    pub components: ComponentSet,
}

/// What of the inventory is up to the machine's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InventorySettings {
    /// Files whose SHA-256 is reported, by absolute path; at most 64.
    pub files: Vec<PathBuf>,
    /// Largest of these files that is read, in bytes.
    pub max_file_bytes: u64,
    /// Whether running services are reported.
    pub services: bool,
    /// Whether listening ports are reported.
    pub ports: bool,
}

impl Default for InventorySettings {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            // Hashing 64 MB takes 0.1 s once; more belongs into a release.
            max_file_bytes: 64 << 20,
            services: true,
            ports: true,
        }
    }
}

/// Why settings were refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadSettings {
    /// More files than [`MAX_FILES`].
    #[error("inventory.files: {0} files, at most {MAX_FILES} are watched")]
    TooManyFiles(usize),
    /// A path that is not absolute, or that leads up again.
    #[error("inventory.files: {0:?} must be absolute, without .. and control characters")]
    Path(PathBuf),
}

impl InventorySettings {
    /// Checks the limits.
    pub fn check(&self) -> Result<(), BadSettings> {
        if self.files.len() > MAX_FILES {
            return Err(BadSettings::TooManyFiles(self.files.len()));
        }
        let is_bad = |path: &&PathBuf| {
            let text = path.to_string_lossy();
            !path.is_absolute() || text.chars().any(char::is_control) || text.contains("/..")
        };
        match self.files.iter().find(is_bad) {
            Some(path) => Err(BadSettings::Path(path.clone())),
            None => Ok(()),
        }
    }
}

/// Reads everything that needs no other program: all but RPM packages and probes.
/// [`Watch::look`] adds these.
pub fn collect(root: &Path, settings: &InventorySettings) -> Inventory {
    let mut watch = Watch::new(root.to_owned(), settings.clone());
    watch.look_at_ports();
    watch.look_at_files();
    watch.inventory()
}

/// What changes when a file's content may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(traits: &Metadata) -> Self {
        Self {
            inode: traits.ino(),
            size: traits.size(),
            modified: (traits.mtime(), traits.mtime_nsec()),
            changed: (traits.ctime(), traits.ctime_nsec()),
        }
    }

    /// `None` where there is nothing, or it may not be looked at.
    fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|traits| Self::of(&traits))
    }
}

/// Most bytes of a file of `/proc`, `/sys` or `/etc` that holds a few words.
const MAX_SMALL_BYTES: u64 = 64 * 1_024;

/// The text of a small file; `None` where it cannot be read or is not small.
fn read_small(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(MAX_SMALL_BYTES + 1)
        .read_to_string(&mut text)
        .ok()?;
    (text.len() as u64 <= MAX_SMALL_BYTES).then_some(text)
}

#[cfg(test)]
mod tests;
