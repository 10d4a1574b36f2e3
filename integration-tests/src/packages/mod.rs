//! The packages that hospitals install: a .deb of what goes onto a machine and one of the
//! collector with the signer, and an .rpm of the former. Each is laid out first as installed
//! (`tree`), from the folders `systemd/` and `configs/` as they are, with man pages and
//! completions of the commands' own words (`pages`) and a bill of materials (`sbom`). cargo-deb
//! and rpmbuild pack the same tree; scripts and what stands in the control files lie in
//! `systemd/packaging/` and the crates' `Cargo.toml`.

mod build;
mod deb;
mod needs;
mod pages;
mod rpm;
pub mod sbom;
mod tool;
mod tree;

pub use build::Programs;
pub use deb::{Effort, pack as deb};
pub use needs::oldest_systemd;
pub use rpm::pack as rpm;
pub use tool::{install as install_tool, program as cargo_deb};
pub use tree::{Tree, lay_out};

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of every package: the workspace's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// Agent, installer, device probe and notices: what goes onto a machine.
    Agent,
    /// Collector and signer.
    Collector,
}

impl Package {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Agent, Self::Collector];

    /// Its name, which is that of its first program's crate too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "patchward-agent",
            Self::Collector => "patchward-collector",
        }
    }

    /// Its folder in `systemd/` and in `systemd/packaging/`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Collector => "collector",
        }
    }

    /// Its programs, each with the folder where it is installed.
    pub fn programs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Agent => &[
                ("patchward-agent", "usr/bin"),
                ("patchward-installer", "usr/sbin"),
                ("patchward-device-probe", "usr/libexec/patchward"),
                ("patchward-notice", "usr/bin"),
            ],
            Self::Collector => &[
                ("patchward-collector", "usr/bin"),
                ("patchward-sign", "usr/bin"),
            ],
        }
    }
}

/// When the last commit was made, in seconds: what stands as time in a package. The same
/// sources give the same package whenever it is built.
///
/// # Errors
/// Where git does not say, and `SOURCE_DATE_EPOCH` is not set.
pub fn source_date() -> anyhow::Result<i64> {
    let said = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(said) => said,
        Err(_) => {
            let log = ["-c", "safe.directory=*", "log", "-1", "--format=%ct"];
            run(Command::new("git").args(log).current_dir(root()))
                .context("git does not say when the last commit was; set SOURCE_DATE_EPOCH")?
        }
    };
    let seconds = said.trim().parse();
    seconds.with_context(|| format!("SOURCE_DATE_EPOCH is a number of seconds, not {said:?}"))
}

/// Packs these programs in `out`, and says where each package is.
///
/// # Errors
/// Where something of it is missing, or a packer refuses.
pub fn make(
    packages: &[Package],
    programs: &Programs,
    effort: Effort,
    out: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let date = source_date()?;
    let mut made = Vec::new();
    for package in packages.iter().copied() {
        let tree = lay_out(package, programs, &out.join("trees"), date)?;
        made.push(deb(&tree, VERSION, effort, out)?);
        if package == Package::Agent {
            made.push(rpm(&tree, VERSION, effort, out)?);
        }
    }
    Ok(made)
}

/// The top folder of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program and gives back what it says.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} cannot be started; is it installed?"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {said}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what {program} says"))
}

/// The same with bytes on its standard input, and bytes back.
pub(crate) fn filter(command: &mut Command, input: &[u8]) -> anyhow::Result<Vec<u8>> {
    use std::io::{Seek as _, Write as _};
    // A file, not a pipe: nobody has to write while another reads.
    let mut file = tempfile::tempfile()?;
    file.write_all(input)?;
    file.rewind()?;
    let output = command.stdin(file).output()?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => bail!("{command:?} ended with {}", output.status),
    }
}
