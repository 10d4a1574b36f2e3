//! `cargo simulate`: months of hospital life from seeds, with everything that goes wrong.

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use patchward_integration_tests::bench::report::{clock, computer};
use patchward_integration_tests::simulate::{Counts, Fault, Mutant, STORIES, Settings, hunt, run};
use std::process::ExitCode;

/// Plays seeds and judges the invariants after every step.
#[derive(Debug, Parser)]
#[command(name = "cargo simulate")]
struct Cli {
    /// The first seed.
    #[arg(long, global = true, default_value_t = 0)]
    from: u64,
    /// How many seeds; for `mutants`, how many are tried for each.
    #[arg(long, global = true, default_value_t = 200)]
    seeds: u64,
    /// Machines of the hospital.
    #[arg(long, global = true, default_value_t = 50)]
    machines: usize,
    /// Days, of which the last 12 are calm.
    #[arg(long, global = true, default_value_t = 31)]
    days: i64,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Play one seed and show what happens.
    Replay {
        /// The seed.
        seed: u64,
        /// Break this rule, by its word.
        #[arg(long)]
        mutant: Option<String>,
        /// Show only lines with this text.
        #[arg(long)]
        only: Option<String>,
    },
    /// Break each rule and find the seed that catches it; prints the rows of
    /// `docs/simulation.md`.
    Mutants,
    /// Tell the stories of the tests.
    Stories,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let settings = Settings {
        machines: cli.machines,
        days: cli.days,
        mutant: None,
        trace: false,
    };
    let is_well = match &cli.what {
        None => play(&cli, &settings),
        Some(What::Stories) => {
            for (name, tell) in STORIES {
                println!("{name}\n{}", tell());
            }
            true
        }
        Some(What::Mutants) => mutants(&cli, &settings),
        Some(What::Replay { seed, mutant, only }) => {
            replay(*seed, mutant.as_deref(), only.as_deref(), settings)
        }
    };
    match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn play(cli: &Cli, settings: &Settings) -> bool {
    let bar = ProgressBar::new(cli.seeds);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} seeds, {eta} left {msg}") {
        bar.set_style(style);
    }
    let began = clock();
    let mut faults = Counts::default();
    let (mut events, mut starts, mut verified, mut bad) = (0, 0, 0, 0);
    for seed in cli.from..cli.from + cli.seeds {
        let outcome = run(seed, settings);
        for violation in &outcome.violations {
            let (word, at) = (violation.invariant.word(), violation.at);
            bar.suspend(|| println!("seed {seed}: {word} at {at}: {}", violation.text));
        }
        bad += u64::from(!outcome.violations.is_empty());
        faults.add(&outcome.faults);
        events += outcome.events;
        starts += outcome.starts;
        verified += outcome.verified;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let seconds = began.elapsed().as_secs_f64();
    println!("| fault | times | what happened |\n|---|---:|---|");
    for fault in Fault::ALL {
        println!(
            "| `{}` | {} | {} |",
            fault.word(),
            faults.of(*fault),
            fault.what()
        );
    }
    println!("\nOn {}", computer());
    println!(
        "seeds {} to {}, {} machines, {} days: {events} events, {starts} starts, {verified} \
         verified; {bad} seeds with a violation; {seconds:.1} s, {:.3} s per seed",
        cli.from,
        cli.from + cli.seeds - 1,
        settings.machines,
        settings.days,
        seconds / cli.seeds.max(1) as f64,
    );
    for fault in faults.never() {
        println!("never happened: {fault}");
    }
    bad == 0
}

fn mutants(cli: &Cli, settings: &Settings) -> bool {
    let mut all = true;
    println!("| mutant | what is broken | caught by | seed |\n|---|---|---|---:|");
    for mutant in Mutant::ALL {
        match hunt(*mutant, settings, cli.from..cli.from + cli.seeds) {
            Some(caught) => println!("{}", caught.row()),
            None => {
                all = false;
                println!("| `{}` | {} | NOT CAUGHT | |", mutant.word(), mutant.what());
            }
        }
    }
    all
}

fn replay(seed: u64, mutant: Option<&str>, only: Option<&str>, settings: Settings) -> bool {
    let found = mutant.and_then(|word| Mutant::ALL.iter().find(|one| one.word() == word));
    if let (Some(word), None) = (mutant, found) {
        eprintln!("There is no mutant {word}; docs/simulation.md lists them.");
        return false;
    }
    let settings = Settings {
        mutant: found.copied(),
        trace: true,
        ..settings
    };
    let outcome = run(seed, &settings);
    let wanted = |line: &&String| only.is_none_or(|only| line.contains(only));
    for line in outcome.trace.iter().filter(wanted) {
        println!("{line}");
    }
    for violation in &outcome.violations {
        println!(
            "{} at {}: {}",
            violation.invariant.word(),
            violation.at,
            violation.text
        );
    }
    outcome.violations.is_empty()
}
