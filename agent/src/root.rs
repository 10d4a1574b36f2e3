//! The hospital root that this agent was enrolled for: for `doctor`, which compares it with
//! what the installer is pinned to. Nothing is decided by it.

use crate::state::{self, StateError};
use patchward_common::digest::Digest;
use std::path::Path;

/// The file's name in the agent's folder.
const FILE: &str = "hospital-root";
/// Largest file: a digest in hex, and the end of its line.
const MAX_BYTES: usize = 65;

/// Reads what was noted; `None` where the agent was enrolled before this was noted.
pub fn load(folder: &Path) -> Option<Digest> {
    let bytes = state::read(&folder.join(FILE), MAX_BYTES).ok()??;
    let text = String::from_utf8(bytes).ok()?;
    text.trim_end().parse().ok()
}

/// Notes it.
pub fn save(root: Digest, folder: &Path) -> Result<(), StateError> {
    state::write(&folder.join(FILE), format!("{root}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_and_nothing_else_is_read_as_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()), None);
        save(Digest([7; 32]), folder.path()).unwrap();
        assert_eq!(load(folder.path()), Some(Digest([7; 32])));
        std::fs::write(folder.path().join(FILE), "nonsense").unwrap();
        assert_eq!(load(folder.path()), None);
    }
}
