//! Files of `/run` that everybody on the machine may read.

use crate::disk::{DiskError, read_at_most};
use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Has a file hold this, or takes it away; does nothing where that is so already. What is
/// there and does not begin with `ours` is somebody else's, and stays. Readers find the old
/// file or the new one; neither outlives a restart, so nothing is synced.
///
/// # Errors
/// Where its folder refuses.
pub fn show(path: &Path, content: Option<&[u8]>, ours: &str) -> Result<(), DiskError> {
    let most = content.map_or(ours.len(), <[u8]>::len);
    let there = match read_at_most(path, most) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(DiskError::of("read", path)(error)),
    };
    let is_foreign = |there: &Vec<u8>| !there.starts_with(ours.as_bytes());
    if there.as_deref() == content || there.as_ref().is_some_and(is_foreign) {
        return Ok(());
    }
    let Some(content) = content else {
        return std::fs::remove_file(path).map_err(DiskError::of("remove", path));
    };
    let new = path.with_extension("new");
    File::create(&new)
        .and_then(|mut file| {
            file.set_permissions(Permissions::from_mode(0o644))?;
            file.write_all(content)
        })
        .and_then(|()| std::fs::rename(&new, path))
        .map_err(DiskError::of("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_shown_to_everybody_and_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nologin");
        show(&path, None, "Ours: ").unwrap();
        for text in ["Ours: one", "Ours: one and more", "Ours: 2"] {
            show(&path, Some(text.as_bytes()), "Ours: ").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o644);
        }
        show(&path, None, "Ours: ").unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    /// systemd writes the same file when the machine goes down.
    #[test]
    fn what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nologin");
        std::fs::write(&path, "System is going down.").unwrap();
        show(&path, Some(b"Ours: a"), "Ours: ").unwrap();
        show(&path, None, "Ours: ").unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "System is going down."
        );
        let missing = folder.path().join("none/nologin");
        let error = show(&missing, Some(b"Ours: a"), "")
            .unwrap_err()
            .to_string();
        assert!(error.contains("none/nologin"), "{error}");
    }
}
