//! Heads of the collector's audit log, as hellos told them: one a day, kept for years. A log
//! that was written anew has none of the older ones, and every machine of the hospital
//! knows them.

use crate::state::{self, StateError};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::{DAY_MS, UtcMs};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's name in the agent's folder.
const FILE: &str = "audit-heads";
/// Most heads: six years of days, for so long evidence is kept.
const MAX_HEADS: usize = 2_192;
/// Largest file: a head takes some 50 bytes.
const MAX_BYTES: usize = 256 * 1024;

/// A head that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// When, by this machine's clock.
    pub at: UtcMs,
    /// The hash of the log's last row then.
    pub hash: Digest,
}

/// The heads that this machine keeps, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    kept: Vec<Head>,
    /// Whether the file was read: what could not be read must not be written over.
    is_read: bool,
}

impl Heads {
    /// Reads what is kept; nothing where that cannot be read now.
    pub fn load(folder: &Path) -> Self {
        Self::read(folder).unwrap_or_default()
    }

    fn read(folder: &Path) -> Result<Self, StateError> {
        let bytes = state::read(&folder.join(FILE), MAX_BYTES)?;
        let kept = bytes.and_then(|bytes| codec::decode(&bytes, MAX_BYTES).ok());
        Ok(Self {
            kept: kept.unwrap_or_default(),
            is_read: true,
        })
    }

    /// The heads, oldest first.
    pub fn all(&self) -> &[Head] {
        &self.kept
    }

    /// Keeps the head that a hello told, where none of this day is kept yet. An empty log,
    /// and a collector that has not read its own yet, have none.
    ///
    /// # Errors
    /// Where what is kept cannot be read or written: then it is not kept, and the next hello
    /// tries again.
    pub fn note(&mut self, hash: Digest, now: UtcMs, folder: &Path) -> Result<(), StateError> {
        if !self.is_read {
            *self = Self::read(folder)?;
        }
        let day = |at: UtcMs| at.0.div_euclid(DAY_MS);
        let is_kept = self
            .kept
            .last()
            .is_some_and(|last| day(last.at) == day(now));
        if is_kept || hash == Digest::default() {
            return Ok(());
        }
        let first = (self.kept.len() + 1).saturating_sub(MAX_HEADS);
        let mut heads = self.kept.get(first..).unwrap_or_default().to_vec();
        heads.push(Head { at: now, hash });
        state::write(&folder.join(FILE), &codec::encode(&heads))?;
        self.kept = heads;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_head_a_day_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut heads = Heads::load(folder.path());
        let start = UtcMs(1_800_000_000_000);
        let head = |number: u8| Digest([number; 32]);
        let mut note = |number, at| heads.note(head(number), at, folder.path()).unwrap();
        note(0, start);
        note(1, start);
        note(2, start.plus_ms(1));
        note(3, start.plus_ms(DAY_MS));
        // A clock that was set back is another day too.
        note(4, start);
        let kept: Vec<Digest> = heads.all().iter().map(|one| one.hash).collect();
        assert_eq!(kept, [head(1), head(3), head(4)]);
        assert_eq!(Heads::load(folder.path()), heads);
        let missing = folder.path().join("none");
        assert!(
            heads
                .note(head(5), start.plus_ms(DAY_MS), &missing)
                .is_err()
        );
        assert_eq!(heads.all().len(), 3);
    }

    #[test]
    fn the_oldest_give_way_and_all_fit_into_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |day: i64| UtcMs(1_800_000_000_000 + day * DAY_MS);
        let head = |day| Head {
            at: at(day),
            hash: Digest([255; 32]),
        };
        let full = i64::try_from(MAX_HEADS).unwrap();
        let mut heads = Heads {
            kept: (0..full).map(head).collect(),
            is_read: true,
        };
        heads
            .note(Digest([255; 32]), at(full), folder.path())
            .unwrap();
        assert_eq!(heads.all().len(), MAX_HEADS);
        assert_eq!(heads.all()[0].at, at(1));
        assert_eq!(Heads::load(folder.path()), heads);
        // What is damaged is begun anew, and stops nothing.
        std::fs::write(folder.path().join(FILE), b"x").unwrap();
        assert!(Heads::load(folder.path()).all().is_empty());
    }

    #[test]
    fn what_cannot_be_read_now_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (file, aside) = (folder.path().join(FILE), folder.path().join("aside"));
        let start = UtcMs(1_800_000_000_000);
        let head = |number: u8| Digest([number; 32]);
        Heads::default()
            .note(head(1), start, folder.path())
            .unwrap();
        std::fs::rename(&file, &aside).unwrap();
        std::fs::create_dir(&file).unwrap();
        let mut heads = Heads::load(folder.path());
        let next = start.plus_ms(DAY_MS);
        assert!(heads.note(head(2), next, folder.path()).is_err());
        std::fs::remove_dir(&file).unwrap();
        std::fs::rename(&aside, &file).unwrap();
        heads.note(head(2), next, folder.path()).unwrap();
        let kept: Vec<Digest> = heads.all().iter().map(|one| one.hash).collect();
        assert_eq!(kept, [head(1), head(2)]);
    }
}
