//! Builds a release and packs it: both .deb and the agent's .rpm, in `target/packages`.

use anyhow::Context as _;
use clap::Parser;
use patchward_common::digest::Digest;
use patchward_integration_tests::packages::{self, Programs};
use patchward_integration_tests::python::below_target;
use std::path::PathBuf;
use std::process::ExitCode;

/// Builds the programs of a release and packs them; prints each package with its SHA-256.
#[derive(Debug, Parser)]
#[command(name = "packages")]
struct Cli {
    /// Where the packages go; `packages` below the target folder where nothing is said
    #[arg(long)]
    out: Option<PathBuf>,
    /// Pack the programs of this folder, instead of building a release
    #[arg(long)]
    programs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packages: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    packages::install_tool()?;
    let programs = match &cli.programs {
        Some(folder) => Programs::of_folder(folder),
        None => Programs::release(&below_target("")?)?,
    };
    let out = match &cli.out {
        Some(out) => out.clone(),
        None => below_target("packages")?,
    };
    for made in packages::make(&programs, &out)? {
        let bytes = std::fs::read(&made).with_context(|| format!("reading {}", made.display()))?;
        println!(
            "{}  {} ({} bytes)",
            Digest::of(&bytes),
            made.display(),
            bytes.len()
        );
    }
    Ok(())
}
