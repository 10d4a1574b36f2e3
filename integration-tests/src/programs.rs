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
    /// What asks medical devices.
    DeviceProbe,
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
            Self::DeviceProbe => "patchward-device-probe",
            Self::KillableInstaller => "killable-installer",
        }
    }

    /// Where the program is.
    ///
    /// # Errors
    /// Where cargo cannot build it; its messages went to standard error.
    pub fn path(self) -> anyhow::Result<PathBuf> {
        static FOLDERS: OnceLock<Result<Folders, String>> = OnceLock::new();
        let folders = FOLDERS.get_or_init(|| build().map_err(|error| format!("{error:#}")));
        match (folders, self) {
            (Ok(folders), Self::Agent) => Ok(folders.agent.join(self.name())),
            (Ok(folders), _) => Ok(folders.others.join(self.name())),
            (Err(problem), _) => bail!("the programs could not be built: {problem}"),
        }
    }
}

/// Where cargo put the programs.
struct Folders {
    agent: PathBuf,
    others: PathBuf,
}

/// The profile of the agent where the others have `release`.
const AGENT_PROFILE: &str = "machine";

/// Builds every program in the profile of this very process, and the agent of a release as
/// it goes onto machines; does nothing where they are fresh.
fn build() -> anyhow::Result<Folders> {
    let mut folder = std::env::current_exe().context("finding this program")?;
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    if !folder.ends_with("release") {
        cargo(&["--workspace", "--bins"])?;
        return Ok(Folders {
            agent: folder.clone(),
            others: folder,
        });
    }
    let agent = ["--package", "patchward-agent"];
    cargo(&[&["--profile", AGENT_PROFILE][..], &agent].concat())?;
    let others = ["--workspace", "--bins", "--exclude", "patchward-agent"];
    cargo(&[&["--release"][..], &others].concat())?;
    Ok(Folders {
        agent: folder.with_file_name(AGENT_PROFILE),
        others: folder,
    })
}

fn cargo(what: &[&str]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet"]).args(what);
    // A cargo that runs this process says in its environment which package that is of. Build
    // scripts that read it would count as changed, and all that stands on them be built twice.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
    let status = cargo.current_dir(root).status().context("starting cargo")?;
    if !status.success() {
        bail!("cargo build {} ended with {status}", what.join(" "));
    }
    Ok(())
}
