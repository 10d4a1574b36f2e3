//! `cargo boot`: installs the packages on Debian machines that really boot: follows the README's
//! quick start on two of them, goes through a machine's life on another, and through that of an
//! .rpm on a fourth.

use anyhow::Context as _;
use clap::Parser;
use patchward_integration_tests::boot::{self, Choice, Part};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Debian machines that really boot, from an empty disk to a restart, with our packages.
///
/// Needs root, and debootstrap and systemd-container from Debian. Ends with 0 only if every
/// stage came out as it must.
#[derive(Debug, Parser)]
#[command(name = "cargo boot")]
struct Cli {
    /// The .deb of agent and installer
    agent: PathBuf,
    /// The .deb of collector and signer
    collector: PathBuf,
    /// The .rpm of agent and installer
    rpm: PathBuf,
    /// Where the machines lie; what Debian itself brings is kept there for the next run
    #[arg(long)]
    folder: Option<PathBuf>,
    /// One part alone
    #[arg(long, value_enum)]
    only: Option<Part>,
}

fn main() -> ExitCode {
    // Laid in the agent's place by the test itself, it is what the machine has to withstand.
    let called = std::env::args_os().next();
    let as_agent = Path::new("patchward-agent").file_name();
    if called
        .as_deref()
        .and_then(|path| Path::new(path).file_name())
        == as_agent
    {
        return ended(boot::hostile::run());
    }
    ended(run(Cli::parse()))
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe boot test failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let target = top.context("the workspace")?.join("target/boot");
    boot::run(&Choice {
        folder: std::path::absolute(cli.folder.unwrap_or(target))?,
        agent: cli.agent,
        collector: cli.collector,
        rpm: cli.rpm,
        only: cli.only,
    })
}
