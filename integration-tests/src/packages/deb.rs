//! Packing a tree as a .deb, by cargo-deb.

use super::{Tree, root, run, tool};
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How much is spent on making it small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// As it is handed out.
    Best,
    /// For tests.
    Least,
}

/// Packs a tree as this version of its package into `out`, and says where that is.
///
/// # Errors
/// Where cargo-deb is not installed or refuses.
pub fn pack(tree: &Tree, version: &str, effort: Effort, out: &Path) -> anyhow::Result<PathBuf> {
    let crate_folder = root().join(tree.package.folder());
    // In Cargo.toml the files stand below `target/release/`, for which cargo-deb takes the
    // target folder that cargo names. It builds nothing, so that may be any.
    let target = tempfile::tempdir()?;
    let place = target.path().join("release");
    std::fs::create_dir(&place)?;
    std::os::unix::fs::symlink(tree.folder.canonicalize()?, place.join(tree.package.name()))?;
    std::fs::create_dir_all(out)?;
    let small: &[&str] = match effort {
        Effort::Best => &["-Z", "xz"],
        Effort::Least => &["-Z", "gz", "--fast"],
    };
    // Another list of what it depends on.
    let variant: &[&str] = match tree.is_static {
        true => &["--variant", "static"],
        false => &[],
    };
    let said = run(Command::new(tool::program()?)
        .args([
            "--no-build",
            "--no-strip",
            "--offline",
            "--locked",
            "--quiet",
        ])
        .arg("--compress-system")
        .args(small)
        .args(variant)
        .args(["--deb-version", version])
        .arg("--manifest-path")
        .arg(crate_folder.join("Cargo.toml"))
        .arg("--output")
        .arg(out.join(format!("{}_{version}.deb", tree.package.name())))
        .env("CARGO_TARGET_DIR", target.path())
        .env("SOURCE_DATE_EPOCH", tree.date.to_string())
        .current_dir(root()))?;
    let made = said.lines().last().context("cargo-deb names no package")?;
    let made = PathBuf::from(made);
    if !made.exists() {
        bail!("cargo-deb says that it made {}", made.display());
    }
    Ok(made)
}
