//! `cargo demo`: the main job in one command, in a folder that can be deleted.

use anyhow::{Context as _, bail};
use clap::Parser;
use patchward_integration_tests::demo;
use patchward_integration_tests::hospital::Page;
use patchward_integration_tests::programs::Program;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

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
        stay(&folder, hospital.page()?)?;
    }
    drop(hospital);
    Ok(())
}

/// Says how to look around, and waits: for Enter where somebody sits at a terminal, and
/// for SIGINT or SIGTERM wherever it runs.
#[tokio::main(flavor = "current_thread")]
async fn stay(folder: &Path, page: &Page) -> anyhow::Result<()> {
    // Listened for before anybody is told of it.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (entered, mut enter) = tokio::sync::mpsc::channel(1);
    let at_a_terminal = std::io::stdin().is_terminal();
    println!(
        "\nThe hospital keeps running. Its page: {}\nThe first administrator opens this link, once, \
         and adds the others under Settings:\n  {}\nThe browser warns: the collector's own \
         authority issued the page's certificate.\nOr try, in another terminal:\n  \
         {} --folder {}/collector machine list\n{} ends it.",
        page.address,
        page.welcome,
        Program::Collector.path()?.display(),
        folder.display(),
        if at_a_terminal {
            "Enter"
        } else {
            "SIGINT or SIGTERM"
        }
    );
    if at_a_terminal {
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_line(&mut String::new());
            let _ = entered.blocking_send(());
        });
    }
    tokio::select! {
        Some(()) = enter.recv() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
