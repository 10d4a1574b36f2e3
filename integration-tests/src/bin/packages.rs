//! Builds a release and packs it: both .deb and the agent's .rpm, in `target/packages`.

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use patchward_common::digest::Digest;
use patchward_integration_tests::packages::{self, Effort, Package, Programs};
use patchward_integration_tests::python::below_target;
use std::path::PathBuf;
use std::process::ExitCode;

/// How the programs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// As they are handed out
    Release,
    /// As the tests run them: built already where the tests ran, and packed quickly
    Dev,
}

/// Builds the programs of a release and packs them; prints each package with its SHA-256.
#[derive(Debug, Parser)]
#[command(name = "packages")]
struct Cli {
    /// Where the packages go; `packages` below the target folder where nothing is said
    #[arg(long)]
    out: Option<PathBuf>,
    /// How the programs are built; with `dev`, for tests, all else is packed as in a release
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
    /// Pack the programs of this folder, instead of building a release
    #[arg(long, conflicts_with = "profile")]
    programs: Option<PathBuf>,
    /// For machines with an older C library: agent, installer and device probe for a target of
    /// Rust's, such as x86_64-unknown-linux-musl, which needs none of theirs
    #[arg(long, conflicts_with_all = ["programs", "profile"])]
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
    let (programs, effort) = match (&cli.programs, cli.profile) {
        (Some(folder), _) => (Programs::of_folder(folder), Effort::Best),
        (None, Profile::Dev) => (Programs::of_tests()?, Effort::Least),
        (None, Profile::Release) => {
            let built = Programs::release(packages, &below_target("")?, target)?;
            (built, Effort::Best)
        }
    };
    let out = match &cli.out {
        Some(out) => out.clone(),
        None => below_target("packages")?.join(target.unwrap_or_default()),
    };
    for made in packages::make(packages, &programs, effort, &out)? {
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
