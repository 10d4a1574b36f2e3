//! The command line.

use crate::config::Settings;
use crate::{clock, consoles, installer, session, shown};
use clap::{Parser, Subcommand};
use jiff::tz::TimeZone;
use patchward_common::notice::held;
use patchward_common::settings::BadFile;
use patchward_common::wire::local::{HOLD_REASONS, hold_ms};
use patchward_log::Form;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// What the journal and people call this program.
const PROGRAM: &str = "patchward-notice";

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  it failed; the message says where and why
  2  the command line is wrong
  7  \"not now\" was not taken; the message says why
  8  the settings are wrong";

/// Tells people at this machine what is done here and when, and takes their "not now".
#[derive(Debug, Parser)]
#[command(name = "patchward-notice", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The settings.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "PATCHWARD_NOTICE_CONFIG"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show notices in this desktop session; it starts with the session.
    Session,
    /// Show notices on consoles and terminals; its unit runs it.
    Consoles,
    /// Say what is to come and what is under way.
    Show,
    /// "Not now": nothing starts here before some time after the next start.
    NotNow {
        /// How long beyond the next start, or from now on where none is near, such as 45m or
        /// 2h; at most 12h. Without it, as long as the settings say.
        #[arg(long = "for", value_name = "TIME", value_parser = hold_ms)]
        beyond_ms: Option<i64>,
        /// Why.
        #[arg(long, value_parser = HOLD_REASONS, default_value = "other")]
        reason: String,
    },
}

/// Why it failed; each kind has an exit code.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Settings(#[from] BadFile),
    #[error("\"not now\" was not taken: {0:#}")]
    Refused(anyhow::Error),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl CliError {
    fn code(&self) -> u8 {
        match self {
            Self::Settings(_) => 8,
            Self::Refused(_) => 7,
            Self::Other(_) => 1,
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            patchward_log::ended(PROGRAM, &error.to_string());
            ExitCode::from(error.code())
        }
    }
}

fn run(cli: Cli) -> Result<(), CliError> {
    let settings = Settings::load(cli.config.as_deref())?;
    // A command's words are for whoever typed it.
    let form = match &cli.command {
        Command::Session | Command::Consoles => settings.log,
        Command::Show | Command::NotNow { .. } => Form::Text,
    };
    patchward_log::start(form, PROGRAM).map_err(anyhow::Error::from)?;
    match cli.command {
        Command::Session => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(anyhow::Error::from)?;
            Ok(runtime.block_on(session::run(&settings))?)
        }
        Command::Consoles => Ok(consoles::run(&settings)?),
        Command::Show => show(&settings),
        Command::NotNow { beyond_ms, reason } => {
            let beyond_ms = beyond_ms.unwrap_or(settings.beyond_ms());
            not_now(&settings, beyond_ms, &reason)
        }
    }
}

fn show(settings: &Settings) -> Result<(), CliError> {
    let (screen, now) = (shown::read(&settings.screen_file)?, clock::now());
    let zone = TimeZone::system();
    let mut text = String::new();
    for notice in screen.due(now) {
        let words = notice.text(&screen.call, &zone, now);
        text.push_str(&format!("{}.\n{}\n", words.summary, words.body));
    }
    if let Some(hold) = screen.hold.as_ref().filter(|hold| now < hold.until) {
        text.push_str(&held(hold.until, &screen.call, &zone).body);
        text.push('\n');
    }
    if text.is_empty() {
        text.push_str("Nothing is done here now or within a day.\n");
    }
    print(&text)
}

fn not_now(settings: &Settings, beyond_ms: i64, reason: &str) -> Result<(), CliError> {
    let screen = shown::read(&settings.screen_file)?;
    let until = installer::until(&screen, beyond_ms);
    let said = installer::hold(&settings.installer_socket, until, reason);
    said.map_err(CliError::Refused)?;
    let text = held(until, &screen.call, &TimeZone::system());
    print(&format!("{}\n", text.body))
}

/// Prints; a reader that went away (`| head`) is no failure.
fn print(text: &str) -> Result<(), CliError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Other(error.into())),
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
        for wrong in [
            &["not-now", "--for", "13h"][..],
            &["not-now", "--reason", "Mr Smith"],
            &["show", "--xml"],
        ] {
            let line = std::iter::once(&PROGRAM).chain(wrong);
            assert!(Cli::try_parse_from(line).is_err(), "{wrong:?}");
        }
    }
}
