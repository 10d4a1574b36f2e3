//! The one place that makes things durable.
//!
//! Every write is a temporary file, fsync, rename, fsync of the folder: after a power
//! cut a file is the old one or the new one, never half of either. An observer is
//! called around each, so that a test can end the process exactly there.

use patchward_common::codec;
use patchward_common::digest::Digest;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Called before and after each durable change, with its name.
pub type Observer = fn(&'static str);

/// What is appended to a name while its file is written; such leftovers mean nothing.
const TEMPORARY: &str = ".new";
/// How much is copied at once.
const BLOCK_BYTES: usize = 1024 * 1024;

/// The installer's folder, which only root may enter.
#[derive(Clone, Debug)]
pub struct Disk {
    folder: PathBuf,
    observer: Observer,
}

/// The disk did not do as told.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}{}", path.display(), advice(source))]
pub struct DiskError {
    what: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "; free some space and try again"
        }
        _ => "",
    }
}

impl DiskError {
    /// Names what was tried, for `map_err`.
    pub fn of(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}

impl Disk {
    /// The folder, made where it is missing.
    pub fn open(folder: &Path, observer: Observer) -> Result<Self, DiskError> {
        let disk = Self {
            folder: folder.to_owned(),
            observer,
        };
        disk.make_folder("")?;
        Ok(disk)
    }

    /// Where `name` lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a folder below, and those above it.
    pub fn make_folder(&self, name: &str) -> Result<(), DiskError> {
        let path = self.path(name);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(DiskError::of("make the folder", &path))?;
        sync_folder_of(&path)
    }

    /// Puts `bytes` under `name`, durably and at once.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.write_with(name, |file| file.write_all(bytes))
    }

    /// Puts what `fill` writes under `name`, durably and at once; nothing where it fails.
    pub fn write_with(
        &self,
        name: &str,
        fill: impl FnOnce(&mut File) -> std::io::Result<()>,
    ) -> Result<(), DiskError> {
        (self.observer)("before write");
        let path = self.path(name);
        let temporary = self.path(&format!("{name}{TEMPORARY}"));
        let write = || -> std::io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&temporary)?;
            fill(&mut file)?;
            file.sync_all()
        };
        if let Err(error) = write() {
            // A full disk should not stay full of halves; the error says the rest.
            let _ = std::fs::remove_file(&temporary);
            return Err(DiskError::of("write", &temporary)(error));
        }
        (self.observer)("before rename");
        std::fs::rename(&temporary, &path).map_err(DiskError::of("rename to", &path))?;
        sync_folder_of(&path)?;
        (self.observer)("after write");
        Ok(())
    }

    /// The bytes under `name`, at most `limit`; `None` where there are none.
    pub fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, DiskError> {
        let path = self.path(name);
        let bytes = match read_at_most(&path, limit) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(DiskError::of("read", &path))?,
        };
        if bytes.len() > limit {
            return Err(DiskError::of("read", &path)(too_long(limit)));
        }
        Ok(Some(bytes))
    }

    /// Puts a value under `name`, durably and at once; refused where [`Self::read_value`]
    /// with the same limit could not read it again.
    pub fn write_value<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        limit: usize,
    ) -> Result<(), DiskError> {
        let bytes = codec::encode(value);
        match bytes.len() <= limit {
            true => self.write(name, &bytes),
            false => Err(DiskError::of("write", &self.path(name))(too_long(limit))),
        }
    }

    /// The value that stands encoded under `name`, in at most `limit` bytes; `None` where
    /// there is none.
    pub fn read_value<T: DeserializeOwned>(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<Option<T>, DiskError> {
        let Some(bytes) = self.read(name, limit)? else {
            return Ok(None);
        };
        let damaged = |error| std::io::Error::other(format!("damaged: {error}"));
        codec::decode(&bytes, limit)
            .map(Some)
            .map_err(damaged)
            .map_err(DiskError::of("understand", &self.path(name)))
    }

    /// Removes a file or a whole folder, durably; fine where there is none.
    pub fn remove(&self, name: &str) -> Result<(), DiskError> {
        let path = self.path(name);
        let removed = match path.symlink_metadata() {
            Err(error) => Err(error),
            Ok(metadata) => {
                (self.observer)("before remove");
                if metadata.is_dir() {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                }
            }
        };
        match removed {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other.map_err(DiskError::of("remove", &path))?,
        }
        sync_folder_of(&path)?;
        (self.observer)("after remove");
        Ok(())
    }

    /// The names in a folder, without leftovers of writes that were cut off.
    pub fn names(&self, folder: &str) -> Result<Vec<String>, DiskError> {
        let path = self.path(folder);
        let mut names = Vec::new();
        let entries = match std::fs::read_dir(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(names),
            other => other.map_err(DiskError::of("list", &path))?,
        };
        for entry in entries {
            let entry = entry.map_err(DiskError::of("list", &path))?;
            if let Ok(name) = entry.file_name().into_string()
                && !name.ends_with(TEMPORARY)
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// At most `limit` bytes of a file, and one more where it has more, so that it can be told.
pub fn read_at_most(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Copies all of `source` and says what it was: its digest and how many bytes.
pub fn copy(source: &mut impl Read, target: &mut impl Write) -> std::io::Result<(Digest, u64)> {
    let mut hash = Sha256::new();
    let mut copied = 0;
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = source.read(&mut block)?;
        let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((Digest(hash.finalize().into()), copied));
        };
        hash.update(bytes);
        target.write_all(bytes)?;
        copied += bytes.len() as u64;
    }
}

fn too_long(limit: usize) -> std::io::Error {
    std::io::Error::other(format!("longer than {limit} bytes"))
}

/// Makes a new or vanished name in a path's folder durable.
pub fn sync_folder_of(path: &Path) -> Result<(), DiskError> {
    let folder = path.parent().unwrap_or(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(DiskError::of("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_whole_and_bounded_when_read() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(&folder.path().join("state"), |_| {}).unwrap();
        assert_eq!(disk.read("a", 9).unwrap(), None);
        disk.write("a", b"first").unwrap();
        disk.write("a", b"second").unwrap();
        std::fs::write(disk.path("b.new"), b"half").unwrap();
        assert_eq!(disk.read("a", 6).unwrap().unwrap(), b"second");
        assert!(
            disk.read("a", 5)
                .unwrap_err()
                .to_string()
                .contains("longer")
        );
        assert_eq!(disk.names("").unwrap(), ["a"]);
        disk.remove("a").unwrap();
        disk.remove("a").unwrap();
        assert_eq!(disk.names("").unwrap(), [""; 0]);
        assert!(disk.write("no/such/folder", b"").is_err());
    }

    #[test]
    fn a_full_disk_keeps_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        disk.write("a", b"first").unwrap();
        // What the file is written to has no room, ever.
        std::os::unix::fs::symlink("/dev/full", disk.path("a.new")).unwrap();
        let error = disk.write("a", b"second").unwrap_err().to_string();
        assert!(error.contains("free some space"), "{error}");
        assert_eq!(disk.read("a", 9).unwrap().unwrap(), b"first");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "no half");
        disk.write("a", b"second").unwrap();
    }

    #[test]
    fn a_value_is_read_back_and_a_damaged_one_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        assert_eq!(disk.read_value::<u64>("a", 16).unwrap(), None);
        disk.write("a", &codec::encode(&7_u64)).unwrap();
        assert_eq!(disk.read_value("a", 16).unwrap(), Some(7_u64));
        let error = disk.write_value("a", &"longer than that", 16).unwrap_err();
        assert!(error.to_string().contains("longer than 16"), "{error}");
        assert_eq!(disk.read_value("a", 16).unwrap(), Some(7_u64));
        disk.write("a", b"\xff").unwrap();
        let error = disk.read_value::<u64>("a", 16).unwrap_err().to_string();
        assert!(error.contains("cannot understand"), "{error}");
    }

    #[test]
    fn the_folder_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(&folder.path().join("state"), |_| {}).unwrap();
        let mode = disk.path("").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
