//! The product's programs: built once per run, then started from where cargo put them.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The agent.
    Agent,
    /// The installer.
    Installer,
    /// The collector.
    Collector,
    /// The signer.
    Sign,
    /// The installer that kills itself at a chosen persist point.
    KillableInstaller,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "patchward-agent",
            Self::Installer => "patchward-installer",
            Self::Collector => "patchward-collector",
            Self::Sign => "patchward-sign",
            Self::KillableInstaller => "killable-installer",
        }
    }

    /// Where the program is.
    ///
    /// # Errors
    /// Where cargo cannot build it; its messages went to standard error.
    pub fn path(self) -> anyhow::Result<PathBuf> {
        static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| build().map_err(|error| format!("{error:#}")));
        match folder {
            Ok(folder) => Ok(folder.join(self.name())),
            Err(problem) => bail!("the programs could not be built: {problem}"),
        }
    }
}

/// Builds every program in the profile of this very process; does nothing where they
/// are fresh.
fn build() -> anyhow::Result<PathBuf> {
    let mut folder = std::env::current_exe().context("finding this program")?;
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--workspace", "--bins"]);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(root).status().context("starting cargo")?;
    if !status.success() {
        bail!("cargo build ended with {status}");
    }
    Ok(folder)
}
