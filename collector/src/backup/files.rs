//! The files of a backup: found, copied in steps, and read back.

use super::failed;
use super::manifest::Entry;
use crate::clock;
use crate::control::Failure;
use patchward_common::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How much is copied in one step.
const CHUNK_BYTES: usize = 1024 * 1024;
/// How long is worked at a time before others have their turn: a disk and a processor that
/// machines wait for are not kept busy for longer.
const STEP: Duration = Duration::from_millis(5);
/// Longest turn of the others: a step that took long, because the disk was slow, does not hold
/// the backup up for as long again.
const LONGEST_REST: Duration = Duration::from_millis(50);
/// Most files below the collector's folder: one per artifact.
const MAX_FILES: usize = 200_000;

/// Works in steps: after each it rests for as long as it worked.
pub(super) struct Steps {
    began: Instant,
}

impl Steps {
    pub(super) fn begin() -> Self {
        Self {
            began: clock::begin(),
        }
    }

    /// How long the others have their turn now.
    fn due(&self) -> Option<Duration> {
        let worked = self.began.elapsed();
        (worked >= STEP).then_some(worked.min(LONGEST_REST))
    }

    /// Lets others work, where it is their turn.
    pub(super) async fn rest(&mut self) {
        if let Some(rest) = self.due() {
            tokio::time::sleep(rest).await;
            self.began = clock::begin();
        }
    }

    fn rest_here(&mut self) {
        if let Some(rest) = self.due() {
            std::thread::sleep(rest);
            self.began = clock::begin();
        }
    }
}

/// Makes a folder that nobody else enters; one that is there is left as it is.
pub(super) fn make_folder(path: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| failed("make", path, &error))
}

/// Every file below `folder`, relative to it, but for what `leaves_out` says: sorted, whatever
/// the disk's order is. Sockets and what is no file are left out.
///
/// # Errors
/// Where a folder cannot be read, or a symbolic link leads elsewhere: what it leads to would
/// be missing in the backup, and nobody would know.
pub(super) fn below(
    folder: &Path,
    leaves_out: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(inner) = left.pop() {
        let here = folder.join(&inner);
        let entries = std::fs::read_dir(&here).map_err(|error| failed("read", &here, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| failed("read", &here, &error))?;
            let (path, relative) = (entry.path(), inner.join(entry.file_name()));
            if leaves_out(&relative) {
                continue;
            }
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                // Gone meanwhile, as files of a running collector go.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed("read", &path, &error)),
            };
            if kind.is_symlink() {
                return Err(Failure::input(format!(
                    "{} is a symbolic link, and a backup holds what it leads to nowhere; put the \
                     file itself there, or name it in the settings",
                    path.display()
                )));
            }
            if kind.is_dir() {
                left.push(relative);
            } else if kind.is_file() {
                found.push(relative);
            }
            if found.len() > MAX_FILES {
                return Err(Failure::input(format!(
                    "more than {MAX_FILES} files lie below {}; is it a collector's folder?",
                    folder.display()
                )));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a file into a new one that nobody else reads, flushed to the disk; `None` where it is
/// gone.
pub(super) fn copy(from: &Path, to: &Path, steps: &mut Steps) -> Result<Option<Entry>, Failure> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", from, &error)),
    };
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    let new = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to);
    let mut new = new.map_err(|error| failed("write", to, &error))?;
    let mut write = |bytes: &[u8]| new.write_all(bytes).map_err(|e| failed("write", to, &e));
    let entry = read_all(&mut source, from, steps, &mut write)?;
    new.sync_all()
        .map_err(|error| failed("write", to, &error))?;
    Ok(Some(entry))
}

/// Reads a file from the disk's beginning to its end.
pub(super) fn read_back(path: &Path, steps: &mut Steps) -> Result<Entry, Failure> {
    let mut file = File::open(path).map_err(|error| failed("read", path, &error))?;
    read_all(&mut file, path, steps, &mut |_| Ok(()))
}

fn read_all(
    from: &mut impl Read,
    path: &Path,
    steps: &mut Steps,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<Entry, Failure> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk);
        let read = read.map_err(|error| failed("read", path, &error))?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        bytes += read as u64;
        each(&chunk[..read])?;
        steps.rest_here();
    }
    Ok(Entry {
        bytes,
        sha256: Digest(hash.finalize().into()),
    })
}

/// Flushes a folder and every folder below it, so that the names in them are on the disk.
pub(super) fn sync_folders(folder: &Path) -> Result<(), Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| failed("read", folder, &error))?;
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sync_folders(&entry.path())?;
        }
    }
    sync(folder)
}

/// Flushes a file or the names in a folder to the disk.
pub(super) fn sync(path: &Path) -> Result<(), Failure> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| failed("flush", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn files_are_found_and_copied_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("ca")).unwrap();
        std::fs::write(from.join("ca/ca.key"), b"key").unwrap();
        std::fs::write(from.join("b"), b"b").unwrap();
        std::fs::write(from.join("left"), b"out").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(from.join("control.sock")).unwrap();
        let found = below(&from, |path| path == Path::new("left")).unwrap();
        assert_eq!(found, ["b", "ca/ca.key"].map(PathBuf::from));
        let mut steps = Steps::begin();
        let copied = copy(&from.join("ca/ca.key"), &to.join("ca/ca.key"), &mut steps);
        let copied = copied.unwrap().unwrap();
        assert_eq!((copied.bytes, copied.sha256), (3, Digest::of(b"key")));
        let new = to.join("ca/ca.key");
        assert_eq!(read_back(&new, &mut steps).unwrap(), copied);
        assert_eq!(new.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let gone = copy(&from.join("gone"), &to.join("gone"), &mut steps);
        assert_eq!(gone.unwrap(), None);
        std::os::unix::fs::symlink("/etc", from.join("link")).unwrap();
        let refused = below(&from, |_| false).unwrap_err();
        assert!(refused.text.contains("symbolic link"), "{refused}");
    }
}
