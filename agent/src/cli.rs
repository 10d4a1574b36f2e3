//! The commands of `patchward-agent`.

mod doctor;
mod enroll;
mod show;

use crate::config::Settings;
use crate::credentials::CredentialsError;
use crate::driver::{Driver, DriverError, system_clock};
use crate::enrol::EnrolError;
use crate::installer::{Installer, InstallerError};
use crate::link::LinkError;
use crate::state::StateError;
use crate::{inventory, probe};
use clap::{Args, Parser, Subcommand};
use patchward_common::doctor::LEAST_FREE_MEGABYTES;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::wire::local::{self, HOLD_REASONS, Hold, hold_ms};
use patchward_log::Form;
use std::path::PathBuf;
use std::process::ExitCode;

/// What the journal and people call this program.
const PROGRAM: &str = "patchward-agent";

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  it failed; the message says where and why
  2  the command line is wrong
  3  this machine is not enrolled
  4  a person has to accept this machine first
  5  the collector cannot be reached
  6  the installer cannot be reached
  7  refused: by the collector, or by the installer
  8  the settings are wrong";

/// The agent of a machine: reports, downloads, carries. It never executes what it downloads.
#[derive(Debug, Parser)]
#[command(name = "patchward-agent", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The settings.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "PATCHWARD_AGENT_CONFIG"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Get this machine's first certificate, with a token from the collector.
    Enroll(EnrollArgs),
    /// Run as a service.
    Run,
    /// Show what would be reported.
    Inventory(JsonArgs),
    /// Show where things stand on this machine.
    Status(JsonArgs),
    /// "Not now": nothing starts on this machine for a while.
    Hold(HoldArgs),
    /// Look for what is wrong with this machine and its way to the collector, and say what to do.
    Doctor(DoctorArgs),
}

/// Where the token is.
#[derive(Debug, Args)]
pub(crate) struct EnrollArgs {
    /// The token itself. Others on this machine may see it while this runs.
    #[arg(
        long,
        conflicts_with = "token_file",
        required_unless_present = "token_file"
    )]
    token: Option<String>,
    /// A file with the token; `-` reads it from standard input.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Wait so long for a person's acceptance, in minutes; 0 does not wait.
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    wait: u32,
    /// Replace the certificate of a machine that is enrolled already.
    #[arg(long)]
    again: bool,
}

#[derive(Debug, Args)]
struct JsonArgs {
    /// For programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DoctorArgs {
    /// For programs.
    #[arg(long)]
    json: bool,
    /// How much of the disk must be free, in megabytes.
    #[arg(long, default_value_t = LEAST_FREE_MEGABYTES, value_name = "NUMBER")]
    least_free_megabytes: u64,
    /// The installer's settings.
    #[arg(
        long,
        default_value = "/etc/patchward/installer.toml",
        value_name = "FILE"
    )]
    installer_config: PathBuf,
}

#[derive(Debug, Args)]
struct HoldArgs {
    /// How long, such as 45m or 2h; at most 12h.
    #[arg(long = "for", value_name = "TIME", value_parser = hold_ms, required_unless_present = "end")]
    time: Option<i64>,
    /// Why.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(HOLD_REASONS), default_value = "other")]
    reason: String,
    /// End the hold now.
    #[arg(long, conflicts_with = "time")]
    end: bool,
}

/// Why a command failed; each kind has an exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Settings(#[from] patchward_common::settings::BadFile),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Installer(#[from] InstallerError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the collector refused: {0}")]
    Refused(String),
    #[error("a person has to accept this machine at the collector; run this again afterwards")]
    Waiting,
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{0}")]
    Other(String),
}

impl From<EnrolError> for CliError {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Installer(error) => error.into(),
            EnrolError::Link(error) => error.into(),
            EnrolError::Refused(refused) => Self::Refused(refused.text),
            EnrolError::Credentials(error) => error.into(),
            EnrolError::Pin(problem) => Self::Other(problem.into()),
            EnrolError::Key(error) => Self::Other(error.to_string()),
        }
    }
}

impl CliError {
    fn code(&self) -> u8 {
        match self {
            Self::Credentials(CredentialsError::NotEnrolled) => 3,
            Self::Waiting => 4,
            Self::Link(_) => 5,
            Self::Installer(InstallerError::Refused(_)) | Self::Refused(_) => 7,
            Self::Installer(_) => 6,
            Self::Settings(_) => 8,
            Self::Credentials(_) | Self::State(_) | Self::Other(_) => 1,
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // One thread: the agent mostly waits.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(CliError::Other(format!("cannot start: {error}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            patchward_log::ended(PROGRAM, &error.to_string());
            ExitCode::from(error.code())
        }
    }
}

async fn run(cli: Cli) -> Result<(), CliError> {
    let loaded = Settings::load(cli.config.as_deref());
    if let (Err(error), Command::Doctor(args)) = (&loaded, &cli.command) {
        doctor::without_settings(error.to_string(), args.json)?;
    }
    let settings = loaded?;
    // A command's words are for whoever typed it.
    let form = match &cli.command {
        Command::Run => settings.log,
        _ => Form::Text,
    };
    let started = patchward_log::start(form, PROGRAM);
    started.map_err(|error| CliError::Other(format!("log = {form:?}: {error}")))?;
    let installer = Installer::new(&settings.installer_socket);
    match cli.command {
        Command::Enroll(args) => enroll::enroll(&settings, installer, args).await,
        Command::Run => serve(settings).await,
        Command::Inventory(args) => show_inventory(&settings, args.json).await,
        Command::Status(args) => show::status(&settings, &installer, args.json).await,
        Command::Hold(args) => hold(&installer, args).await,
        Command::Doctor(args) => doctor::doctor(&settings, &installer, &args).await,
    }
}

async fn serve(settings: Settings) -> Result<(), CliError> {
    let driver = Driver::new(settings, system_clock).map_err(|error| match error {
        DriverError::Credentials(error) => CliError::from(error),
        DriverError::State(error) => error.into(),
    })?;
    use tokio::signal::unix::{SignalKind, signal};
    let ended = |error: std::io::Error| CliError::Other(format!("signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(ended)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ended)?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    driver.run(stop).await.map_err(|error| match error {
        DriverError::Credentials(error) => CliError::from(error),
        DriverError::State(error) => error.into(),
    })
}

async fn show_inventory(settings: &Settings, json: bool) -> Result<(), CliError> {
    let mut watch = inventory::Watch::new(settings.root_dir.clone(), settings.inventory.clone());
    let loaded = probe::load(&settings.probes_dir, settings.probes_owner);
    for refused in &loaded.refused {
        eprintln!("patchward-agent: a probe is not used: {refused}");
    }
    watch.look(&loaded.probes).await;
    let text = match json {
        true => inventory::json(&watch.inventory()),
        false => inventory::table(&watch.inventory()),
    };
    print(&text)
}

async fn hold(installer: &Installer, args: HoldArgs) -> Result<(), CliError> {
    let Some(ms) = args.time else {
        installer.ask(&local::Request::EndHold).await?;
        return print("The hold is over.\n");
    };
    let until = UtcMs(system_clock().0).plus_ms(ms);
    let reason = Name::new(args.reason).map_err(|error| CliError::Other(error.to_string()))?;
    let hold = Hold { until, reason };
    installer.ask(&local::Request::Hold(hold)).await?;
    print(&format!(
        "Nothing starts on this machine before {until}. Work that runs goes on to a safe end.\n"
    ))
}

/// Prints; a reader that went away (`| head`) is no failure.
fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write as _;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::Other(format!("printing: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        for reason in HOLD_REASONS {
            assert!(Name::new(reason).is_ok());
        }
        for wrong in [
            &["enroll"][..],
            &["enroll", "--token", "a", "--token-file", "b"],
            &["hold"],
            &["hold", "--for", "2h", "--reason", "Mr Smith"],
            &["hold", "--for", "2h", "--end"],
            &["inventory", "--xml"],
        ] {
            let line = std::iter::once(&"patchward-agent").chain(wrong);
            assert!(Cli::try_parse_from(line).is_err(), "{wrong:?}");
        }
    }
}
