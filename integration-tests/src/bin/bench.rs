//! `cargo bench-patchward`: the figures of `docs/benchmarks.md`, measured here and now.

use anyhow::bail;
use clap::{Parser, Subcommand};
use patchward_integration_tests::bench::report::{Report, computer, load, table};
use patchward_integration_tests::bench::{
    artifacts, backup, checks, evidence, failover, held, idle, inventory, load, matching, openings,
    pages, peers, plan, restart, search, site_relay, sizes, stops, vendors, wire,
};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The real advisories, beside the repository that the command is typed in.
const ADVISORIES: &str = "../shared/data/csaf-icsma";

/// Measures this release build on this computer. A figure that is missed is shown as
/// missed, and is no failure.
#[derive(Debug, Parser)]
#[command(name = "cargo bench-patchward")]
struct Cli {
    /// Measure a build that is not optimised, to try the benchmark itself.
    #[arg(long, global = true)]
    unoptimised: bool,
    #[command(subcommand)]
    which: Which,
}

#[derive(Clone, Debug, Subcommand)]
enum Which {
    /// The stripped programs.
    Sizes,
    /// The inventory against dpkg-query.
    Inventory,
    /// Bytes of hello, inventory and cold start.
    Wire,
    /// The installer's eleven checks against sha256sum.
    Checks,
    /// Openings of a window over twenty years, and a large calendar.
    Openings,
    /// Plans of up to 100,000 machines, and the plan check.
    Plan,
    /// Quiet hellos on 1,000 connections.
    Hellos,
    /// Journal events acknowledged after COMMIT, on 1,000 connections.
    Journal,
    /// A stop, from its file to 5,000 and to 20,000 connected machines.
    Stops {
        /// Only this fleet.
        #[arg(long)]
        machines: Option<usize>,
    },
    /// A power cut of a collector with 5,000 machines connected.
    Failover {
        /// Only so many machines.
        #[arg(long)]
        machines: Option<usize>,
    },
    /// A restart of the collector of a full hospital, to which its machines come back.
    Restart {
        /// How many machines it has.
        #[arg(long, default_value_t = patchward_integration_tests::filled::MACHINES)]
        machines: usize,
        /// How many come back.
        #[arg(long, default_value_t = 20_000)]
        connected: usize,
        /// A collector's folder that `fill` filled, instead of filling one.
        #[arg(long)]
        hospital: Option<PathBuf>,
    },
    /// Artifacts from the collector, and from plain quinn.
    Artifacts,
    /// Artifacts by a site relay.
    Relay,
    /// Memory of a held connection.
    Held,
    /// Memory and processor time of an idle agent.
    Idle {
        /// How long it is watched, in seconds.
        #[arg(long, default_value_t = 600)]
        seconds: usize,
    },
    /// What programs cost that do alike: Zabbix, FusionInventory, mosquitto.
    Peers {
        /// How long the agent is watched, in seconds.
        #[arg(long, default_value_t = 120)]
        seconds: usize,
    },
    /// A refresh of a vendor's repository that has nothing new.
    Tuf,
    /// An artifact taken in, against sha256sum and cp.
    Takein,
    /// Who has 30 versions of a component in one unit, of 50,000 machines.
    Search,
    /// Advisories against 50,000 machines and 10,000 assets.
    Matching,
    /// A pack of evidence, made and verified.
    Evidence {
        /// How many jobs it has.
        #[arg(long, default_value_t = 1_000)]
        jobs: usize,
    },
    /// The page of a full hospital, while its machines say hello.
    Pages {
        /// How many machines it has.
        #[arg(long, default_value_t = patchward_integration_tests::filled::MACHINES)]
        machines: usize,
        /// A collector's folder that `fill` filled, instead of filling one.
        #[arg(long)]
        hospital: Option<PathBuf>,
        /// Only this address, such as /list/unit/list; as often as there are some.
        #[arg(long)]
        address: Vec<String>,
    },
    /// Hellos while the store of a full hospital is backed up.
    Backup {
        /// How many machines it has.
        #[arg(long, default_value_t = patchward_integration_tests::filled::MACHINES)]
        machines: usize,
        /// A collector's folder that `fill` filled, instead of filling one.
        #[arg(long)]
        hospital: Option<PathBuf>,
    },
    /// All of them, one after the other.
    All,
}

impl Which {
    const EACH: [Self; 23] = [
        Self::Sizes,
        Self::Inventory,
        Self::Wire,
        Self::Checks,
        Self::Openings,
        Self::Plan,
        Self::Hellos,
        Self::Journal,
        Self::Stops { machines: None },
        Self::Failover { machines: None },
        Self::Restart {
            machines: patchward_integration_tests::filled::MACHINES,
            connected: 20_000,
            hospital: None,
        },
        Self::Artifacts,
        Self::Relay,
        Self::Held,
        Self::Idle { seconds: 600 },
        Self::Peers { seconds: 120 },
        Self::Tuf,
        Self::Takein,
        Self::Search,
        Self::Matching,
        Self::Evidence { jobs: 1_000 },
        Self::Pages {
            machines: patchward_integration_tests::filled::MACHINES,
            hospital: None,
            address: Vec::new(),
        },
        Self::Backup {
            machines: patchward_integration_tests::filled::MACHINES,
            hospital: None,
        },
    ];

    fn run(self) -> anyhow::Result<Vec<Report>> {
        let report = match self {
            Self::Sizes => sizes::run()?,
            Self::Inventory => inventory::run()?,
            Self::Wire => wire::run()?,
            Self::Checks => checks::run()?,
            Self::Openings => openings::run()?,
            Self::Plan => plan::run()?,
            Self::Hellos => wait_for(load::hellos())?,
            Self::Journal => wait_for(load::journal())?,
            Self::Stops { machines } => wait_for(stops::run(machines))?,
            Self::Failover { machines } => wait_for(failover::run(machines))?,
            Self::Restart {
                machines,
                connected,
                hospital,
            } => wait_for(restart::run(
                machines,
                connected,
                Path::new(ADVISORIES),
                hospital.as_deref(),
            ))?,
            Self::Artifacts => wait_for(artifacts::run())?,
            Self::Relay => wait_for(site_relay::run())?,
            Self::Held => wait_for(held::run())?,
            Self::Idle { seconds } => wait_for(idle::run(seconds))?,
            Self::Peers { seconds } => wait_for(peers::run(seconds))?,
            Self::Tuf => vendors::tuf()?,
            Self::Takein => wait_for(vendors::take_in())?,
            Self::Search => wait_for(search::run())?,
            Self::Matching => wait_for(matching::run(Path::new(ADVISORIES)))?,
            Self::Evidence { jobs } => wait_for(evidence::run(jobs))?,
            Self::Pages {
                machines,
                hospital,
                address,
            } => wait_for(pages::run(
                machines,
                Path::new(ADVISORIES),
                hospital.as_deref(),
                address,
            ))?,
            Self::Backup { machines, hospital } => wait_for(backup::run(
                machines,
                Path::new(ADVISORIES),
                hospital.as_deref(),
            ))?,
            Self::All => return all(),
        };
        print!("{report}");
        Ok(vec![report])
    }
}

/// One thread is enough for the load, and takes least from what is measured.
fn wait_for<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(work)
}

fn all() -> anyhow::Result<Vec<Report>> {
    let mut reports = Vec::new();
    for which in Which::EACH {
        reports.extend(which.run()?);
    }
    Ok(reports)
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nNot measured: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    if cfg!(debug_assertions) && !cli.unoptimised {
        bail!("this build is not optimised; run `cargo bench-patchward`");
    }
    println!("On {}", computer());
    let reports = cli.which.clone().run()?;
    println!("\nAt the end: {}\n\n{}", load(), table(&reports));
    Ok(())
}
