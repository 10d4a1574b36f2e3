//! The same question where each component of each machine is a row: Python's SQLite, which
//! knows nothing of us.

use super::super::report::Spread;
use super::fleet::{COMPONENTS, PER_UNIT, VERSIONS};
use anyhow::{Context as _, ensure};
use std::process::Command;

/// Machines in the table: 100 million rows would be 6 GB for the whole fleet; each unit has
/// as many machines as there, so that the answer is the same.
pub(super) const MACHINES: usize = 2_000;
/// Runs.
const RUNS: usize = 200;

pub(super) fn ask() -> anyhow::Result<(Spread, usize)> {
    let folder = tempfile::tempdir()?;
    let output = Command::new("python3")
        .args(["-c", include_str!("rows.py")])
        .arg(folder.path().join("rows.sqlite"))
        .args([MACHINES, PER_UNIT].map(|number| number.to_string()))
        .args([COMPONENTS, VERSIONS].map(|number| number.to_string()))
        .arg(RUNS.to_string())
        .output()
        .context("starting python3")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the rows: {said}");
    let text = String::from_utf8(output.stdout)?;
    let mut lines = text.lines();
    let found = lines.next().context("nothing was said")?.parse()?;
    ensure!(found > 0, "nobody has it");
    let runs: Result<Vec<f64>, _> = lines.map(str::parse).collect();
    Ok((Spread::of(runs?)?, found))
}
