//! python-tuf, an independent TUF client: where it is, and how it comes there.

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is installed, by version and hash.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python-tuf.txt");
/// What cargo writes into its target folder.
const MARK: &str = "CACHEDIR.TAG";

/// The folder that it is installed in: below cargo's target folder, where this process is.
fn folder() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("finding this program")?;
    let target = here.ancestors().find(|folder| folder.join(MARK).exists());
    let target = target.context("this program is in no target folder of cargo")?;
    Ok(target.join("python-tuf"))
}

/// A Python that has it.
///
/// # Errors
/// Where it is not installed.
pub fn python() -> anyhow::Result<PathBuf> {
    let python = folder()?.join("bin/python3");
    match has_it(&python) {
        true => Ok(python),
        false => bail!("python-tuf is not installed; `cargo test-needs` does that"),
    }
}

/// Installs it, where it is not there in the very versions that are asked for.
///
/// # Errors
/// Where Python or pip cannot.
pub fn install() -> anyhow::Result<()> {
    let folder = folder()?;
    if has_it(&folder.join("bin/python3")) {
        return Ok(());
    }
    println!("Installing python-tuf for the tests.");
    // Debian's own, whichever else stands before it in the path.
    run(Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    run(Command::new(folder.join("bin/pip"))
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
        ])
        .args(["--require-hashes", "--requirement", REQUIREMENTS]))
}

fn has_it(python: &Path) -> bool {
    let asked = "import importlib.metadata as m, sys; \
                 wanted = [l.split()[0].split('==') for l in open(sys.argv[1]) if '==' in l]; \
                 sys.exit(any(m.version(name) != version for name, version in wanted))";
    let asked = Command::new(python)
        .args(["-c", asked, REQUIREMENTS])
        .output();
    asked.is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {command:?}"))?;
    match status.success() {
        true => Ok(()),
        false => bail!("{command:?} ended with {status}"),
    }
}
