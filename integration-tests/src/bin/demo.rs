//! `cargo demo`: the main job in one command, in a folder that can be deleted.

use anyhow::{Context as _, bail};
use clap::Parser;
use patchward_integration_tests::demo;
use std::path::PathBuf;
use std::process::ExitCode;

/// A hospital in a folder: from an empty disk to a verified rollout, with real processes.
///
/// Ends with 0 only if everything that it says really happened.
#[derive(Debug, Parser)]
#[command(name = "cargo demo")]
struct Cli {
    /// The folder; it must not exist or be an earlier demo's
    #[arg(long, default_value = "hospital")]
    folder: PathBuf,
    /// Keep the hospital running afterwards, to look around
    #[arg(long)]
    stay: bool,
}

/// What marks a folder as a demo's, so that it may be deleted.
const MARK: &str = ".patchward-demo";

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let folder = std::path::absolute(&cli.folder)?;
    if folder.join(MARK).exists() {
        std::fs::remove_dir_all(&folder).context("deleting the earlier demo")?;
    }
    if folder.exists() && std::fs::read_dir(&folder)?.next().is_some() {
        bail!(
            "{} is not empty and no demo; name another --folder",
            folder.display()
        );
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(MARK), "This folder may be deleted.\n")?;
    let hospital = demo::run(&folder)?;
    if cli.stay {
        println!(
            "\nThe hospital keeps running. Try, in another terminal:\n  \
             patchward-collector --folder {}/collector machine list\nEnter ends it.",
            folder.display()
        );
        std::io::stdin().read_line(&mut String::new())?;
    }
    drop(hospital);
    Ok(())
}
