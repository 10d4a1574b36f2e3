//! Digests of chosen files.

use super::Stamp;
use patchward_common::digest::Digest;
use patchward_common::facts::FileState;
use rustix::fs::{Mode, OFlags};
use sha2::Digest as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Bytes hashed at a time.
const PIECE_BYTES: usize = 64 * 1_024;

/// Opens a regular file for reading without following a final link and without
/// waiting for a pipe's other end.
pub(super) fn open(path: &Path) -> Result<File, FileState> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags | OFlags::NOCTTY, Mode::empty());
    let file = File::from(fd.map_err(|error| match error {
        rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR => FileState::Missing,
        rustix::io::Errno::LOOP | rustix::io::Errno::NXIO => FileState::NotRegular,
        _ => FileState::Unreadable,
    })?);
    match file.metadata() {
        Ok(traits) if traits.is_file() => Ok(file),
        Ok(_) => Err(FileState::NotRegular),
        Err(_) => Err(FileState::Unreadable),
    }
}

/// What is at `path`. A file with the stamp it had at `last` is not read again.
pub(super) fn look(
    path: &Path,
    max_bytes: u64,
    last: Option<(Stamp, FileState)>,
) -> (Option<Stamp>, FileState) {
    let file = match open(path) {
        Ok(file) => file,
        Err(state) => return (None, state),
    };
    let Ok(stamp) = file.metadata().map(|traits| Stamp::of(&traits)) else {
        return (None, FileState::Unreadable);
    };
    match last {
        Some((before, state)) if before == stamp => (Some(stamp), state),
        _ => (Some(stamp), hash(file, max_bytes)),
    }
}

/// Hashes what is read, not what the size promises: the file may grow meanwhile.
fn hash(mut file: File, max_bytes: u64) -> FileState {
    let mut hash = sha2::Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut total = 0;
    loop {
        match file.read(&mut piece) {
            Ok(0) => return FileState::Sha256(Digest(hash.finalize().into())),
            Ok(length) => {
                total += length as u64;
                if total > max_bytes {
                    return FileState::TooLarge;
                }
                hash.update(&piece[..length]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return FileState::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(path: &Path) -> FileState {
        look(path, 100, None).1
    }

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "abc").unwrap();
        assert_eq!(state(&at("file")), FileState::Sha256(Digest::of(b"abc")));
        assert_eq!(state(&at("none")), FileState::Missing);
        assert_eq!(state(&at("file/below")), FileState::Missing);
        assert_eq!(state(folder.path()), FileState::NotRegular);
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert_eq!(state(&at("link")), FileState::NotRegular);
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), Mode::RWXU).unwrap();
        assert_eq!(
            state(&at("pipe")),
            FileState::NotRegular,
            "and does not wait"
        );
        assert_eq!(state(Path::new("/dev/null")), FileState::NotRegular);
        std::fs::write(at("large"), [0; 101]).unwrap();
        assert_eq!(state(&at("large")), FileState::TooLarge);
    }

    #[test]
    fn a_file_that_did_not_change_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abc").unwrap();
        let (stamp, _) = look(&path, 100, None);
        let remembered = FileState::Sha256(Digest([9; 32]));
        assert_eq!(
            look(&path, 100, stamp.map(|s| (s, remembered))).1,
            remembered
        );
        std::fs::write(&path, "abcd").unwrap();
        let (_, found) = look(&path, 100, stamp.map(|s| (s, remembered)));
        assert_eq!(found, FileState::Sha256(Digest::of(b"abcd")));
    }
}
