//! What the installer shows, and what of it was told already.

use patchward_common::codec;
use patchward_common::notice::{Key, MAX_SCREEN_BYTES, Notice, Screen};
use patchward_common::time::UtcMs;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// Reads what is shown; nothing is, before the installer first ran in this boot.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn read(path: &Path) -> anyhow::Result<Screen> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Screen::default()),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_SCREEN_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(codec::decode(&bytes, MAX_SCREEN_BYTES)?)
}

/// What was told here.
#[derive(Debug, Default)]
pub(crate) struct Told(BTreeSet<Key>);

impl Told {
    /// What is due now and was not told; what is no longer due is forgotten.
    pub(crate) fn news<'a>(&mut self, screen: &'a Screen, now: UtcMs) -> Vec<Notice<'a>> {
        let mut due = screen.due(now);
        let keys: BTreeSet<Key> = due.iter().map(Notice::key).collect();
        self.0.retain(|key| keys.contains(key));
        due.retain(|notice| !self.0.contains(&notice.key()));
        due
    }

    /// Remembers that it was told.
    pub(crate) fn note(&mut self, key: Key) {
        self.0.insert(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::{JobId, Label};
    use patchward_common::notice::Planned;
    use patchward_common::time::{HOUR_MS, Interval, MINUTE_MS};

    const START: UtcMs = UtcMs(1_795_400_000_000);

    fn screen() -> Screen {
        Screen {
            planned: vec![Planned {
                job: JobId([1; 16]),
                title: Label::new("Viewer 4.2").unwrap(),
                slots: vec![Interval::new(START, START.plus_ms(4 * HOUR_MS)).unwrap()],
                longest_run_ms: HOUR_MS,
                noticed: Vec::new(),
            }],
            ..Screen::default()
        }
    }

    #[test]
    fn each_is_told_once_and_again_where_telling_failed() {
        let (screen, mut told) = (screen(), Told::default());
        let mut said = Vec::new();
        for minute in -2_000..=180 {
            let now = START.plus_ms(minute * MINUTE_MS);
            for notice in told.news(&screen, now) {
                said.push((minute, notice.key()));
                // The first time, nobody listened.
                if said.len() > 1 {
                    told.note(notice.key());
                }
            }
        }
        let minutes: Vec<i64> = said.iter().map(|(minute, _)| *minute).collect();
        assert_eq!(minutes, [-1_440, -1_439, -60, -10, 0]);
    }

    #[test]
    fn what_is_shown_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("screen");
        assert_eq!(read(&path).unwrap(), Screen::default());
        std::fs::write(&path, codec::encode(&screen())).unwrap();
        assert_eq!(read(&path).unwrap(), screen());
        std::fs::write(&path, b"half").unwrap();
        assert!(read(&path).is_err());
    }
}
