//! `cargo demo`: the main job in one command, in a folder that can be deleted.

use anyhow::{Context as _, bail};
use clap::Parser;
use patchward_integration_tests::demo::registrar::Registrar;
use patchward_integration_tests::demo::{self, Links};
use patchward_integration_tests::hospital::Hospital;
use patchward_integration_tests::programs::Program;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

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
/// How often Rita looks who asks to be enrolled: who waits for it sees it when they look again.
const LOOK: Duration = Duration::from_secs(1);

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
    let (hospital, links) = demo::run(&folder, cli.stay)?;
    if let Some(links) = links {
        stay(&hospital, &links)?;
    }
    drop(hospital);
    Ok(())
}

/// Says how to look around, and waits: for Enter where somebody sits at a terminal, and
/// for SIGINT or SIGTERM wherever it runs. Meanwhile Rita does what a registrar does.
#[tokio::main(flavor = "current_thread")]
async fn stay(hospital: &Hospital, links: &Links) -> anyhow::Result<()> {
    // Listened for before anybody is told of it.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (entered, mut enter) = tokio::sync::mpsc::channel(1);
    let at_a_terminal = std::io::stdin().is_terminal();
    invite(hospital, links)?;
    println!(
        "{} ends it.",
        match at_a_terminal {
            true => "Enter",
            false => "SIGINT or SIGTERM",
        }
    );
    if at_a_terminal {
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_line(&mut String::new());
            let _ = entered.blocking_send(());
        });
    }
    let mut rita = Registrar::default();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            Some(()) = enter.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = looks.tick() => {
                for said in rita.look(hospital) {
                    println!("{said}");
                }
            }
        }
    }
}

/// Three people to be, and what each can try.
fn invite(hospital: &Hospital, links: &Links) -> anyhow::Result<()> {
    let Links {
        ada,
        ben,
        administrator,
        draft,
    } = links;
    println!(
        "\nThe hospital keeps running. Its page: {}\n\
         Three links, each good once, within 24 hours, and each for a browser or a private window of \
         its own.\nThe browser warns: the collector's own authority issued the page's certificate.\n\n\
         Ada, approver; begin with her: choose a password, make a key, read and sign the draft \
         {draft}, watch it run.\n  {ada}\n\
         Ben, approver too: decline a plan and say why, make one of your own, stop everything.\n  {ben}\n\
         Adam, administrator: look at Setup, add people under Settings.\n  {administrator}\n\n\
         Rita, the registrar, is played here: she enrols browser keys within seconds. In a hospital a \
         person looks at the fingerprint first.\n\
         Or try, in another terminal:\n  {} --folder {} machine list",
        hospital.page()?.address,
        Program::Collector.path()?.display(),
        hospital.collector_folder().display(),
    );
    Ok(())
}
