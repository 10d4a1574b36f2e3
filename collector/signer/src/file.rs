//! Files: bounded reads, and writes that are whole or not there.

use crate::Failure;
use patchward_common::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

/// Largest description that a person writes: a table of the largest fleet.
pub(crate) const MAX_TEXT_BYTES: usize = 32 * 1024 * 1024;

/// How much of a large file is in memory at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Who may read a new file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only its owner.
    Owner,
    /// As the system is set up.
    Everyone,
}

/// Reads at most `limit` bytes of a file; more is an error.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let failure = |problem: String| Failure::Read {
        path: path.to_owned(),
        problem,
    };
    let file = File::open(path).map_err(|error| failure(error.to_string()))?;
    let kind = file
        .metadata()
        .map_err(|error| failure(error.to_string()))?;
    if kind.is_dir() {
        return Err(failure("it is a folder; name a file".into()));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failure(error.to_string()))?;
    if bytes.len() > limit {
        return Err(failure(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// SHA-256 and length of a file of at most `limit` bytes.
pub(crate) fn digest(path: &Path, limit: u64) -> Result<(Digest, u64), Failure> {
    let failure = |problem: String| Failure::Read {
        path: path.to_owned(),
        problem,
    };
    let mut file = File::open(path)
        .map_err(|error| failure(error.to_string()))?
        .take(limit.saturating_add(1));
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk);
        let read = read.map_err(|error| failure(error.to_string()))?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        length += read as u64;
    }
    if length > limit {
        return Err(failure(format!("it is larger than {limit} bytes")));
    }
    Ok((Digest(hash.finalize().into()), length))
}

/// Reads a text.
pub(crate) fn read_text(path: &Path, limit: usize) -> Result<String, Failure> {
    String::from_utf8(read(path, limit)?).map_err(|_| Failure::Content {
        path: path.to_owned(),
        problem: "it is not UTF-8 text".into(),
    })
}

/// Writes a file that is not there yet, or replaces the one that was read as `input`.
pub(crate) fn write(
    path: &Path,
    bytes: &[u8],
    access: Access,
    input: Option<&Path>,
) -> Result<(), Failure> {
    let failure = |problem: String| Failure::Write {
        path: path.to_owned(),
        problem,
    };
    if path.symlink_metadata().is_ok() && input != Some(path) {
        return Err(failure(
            "it is there already; name another file, or move it away".into(),
        ));
    }
    let mut name = path
        .file_name()
        .ok_or_else(|| failure("it names no file".into()))?
        .to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    // What is there already is somebody else's, and stays.
    let file = new_file(&part, access).map_err(|error| {
        failure(match error.kind() {
            ErrorKind::AlreadyExists => format!(
                "{} is there: another command writes it, or one was cut off; look at it and move it away",
                part.display()
            ),
            ErrorKind::NotFound => "its folder is not there; make it first".into(),
            _ => error.to_string(),
        })
    })?;
    let written = fill(file, bytes).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        // A half file of ours is worth nothing; what cannot be removed is left.
        let _ = fs::remove_file(&part);
        failure(match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                format!("{error}; free some space and sign again")
            }
            _ => error.to_string(),
        })
    })
}

fn new_file(path: &Path, access: Access) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if access == Access::Owner {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    options.open(path)
}

fn fill(mut file: File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}
