//! Builds a release and packs it: both .deb and the agent's .rpm, in `target/packages`.

use anyhow::Context as _;
use clap::Parser;
use patchward_common::digest::Digest;
use patchward_integration_tests::packages::{self, Package, Programs};
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
    /// For machines with an older C library: agent, installer and device probe for a target of
    /// Rust's, such as x86_64-unknown-linux-musl, which needs none of theirs
    #[arg(long, conflicts_with = "programs")]
    target: Option<String>,
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
    let target = cli.target.as_deref();
    let packages: &[Package] = match target {
        Some(_) => &[Package::Agent],
        None => &Package::ALL,
    };
    let programs = match &cli.programs {
        Some(folder) => Programs::of_folder(folder),
        None => Programs::release(packages, &below_target("")?, target)?,
    };
    let out = match &cli.out {
        Some(out) => out.clone(),
        None => below_target("packages")?.join(target.unwrap_or_default()),
    };
    for made in packages::make(packages, &programs, &out)? {
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
