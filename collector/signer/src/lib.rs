//! Signs the hospital's documents, on files, away from the collector.
//!
//! Every command shows in plain words what it signs and asks before it does. Plans go
//! through the plan check here too: whatever a collector says, a plan with a finding
//! that blocks is not signed. Of the workspace only the shared words are imported.

mod cli;
pub mod clock;
mod command;
mod error;
mod file;
mod key;
mod memory;
mod show;
mod time_text;

pub use cli::Cli;
pub use command::described;
pub use error::Failure;
pub use key::read_pem;

use patchward_common::time::UtcMs;
use std::io::Write;

/// What a command needs of the world around it.
pub struct Session<'a> {
    /// The clock, read once.
    pub now: UtcMs,
    /// Where it shows things.
    pub out: &'a mut dyn Write,
    /// Asks a question and gives back the line that was typed.
    pub ask: &'a mut dyn FnMut(&str) -> std::io::Result<String>,
}

impl Session<'_> {
    /// Shows a text.
    fn say(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        writeln!(self.out, "{}", text.as_ref()).map_err(Failure::Terminal)
    }

    /// Asks for the word `yes`, unless it was given with the command.
    fn confirm(&mut self, question: &str, given: bool) -> Result<(), Failure> {
        if given {
            return Ok(());
        }
        let answer = (self.ask)(&format!("{question} Type yes: ")).map_err(Failure::Terminal)?;
        match answer.trim() {
            "yes" => Ok(()),
            _ => Err(Failure::Declined),
        }
    }
}

/// Carries out one command.
pub fn run(cli: &Cli, session: &mut Session<'_>) -> Result<(), Failure> {
    command::run(cli, session)
}

#[cfg(test)]
mod tests;
