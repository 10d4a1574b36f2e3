//! Keeping the watermark: two checksummed copies, the newer one counts.
//!
//! A machine that is pinned but has neither copy refuses everything. Whoever can tear
//! the disk must not be able to make it forget.

use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::trust::watermark::{MAX_WATERMARK_BYTES, Watermark};
use patchward_steps::disk::{Disk, DiskError};
use serde::{Deserialize, Serialize};

const COPIES: [&str; 2] = ["watermark.a", "watermark.b"];

/// What a copy holds after its checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Copy {
    /// Rises with every write; tells the newer copy.
    generation: u64,
    watermark: Watermark,
}

/// The watermark and where it lies.
#[derive(Debug)]
pub struct Kept {
    disk: Disk,
    generation: u64,
    watermark: Watermark,
}

/// Why there is no watermark.
#[derive(Debug, thiserror::Error)]
pub enum NoWatermark {
    /// Both copies are gone or torn.
    #[error(
        "this machine is pinned, but both copies of its watermark are lost, so it cannot tell \
         old orders from new ones and refuses everything; move the installer's folder aside \
         and enrol it anew with a token"
    )]
    Lost,
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Kept {
    /// The first watermark, by `pin`.
    pub fn create(disk: &Disk, watermark: Watermark) -> Result<(), DiskError> {
        let mut kept = Self {
            disk: disk.clone(),
            generation: 0,
            watermark,
        };
        kept.write()
    }

    /// Reads the newer readable copy, and makes the other one equal where it is not.
    pub fn load(disk: &Disk) -> Result<Self, NoWatermark> {
        let (mut kept, are_equal) = Self::read(disk)?;
        if !are_equal {
            kept.write()?;
        }
        Ok(kept)
    }

    /// Reads the newer readable copy and changes nothing; also whether both are equal.
    pub fn read(disk: &Disk) -> Result<(Self, bool), NoWatermark> {
        let mut copies = Vec::new();
        for name in COPIES {
            // A checksum (32 bytes) and the generation stand beside the watermark.
            let limit = MAX_WATERMARK_BYTES + 64;
            copies.push(disk.read(name, limit)?.and_then(|bytes| parse(&bytes)));
        }
        let both = copies
            .iter()
            .flatten()
            .map(|copy| copy.generation)
            .collect::<Vec<_>>();
        let newest = copies
            .into_iter()
            .flatten()
            .max_by_key(|copy| copy.generation);
        let newest = newest.ok_or(NoWatermark::Lost)?;
        let kept = Self {
            disk: disk.clone(),
            generation: newest.generation,
            watermark: newest.watermark,
        };
        let are_equal = both == [kept.generation; 2];
        Ok((kept, are_equal))
    }

    /// The watermark.
    pub fn value(&self) -> &Watermark {
        &self.watermark
    }

    /// Changes it, durably, before anything relies on the change.
    pub fn change(&mut self, change: impl FnOnce(&mut Watermark)) -> Result<(), DiskError> {
        let before = self.watermark.clone();
        change(&mut self.watermark);
        if self.watermark == before {
            return Ok(());
        }
        let written = self.write();
        if written.is_err() {
            self.watermark = before;
        }
        written
    }

    fn write(&mut self) -> Result<(), DiskError> {
        let generation = self.generation.saturating_add(1);
        let body = codec::encode_deterministic(&Copy {
            generation,
            watermark: self.watermark.clone(),
        });
        let bytes = [&Digest::of(&body).0[..], &body].concat();
        for name in COPIES {
            self.disk.write(name, &bytes)?;
        }
        self.generation = generation;
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Option<Copy> {
    let (checksum, body) = bytes.split_at_checked(Digest::LEN)?;
    (Digest::of(body).0 == checksum)
        .then(|| codec::decode_deterministic(body, MAX_WATERMARK_BYTES + 32).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::MachineId;
    use patchward_common::time::UtcMs;
    use patchward_common::trust::charter::RootKeys;

    fn disk() -> (tempfile::TempDir, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        let root = RootKeys {
            keys: vec![],
            threshold: 1,
        };
        Kept::create(&disk, Watermark::new(MachineId([1; 32]), root)).unwrap();
        (folder, disk)
    }

    #[test]
    fn either_copy_is_enough_and_repairs_the_other() {
        for torn in COPIES {
            let (_folder, disk) = disk();
            let mut kept = Kept::load(&disk).unwrap();
            kept.change(|watermark| watermark.time = UtcMs(7)).unwrap();
            std::fs::write(disk.path(torn), b"torn").unwrap();
            assert_eq!(Kept::load(&disk).unwrap().value().time, UtcMs(7));
            let [a, b] = COPIES.map(|name| disk.read(name, 4096).unwrap().unwrap());
            assert_eq!(a, b, "the torn copy was repaired");
        }
    }

    #[test]
    fn the_newer_copy_counts() {
        let (_folder, disk) = disk();
        let old = disk.read(COPIES[1], 4096).unwrap().unwrap();
        let mut kept = Kept::load(&disk).unwrap();
        kept.change(|watermark| watermark.time = UtcMs(7)).unwrap();
        // Power was cut between the two copies.
        disk.write(COPIES[1], &old).unwrap();
        assert_eq!(Kept::load(&disk).unwrap().value().time, UtcMs(7));
    }

    #[test]
    fn without_a_copy_it_says_so_and_what_to_do() {
        let (_folder, disk) = disk();
        disk.remove(COPIES[0]).unwrap();
        std::fs::write(disk.path(COPIES[1]), [0; 40]).unwrap();
        let error = Kept::load(&disk).unwrap_err();
        assert!(matches!(error, NoWatermark::Lost));
        assert!(error.to_string().contains("enrol it anew"));
    }
}
