//! cargo-deb, which packs a .deb: from crates.io, in one version, below the target folder.

use super::run;
use crate::python::below_target;
use anyhow::bail;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its version. It is built in a minute, without what it links to: `xz` compresses.
const VERSION: &str = "3.8.0";
/// Its folder below cargo's target folder.
const FOLDER: &str = "cargo-deb";

fn is_in(folder: &Path) -> bool {
    let list = std::fs::read_to_string(folder.join(".crates.toml")).unwrap_or_default();
    list.contains(&format!("\"cargo-deb {VERSION} "))
}

/// Where it is.
///
/// # Errors
/// Where it is not installed.
pub fn program() -> anyhow::Result<PathBuf> {
    let folder = below_target(FOLDER)?;
    match is_in(&folder) {
        true => Ok(folder.join("bin/cargo-deb")),
        false => bail!("cargo-deb is not installed; `cargo test-needs` does that"),
    }
}

/// Installs it, where it is not there in the very version that is asked for.
///
/// # Errors
/// Where cargo cannot.
pub fn install() -> anyhow::Result<()> {
    let folder = below_target(FOLDER)?;
    if is_in(&folder) {
        return Ok(());
    }
    println!("Installing cargo-deb.");
    let built = tempfile::tempdir()?;
    let version = format!("={VERSION}");
    run(
        Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["install", "cargo-deb", "--version", &version, "--locked"])
            // Most of its time it waits for xz.
            .args(["--debug", "--no-default-features", "--quiet", "--force"])
            .arg("--root")
            .arg(&folder)
            .arg("--target-dir")
            .arg(built.path()),
    )
    .map(drop)
}
