//! Fills a collector's folder with a hospital: 50,000 machines with what they have installed,
//! two years of rollouts, a list of equipment, advisories. For benchmarks, and to look around.

use anyhow::Context as _;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use patchward_integration_tests::bench::report::clock;
use patchward_integration_tests::filled::{self, MACHINES, Ports, Spec};
use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Fills a folder with a hospital; afterwards `patchward-collector --folder FOLDER serve`
/// serves it.
#[derive(Debug, Parser)]
#[command(name = "fill")]
struct Cli {
    /// The folder: a new one, or one that `init` made and that has no machines
    folder: PathBuf,
    /// How many machines; all else follows from it
    #[arg(long, default_value_t = MACHINES, value_parser = machines)]
    machines: usize,
    /// What chance begins with
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A PostgreSQL URL instead of SQLite in the folder
    #[arg(long)]
    postgres: Option<String>,
    /// A folder of advisories (CSAF)
    #[arg(long, default_value = "../shared/data/csaf-icsma")]
    advisories: PathBuf,
    /// Where machines will reach the collector (UDP)
    #[arg(long, default_value = "127.0.0.1:9443")]
    listen: SocketAddr,
    /// Where people will open the page (TCP)
    #[arg(long, default_value = "127.0.0.1:8443")]
    web_listen: SocketAddr,
}

/// Fewer than a unit are no hospital; more than 100,000 nobody has.
fn machines(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|error| format!("{error}"))?;
    match (100..=100_000).contains(&number) {
        true => Ok(number),
        false => Err("100 to 100000".into()),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filled = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting")
        .and_then(|runtime| runtime.block_on(fill(&cli)));
    match filled {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nNot filled: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn fill(cli: &Cli) -> anyhow::Result<()> {
    let begun = clock();
    let spec = Spec {
        seed: cli.seed,
        advisories: cli.advisories.clone(),
        ..Spec::of(cli.machines, patchward_collector::clock::now())
    };
    let ports = Ports {
        machines: cli.listen,
        page: cli.web_listen,
    };
    let shown = Shown::default();
    let progress = |step: &str, done: usize, all: usize| shown.step(step, done, all);
    let link = filled::fill(
        &cli.folder,
        &ports,
        cli.postgres.as_deref(),
        &spec,
        &progress,
    );
    let link = link.await?;
    shown.end();
    println!(
        "{} machines in {:.0} s. Look around:\n  patchward-collector --folder {} serve\n\
         and open, once, for the password of `admin`:\n  {link}",
        spec.machines,
        begun.elapsed().as_secs_f64(),
        cli.folder.display()
    );
    Ok(())
}

/// How far it is: a bar on a terminal, a line for each step in a log.
#[derive(Default)]
struct Shown {
    step: RefCell<String>,
    bar: RefCell<Option<ProgressBar>>,
}

impl Shown {
    fn step(&self, step: &str, done: usize, all: usize) {
        let is_new = *self.step.borrow() != step;
        if is_new {
            self.end();
            *self.step.borrow_mut() = step.to_owned();
            match std::io::stderr().is_terminal() {
                true => *self.bar.borrow_mut() = Some(bar(step, all)),
                false => eprintln!("{step} ({all})"),
            }
        }
        if let Some(bar) = &*self.bar.borrow() {
            bar.set_position(done as u64);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish();
        }
    }
}

fn bar(step: &str, all: usize) -> ProgressBar {
    let bar = ProgressBar::new(all as u64).with_message(step.to_owned());
    let style = ProgressStyle::with_template("{msg:<12} {bar:40} {human_pos}/{human_len} {eta}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
