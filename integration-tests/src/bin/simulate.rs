//! `cargo simulate`: months of hospital life from seeds, with everything that goes wrong.

use clap::Parser;
use patchward_integration_tests::simulate::{Counts, Fault, Settings, run};
use std::process::ExitCode;

/// Plays seeds and judges the invariants after every step.
#[derive(Debug, Parser)]
#[command(name = "cargo simulate")]
struct Cli {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// Machines of the hospital.
    #[arg(long, default_value_t = 50)]
    machines: usize,
    /// Days, of which the last 12 are calm.
    #[arg(long, default_value_t = 31)]
    days: i64,
    /// Show what happens.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let settings = Settings {
        machines: cli.machines,
        days: cli.days,
        mutant: None,
        trace: cli.trace,
    };
    let mut faults = Counts::default();
    let mut bad = 0;
    let (mut events, mut starts, mut verified) = (0, 0, 0);
    for seed in cli.from..cli.from + cli.seeds {
        let outcome = run(seed, &settings);
        for line in &outcome.trace {
            println!("{line}");
        }
        for violation in &outcome.violations {
            println!(
                "seed {seed}: {} at {}: {}",
                violation.invariant.word(),
                violation.at,
                violation.text
            );
        }
        bad += u64::from(!outcome.violations.is_empty());
        faults.add(&outcome.faults);
        (events, starts, verified) = (
            events + outcome.events,
            starts + outcome.starts,
            verified + outcome.verified,
        );
    }
    for fault in Fault::ALL {
        println!(
            "{:<24}{:>10}  {}",
            fault.word(),
            faults.of(*fault),
            fault.what()
        );
    }
    println!(
        "{} seeds, {events} events, {starts} starts, {verified} verified, {bad} seeds with a violation",
        cli.seeds
    );
    match bad {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
