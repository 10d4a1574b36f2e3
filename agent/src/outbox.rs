//! The outbox: how far the installer's journal has reached the collector. The journal
//! itself is the installer's and durable already; here are the outbox's random name and
//! the sequence that was acknowledged.

use crate::state::{self, StateError};
use patchward_common::codec;
use patchward_common::id::OutboxId;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file's name in the agent's folder.
const FILE: &str = "outbox";
/// Largest file.
const MAX_BYTES: usize = 256;

/// The outbox of this agent.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    kept: Kept,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    id: OutboxId,
    acknowledged: u64,
}

impl Outbox {
    /// Opens it, or makes one named `fresh`. One that cannot be read is made anew: the
    /// collector then gets every event once more, under another name, and keeps both.
    pub fn open(folder: &Path, fresh: OutboxId) -> Result<Self, StateError> {
        let path = folder.join(FILE);
        let kept = state::read(&path, MAX_BYTES).ok().flatten();
        if let Some(kept) = kept.and_then(|bytes| codec::decode(&bytes, MAX_BYTES).ok()) {
            return Ok(Self { path, kept });
        }
        state::make_folder(folder)?;
        let outbox = Self {
            path,
            kept: Kept {
                id: fresh,
                acknowledged: 0,
            },
        };
        outbox.save()?;
        Ok(outbox)
    }

    /// Its name.
    pub fn id(&self) -> OutboxId {
        self.kept.id
    }

    /// Every event up to here is stored by the collector.
    pub fn acknowledged(&self) -> u64 {
        self.kept.acknowledged
    }

    /// Notes what the collector has stored; less than before is less (a restored
    /// collector), and is sent again.
    pub fn acknowledge(&mut self, sequence: u64) -> Result<(), StateError> {
        if self.kept.acknowledged == sequence {
            return Ok(());
        }
        self.kept.acknowledged = sequence;
        self.save()
    }

    fn save(&self) -> Result<(), StateError> {
        state::write(&self.path, &codec::encode(&self.kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An acknowledgement that was lost, then a collector that was put back to yesterday.
    #[test]
    fn the_collector_says_how_far_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(folder.path(), OutboxId([1; 16])).unwrap();
        for stored in [0, 9, 4, 4, 9] {
            outbox.acknowledge(stored).unwrap();
            assert_eq!(outbox.acknowledged(), stored);
            let again = Outbox::open(folder.path(), OutboxId([2; 16])).unwrap();
            assert_eq!(again.acknowledged(), stored, "it is durable");
            assert_eq!(again.id(), OutboxId([1; 16]), "and not another outbox");
        }
        // Where it cannot be written it is known as long as this process runs.
        std::fs::create_dir(folder.path().join("outbox.new")).unwrap();
        assert!(outbox.acknowledge(12).is_err());
        assert_eq!(outbox.acknowledged(), 12);
    }

    /// Events are not lost by it: the collector says what it has, and is told more later.
    #[test]
    fn a_full_disk_keeps_the_old_outbox() {
        let folder = tempfile::tempdir().unwrap();
        let full = || std::os::unix::fs::symlink("/dev/full", folder.path().join("outbox.new"));
        full().unwrap();
        let error = Outbox::open(folder.path(), OutboxId([1; 16])).unwrap_err();
        assert!(error.to_string().contains("free some space"), "{error}");
        let mut outbox = Outbox::open(folder.path(), OutboxId([1; 16])).unwrap();
        outbox.acknowledge(7).unwrap();
        full().unwrap();
        assert!(outbox.acknowledge(9).is_err());
        let again = Outbox::open(folder.path(), OutboxId([2; 16])).unwrap();
        assert_eq!((again.id(), again.acknowledged()), (OutboxId([1; 16]), 7));
    }

    #[test]
    fn the_outbox_keeps_its_name_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(folder.path(), OutboxId([1; 16])).unwrap();
        outbox.acknowledge(7).unwrap();
        let again = Outbox::open(folder.path(), OutboxId([2; 16])).unwrap();
        assert_eq!((again.id(), again.acknowledged()), (OutboxId([1; 16]), 7));
        std::fs::write(folder.path().join(FILE), b"\xff").unwrap();
        let fresh = Outbox::open(folder.path(), OutboxId([3; 16])).unwrap();
        assert_eq!((fresh.id(), fresh.acknowledged()), (OutboxId([3; 16]), 0));
    }
}
