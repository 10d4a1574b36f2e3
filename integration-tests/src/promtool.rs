//! `promtool`, which checks rules of alerts as Prometheus itself reads them. Debian has it in
//! the package of Prometheus, which also makes a user and starts a service: only the one
//! program is taken out of it, into cargo's target folder.

use crate::python::below_target;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the program lies in the package, and where Debian puts it.
const PROGRAM: &str = "usr/bin/promtool";
/// The package.
const PACKAGE: &str = "prometheus";
/// The folder below cargo's target folder.
const FOLDER: &str = "promtool";

/// Where it is: Debian's own where somebody installed that, else the one that was taken out.
///
/// # Errors
/// Where it is not there.
pub fn program() -> anyhow::Result<PathBuf> {
    let own = below_target(FOLDER)?.join(PROGRAM);
    let installed = Path::new("/").join(PROGRAM);
    let found = [installed, own].into_iter().find(|path| path.is_file());
    found.context("promtool is not there; `cargo test-needs` gets it")
}

/// Takes it out of Debian's package, where it is not there. Root is not needed.
///
/// # Errors
/// Where Debian's package cannot be had or read.
pub fn install() -> anyhow::Result<()> {
    if program().is_ok() {
        return Ok(());
    }
    println!("Taking promtool out of Debian's {PACKAGE}.");
    let folder = below_target(FOLDER)?;
    std::fs::create_dir_all(&folder).context("making a folder for promtool")?;
    // What Debian has now: an older list names packages that are gone.
    if rustix::process::geteuid().is_root() {
        run(Command::new("apt-get").args(["update", "--quiet"]))?;
    }
    let download = ["download", "--quiet", PACKAGE];
    run(Command::new("apt-get").args(download).current_dir(&folder))?;
    let entries = std::fs::read_dir(&folder)?.filter_map(Result::ok);
    let mut packages = entries.map(|entry| entry.path());
    let is_package = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "deb");
    let package = packages.find(is_package);
    let package = package.context("apt-get downloaded no package")?;
    let whole = folder.join("whole");
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(&package)
        .arg(&whole))?;
    let own = folder.join(PROGRAM);
    std::fs::create_dir_all(own.parent().unwrap_or(&folder))?;
    // The last step: a half one is never taken for whole.
    std::fs::rename(whole.join(PROGRAM), &own).context("taking promtool out")?;
    std::fs::remove_dir_all(&whole)?;
    std::fs::remove_file(&package)?;
    Ok(())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    command.env("DEBIAN_FRONTEND", "noninteractive");
    let status = command
        .status()
        .with_context(|| format!("starting {command:?}; the tests run on Debian"))?;
    match status.success() {
        true => Ok(()),
        false => bail!("{command:?} ended with {status}"),
    }
}
