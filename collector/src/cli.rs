//! The command line.

use crate::command::Command;
use crate::config::{MAX_PACE_SECONDS, SecondFactor, is_address};
use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use patchward_common::doctor::LEAST_FREE_MEGABYTES;
use patchward_common::id::Name;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Patchward's collector: knows the fleet, the vendors' updates, the windows and the plans.
///
/// `init` and `serve` run it. Every other command talks to the running collector.
/// Exit codes: 0 done, 1 a fault of ours, 2 wrong arguments or files, 3 no such thing,
/// 4 contradicts what is there, 5 not possible now, 6 `doctor` found something.
#[derive(Debug, Parser)]
#[command(version, name = "patchward-collector")]
pub struct Cli {
    /// The collector's folder
    #[arg(
        long,
        global = true,
        env = "PATCHWARD_COLLECTOR",
        default_value = "/var/lib/patchward-collector"
    )]
    pub folder: PathBuf,
    /// Print JSON instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

impl Cli {
    /// Reads the command line, or says what is wrong with it and ends the process.
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| without_globals(error).exit())
    }
}

/// Takes the options of every command out of the usage line of an error: clap shows those
/// that were given, or came from the environment, as if they were required.
fn without_globals(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = usage.to_string().replace(" --folder <FOLDER>", "");
        let usage = ContextValue::StyledStr(usage.replace(" --json", "").into());
        error.insert(ContextKind::Usage, usage);
    }
    error
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make a new collector's folder: database, certificate authority, go-key
    Init(Init),
    /// Run the collector
    Serve,
    /// Run a site relay in its folder: it keeps artifacts near the machines of a site
    Relay(Relay),
    /// Look for what is wrong with this collector, or with the relay of this folder, and say what
    /// to do; exit code 6 where something is
    Doctor(Doctor),
    /// Talk to the running collector
    #[command(flatten)]
    Ask(Command),
}

/// Arguments of `relay`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Relay {
    /// Make the relay's key if there is none, print the request for its certificate, and end
    #[arg(long)]
    pub request: bool,
}

/// Arguments of `doctor`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Doctor {
    /// How much of a disk must be free, in megabytes
    #[arg(long, default_value_t = LEAST_FREE_MEGABYTES)]
    pub least_free_megabytes: u64,
}

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// What the roster will call it
    #[arg(long, default_value = "collector")]
    pub name: Name,
    /// Where it listens (UDP)
    #[arg(long, default_value = "0.0.0.0:9443")]
    pub listen: SocketAddr,
    /// How machines reach it, as host:port; may be given several times
    #[arg(long = "address", required = true, value_parser = address)]
    pub addresses: Vec<String>,
    /// A PostgreSQL URL instead of SQLite in the folder
    #[arg(long)]
    pub database: Option<String>,
    /// Where people open the page (TCP); `none` for no page
    #[arg(long, default_value = "0.0.0.0:8443", value_parser = page_port)]
    pub web_listen: PagePort,
    /// How people reach the page, such as https://patchward.hospital.example:8443
    #[arg(long)]
    pub web_address: Option<String>,
    /// Whether those who decide on the page need a second factor: required, offered
    #[arg(long, default_value = "required", value_parser = second_factor)]
    pub second_factor: SecondFactor,
    /// How often a machine reports, in seconds
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PACE_SECONDS)))]
    pub pace_seconds: u32,
}

/// The page's port, if there is a page.
#[derive(Clone, Copy, Debug)]
pub struct PagePort(pub Option<SocketAddr>);

fn page_port(text: &str) -> Result<PagePort, String> {
    match text {
        "none" => Ok(PagePort(None)),
        text => match text.parse() {
            Ok(address) => Ok(PagePort(Some(address))),
            Err(_) => Err("write it as address:port, such as 0.0.0.0:8443, or `none`".into()),
        },
    }
}

fn second_factor(text: &str) -> Result<SecondFactor, String> {
    match text {
        "required" => Ok(SecondFactor::Required),
        "offered" => Ok(SecondFactor::Offered),
        _ => Err("it is `required` or `offered`".into()),
    }
}

fn address(text: &str) -> Result<String, String> {
    match is_address(text) {
        true => Ok(text.to_owned()),
        false => Err("write it as host:port, such as patchward.hospital.example:9443".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_plan_can_have_is_refused_and_not_bent() {
        let with = |option: &str, value: &str| {
            let plan = "patchward-collector plan new T --release viewer=1 --unit icu";
            Cli::try_parse_from(plan.split(' ').chain([option, value]))
        };
        for (option, bad, good) in [
            ("--canaries", "0", "1"),
            ("--growth", "0", "1"),
            ("--spare-slots", "64", "63"),
            ("--spare-slots", "1000", "0"),
            ("--failure-limit", "0", "1"),
            ("--days", "0", "1"),
            ("--days", "101", "100"),
        ] {
            let error = with(option, bad).unwrap_err().to_string();
            assert!(error.contains(option) && error.contains(bad), "{error}");
            assert!(with(option, good).is_ok(), "{option} {good}");
        }
    }

    #[test]
    fn an_error_shows_no_option_as_required_that_is_not() {
        let line = ["patchward-collector", "site", "add", "--folder", "/x"];
        let error = Cli::try_parse_from(line).expect_err("it names no site");
        assert!(error.to_string().contains("--folder"), "{error}");
        let shown = without_globals(error).to_string();
        assert!(!shown.contains("--folder"), "{shown}");
        assert!(shown.contains("site add <NAME>"), "{shown}");
    }
}
