//! Backups: made and read back where the command is typed, beside a collector that runs or
//! without one; a running collector only tells of those that it keeps.

use super::release::absolute;
use crate::app::App;
use crate::backup;
use crate::control::{Cell, Failure, Output, Table};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What can be done with backups.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum BackupCommand {
    /// Make a backup of everything, read it back, and let the oldest go
    Make {
        /// The folder to keep it in; without it that of the settings
        #[arg(long, value_parser = absolute)]
        to: Option<PathBuf>,
        /// How many are kept there; without it as many as the settings say
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        keep: Option<u32>,
    },
    /// Read a backup back: each file against its digest, the database, the audit log
    Verify {
        /// The backup
        #[arg(value_parser = absolute)]
        backup: PathBuf,
    },
    /// Show the backups in the folder of the settings, newest first
    List,
}

/// What the running collector tells of backups.
pub(super) fn run(app: &App, command: &BackupCommand) -> Result<Output, Failure> {
    match command {
        BackupCommand::List => list(app.settings.backup_folder.as_deref()),
        BackupCommand::Make { .. } | BackupCommand::Verify { .. } => Err(alone()),
    }
}

/// What is said to a program that sends such a command over the socket.
pub(super) fn alone() -> Failure {
    Failure::input("This is done by the program that it is typed into, not by the collector.")
}

/// The backups of a folder.
///
/// # Errors
/// Where the folder cannot be read.
pub fn list(folder: Option<&std::path::Path>) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "backup", "taken", "version", "engine", "machines", "rows", "files", "bytes",
    ]);
    let Some(folder) = folder else {
        table.note = Some(
            "No backup_folder is set, so nothing is backed up by itself: write it into \
             collector.toml."
                .to_owned(),
        );
        return Ok(Output::Table(table));
    };
    for (path, manifest) in backup::all(folder)? {
        table.row(vec![
            Cell::of(path.display()),
            Cell::of(manifest.taken_at),
            Cell::of(&manifest.version),
            Cell::of(&manifest.engine),
            Cell::of(manifest.rows.get("machines").copied().unwrap_or(0)),
            Cell::of(manifest.rows.values().sum::<u64>()),
            Cell::of(manifest.files.len()),
            Cell::of(manifest.bytes()),
        ]);
    }
    table.note = Some(format!(
        "Of {}. `backup verify` reads one back.",
        folder.display()
    ));
    Ok(Output::Table(table))
}
