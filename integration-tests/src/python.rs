//! Programs of the tests that come by Python's pip: python-tuf, an independent TUF client,
//! playwright, which drives a browser, schemathesis, which asks an API, and Node. Each lies in
//! a folder of its own.

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What cargo writes into its target folder.
const MARK: &str = "CACHEDIR.TAG";

/// What is installed for some tests.
#[derive(Clone, Copy, Debug)]
pub struct Python {
    /// Its folder, below cargo's target folder.
    folder: &'static str,
    /// What is installed, by version and hash.
    requirements: &'static str,
}

/// The reference client of TUF.
pub const TUF: Python = Python {
    folder: "python-tuf",
    requirements: concat!(env!("CARGO_MANIFEST_DIR"), "/python-tuf.txt"),
};
/// What drives Debian's Chromium, and looks for what keeps people out.
pub const BROWSER: Python = Python {
    folder: "python-browser",
    requirements: concat!(env!("CARGO_MANIFEST_DIR"), "/python-browser.txt"),
};

/// What asks the API what its description says, and what it does not.
pub const API: Python = Python {
    folder: "python-api",
    requirements: concat!(env!("CARGO_MANIFEST_DIR"), "/python-api.txt"),
};

/// Node.js with npm, which install and run an OpenID provider.
pub const NODE: Python = Python {
    folder: "python-node",
    requirements: concat!(env!("CARGO_MANIFEST_DIR"), "/python-node.txt"),
};

/// A folder below cargo's target folder, where this process is.
///
/// # Errors
/// Where this process is in no such folder.
pub fn below_target(folder: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("finding this program")?;
    let target = here.ancestors().find(|folder| folder.join(MARK).exists());
    let target = target.context("this program is in no target folder of cargo")?;
    Ok(target.join(folder))
}

impl Python {
    /// Where it is installed.
    fn place(self) -> anyhow::Result<PathBuf> {
        below_target(self.folder)
    }

    /// A Python that has it.
    ///
    /// # Errors
    /// Where it is not installed.
    pub fn program(self) -> anyhow::Result<PathBuf> {
        let python = self.place()?.join("bin/python3");
        match self.is_in(&python) {
            true => Ok(python),
            false => bail!(
                "{} is not installed; `cargo test-needs` does that",
                self.folder
            ),
        }
    }

    /// Installs it, where it is not there in the very versions that are asked for.
    ///
    /// # Errors
    /// Where Python or pip cannot.
    pub fn install(self) -> anyhow::Result<()> {
        let folder = self.place()?;
        if self.is_in(&folder.join("bin/python3")) {
            return Ok(());
        }
        println!("Installing {} for the tests.", self.folder);
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
            .args(["--require-hashes", "--requirement", self.requirements]))
    }

    fn is_in(self, python: &Path) -> bool {
        let asked = "import importlib.metadata as m, sys; \
                     wanted = [l.split()[0].split('==') for l in open(sys.argv[1]) if '==' in l]; \
                     sys.exit(any(m.version(name) != version for name, version in wanted))";
        let asked = Command::new(python)
            .args(["-c", asked, self.requirements])
            .output();
        asked.is_ok_and(|output| output.status.success())
    }
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
