//! The agent's folder: files that are the old one or the new one, never half of either.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What is appended to a name while its file is written.
const TEMPORARY: &str = ".new";

/// A file of the agent's own that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}{}", path.display(), advice(source))]
pub struct StateError {
    what: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => "; free some space, the agent goes on by itself",
        std::io::ErrorKind::PermissionDenied => "; run this as root or as the agent's user",
        _ => "",
    }
}

impl StateError {
    /// Names what was tried, for `map_err`.
    pub fn of(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}

/// Makes a folder that only its owner and group enter: the installer, being root, reads it
/// anyway.
pub fn make_folder(path: &Path) -> Result<(), StateError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(path)
        .map_err(StateError::of("make the folder", path))
}

/// Replaces a file durably: temporary file, fsync, rename, fsync of the folder. Where it
/// fails the old file stays, and no half of the new one.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    let temporary = PathBuf::from(name);
    let written = fill(&temporary, path, bytes);
    if written.is_err() {
        // A full disk should not stay full of halves; the error says the rest.
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    publish(&temporary, path)
}

fn fill(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options
        .open(temporary)
        .map_err(StateError::of("write", temporary))?;
    give(&file, path)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(StateError::of("write", temporary))
}

/// A file that root writes, as in `enroll`, belongs to whom the folder belongs: the agent.
fn give(file: &File, path: &Path) -> Result<(), StateError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let owner = folder.metadata().map_err(StateError::of("read", folder))?;
    if rustix::process::geteuid().is_root() && owner.uid() != 0 {
        std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))
            .map_err(StateError::of("give away", path))?;
    }
    Ok(())
}

/// Gives a complete, synced file its name.
pub fn publish(temporary: &Path, path: &Path) -> Result<(), StateError> {
    std::fs::rename(temporary, path).map_err(StateError::of("rename to", path))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(StateError::of("sync", folder))
}

/// Reads a file of at most `limit` bytes; `None` where there is none.
pub fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, StateError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::of("read", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(StateError::of("read", path))?;
    if bytes.len() > limit {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is too large");
        return Err(StateError::of("read", path)(error));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_kept_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(read(&path, 8).unwrap().is_none());
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"two");
        assert!(read(&path, 2).is_err());
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        // What the file is written to has no room, ever.
        std::os::unix::fs::symlink("/dev/full", folder.path().join("a.new")).unwrap();
        let error = write(&path, b"three").unwrap_err().to_string();
        assert!(
            error.contains("a.new") && error.contains("free some space"),
            "{error}"
        );
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"two");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        let missing = folder.path().join("none/a");
        let error = write(&missing, b"x").unwrap_err().to_string();
        assert!(error.contains("none/a"), "{error}");
    }
}
