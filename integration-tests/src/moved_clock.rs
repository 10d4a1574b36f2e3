//! A machine's clock that a test moves while its processes run: libfaketime of Debian
//! under them. Timers, the boot clock and the times of files stay as they are.

use crate::hospital::Machine;
use anyhow::Context as _;
use patchward_common::time::SECOND_MS;
use std::path::PathBuf;

/// The clock of one machine.
#[derive(Debug)]
pub struct MovedClock {
    file: PathBuf,
}

impl MovedClock {
    /// Puts it under a machine's processes, from their next start, right for now.
    ///
    /// # Errors
    /// Where the library is not installed, or the machine's folder cannot be written.
    pub fn under(machine: &mut Machine) -> anyhow::Result<Self> {
        let file = machine.path("clock");
        let clock = Self { file: file.clone() };
        clock.move_by(0)?;
        machine.environment = vec![
            ("LD_PRELOAD", library()?),
            ("FAKETIME_TIMESTAMP_FILE", file),
            // Reads the file at each look at the clock.
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ];
        Ok(clock)
    }

    /// Moves it so many milliseconds from the true time, to the second.
    ///
    /// # Errors
    /// Where the machine's folder cannot be written.
    pub fn move_by(&self, ms: i64) -> anyhow::Result<()> {
        let whole = self.file.with_extension("new");
        std::fs::write(&whole, format!("{:+}\n", ms / SECOND_MS))?;
        std::fs::rename(&whole, &self.file).context("moving a clock")
    }
}

/// The environment of one process whose clock is so many milliseconds from the true time.
///
/// # Errors
/// Where the library is not installed.
pub fn apart(ms: i64) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    Ok(vec![
        ("LD_PRELOAD", library()?),
        ("FAKETIME", format!("{:+}", ms / SECOND_MS).into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("NO_FAKE_STAT", "1".into()),
    ])
}

/// Where Debian puts the library: a folder named for the architecture.
fn library() -> anyhow::Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").context("looking for libfaketime")?;
    let mut places = folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = places.find(|place| place.exists());
    found.context("libfaketime is not installed: cargo test-needs")
}
