//! What dpkg left between two states, and whether somebody installs right now: then packages are
//! between two states because they have to be, and files of the database come and go.

use crate::inventory::{self, BadDatabase};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What apt and dpkg hold while they install: the first over the whole of it, the second while
/// the database changes.
const LOCKS: [&str; 2] = ["var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock"];
/// The locks that are held on this system.
const HELD: &str = "proc/locks";

/// What was left, or why nobody knows, and whether somebody installs.
pub(super) fn look(root: &Path) -> (Option<Result<Vec<String>, BadDatabase>>, bool) {
    // On both sides: an install may end while the database is read, or begin.
    let before = is_installing(root);
    let found = read(root).map(|found| found.map(|all| all.unfinished));
    (found.transpose(), before || is_installing(root))
}

/// Reads the database, and once more where a file was gone before it was read.
fn read(root: &Path) -> Result<Option<inventory::Packages>, BadDatabase> {
    match inventory::read_dpkg(root) {
        Err(BadDatabase::Io { .. }) => inventory::read_dpkg(root),
        found => found,
    }
}

fn is_installing(root: &Path) -> bool {
    let held = std::fs::read_to_string(root.join(HELD)).unwrap_or_default();
    let locks = LOCKS.iter().map(|lock| root.join(lock).metadata());
    let mut locks = locks.flatten();
    locks.any(|lock| is_held(&held, lock.ino()))
}

/// Whether the kernel's list of locks names a file. Its device is not compared: on some file
/// systems the list names another one than the file itself does.
fn is_held(held: &str, inode: u64) -> bool {
    let inode = inode.to_string();
    let is_it = |word: &str| {
        let mut parts = word.split(':');
        parts.nth(2) == Some(&*inode) && parts.next().is_none()
    };
    held.lines()
        .any(|line| line.split_ascii_whitespace().any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_found_by_its_inode_alone() {
        let held = "1: POSIX  ADVISORY  WRITE 28219 fe:00:10037 0 EOF\n\
                    1: -> POSIX  ADVISORY  WRITE 28220 fe:00:10037 0 EOF\n\
                    2: FLOCK  ADVISORY  WRITE 77 00:2e:4711 512 513\n";
        for (inode, is) in [(10037, true), (4711, true), (28219, false), (1, false)] {
            assert_eq!(is_held(held, inode), is, "{inode}");
        }
        assert!(!is_held("", 1));
    }

    #[test]
    fn it_is_known_whether_somebody_installs() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        assert!(matches!(look(root.path()), (None, false)));
        for folder in ["var/lib/dpkg", "proc"] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        let status = "Package: a\nStatus: install ok unpacked\nVersion: 1\n\n";
        std::fs::write(path("var/lib/dpkg/status"), status).unwrap();
        for lock in LOCKS {
            std::fs::write(path(lock), "").unwrap();
            std::fs::write(path(HELD), "").unwrap();
            let (found, is_installing) = look(root.path());
            assert_eq!(found.unwrap().unwrap(), ["a"]);
            assert!(!is_installing, "{lock}");
            let inode = path(lock).metadata().unwrap().ino();
            let held = format!("1: POSIX  ADVISORY  WRITE 7 fe:00:{inode} 0 EOF\n");
            std::fs::write(path(HELD), held).unwrap();
            assert!(look(root.path()).1, "{lock}");
        }
        std::fs::remove_file(path("var/lib/dpkg/status")).unwrap();
        let (found, _) = look(root.path());
        assert!(matches!(found, Some(Err(BadDatabase::Io { .. }))));
    }
}
